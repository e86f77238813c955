"""All arrival orders of a small case, counted once up to what the method can see."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ratecheck.core.keys import wrapping
from ratecheck.core.scheduler import Scheduler


def arrival_orders(scheduler: Scheduler, workers: int, steps: int, *, labelled: bool) -> Iterator[tuple[int, ...]]:
    """Yield every order in which ``workers`` can make ``steps`` deliveries under the scheduler.

    ``labelled=False`` yields one order of each class that differs by relabelling workers only: of workers whose
    oldest gradients in flight are of the same version, the lowest number arrives. Right for methods that do not see
    who a worker is and problems in which all workers are alike. A scheduler that draws workers knows them by name: one
    sequence of draws, that of key 0, and ``labelled`` always.
    """
    names = labelled or scheduler.keyed
    yield from _extend(
        scheduler, (), steps, scheduler.begin(workers, np.uint64(0)), 0, [[0] for _ in range(workers)], names
    )


def _extend(
    scheduler: Scheduler, order: tuple[int, ...], left: int, state: np.ndarray, version: int,
    flying: list[list[int]], labelled: bool,
) -> Iterator[tuple[int, ...]]:  # fmt: skip
    if left == 0:
        yield order
        return
    seen: set[int] = set()
    workers = len(flying)
    for m in range(workers):
        if not flying[m] or (not labelled and flying[m][0] in seen):
            continue
        seen.add(flying[m][0])
        memory, handed = state.copy(), np.zeros(workers + 2, dtype=np.int64)
        with wrapping():
            counted = scheduler.decide(memory, workers, m, version + 1 - flying[m][0], handed)
        after = [list(f) for f in flying]
        after[m].pop(0)
        for receiver in handed[1 : 1 + handed[0]].tolist():
            if receiver < 0:
                after[-receiver - 1].clear()
            after[max(receiver, -receiver - 1)].append(version + counted)
        yield from _extend(scheduler, (*order, m), left - 1, memory, version + counted, after, labelled)
