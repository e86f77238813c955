"""Scheduler: which deliveries count, and who gets work next. Integers only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ratecheck.core.keys import key_of
from ratecheck.core.schedule import Ints
from ratecheck.errors import PartError

#: whole numbers up to this are exact in float64, which constants are read as
LARGEST = 2**53


def one(workers: int) -> int:
    """Return the number of entries of memory, unless a scheduler says otherwise."""
    return 1


@dataclass(frozen=True)
class Scheduler:
    """A dispatch rule as one kernel.

    ``decide(state, workers, worker, delay, handed)`` is called for a delivery by ``worker`` whose gradient has delay
    ``delay`` if it counts. It returns 1 when the delivery counts (0: the gradient is dropped unseen), writes how many
    hand-outs there are to ``handed[0]`` and their workers to ``handed[1:]``. A worker that is handed work while it has
    some does it in the order of hand-out. Where ``stops`` is true, ``-m - 1`` for worker m means: it drops what it has,
    which nobody will see, and begins the new work at once. ``state`` is its own int64 vector: the numbers of ``par``,
    which a cell's constants of the same names replace, then ``memory(workers)`` entries, zero at the start.
    ``every(workers)`` is the number of deliveries of a round, where it works in rounds. ``needs_durations`` says that
    it cannot be driven by a list of delays alone. ``keyed``: it draws at random, and finds a key in ``state[0]``.
    """

    name: str
    decide: Callable[..., int]
    memory: Callable[[int], int] = one
    needs_durations: bool = False
    every: Callable[[int], int] | None = None
    keyed: bool = False
    stops: bool = False
    par: tuple[tuple[str, int], ...] = ()

    def with_numbers(self, constants: Mapping[str, Any]) -> Scheduler:
        """Return it with the numbers of a cell. Raises PartError for one that is no whole number above 0."""
        found = {name: constants.get(name, value) for name, value in self.par}
        for name, value in found.items():
            if not 1 <= value <= LARGEST or value != int(value):
                raise PartError(
                    f"scheduler {self.name!r}: {name} = {value} is not a whole number of at least 1, and at most 2^53."
                )
        return replace(self, par=tuple((name, int(value)) for name, value in found.items()))

    def begin(self, workers: int, key: object = 0) -> Ints:
        """Return its state at the start; the key of what it draws is made from ``key``."""
        numbers = [value for _, value in self.par]
        state = np.zeros(len(numbers) + self.memory(workers), dtype=np.int64)
        state[: len(numbers)] = numbers
        if self.keyed:
            state[0] = np.int64(key_of("assignments", key) >> np.uint64(1))
        return state

    def most(self, workers: int) -> int:
        """Return the largest number of hand-outs after one delivery."""
        return workers if self.every or self.stops else 1

    def period(self, workers: int) -> int:
        """Return the number of deliveries of one round (1, or M under a barrier): K must be a multiple of it."""
        return self.every(workers) if self.every else 1
