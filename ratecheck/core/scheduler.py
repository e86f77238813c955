"""Scheduler: which deliveries count, and who gets work next. Integers only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ratecheck.core.keys import key_of
from ratecheck.core.schedule import Ints


@dataclass(frozen=True)
class Scheduler:
    """A dispatch rule as one kernel.

    ``decide(state, workers, worker, delay, handed)`` is called for a delivery by ``worker`` whose gradient has delay
    ``delay`` if it counts. It returns 1 when the delivery counts (0: the gradient is dropped), writes the number of
    hand-outs to ``handed[0]`` and their workers to ``handed[1:]``. ``state`` is its own int64 vector of ``memory``
    entries, zero at the start. ``every(workers)`` is the number of deliveries of a round, where it works in rounds.
    ``needs_durations`` says that it cannot be driven by a list of delays alone. ``keyed``: it draws at random, and
    finds a key in ``state[0]``. A worker that is handed work while it has some does it in the order of hand-out.
    """

    name: str
    decide: Callable[..., int]
    memory: int = 1
    needs_durations: bool = False
    every: Callable[[int], int] | None = None
    keyed: bool = False

    def begin(self, key: object = 0) -> Ints:
        """Return its state (memory,) at the start; the key of what it draws is made from ``key``."""
        state = np.zeros(self.memory, dtype=np.int64)
        if self.keyed:
            state[0] = np.int64(key_of("assignments", key) >> np.uint64(1))
        return state

    def period(self, workers: int) -> int:
        """Return the number of deliveries of one round (1, or M under a barrier): K must be a multiple of it."""
        return self.every(workers) if self.every else 1
