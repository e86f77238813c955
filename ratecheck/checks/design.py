"""A grid that can show a rate: every branch of the stepsize over enough K and M, nothing vacuous, narrow intervals.

The search is over whole patterns of M and K (doublings) and over noise levels, by the formulas alone; the pattern with
the least work wins. Within a branch one term of the bound must carry it, for where terms mix the slack of a right
theorem is not level: a bound M/K + sigma/sqrt(K) against an error that follows its larger term drifts.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ratecheck.checks.plan import MOST, Formulas, Place, Question, branches_to_see, place, slopes, work
from ratecheck.core import shelf
from ratecheck.core.cell import Cell
from ratecheck.core.symbols import OF_SCHEDULE
from ratecheck.errors import CapabilityError

#: M as multiples of the smallest, spanning 4x at least, and how many times K is doubled, 8-fold at least
WORKERS = ((1, 2, 4), (1, 2, 4, 8), (1, 4, 16), (1, 2, 4, 8, 16))
DOUBLINGS = (3, 4, 5, 6, 7, 8)
#: smallest K/M: the start, when everybody works at x_0, and the end, when gradients in flight are cut off, are M steps
#: each that no bound follows; at K = 8 M they bend the slack of the right theorem by 0.1 a factor e, at 64 M by 0.02
ROUNDS = 64
#: part of the bound that its largest term must be in every cell: exponents of M and K in two terms differ by one at
#: most, so the slack of a right theorem then drifts by at most 0.05, half of the usual margin; else any largest term
SHARES = (0.95, 0.0)
#: noise levels that are tried, in units of L B rounded to a power of ten: 1, 2, 5 in every decade, those near 1 first
LEVELS = tuple(
    sorted((digit * 10.0**power for power in range(-4, 4) for digit in (1, 2, 5)), key=lambda s: abs(math.log(s)))
)
#: largest K of a designed grid: a run of that many steps takes seconds
LONGEST = 2**20


@dataclass(frozen=True)
class Block:
    """One product of a designed grid: a branch of the stepsize, seen at one noise level over these K and M."""

    branch: str
    sigma: float | None
    M: tuple[int, ...]
    K: tuple[int, ...]

    @property
    def steps(self) -> int:
        """Steps of one run in every cell."""
        return len(self.M) * sum(self.K)


@dataclass(frozen=True)
class Design:
    """A designed grid: its blocks around one cell, runs a cell, predicted slopes, work; ``missing`` branches."""

    base: Cell
    blocks: tuple[Block, ...]
    replicates: int
    slopes: list[dict[str, Any]]
    work: dict[str, int]
    missing: tuple[str, ...]

    @property
    def within(self) -> bool:
        """True when every branch is there with slopes in K and in M, each planned well inside the margin."""
        seen = {(s["variable"], s["branch"]) for s in self.slopes if s["seeds"] and s["seeds"] <= self.replicates}
        return not self.missing and seen >= {(v, b.branch) for v in ("K", "M") for b in self.blocks}


def design(question: Question, found: Sequence[Place]) -> Design:
    """Return the cheapest grid that shows every branch, for the first problem of ``found`` to which the claim applies.

    The runs a cell are the question's if any pattern does with them, else more. Raises CapabilityError, in a sentence,
    when nothing can be designed: no cell applies, only recorded traces, a bound with numbers of the schedule.
    """
    base = _base(question, found)
    assert base.formulas is not None
    if set(base.formulas.bound.names) & set(OF_SCHEDULE):
        raise CapabilityError("the bound has numbers of the schedule (W, Q or tau_max): K cannot be chosen before it.")
    search = _Search(question, base, [p for p in found if p.formulas])
    best: tuple[tuple[Any, ...], Design] | None = None
    for blocks in search.patterns():
        one = search.designed(blocks)
        if one is not None:
            rank = (len(one.missing), not one.within, one.replicates > question.replicates, one.work["coordinates"])
            best = min(best, (rank, one), key=lambda b: b[0]) if best else (rank, one)
            if rank[:3] == (0, False, False):  # every further pattern is more work
                break
    if best is None:
        raise CapabilityError(
            f"no noise level and no K up to {LONGEST} make a branch of the stepsize visible on "
            f"{base.cell.problem.label}."
        )
    return best[1]


def _base(question: Question, found: Sequence[Place]) -> Place:
    usable = [p for p in found if p.formulas]
    if not usable:
        raise CapabilityError("no cell of the grid applies, so there is no problem to design one for.")
    free = [p for p in usable if not shelf.DELAYS.get(p.cell.delays.name, question.folder).recorded]
    if not free:
        raise CapabilityError("every cell runs on a recorded trace, which brings its own M and K.")
    return free[0]


class _Search:
    """The search around one cell: what is known of each noise level, and of each (M, K, sigma) looked at."""

    def __init__(self, question: Question, base: Place, usable: Sequence[Place]) -> None:
        assert base.formulas is not None
        self.question, self.base = question, base
        self.smallest = max(2, min(p.cell.M for p in usable if p.cell.problem.label == base.cell.problem.label))
        self.branches = branches_to_see(base.formulas.rule)
        self._at: dict[tuple[int, int, float | None], tuple[str, float] | None] = {}
        self._levels: dict[float | None, Formulas] = {}
        for sigma in _levels(base, usable):
            formulas = place(question, replace(base.cell, sigma=sigma)).formulas
            if formulas is not None:
                self._levels[sigma] = formulas

    def patterns(self) -> list[tuple[Block, ...]]:
        """Return the cheapest blocks over each pattern of M and K, those with the least work first."""
        found = []
        for multiples, doublings in itertools.product(WORKERS, DOUBLINGS):
            workers = tuple(self.smallest * m for m in multiples)
            blocks = tuple(b for name in self.branches for b in self._blocks(name, workers, doublings))
            if blocks:
                found.append(blocks)
        runs = self.question.replicates
        return sorted(found, key=lambda blocks: sum(b.steps * (1 if b.sigma == 0 else runs) for b in blocks))

    def designed(self, blocks: tuple[Block, ...]) -> Design | None:
        """Return the design with these blocks and the runs they need; None where a part does not obey the formulas."""
        missing = tuple(n for n in self.branches if n not in {b.branch for b in blocks})
        found = [place(self.question, c) for b in blocks for c in cells_of(self.base.cell, b)]
        if any(p.formulas is None or p.formulas.vacuous for p in found):
            return None
        predicted = slopes(found, self.question)
        runs = max([self.question.replicates, *(s["seeds"] or MOST for s in predicted)])
        if runs > self.question.replicates:
            predicted = slopes(found, replace(self.question, replicates=runs))
        return Design(self.base.cell, blocks, runs, predicted, work(found, runs), missing)

    def _blocks(self, branch: str, workers: tuple[int, ...], doublings: int) -> Iterator[Block]:
        """Yield the cheapest block without noise and the cheapest with noise, where there are any."""
        quiet = [s for s in self._levels if s == 0]
        for levels in (quiet, [s for s in self._levels if s != 0]):
            for share in SHARES:
                found = self._cheapest(branch, workers, doublings, levels, share)
                if found is not None:
                    yield found
                    break

    def _cheapest(self, branch: str, workers: tuple[int, ...], doublings: int, levels: Sequence[float | None],
                  share: float) -> Block | None:  # fmt: skip
        first = ROUNDS * max(workers)
        while first << doublings <= LONGEST:
            steps = tuple(first << i for i in range(doublings + 1))
            for sigma in levels:
                if self._all(branch, sigma, workers, steps, share):
                    return Block(branch, sigma, workers, steps)
            first *= 2
        return None

    def _all(self, branch: str, sigma: float | None, workers: tuple[int, ...], steps: tuple[int, ...],
             share: float) -> bool:  # fmt: skip
        """True when every cell of the product speaks, in this branch, by one and the same term of the bound."""
        return all((seen := self._seen(m, k, sigma)) is not None and seen[0] == branch and seen[1] >= share
                   for k in (steps[0], *steps[:0:-1]) for m in reversed(workers))  # fmt: skip

    def _seen(self, workers: int, steps: int, sigma: float | None) -> tuple[str, float] | None:
        """Return (active branch, share of the largest term) at a point; None where the claim says nothing."""
        key = (workers, steps, sigma)
        if key not in self._at:
            here = self._levels[sigma].at(M=workers, K=steps)
            silent = bool(self.question.claim.failing(here.facts)) or here.vacuous
            self._at[key] = None if silent else (here.branch, here.share)
        return self._at[key]


def _levels(base: Place, usable: Sequence[Place]) -> list[float | None]:
    """Return the noise levels to try: the grid's own, then LEVELS in units of L B; the parts' own where it is fixed."""
    assert base.formulas is not None
    if base.cell.sigma is None:
        return [None]
    facts = base.formulas.facts
    size = (facts.get("L") or 0) * (facts.get("B") or 0)
    scale = 10.0 ** round(math.log10(size)) if size else 1.0
    own = [p.cell.sigma for p in usable if p.cell.problem.label == base.cell.problem.label]
    return list(dict.fromkeys([0.0, *own, *(float(f"{level * scale:.6g}") for level in LEVELS)]))


def cells_of(base: Cell, block: Block) -> list[Cell]:
    """Return the cells of one block."""
    return [replace(base, M=m, K=k, sigma=block.sigma) for m in block.M for k in block.K]
