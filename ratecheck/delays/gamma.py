"""Gamma durations with ``shape`` k >= 1: exponential for k = 1, nearly fixed for large k (spread 1/sqrt(k)).

Source: the method of Marsaglia and Tsang (2000), ACM Transactions on Mathematical Software 26, 363-372: with
d = k - 1/3, the variate d (1 + x/sqrt(9d))^3 of a normal x is kept with a probability above 0.95. Each task
has a key of its own, each attempt its own words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ratecheck.core.delay_tools import task_word
from ratecheck.core.delays import Delays
from ratecheck.core.keys import log, normal, uniform, word


def duration(key: Any, worker: Any, number: Any, mean: Any, par: Any) -> Any:
    shape = par[0]
    task = task_word(key, worker, number)
    d = shape - 1.0 / 3.0
    attempt = 0
    while True:
        x = normal(task, 2 * attempt)  # words 4 * attempt and the next
        root = 1.0 + x / math.sqrt(9.0 * d)
        if root > 0.0:
            v = root * root * root
            if log(uniform(word(task, 4 * attempt + 2))) < x * x / 2.0 + d - d * v + d * log(v):
                return mean * d * v / shape
        attempt += 1


def check(par: Mapping[str, Any]) -> str | None:
    return None if 1 <= par["shape"] < math.inf else f"shape must be at least 1, not {par['shape']:g}"


DELAYS = Delays("gamma", duration, par={"shape": 4}, check=check)
