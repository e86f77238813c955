"""The search: rounds of differential evolution in the cube, each after one inequality under one output rule.

A round begins with points of a Sobol sequence, the best of which are the first generation; choices of parts evolve
like numbers. Inequalities take turns, for the optimiser would look at the tightest one alone. Source: Storn and Price
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
#: of the best cells, so many are measured again at the end
AGAIN = 4
#: what a cell without a score is worth; differential evolution keeps any other in its place
NOTHING = math.inf

Points = npt.NDArray[np.float64]


@dataclass
class Board:
    """What was seen: the best score of each inequality under each output rule, and the cells that look broken."""

    best: dict[tuple[str, str], Score] = field(default_factory=dict)
    broken: dict[str, Score] = field(default_factory=dict)

    def add(self, found: Score) -> None:
        """Keep a score."""
        for name, ratio in found.ratios.items():
            key = (found.cell.output, name)
            if key not in self.best or ratio.sure > self.best[key].ratios[name].sure:
                self.best[key] = found
        if found.broken:
            self.broken.setdefault(found.cell.digest, found)


@dataclass
class Search:
    """One attack in progress: what is asked, what is left of the budget, what was seen.

    ``found`` is asked about cells that look broken after every generation; when it returns True the search ends.
    """

    claim: Claim
    space: Space
    seed: int
    budget: Budget
    found: Callable[[Board], bool]
    say: Callable[[str], None] = lambda text: None
    threads: int = 1
    board: Board = field(default_factory=Board)

    def run(self) -> bool:
        """Search until something is found (True) or the budget is over, or no cell has a score (False)."""
        pool = ThreadPoolExecutor(self.threads)
        try:
            for turn, (output, name) in enumerate(self._targets()):
                before = self.budget.spent
                if self._round(turn, output, name, pool):
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

    def _targets(self) -> Iterator[tuple[str, str]]:
        """Yield output rules and inequalities in turn, for ever; bounds, which say most, before the others."""
        kinds = ("bound", "conditional", "master")
        pairs = [(o, n) for n in kinds for o, s in self.claim.outputs.items() if n in s.inequalities()]
        while True:
            yield from pairs

    def _round(self, turn: int, output: str, name: str, pool: ThreadPoolExecutor) -> bool:
        """Do one round after one inequality; return whether something was found."""

        def scores(points: Points) -> list[Score | None]:
            cells = list(pool.map(lambda p: self._score(p, output), points))
            for one in cells:
                if one is not None:
                    self.board.add(one)
            return cells

        def objective(points: Points) -> npt.NDArray[np.float64]:
            return np.array([_worth(one, name) for one in scores(points.T)])

        sobol = qmc.Sobol(self.space.size, seed=np.random.default_rng([self.seed, turn]))
        points = sobol.random(CELLS * LOOKED)
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


def _worth(found: Score | None, name: str) -> float:
    """Return what differential evolution makes small."""
    if found is None or name not in found.ratios:
        return NOTHING
    return -math.log(max(found.ratios[name].sure, 1e-300))


def best_of(board: Board, again: Callable[[Cell], Score | None]) -> dict[str, Any] | None:
    """Return the cell that came nearest to breaking any inequality, as plain data, as it is when measured ``again``.

    The best of many is lucky where it is sampled, so a few of the best are measured anew.
    """
    tops = sorted(board.best.items(), key=lambda one: (-one[1].ratios[one[0][1]].sure, one[0]))[:AGAIN]
    found = []
    for (_, name), one in tops:
        fresh = one if one.ratios[name].exact else again(one.cell)
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
