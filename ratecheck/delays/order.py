"""Explicit order: the workers in the order in which they deliver, numbered from 0.

delays = {name = "order", workers = [0, 1, 1, 0, 2]}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ratecheck.core.delays import Delays
from ratecheck.errors import PartError


def order(workers: int, steps: int, par: Mapping[str, Any], key: np.uint64) -> npt.NDArray[np.int64]:
    given = _given(workers, par)
    if given.size < steps:
        raise PartError(f"delays 'order' lists {given.size} deliveries, and {steps} are asked for.")
    return given[:steps]


def longest(workers: int, par: Mapping[str, Any]) -> int:
    given = _given(workers, par)
    last = np.zeros(workers, dtype=np.int64)
    delay = 1
    for k, m in enumerate(given.tolist(), 1):
        delay = max(delay, k - int(last[m]))
        last[m] = k
    return delay


def _given(workers: int, par: Mapping[str, Any]) -> npt.NDArray[np.int64]:
    listed = par["workers"]
    if not isinstance(listed, list | tuple) or not listed:
        raise PartError("delays 'order' needs its parameter workers: a list of worker numbers such as [0, 1, 1].")
    for n, m in enumerate(listed, 1):
        if isinstance(m, bool) or not isinstance(m, int | np.integer) or not 0 <= m < workers:
            raise PartError(f"delays 'order', entry {n}: a worker is a number from 0 to {workers - 1}, not {m!r}.")
    return np.array(listed, dtype=np.int64)


DELAYS = Delays("order", order=order, par={"workers": None}, longest=longest)
