"""From a cell in which a claim fails to the smallest readable one: moves from cells to simpler cells, one at a time.

A move is a function from a cell to simpler cells. A step takes the first that still breaks the claim; the end is
reached because every step has fewer workers, or fewer steps, or fewer numbers, or shorter ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from ratecheck.core import shelf
from ratecheck.core.cell import Cell
from ratecheck.core.part import Part, number
from ratecheck.errors import RatecheckError

KINDS = ("problem", "noise", "delays")
#: parts that need no explanation
PLAINEST = {"noise": "rademacher", "delays": "round_robin", "problem": "quadratic"}
#: a fraction with a larger denominator is no simpler than a decimal
DENOMINATORS = (1, 2, 3, 4, 5, 8, 10, 16, 20, 25, 32, 50, 64)


def shrink(cell: Cell, stays: Callable[[Cell], bool], over: Callable[[], bool]) -> list[Cell]:
    """Return the cells on the way down, the given one first: each breaks the claim, as ``stays`` says."""
    path = [cell]
    tried = {cell.digest}
    while not over():
        for simpler in (c for move in MOVES for c in move(path[-1])):
            if simpler.digest in tried or over():
                continue
            tried.add(simpler.digest)
            if stays(simpler):
                path.append(simpler)
                break
        else:
            break
    return path


def plainer_parts(cell: Cell) -> Iterator[Cell]:
    """Yield the cell without noise, with well-known parts, at their defaults, and with delays that have no numbers."""
    if cell.noise.name != "none":
        yield replace(cell, noise=Part("none"), sigma=0.0)
    for kind, name in PLAINEST.items():
        if getattr(cell, kind).name not in (name, "none"):
            yield _with(cell, kind, Part(name))
    for kind in KINDS:
        part: Part = getattr(cell, kind)
        if part.par:
            yield _with(cell, kind, Part(part.name))
    if cell.delays.par:
        for name in shelf.DELAYS.names():
            if not shelf.DELAYS.get(name).par and name != cell.delays.name:
                yield replace(cell, delays=Part(name))


def fewer_numbers(cell: Cell) -> Iterator[Cell]:
    """Yield the cell with one parameter at its default, or one declared constant less."""
    for name in cell.constants:
        yield replace(cell, constants=_without(cell.constants, name))
    for kind in KINDS:
        part: Part = getattr(cell, kind)
        for name in part.par:
            yield _with(cell, kind, Part(part.name, _without(part.par, name)))


def fewer_workers(cell: Cell) -> Iterator[Cell]:
    """Yield the cell with fewer workers, for as many steps each or as many steps in all."""
    turns = max(1, cell.K // cell.M)
    for m in sorted({1, 2, cell.M // 4, cell.M // 2, 3 * cell.M // 4, cell.M - 1}):
        if 0 < m < cell.M:
            yield replace(cell, M=m, K=m * turns)
            if turns > 1:
                yield replace(cell, M=m, K=max(1, cell.K // m) * m)


def fewer_steps(cell: Cell) -> Iterator[Cell]:
    """Yield the cell with fewer steps; whole rounds of the workers."""
    turns = cell.K // cell.M
    for t in sorted({1, turns // 16, turns // 4, turns // 2, 3 * turns // 4, turns - 1}):
        if 0 < t < turns:
            yield replace(cell, K=t * cell.M)


def shorter_numbers(cell: Cell) -> Iterator[Cell]:
    """Yield the cell with one number rounded to a shorter one: sigma, a parameter, a declared constant."""
    if cell.sigma:
        for value in _shorter(cell.sigma):
            yield replace(cell, sigma=float(Fraction(value)))
    for name, given in cell.constants.items():
        for value in _shorter(given):
            yield replace(cell, constants={**cell.constants, name: float(Fraction(value))})
    for kind in KINDS:
        part: Part = getattr(cell, kind)
        for name, given in part.par.items():
            for value in _shorter(given):
                yield _with(cell, kind, Part(part.name, {**part.par, name: value}))


#: what makes a witness easier to read, the greatest help first
MOVES: tuple[Callable[[Cell], Iterator[Cell]], ...] = (
    plainer_parts, fewer_numbers, fewer_workers, fewer_steps, shorter_numbers,
)  # fmt: skip


def _with(cell: Cell, kind: str, part: Part) -> Cell:
    changes: dict[str, Any] = {kind: part}
    return replace(cell, **changes)


def _without(numbers: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {n: v for n, v in numbers.items() if n != name}


def _shorter(given: Any) -> Iterator[Any]:
    """Yield shorter numbers within a third of the given one, the shortest first: '1/25' for 0.0405, 200 for 247."""
    try:
        value = number(given, "a number")
    except RatecheckError:  # a name, such as B_over_W
        return
    if value <= 0:
        return
    texts = {str(Fraction(value).limit_denominator(q)) for q in DENOMINATORS}
    texts |= {str(Fraction(f"{value:.{digits}g}")) for digits in (1, 2)}
    near = [t for t in texts if abs(float(Fraction(t)) / value - 1) < 1 / 3 and _length(t) < _length(given)]
    for text in sorted(near, key=lambda t: (_length(t), abs(float(Fraction(t)) - value))):
        yield int(text) if "/" not in text else text


def _length(given: Any) -> int:
    """Return how many digits are to be read: those of 2000 are one, of 1/25 three."""
    text = f"{given:g}" if isinstance(given, float) else str(given)
    digits = text.partition("e")[0].strip("0.") if "/" not in text else text
    return sum(c.isdigit() for c in digits.rstrip("0.")) + ("e" in text)
