"""Random assignment: every gradient counts, and the new work goes to a worker drawn uniformly, busy or not.

The variant of asynchronous SGD of Koloskova, Stich and Jaggi (2022, arXiv:2206.08307), with which Mishchenko et al.
(2022, section 5) compare. M jobs are in flight at all times; a worker does its own one after the other, in the order of
hand-out. Slow workers get as much work as fast ones, and long queues. Every worker begins with one job. ``state``: the
key, and the number of draws so far.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ratecheck.core.keys import word
from ratecheck.core.scheduler import Scheduler

HALF = np.uint64(32)


def decide(state: Any, workers: Any, worker: Any, delay: Any, handed: Any) -> int:
    drawn = word(np.uint64(state[0]), state[1]) >> HALF  # 32 bits: each worker has 1/M up to 2^-32
    state[1] += 1
    handed[0] = 1
    handed[1] = np.int64((drawn * np.uint64(workers)) >> HALF)
    return 1


SCHEDULER = Scheduler("random_assignment", decide, memory=lambda workers: 2, needs_durations=True, keyed=True)
