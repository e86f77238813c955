"""Delays that look at the size of the noise, not its sign: where it is large, a task takes ``factor`` times as long.

    duration = mean u,  u uniform on [1/2, 3/2],    times ``factor`` where ||noise||^2 > above^2 d

``above`` counts standard deviations. Delays depend on the samples, and still tell nothing of the mean: where the law of
the noise is symmetric, noises have mean zero given all durations. Where it is not (two-point noise), they have not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ratecheck.core.delay_tools import task_word
from ratecheck.core.delays import Delays
from ratecheck.core.keys import uniform


def duration(key: Any, worker: Any, number: Any, mean: Any, par: Any) -> Any:
    return mean * (0.5 + uniform(task_word(key, worker, number)))


def stretch(noise: Any, par: Mapping[str, Any]) -> Any:
    size = np.square(noise).sum(axis=1)
    return np.where(size > par["above"] ** 2 * noise.shape[1], par["factor"], 1.0)


def check(par: Mapping[str, Any]) -> str | None:
    return None if 0 < par["factor"] < math.inf else f"factor must be positive, not {par['factor']:g}"


PAR = {"above": 1, "factor": 100}
DELAYS = Delays("slow_large", duration, par=PAR, check=check, stretch=stretch, policy="mean-zero given the duration")
