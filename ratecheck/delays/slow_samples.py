"""Delays that look at the samples: a gradient with large noise takes ``factor`` times as long.

    duration = mean u,  u uniform on [1/2, 3/2],    times ``factor`` where the noise's first coordinate is > ``above``

``above`` counts standard deviations. With Rademacher noise and ``above`` = 0 the errors of one sign are slow; with
two-point noise those that are rare. ``slow_at_random`` has the same durations without a look at the sample.
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
    return np.where(noise[:, 0] > par["above"], par["factor"], 1.0)


def check(par: Mapping[str, Any]) -> str | None:
    return None if 0 < par["factor"] < math.inf else f"factor must be positive, not {par['factor']:g}"


PAR = {"above": 1, "factor": 100}
DELAYS = Delays("slow_samples", duration, par=PAR, check=check, stretch=stretch, policy="data-dependent")
