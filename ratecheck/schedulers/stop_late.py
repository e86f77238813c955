"""Stop late: a computation that has become ``threshold`` updates late is stopped, and its worker begins again.

Ringmaster with stops (Maranjyan, Tyurin & Richtarik 2025, "Ringmaster ASGD", arXiv:2501.16168, Algorithm 5, as we
remember it), with method ``async_sgd``: every gradient that arrives counts, for none is R = ``threshold`` updates late;
nobody sees what was stopped. The same method where late gradients are ignored when they arrive is ``ringmaster``, under
scheduler ``async``. ``state``: R, the number of updates, and for each worker the update that its work began at.
"""

from __future__ import annotations

from typing import Any

from ratecheck.core.scheduler import Scheduler


def decide(state: Any, workers: Any, worker: Any, delay: Any, handed: Any) -> int:
    state[1] += 1
    handed[0] = 0
    for m in range(workers):
        if m == worker or state[1] - state[2 + m] >= state[0]:
            state[2 + m] = state[1]
            handed[0] += 1
            handed[handed[0]] = m if m == worker else -m - 1
    return 1


SCHEDULER = Scheduler("stop_late", decide, memory=lambda workers: 1 + workers, stops=True, par=(("threshold", 4),))
