"""Claims about orders alone, identities and counting facts: case after case (M, K), smallest first, till it is over.

What a claim's file names as its cases is not asked: the search finds the smallest case that breaks it by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from ratecheck.checks import exact
from ratecheck.checks.attack.budget import Budget
from ratecheck.core import shelf
from ratecheck.core.claim import Claim
from ratecheck.core.verdict import Result

#: most workers, and most arrival orders of a case with workers told apart
WORKERS, MOST = 8, 10**8

#: M + K above which it is told how far it came
TOLD = 8

Case = tuple[int, int]


@dataclass
class Walk:
    """Cases in which all orders were looked at, and what the exact check said of the last one."""

    claim: Claim
    budget: Budget
    say: Callable[[str], None] = lambda text: None
    done: list[Case] = field(default_factory=list)
    found: Result | None = None
    counted: int = 0

    def run(self, name: str, scenario: str, method: str | None) -> Result | None:
        """Look at one case after the other; return the last result, which is negative if one is broken.

        Returns None where the claim has nothing that can be looked at in this way. A KeyboardInterrupt goes on.
        """
        size = TOLD
        for case in _cases(self.claim):
            if self.budget.over:
                break
            if sum(case) > size:
                size = sum(case)
                self.say(f"{self.budget.spent:,} arrival orders, nothing broken; next M + K = {size}")
            claim, before = replace(self.claim, cases=(case,)), self.counted
            try:
                found = exact.check(name, claim, (case,), scenario, method=method, stopped=self._late)
            except KeyboardInterrupt:
                if not self.budget.over and not self._late():
                    raise
                break
            except ArithmeticError:  # a fact that is not defined for so few workers or steps
                continue
            self.budget.spend(max(1, self.counted - before))
            self.found = found
            if found is None or not found.details:
                return found
            if found.verdict.negative:
                return found
            self.done.append(case)
        return self.found

    def _late(self) -> bool:
        """Count an order, and say whether the budget is over."""
        self.counted += 1
        return self.budget.late

    @property
    def words(self) -> str:
        """How far it came: '(1,9), (2,7), (3,6)', and all of fewer steps."""
        largest: dict[int, int] = {}
        for workers, steps in self.done:
            largest[workers] = max(steps, largest.get(workers, 0))
        return ", ".join(f"({workers},{steps})" for workers, steps in sorted(largest.items())) or "none"


def _cases(claim: Claim) -> Iterator[Case]:
    """Yield (M, K) by M + K; those that the scheduler cannot do and those that nobody would wait for are left out."""
    alone = bool(claim.cases) and all(workers == 1 for workers, _ in claim.cases)  # a claim about one worker
    period = shelf.SCHEDULERS.get(claim.scheduler).period
    for size in range(2, 2 * 64):
        for workers in range(1, min(size, 2 if alone else WORKERS + 1)):
            steps = size - workers
            if steps % period(workers) == 0 and workers**steps <= MOST:
                yield workers, steps
