"""Lognormal durations: mean exp(s z - s^2/2) with z standard normal; their median is mean exp(-s^2/2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ratecheck.core.delays import Delays
from ratecheck.core.keys import exp, normal, word


def duration(key: Any, worker: Any, number: Any, mean: Any, par: Any) -> Any:
    s = par[0]
    return mean * exp(s * normal(word(key, worker), number) - s * s / 2.0)


def check(par: Mapping[str, Any]) -> str | None:
    return None if 0 <= par["s"] <= 20 else f"s must lie between 0 and 20, not {par['s']:g}"


DELAYS = Delays("lognormal", duration, par={"s": 1}, check=check)
