"""Two-point noise: rare large errors one way, frequent small ones the other way.

    z = sqrt((1-p)/p) with probability p,    z = -sqrt(p/(1-p)) with probability 1 - p

Mean 0, variance 1, E z^4 = (1 - 3p + 3p^2) / (p (1-p)), which is about 1/p for small p: heavy tails with a
bound.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ratecheck.core.keys import uniform, word
from ratecheck.core.noise import Noise


def fill(key: Any, position: Any, par: Any, out: Any) -> None:
    p = par[0]
    rare, frequent = math.sqrt((1.0 - p) / p), -math.sqrt(p / (1.0 - p))
    for i in range(out.shape[0]):
        out[i] = rare if uniform(word(key, position + i)) < p else frequent


def fourth_moment(par: Mapping[str, float]) -> float:
    p = par["p"]
    return (1 - 3 * p + 3 * p * p) / (p * (1 - p))


def bound(par: Mapping[str, float]) -> float:
    p = par["p"]
    return math.sqrt(max(p, 1 - p) / min(p, 1 - p))


def norm(par: Mapping[str, float], order: float) -> float:
    p = par["p"]
    few, many = min(p, 1 - p), max(p, 1 - p)  # the rarer value is the larger one
    return float(math.sqrt(many / few) * (few + many * (few / many) ** order) ** (1 / order))


def check(par: Mapping[str, float]) -> str | None:
    return None if 0 < par["p"] < 1 else f"p must lie between 0 and 1, not {par['p']:g}"


PAR = {"p": "1/20"}
NOISE = Noise("two_point", fill, par=PAR, fourth_moment=fourth_moment, bound=bound, norm=norm,
              check=check, symmetric=lambda par: par["p"] == 0.5)  # fmt: skip
