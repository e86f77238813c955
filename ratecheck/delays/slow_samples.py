"""Delays that look at the samples: a gradient with large noise takes ``factor`` times as long.

    duration = mean (1 + jitter v),  v uniform on [-1/2, 1/2],    times ``factor`` where the noise's first coordinate is
    > ``above``

``above`` counts standard deviations. With Rademacher noise and ``above`` = 0 the errors of one sign are slow; with
two-point noise those that are rare. ``jitter = 0`` leaves durations that are a function of the sample alone; ties go by
worker. ``slow_at_random`` has such durations without a look at the sample, ``blind = 1`` the very same.
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
    return mean * (1.0 + par[2] * (uniform(task_word(key, worker, number)) - 0.5))


def stretch(noise: Any, par: Mapping[str, Any]) -> Any:
    return np.where(noise[:, 0] > par["above"], par["factor"], 1.0)


def check(par: Mapping[str, Any]) -> str | None:
    if not 0 <= par["jitter"] <= 1:
        return f"jitter must lie between 0 and 1, not {par['jitter']:g}"
    return None if 0 < par["factor"] < math.inf else f"factor must be positive, not {par['factor']:g}"


PAR = {"above": 1, "factor": 100, "jitter": 1}
DELAYS = Delays("slow_samples", duration, par=PAR, check=check, stretch=stretch, policy="data-dependent")
