"""What the adversary searches: every part on the shelves that a claim may meet, with its numbers, as a unit cube.

A point of the cube is one cell. Its first coordinates choose a problem, a noise law, delays and an output rule; the
others are M, K/M, sigma, constants that are declared by hand (``declared``), the numbers of the method, and the
parameters of the three parts, whatever these are called. So a new part is searched as soon as its file lies on its
shelf. All numbers have three digits at most. Where a lower bound brings its instances, their parts are the ones that
are searched, with their numbers.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy.typing as npt

from ratecheck.checks.declared import LOOSE, PLAIN, Open, declared, letters, open_of, plainly, short
from ratecheck.core import shelf
from ratecheck.core.assumption import POLICIES
from ratecheck.core.cell import Cell
from ratecheck.core.claim import Claim
from ratecheck.core.part import Part, number
from ratecheck.engine.build import build
from ratecheck.errors import RatecheckError

Point = npt.NDArray[Any]

#: most workers, most steps a worker, and most steps in all
WORKERS, TURNS, STEPS = 128, 2048, 2**17
#: sigma from 10^-3 to 10^3; the noise of a problem of slope about 1
SIGMA = (-3.0, 3.0)
#: a parameter goes to 100 times its default and to a hundredth; one between 0 and 1 as far in log(p/(1-p))
REACH = math.log(100)
#: parameters that count something, and the largest count
WHOLE, COUNT = frozenset({"dimension", "length", "batch", "rows"}), 16
#: parameters that are left as they are: they change little
LEFT = frozenset({"jitter"})
#: parameters that may be given by the schedule (``engine.build.DERIVED``)
NAMED: Mapping[str, str] = {"kink": "B_over_W"}
#: coordinates before the parameters: problem, noise, delays, output; M, K/M, sigma
CHOICES, SIZES = 4, 3


@dataclass(frozen=True)
class Space:
    """Names of the parts that the claim may meet, its output rules, and what else there is to choose."""

    problems: tuple[Part, ...]
    noises: tuple[str, ...]
    delays: tuple[Part, ...]
    outputs: tuple[str, ...]
    loose: tuple[str, ...]
    opened: tuple[Open, ...]
    own: Mapping[str, float]
    base: Cell
    method: str
    slots: tuple[int, int, int]
    workers: int | None = None
    why: str = ""  #: where it is empty, the assumption that fails most often

    @property
    def size(self) -> int:
        """The dimension of the cube."""
        return CHOICES + SIZES + len(self.loose) + len(self.opened) + len(self.own) + sum(self.slots)

    @property
    def empty(self) -> bool:
        """True when there is nothing to search: no parts of some kind."""
        return not (self.problems and self.noises and self.delays)

    @property
    def words(self) -> dict[str, list[str]]:
        """The names searched, by kind."""
        return {
            "problems": [p.label for p in self.problems],
            "noises": list(self.noises),
            "delays": [p.label for p in self.delays],
        }

    def cell(self, point: Point, output: str = "") -> Cell:
        """Return the cell at a point of the cube; under this output rule, where one is given.

        Raises a RatecheckError where the problem cannot be made with these numbers.
        """
        at = iter(point.tolist())
        problem, noise = _choice(self.problems, next(at)), _choice(self.noises, next(at))
        delays, rule = _choice(self.delays, next(at)), _choice(self.outputs, next(at))
        workers, turns = round(WORKERS ** next(at)), round(TURNS ** next(at))
        workers = self.workers or workers
        turns = max(1, min(turns, STEPS // workers))
        sigma: float | None = short(10 ** (SIGMA[0] + (SIGMA[1] - SIGMA[0]) * next(at)))
        law = shelf.NOISES.get(noise)
        if law.fill is None:
            sigma = 0.0 if law.draw is None else None
        loose = {name: next(at) for name in self.loose}
        opened = {one: next(at) for one in self.opened}
        own = {name: _turned(name, default, next(at)) for name, default in self.own.items()}
        kinds = ((shelf.PROBLEMS, problem), (shelf.NOISES, Part(noise)), (shelf.DELAYS, delays))
        given = []
        for (where, part), slots in zip(kinds, self.slots, strict=True):
            values = [next(at) for _ in range(slots)]
            given.append(Part(part.name, {**part.par, **dict(_set(where.get(part.name).par, values))}))
        cell = replace(
            self.base, problem=given[0], noise=given[1], delays=given[2], M=workers, K=workers * turns, sigma=sigma,
            output=output or rule,
        )  # fmt: skip
        cell = replace(cell, constants={n: v for n, v in own.items() if v is not None})
        return replace(cell, constants={**cell.constants, **declared(cell, self.method, loose, opened)})


def space_of(claim: Claim, base: Cell, covered: str, seed: int, workers: int | None = None) -> Space:
    """Return the space of a claim: parts with which its assumptions can hold, delays up to ``claim.policy``.

    ``workers``: so many and no others.

    ``covered`` is the policy that the claim itself covers; where the attack goes beyond it, delays that the claim
    covers are left out, and cells without noise, in which delays have nothing to look at; else those that look further
    than the claim allows are there as their blind twins. Problems that are data sets (with scores of a model) are not
    searched.
    """
    models = list(_models(POLICIES.index(claim.policy), POLICIES.index(covered)))
    problems = [Part(n) for n in shelf.PROBLEMS.names() if not shelf.PROBLEMS.get(n).scores]
    if claim.kind == "lower" and claim.cells:
        problems = list({one.problem.label: one.problem for one in claim.cells}.values())
    used = letters(claim)
    opened = open_of(claim, used)
    looks = POLICIES.index(claim.policy) > POLICIES.index(covered)
    names = [n for n in shelf.NOISES.names() if not (looks and _silent(n))]
    faults: Counter[str] = Counter()
    met = set(_meetings(claim, base, problems, names, models, opened, seed, faults))
    kept = tuple(p for p in problems if p.label in {m[0] for m in met})
    noises = tuple(n for n in names if n in {m[1] for m in met})
    delays = tuple(p for p in models if p.label in {m[2] for m in met})
    method = shelf.METHODS.get(base.method or claim.method)
    own = {n: number(v, n) for n, v in method.par.items() if v is not None and n in used
           and n not in {one.name for one in opened}}  # fmt: skip
    slots = tuple(
        max((len(list(_knobs(where.get(n).par))) for n in names), default=0)
        for where, names in (
            (shelf.PROBLEMS, [p.name for p in kept]),
            (shelf.NOISES, noises),
            (shelf.DELAYS, [p.name for p in delays]),
        )
    )
    loose = tuple(n for n in LOOSE if n in used)
    return Space(kept, noises, delays, tuple(claim.outputs), loose, opened, own, base, base.method or claim.method,
                 (slots[0], slots[1], slots[2]), workers, "".join(w for w, _ in faults.most_common(1)))  # fmt: skip


def _models(last: int, covered: int) -> Iterator[Part]:
    """Yield the delay models up to policy number ``last``, without those up to ``covered`` where that is smaller."""
    for name in shelf.DELAYS.names():
        model = shelf.DELAYS.get(name)
        policy = POLICIES.index(model.policy)
        if _free(model.par) and policy <= last and (policy > covered or covered >= last):
            yield Part(name)
        elif _free(model.par) and policy > last <= covered:
            yield Part(name, {"blind": 1})


def _meetings(claim: Claim, base: Cell, problems: Sequence[Part], noises: Sequence[str], models: Sequence[Part],
              opened: tuple[Open, ...], seed: int, faults: Counter[str]) -> Iterator[tuple[str, str, str]]:  # fmt: skip
    """Yield triples of labels of parts of which a small cell satisfies the claim's assumptions: each such part once.

    ``faults`` counts what others fail by.
    """
    named: set[str] = set()
    for problem in problems:
        for noise in noises:
            for model in models:
                met = {f"problem {problem.label}", f"noise {noise}", f"delays {model.label}"}
                if named >= met:
                    continue
                law = shelf.NOISES.get(noise)
                sigma = 1.0 if law.fill is not None else None if law.draw is not None else 0.0
                parts = {"problem": problem, "noise": Part(noise), "delays": model}
                cell = replace(base, **parts, M=2, K=8, sigma=sigma, output=claim.output)  # type: ignore[arg-type]
                cell = replace(cell, constants=plainly(cell, base.method or claim.method, opened))
                try:
                    build(cell, seed, method=claim.method, scheduler=claim.scheduler, stepsize=claim.stepsize,
                          growth=claim.growth, failing=claim.failing)  # fmt: skip
                except RatecheckError as fault:
                    faults[str(fault)] += 1
                    continue
                named |= met
                yield problem.label, noise, model.label


def _silent(noise: str) -> bool:
    """Return whether a noise law is none."""
    law = shelf.NOISES.get(noise)
    return law.fill is None and law.draw is None


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
        return short(1 / (1 + math.exp(-odds)))
    return short(default * math.exp(REACH * (2 * at - 1)))
