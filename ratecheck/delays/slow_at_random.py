"""Delays that are long at random: with probability ``p`` a task takes ``factor`` times as long as else.

    duration = mean u v / (1 - p + p factor),    u uniform on [1/2, 3/2],  v = factor with probability p, else 1

The independent twin of ``slow_samples``: the same durations, up to their unit, without a look at the sample.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ratecheck.core.delay_tools import task_word
from ratecheck.core.delays import Delays
from ratecheck.core.keys import uniform


def duration(key: Any, worker: Any, number: Any, mean: Any, par: Any) -> Any:
    p, factor = par[0], par[1]
    length = 0.5 + uniform(task_word(key, worker, 2 * number))
    if uniform(task_word(key, worker, 2 * number + 1)) < p:
        length *= factor
    return mean * length / (1.0 - p + p * factor)


def check(par: Mapping[str, Any]) -> str | None:
    if not 0 <= par["p"] <= 1:
        return f"p must lie between 0 and 1, not {par['p']:g}"
    return None if 0 < par["factor"] < math.inf else f"factor must be positive, not {par['factor']:g}"


DELAYS = Delays("slow_at_random", duration, par={"p": "1/20", "factor": 100}, check=check)
