"""Barrier: nobody is handed work until all M workers have delivered, then all are.

With it asynchronous SGD becomes minibatch SGD, M deliveries a round, all at one model. ``state[0]`` counts
the deliveries of the round.
"""

from __future__ import annotations

from typing import Any

from ratecheck.core.scheduler import Scheduler


def decide(state: Any, workers: Any, worker: Any, delay: Any, handed: Any) -> int:
    handed[0] = 0
    state[0] += 1
    if state[0] == workers:
        state[0] = 0
        handed[0] = workers
        for m in range(workers):
            handed[m + 1] = m
    return 1


SCHEDULER = Scheduler("barrier", decide, needs_durations=True, every=lambda workers: workers)
