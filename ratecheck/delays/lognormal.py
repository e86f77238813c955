"""Lognormal durations: mean exp(s z - s^2/2) with z standard normal; their median is mean exp(-s^2/2)."""

from __future__ import annotations

from typing import Any

from ratecheck.core.delays import Delays
from ratecheck.core.keys import exp, normal, word


def duration(key: Any, worker: Any, number: Any, mean: Any, par: Any) -> Any:
    s = par[0]
    return mean * exp(s * normal(word(key, worker), number) - s * s / 2.0)


DELAYS = Delays("lognormal", duration, par={"s": 1})
