"""The search: rounds of evolution in the cube (``evolve``), each after one inequality under one output rule.

A round looks at points of a Sobol sequence, and goes on from the best points of all rounds so far. There is one for
every noise law with every delay model, or else the first pair that does well would be the only one looked at for long.
In one pass through all targets these points have children by small changes; in the next one the best of them evolve by
differences. Choices of parts evolve like numbers.
Inequalities take turns, for the optimiser would look at the tightest one alone; and so do the terms of a bound, for
where a term is wrong may be a valley that begins below the ridge of another one: such a round prefers cells in which
its term is half of the right side. What is measured in one round counts for all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import Any

import numpy as np
from scipy.stats import qmc

from ratecheck.checks.attack.budget import Budget
from ratecheck.checks.attack.evolve import Points, children, differences
from ratecheck.checks.attack.score import BOUND, Score, score
from ratecheck.checks.attack.space import Space
from ratecheck.core.cell import Cell
from ratecheck.core.claim import Claim
from ratecheck.errors import RatecheckError

#: cells of a generation, and generations of a round
CELLS, GENERATIONS = 32, 12
#: points of the sequence for each cell of a generation: in the first round, and in later ones
LOOKED, LATER = 8, 2
#: of the best cells, so many are measured again at the end
AGAIN = 4
#: the part of the right side that a round after a term asks of it
HALF = 0.5
#: what a cell without a score is worth; evolution keeps any other in its place
NOTHING = math.inf


@dataclass(frozen=True)
class Target:
    """What a round is after: an inequality under an output rule, and where its ``term`` is large ('': wherever)."""

    output: str
    name: str
    term: str = ""

    def worth(self, found: Score | None) -> float:
        """Return what evolution makes small."""
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
    tops: dict[Target, dict[tuple[str, str], tuple[float, Points]]] = field(default_factory=dict)

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

    def keep(self, target: Target, worth: float, cell: Cell, point: Points) -> None:
        """Keep the point of a cell, if it is the best one for this target with this noise and these delays."""
        tops, parts = self.tops.setdefault(target, {}), (cell.noise.name, cell.delays.name)
        if parts not in tops or worth < tops[parts][0]:
            tops[parts] = (worth, point)

    def points(self, target: Target) -> list[Points]:
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
            for turn in count():
                if self._round(turn, pool):
                    return True
                if self.budget.over or (turn >= len(self.claim.outputs) and self.budget.spent == 0):
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

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """What rounds are after: bounds, which say most, before other inequalities, and the terms of bounds at last."""
        kinds = (BOUND, "conditional", "master")
        sides = {o: s.inequalities() for o, s in self.claim.outputs.items()}
        terms = {o: [*s[BOUND].rhs.terms] for o, s in sides.items() if len(s[BOUND].rhs.terms) > 1}
        wanted = [Target(o, n) for n in kinds for o, s in sides.items() if n in s]
        return (*wanted, *(Target(o, BOUND, term) for o, some in terms.items() for term in some))

    def _round(self, turn: int, pool: ThreadPoolExecutor) -> bool:
        """Do one round; return whether something was found."""
        done, at = divmod(turn, len(self.targets))
        target = self.targets[at]

        def objective(points: Points) -> Points:
            # one by one: what is known when Ctrl-C comes is on the board
            found = pool.map(lambda p: self._score(p, target.output), points)
            return np.array([self._worth(target, one, p) for one, p in zip(found, points, strict=True)])

        ended: list[bool] = []

        def over() -> bool:
            ended.append(self.found(self.board))
            return ended[-1] or self.budget.over

        rng = np.random.default_rng([self.seed, turn])
        objective(np.asarray(qmc.Sobol(self.space.size, seed=rng).random(CELLS * (LATER if turn else LOOKED))))
        if over() or not self.board.points(target):
            return ended[-1]
        if done % 2:
            tops = self.board.points(target)
            first = np.array([*tops, *children(tops, max(0, CELLS - len(tops)), rng)])
            differences(first[:CELLS], objective, GENERATIONS, rng, over)
            return ended[-1]
        for _ in range(GENERATIONS):
            objective(children(self.board.points(target), CELLS, rng))
            if over():
                break
        return ended[-1]

    def _worth(self, target: Target, found: Score | None, point: Points) -> float:
        """Put a score on the board, for all targets; return what it is worth for this one."""
        if found is not None:
            self.board.add(found)
            for one in self.targets:
                worth = one.worth(found)
                if one.output == found.cell.output and worth < NOTHING:
                    self.board.keep(one, worth, found.cell, np.array(point))
        return target.worth(found)

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
    if not found:  # under another seed, and so another schedule, an assumption fails in all of them
        found = [(one.ratios[name], name, one.cell) for (_, name), one in tops]
    if not found:
        return None
    ratio, name, cell = max(found, key=lambda one: one[0].value)
    return {"ratio": ratio.value, "error": ratio.error, "exact": ratio.exact, "inequality": name, "output": cell.output,
            "cell": told(cell)}  # fmt: skip


def told(cell: Cell) -> str:
    """Return the cell in words, with what is declared by hand."""
    return " ".join([cell.label, *(f"{name}={value:g}" for name, value in cell.constants.items())])
