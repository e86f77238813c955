"""Delays that hold rare samples back: ``factor`` times as long where the noise is beyond one standard deviation.

    duration = mean,    times ``factor`` where the square of the noise's first coordinate is above its mean

All others take the same time, and ties go by worker, so that order and times tell nothing but who is held back. With
two values of which one is rarer than 1/2 (``two_worlds`` under noise ``rows``, two-point noise), it is the rarer one;
of fair signs none is rare, nothing could be held back, and a cell with noise that is never longer is turned down.
The factor is beyond the end of every run: such a gradient is never delivered while one worker has another one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ratecheck.core.delays import Delays


def duration(key: Any, worker: Any, number: Any, mean: Any, par: Any) -> Any:
    return mean


def stretch(noise: Any, par: Mapping[str, Any]) -> Any:
    return np.where(noise[:, 0] * noise[:, 0] > 1, par["factor"], 1.0)


def check(par: Mapping[str, Any]) -> str | None:
    return None if 0 < par["factor"] < math.inf else f"factor must be positive, not {par['factor']:g}"


DELAYS = Delays("held_back", duration, par={"factor": 1e9}, check=check, stretch=stretch, policy="data-dependent",
                beyond=1.0)  # fmt: skip
