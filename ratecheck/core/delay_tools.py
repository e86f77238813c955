"""What delay files share: the random word of a task, and the largest delay of fixed durations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ratecheck.core.keys import word

#: clocks are sums of rounded durations; this covers their drift over 2**30 steps (2**30 * 2**-53 < 1e-6)
DRIFT = 1e-6


def task_word(key: Any, worker: Any, number: Any) -> Any:
    """Return the random bits of the ``number``-th task of a worker; a key for each worker. A kernel."""
    return word(word(key, worker), number)


def longest_of_fixed(times: Sequence[float]) -> int:
    """Return the largest delay when every task of worker j takes ``times[j]``.

    Between two deliveries of worker m, worker j delivers at most floor(s_m / s_j) + 1 times, and exactly once
    when s_j = s_m: their clocks then show the same numbers and ties go by worker. The slowest worker waits
    longest.
    """
    slowest = max(times)
    return sum(1 if s == slowest else math.floor(slowest / s * (1 + DRIFT)) + 1 for s in times)
