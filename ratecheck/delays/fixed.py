"""Fixed speeds: every gradient of a worker takes that worker's mean duration.

Workers are compared by ``speeds`` (durations, one a worker) or by ``spread``, the ratio of the slowest to the
fastest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ratecheck.core.delay_tools import longest_of_fixed
from ratecheck.core.delays import Delays


def duration(key: Any, worker: Any, number: Any, mean: Any, par: Any) -> Any:
    return mean


def longest(workers: int, par: Mapping[str, Any]) -> int:
    return longest_of_fixed(DELAYS.means(workers, par).tolist())


DELAYS = Delays("fixed", duration, longest=longest)
