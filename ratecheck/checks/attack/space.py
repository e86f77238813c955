"""What the adversary searches: every part on the shelves that a claim may meet, with its numbers, as a unit cube.

A point of the cube is one cell. Its first coordinates choose a problem, a noise law, delays and an output rule; the
others are M, K/M, sigma, constants that are declared with room (a larger L, a larger B, a smaller mu: the theorem must
bear them), the numbers of the method, and the parameters of the three parts, whatever these are called. So a new part
is searched as soon as its file lies on its shelf. All numbers have three digits at most.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ratecheck.core import shelf
from ratecheck.core.assumption import POLICIES
from ratecheck.core.cell import Cell
from ratecheck.core.claim import Claim
from ratecheck.core.keys import key_of
from ratecheck.core.part import Part, number
from ratecheck.engine.build import DERIVED, build
from ratecheck.errors import RatecheckError

Point = npt.NDArray[np.float64]

#: most workers, and most steps a worker: 2^17 steps in all
WORKERS, TURNS = 64, 2048
#: sigma from 10^-3 to 10^3; the noise of a problem of slope about 1
SIGMA = (-3.0, 3.0)
#: a parameter goes to 100 times its default and to a hundredth; one between 0 and 1 as far in log(p/(1-p))
REACH = math.log(100)
#: constants are declared with room up to this power of 10
ROOM = 6.0
#: the part of a coordinate that stands for 'as it is': no room, the default of a parameter
PLAIN = 0.2
#: parameters that count something, and the largest count
WHOLE, COUNT = frozenset({"dimension", "length", "batch", "rows"}), 16
#: parameters that are left as they are: they change little
LEFT = frozenset({"jitter"})
#: parameters that may be given by the schedule (``engine.build.DERIVED``)
NAMED: Mapping[str, str] = {"kink": "B_over_W"}
#: which way a constant may be declared with room: as a larger number, or as a smaller one
LOOSE: Mapping[str, float] = {"L": 1.0, "B": 1.0, "mu": -1.0}
#: coordinates before the parameters: problem, noise, delays, output; M, K/M, sigma
CHOICES, SIZES = 4, 3


@dataclass(frozen=True)
class Space:
    """Names of the parts that the claim may meet, its output rules, and what else there is to choose."""

    problems: tuple[str, ...]
    noises: tuple[str, ...]
    delays: tuple[Part, ...]
    outputs: tuple[str, ...]
    loose: tuple[str, ...]
    own: Mapping[str, float]
    base: Cell
    slots: tuple[int, int, int]

    @property
    def size(self) -> int:
        """The dimension of the cube."""
        return CHOICES + SIZES + len(self.loose) + len(self.own) + sum(self.slots)

    @property
    def words(self) -> dict[str, list[str]]:
        """The names searched, by kind."""
        return {"problems": list(self.problems), "noises": list(self.noises), "delays": [p.label for p in self.delays]}

    def cell(self, point: Point, output: str = "") -> Cell:
        """Return the cell at a point of the cube; under this output rule, where one is given.

        Raises a RatecheckError where the problem cannot be made with these numbers.
        """
        at = iter(point.tolist())
        problem, noise = _choice(self.problems, next(at)), _choice(self.noises, next(at))
        delays, rule = _choice(self.delays, next(at)), _choice(self.outputs, next(at))
        workers, turns = round(WORKERS ** next(at)), round(TURNS ** next(at))
        sigma: float | None = _short(10 ** (SIGMA[0] + (SIGMA[1] - SIGMA[0]) * next(at)))
        law = shelf.NOISES.get(noise)
        if law.fill is None:
            sigma = 0.0 if law.draw is None else None
        loose = {name: next(at) for name in self.loose}
        own = {name: _turned(name, default, next(at)) for name, default in self.own.items()}
        kinds = ((shelf.PROBLEMS, Part(problem)), (shelf.NOISES, Part(noise)), (shelf.DELAYS, delays))
        given = []
        for (where, part), slots in zip(kinds, self.slots, strict=True):
            values = [next(at) for _ in range(slots)]
            given.append(Part(part.name, {**part.par, **dict(_set(where.get(part.name).par, values))}))
        cell = replace(
            self.base, problem=given[0], noise=given[1], delays=given[2], M=workers, K=workers * turns, sigma=sigma,
            output=output or rule,
        )  # fmt: skip
        return replace(cell, constants={**{n: v for n, v in own.items() if v is not None}, **_roomy(cell, loose)})


def space_of(claim: Claim, base: Cell, covered: str, seed: int) -> Space:
    """Return the space of a claim: parts with which its assumptions can hold, delays up to ``claim.policy``.

    ``covered`` is the policy that the claim itself covers; where the attack goes beyond it, delays that the claim
    covers are left out; else those that look further than the claim allows are there as their blind twins. Problems
    that are data sets (with scores of a model) are not searched.
    """
    models = list(_models(POLICIES.index(claim.policy), POLICIES.index(covered)))
    problems = [n for n in shelf.PROBLEMS.names() if not shelf.PROBLEMS.get(n).scores]
    met = set(_meetings(claim, base, problems, shelf.NOISES.names(), models, seed))
    kept = [tuple(dict.fromkeys(n for n in names if n in {m[i] for m in met}))
            for i, names in enumerate((problems, shelf.NOISES.names()))]  # fmt: skip
    delays = tuple(p for p in models if p.label in {m[2] for m in met})
    used = _letters(claim)
    method = shelf.METHODS.get(base.method or claim.method)
    own = {n: number(v, n) for n, v in method.par.items() if v is not None and n in used}
    slots = tuple(
        max((len(list(_knobs(where.get(n).par))) for n in names), default=0)
        for where, names in (
            (shelf.PROBLEMS, kept[0]),
            (shelf.NOISES, kept[1]),
            (shelf.DELAYS, [p.name for p in delays]),
        )
    )
    loose = tuple(n for n in LOOSE if n in used)
    return Space(kept[0], kept[1], delays, tuple(claim.outputs), loose, own, base, (slots[0], slots[1], slots[2]))


def _models(last: int, covered: int) -> Iterator[Part]:
    """Yield the delay models up to policy number ``last``, without those up to ``covered`` where that is smaller."""
    for name in shelf.DELAYS.names():
        model = shelf.DELAYS.get(name)
        policy = POLICIES.index(model.policy)
        if _free(model.par) and policy <= last and (policy > covered or covered >= last):
            yield Part(name)
        elif _free(model.par) and policy > last <= covered:
            yield Part(name, {"blind": 1})


def _meetings(claim: Claim, base: Cell, problems: Sequence[str], noises: Sequence[str], models: Sequence[Part],
              seed: int) -> Iterator[tuple[str, str, str]]:  # fmt: skip
    """Yield triples of labels of parts of which a small cell satisfies the claim's assumptions: each such part once."""
    named: set[str] = set()
    for problem in problems:
        for noise in noises:
            for model in models:
                met = {f"problem {problem}", f"noise {noise}", f"delays {model.label}"}
                if named >= met:
                    continue
                law = shelf.NOISES.get(noise)
                sigma = 1.0 if law.fill is not None else None if law.draw is not None else 0.0
                parts = {"problem": Part(problem), "noise": Part(noise), "delays": model}
                cell = replace(base, **parts, M=2, K=8, sigma=sigma, output=claim.output)  # type: ignore[arg-type]
                try:
                    build(cell, seed, method=claim.method, scheduler=claim.scheduler, stepsize=claim.stepsize,
                          growth=claim.growth, failing=claim.failing)  # fmt: skip
                except RatecheckError:
                    continue
                named |= met
                yield problem, noise, model.label


def _letters(claim: Claim) -> set[str]:
    """Return the names of all constants that the claim's stepsize and inequalities use."""
    rule = shelf.STEPSIZES.get(claim.stepsize) if isinstance(claim.stepsize, str) else claim.stepsize
    found = {n for f in rule.branches.values() for n in f.names}
    sides = [i for s in claim.outputs.values() for i in s.inequalities().values()]
    return found | {n for i in sides for n in (*i.lhs.names, *i.rhs.names)}


def _free(par: Mapping[str, Any]) -> bool:
    """Return whether a delay model says by itself what happens: it needs no list and no file."""
    return all(value is not None for value in par.values())


def _choice(names: Sequence[Any], at: float) -> Any:
    return names[min(int(at * len(names)), len(names) - 1)]


def _knobs(par: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield the parameters that are positive numbers, with their defaults."""
    for name, value in par.items():
        if name in LEFT or value is None or isinstance(value, bool | list | tuple):
            continue
        try:
            default = number(value, name)
        except RatecheckError:
            continue
        if default > 0:
            yield name, default


def _set(par: Mapping[str, Any], values: Sequence[float]) -> Iterator[tuple[str, Any]]:
    """Yield the parameters that differ from their defaults."""
    for (name, default), at in zip(_knobs(par), values, strict=False):
        turned = _turned(name, default, at)
        if turned is not None:
            yield name, turned


def _turned(name: str, default: float, at: float) -> Any:
    """Return the value of a parameter at a coordinate in [0, 1]; None: the default."""
    if name in WHOLE:
        return round(COUNT**at)
    if at < PLAIN:
        return NAMED.get(name) if at < PLAIN / 2 else None
    at = (at - PLAIN) / (1 - PLAIN)
    if default < 1:
        odds = math.log(default / (1 - default)) + REACH * (2 * at - 1)
        return _short(1 / (1 + math.exp(-odds)))
    return _short(default * math.exp(REACH * (2 * at - 1)))


def _roomy(cell: Cell, loose: Mapping[str, float]) -> dict[str, float]:
    """Return the constants that are declared with room, from those of the objective, rounded outward."""
    chosen = {n: (at - 2 * PLAIN) / (1 - 2 * PLAIN) for n, at in loose.items() if at > 2 * PLAIN}
    if not chosen or any(v in DERIVED for v in cell.problem.par.values() if isinstance(v, str)):
        return {}
    problem = shelf.PROBLEMS.get(cell.problem.name)
    known = {"M": cell.M, "K": cell.K, "seed": 0}
    instance = problem.instance(cell.problem.par, known, key_of("problem", cell.problem.name))
    gap = instance.start - instance.minimiser
    true = {**instance.constants, "B": float(np.sqrt(gap @ gap))}
    return {n: _short(true[n] * 10 ** (LOOSE[n] * ROOM * at), LOOSE[n]) for n, at in chosen.items()
            if true.get(n) and math.isfinite(true[n])}  # fmt: skip


def _short(value: float, outward: float = 0.0) -> float:
    """Return the number with three digits; rounded up (``outward`` > 0) or down (< 0) where that matters."""
    found = float(f"{value:.3g}")
    if outward and (found - value) * outward < 0:
        unit = 10.0 ** (math.floor(math.log10(value)) - 2)
        found = float(f"{found + outward * unit:.3g}")
    return found
