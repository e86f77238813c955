"""Scheduler: which deliveries count, and who gets work next. Integers only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Scheduler:
    """A dispatch rule as one kernel.

    ``decide(state, workers, worker, delay, handed)`` is called for a delivery by ``worker`` whose gradient has delay
    ``delay`` if it counts. It returns 1 when the delivery counts (0: the gradient is dropped), writes the number of
    hand-outs to ``handed[0]`` and their workers to ``handed[1:]``. ``state`` is its own int64 vector of ``memory``
    entries, zero at the start. ``every(workers)`` is the number of deliveries of a round, where it works in rounds.
    ``needs_durations`` says that it cannot be driven by a list of delays alone.
    """

    name: str
    decide: Callable[..., int]
    memory: int = 1
    needs_durations: bool = False
    every: Callable[[int], int] | None = None

    def period(self, workers: int) -> int:
        """Return the number of deliveries of one round (1, or M under a barrier): K must be a multiple of it."""
        return self.every(workers) if self.every else 1
