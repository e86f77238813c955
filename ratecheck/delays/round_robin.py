"""Round robin: workers deliver in turn, 0, 1, ..., M-1, 0, ...; every delay after the first round is M."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ratecheck.core.delays import Delays


def order(workers: int, steps: int, par: Mapping[str, Any], key: np.uint64) -> npt.NDArray[np.int64]:
    return np.arange(steps, dtype=np.int64) % workers


def longest(workers: int, par: Mapping[str, Any]) -> int:
    return workers


DELAYS = Delays("round_robin", order=order, longest=longest)
