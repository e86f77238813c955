"""One worker every other step: worker 0 delivers at odd steps, all M workers (0 too) in turn at even steps.

Half of the delays are at most 2 and half are 2M: the split that makes a delay-adaptive stepsize pay for its
caution. A worker other than 0 delivers every 2M steps, which is the largest delay (1 for a single worker).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ratecheck.core.delays import Delays


def order(workers: int, steps: int, par: Mapping[str, Any], key: np.uint64) -> npt.NDArray[np.int64]:
    n = np.arange(steps, dtype=np.int64)
    return np.where(n % 2 == 0, 0, n // 2 % workers)


def longest(workers: int, par: Mapping[str, Any]) -> int:
    return 2 * workers if workers > 1 else 1


DELAYS = Delays("half_fast", order=order, longest=longest)
