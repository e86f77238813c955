"""What an attack may spend: evaluations, which make it repeatable, or seconds, which fit a coffee break."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Budget:
    """So many evaluations, or so many seconds, or both; one evaluation measures one cell. ``stopped`` ends it early.

    With evaluations alone the same seed gives the same result, on any machine and any number of threads.
    """

    evaluations: int | None = None
    seconds: float | None = None
    stopped: Callable[[], bool] = lambda: False
    spent: int = 0
    began: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def spend(self, count: int = 1) -> None:
        """Count evaluations."""
        with self.lock:
            self.spent += count

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.began

    @property
    def late(self) -> bool:
        """True when the time is over, or the attack is stopped; looked at inside a round of the search."""
        return self.stopped() or (self.seconds is not None and self.elapsed >= self.seconds)

    @property
    def over(self) -> bool:
        """True when nothing is left; looked at between rounds, so that threads cannot change what is done."""
        return self.late or (self.evaluations is not None and self.spent >= self.evaluations)

    def part(self, evaluations: int, share: float) -> Budget:
        """Return a budget for what comes after the search: at least ``share`` of the seconds."""
        left = None if self.seconds is None else max(self.seconds - self.elapsed, share * self.seconds)
        return Budget(evaluations, left, self.stopped)

    def part_of(self, share: float) -> Budget:
        """Return a budget of this share of what is left, at least one evaluation."""
        some = None if self.evaluations is None else max(1, round(share * (self.evaluations - self.spent)))
        left = None if self.seconds is None else share * (self.seconds - self.elapsed)
        return Budget(some, left, self.stopped)

    @property
    def words(self) -> str:
        """The budget in words: '500 evaluations', '60 s'."""
        parts = [f"{self.evaluations:,} evaluations"] if self.evaluations is not None else []
        parts += [f"{self.seconds:g} s"] if self.seconds is not None and math.isfinite(self.seconds) else []
        return " or ".join(parts) or "no limit"
