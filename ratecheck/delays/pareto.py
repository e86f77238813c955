"""Pareto durations: heavy-tailed stragglers.

    duration = mean (a-1)/a u^(-1/a),    P(duration > t) = (t_min / t)^a,    t_min = mean (a-1)/a

``tail`` is the exponent a > 1; the variance is infinite for a <= 2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ratecheck.core.delay_tools import task_word
from ratecheck.core.delays import Delays
from ratecheck.core.keys import exp, exponential


def duration(key: Any, worker: Any, number: Any, mean: Any, par: Any) -> Any:
    tail = par[0]
    return mean * (tail - 1.0) / tail * exp(exponential(task_word(key, worker, number)) / tail)


def check(par: Mapping[str, Any]) -> str | None:
    return None if 1 < par["tail"] < math.inf else f"tail must be above 1 (finite mean), not {par['tail']:g}"


DELAYS = Delays("pareto", duration, par={"tail": "3/2"}, check=check)
