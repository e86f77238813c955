"""The search: rounds of differential evolution in the cube, each after one inequality under one output rule.

A round begins with points of a Sobol sequence, the best of which are the first generation; every other round begins
with the best points of those before, their neighbours, and new ones. Choices of parts evolve like numbers.
Inequalities take turns, for the optimiser would look at the tightest one alone; and so do the terms of a bound, for
where a term is wrong may be a valley that begins below the ridge of another one: such a round prefers cells in which
its term is half of the right side. Source: Storn and Price
(1997), "Differential evolution", as in scipy.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import differential_evolution
from scipy.stats import qmc

from ratecheck.checks.attack.budget import Budget
from ratecheck.checks.attack.score import Score, score
from ratecheck.checks.attack.space import Space
from ratecheck.core.cell import Cell
from ratecheck.core.claim import Claim
from ratecheck.errors import RatecheckError

#: cells of a generation, and generations of a round
CELLS, GENERATIONS = 32, 12
#: points of the sequence for each cell of the first generation
LOOKED = 8
#: the best points of earlier rounds that every other round begins with, and how far their neighbours are from them
KEPT, NEAR = 8, 0.05
#: of the best cells, so many are measured again at the end
AGAIN = 4
#: the part of the right side that a round after a term asks of it
HALF = 0.5
#: what a cell without a score is worth; differential evolution keeps any other in its place
NOTHING = math.inf

Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Target:
    """What a round is after: an inequality under an output rule, and where its ``term`` is large ('': wherever)."""

    output: str
    name: str
    term: str = ""

    def worth(self, found: Score | None) -> float:
        """Return what differential evolution makes small."""
        if found is None or self.name not in found.ratios:
            return NOTHING
        ratio = found.ratios[self.name]
        share = min(1.0, ratio.shares.get(self.term, 0.0) / HALF) if self.term else 1.0
        return -math.log(max(ratio.sure * share, 1e-300))


@dataclass
class Board:
    """What was seen: the best score of each inequality under each output rule, and the cells that look broken.

    ``near`` are those whose few runs are above the bound by less than two standard errors.
    """

    best: dict[tuple[str, str], Score] = field(default_factory=dict)
    broken: dict[str, Score] = field(default_factory=dict)
    near: dict[str, Score] = field(default_factory=dict)
    tops: dict[Target, dict[str, tuple[float, Any]]] = field(default_factory=dict)

    def add(self, found: Score) -> None:
        """Keep a score."""
        for name, ratio in found.ratios.items():
            key = (found.cell.output, name)
            if key not in self.best or ratio.sure > self.best[key].ratios[name].sure:
                self.best[key] = found
        if found.broken:
            self.broken.setdefault(found.cell.digest, found)
        elif found.near:
            self.near.setdefault(found.cell.digest, found)

    def keep(self, target: Target, worth: float, cell: Cell, point: Any) -> None:
        """Keep the point of a cell, while it is among the best for this target."""
        tops = self.tops.setdefault(target, {})
        tops[cell.digest] = (worth, point)
        if len(tops) > KEPT:
            del tops[max(tops, key=lambda digest: tops[digest][0])]

    def points(self, target: Target) -> list[Any]:
        """Return the best points, the best one first."""
        return [point for _, point in sorted(self.tops.get(target, {}).values(), key=lambda one: one[0])]


@dataclass
class Search:
    """One attack in progress: what is asked, what is left of the budget, what was seen.

    ``own`` are cells that the claim brings; they are looked at first.
    ``found`` is asked about cells that look broken after every generation; when it returns True the search ends.
    """

    claim: Claim
    space: Space
    seed: int
    budget: Budget
    found: Callable[[Board], bool]
    say: Callable[[str], None] = lambda text: None
    threads: int = 1
    own: tuple[Cell, ...] = ()
    board: Board = field(default_factory=Board)

    def run(self) -> bool:
        """Search until something is found (True) or the budget is over, or no cell has a score (False)."""
        for one in self.own:
            self._keep(None if self.budget.late else score(self.claim, one, self.seed))
        if self.own and self.found(self.board):
            return True
        if self.space.empty:
            return False
        pool = ThreadPoolExecutor(self.threads)
        try:
            for turn, (target, again) in enumerate(self._targets()):
                before = self.budget.spent
                if self._round(turn, target, again, pool):
                    return True
                if self.budget.over or (turn >= len(self.claim.outputs) and self.budget.spent == before == 0):
                    return False
                self.say(self.words())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        return False

    def words(self) -> str:
        """What is known, in words."""
        tops = [(s.ratios[name].sure, name, rule) for (rule, name), s in self.board.best.items()]
        top = max(tops, default=None)
        near = f", best ratio {top[0]:.3g} ({top[1]} {top[2]})" if top else ""
        return f"{self.budget.spent:,} evaluations{near}"

    def _targets(self) -> Iterator[tuple[Target, bool]]:
        """Yield targets in turn, for ever; bounds, which say most, before the others, and their terms at last.

        The second says whether the round goes on from the best points so far.
        """
        kinds = ("bound", "conditional", "master")
        sides = {o: s.inequalities() for o, s in self.claim.outputs.items()}
        wanted = [Target(o, n) for n in kinds for o, s in sides.items() if n in s]
        terms = {o: [*s["bound"].rhs.terms] for o, s in sides.items() if len(s["bound"].rhs.terms) > 1}
        wanted += [Target(o, "bound", term) for o, some in terms.items() for term in some]
        while True:
            for again in (False, True):
                yield from ((target, again) for target in wanted)

    def _first(self, turn: int, target: Target, again: bool) -> Points:
        """Return the points that a round begins with; ``again``: near the best ones so far."""
        rng = np.random.default_rng([self.seed, turn])
        sobol = qmc.Sobol(self.space.size, seed=rng)
        tops = self.board.points(target) if again else []
        if not tops:
            return np.asarray(sobol.random(CELLS * LOOKED))
        near = [np.clip(p + NEAR * rng.standard_normal(p.size), 0, 1) for p in tops for _ in range(2)]
        return np.concatenate([tops, near, sobol.random(CELLS)])

    def _round(self, turn: int, target: Target, again: bool, pool: ThreadPoolExecutor) -> bool:
        """Do one round; return whether something was found."""

        def objective(points: Points) -> npt.NDArray[np.float64]:
            worth = []
            # one by one: what is known when Ctrl-C comes is on the board
            found = pool.map(lambda p: self._score(p, target.output), points.T)
            for one, point in zip(found, points.T, strict=True):
                worth.append(target.worth(one))
                if one is not None:
                    self.board.add(one)
                    if worth[-1] < NOTHING:
                        self.board.keep(target, worth[-1], one.cell, np.array(point))
            return np.array(worth)

        points = self._first(turn, target, again)
        worth = objective(points.T)
        if self.found(self.board):
            return True
        if self.budget.over or not np.isfinite(worth).any():
            return False
        ended: list[bool] = []

        def after(intermediate_result: Any) -> bool:
            ended.append(self.found(self.board))
            return ended[-1] or self.budget.over

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # infinite worth is meant; scipy subtracts it
            evolve: Any = differential_evolution
            evolve(
                objective, [(0.0, 1.0)] * self.space.size, init=points[np.argsort(worth, kind="stable")[:CELLS]],
                maxiter=GENERATIONS, tol=0, polish=False, vectorized=True, updating="deferred", callback=after,
                rng=np.random.default_rng([self.seed, turn, 1]),
            )  # fmt: skip
        return bool(ended and ended[-1])

    def _score(self, point: Points, output: str) -> Score | None:
        if self.budget.late:
            return None
        try:
            cell = self.space.cell(point, output)
        except RatecheckError:
            return None
        found = score(self.claim, cell, self.seed)
        if found is not None:
            self.budget.spend()
        return found

    def _keep(self, found: Score | None) -> None:
        if found is not None:
            self.budget.spend()
            self.board.add(found)


def best_of(board: Board, again: Callable[[Cell], Score | None]) -> dict[str, Any] | None:
    """Return the cell that came nearest to breaking any inequality, as plain data, as it is when measured ``again``.

    The best of many is lucky where it is sampled, so a few of the best are measured anew; and so is what looks broken.
    """
    tops = sorted(board.best.items(), key=lambda one: (-one[1].ratios[one[0][1]].sure, one[0]))[:AGAIN]
    found = []
    for (_, name), one in tops:
        ratio = one.ratios[name]
        fresh = one if ratio.exact and not ratio.broken else again(one.cell)
        if fresh is not None and name in fresh.ratios:
            found.append((fresh.ratios[name], name, one.cell))
    if not found:
        return None
    ratio, name, cell = max(found, key=lambda one: one[0].value)
    return {"ratio": ratio.value, "error": ratio.error, "exact": ratio.exact, "inequality": name, "output": cell.output,
            "cell": told(cell)}  # fmt: skip


def told(cell: Cell) -> str:
    """Return the cell in words, with what is declared by hand."""
    return " ".join([cell.label, *(f"{name}={value:g}" for name, value in cell.constants.items())])
