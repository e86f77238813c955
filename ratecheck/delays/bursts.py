"""Bursts: each worker delivers ``length`` times in a row, then the next one.

A worker comes back after the M - 1 bursts of the others: the largest delay is (M - 1) length + 1. Real
servers with more workers than cores look like this.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ratecheck.core.delays import Delays
from ratecheck.errors import PartError


def order(workers: int, steps: int, par: Mapping[str, Any], key: np.uint64) -> npt.NDArray[np.int64]:
    return np.arange(steps, dtype=np.int64) // _length(par) % workers


def longest(workers: int, par: Mapping[str, Any]) -> int:
    return (workers - 1) * _length(par) + 1


def _length(par: Mapping[str, Any]) -> int:
    length = float(par["length"])
    if length != int(length) or length < 1:
        raise PartError(f"delays 'bursts': length must be a whole number of at least 1, not {length:g}.")
    return int(length)


DELAYS = Delays("bursts", order=order, par={"length": 8}, longest=longest)
