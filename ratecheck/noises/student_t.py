"""Student's t noise with df > 2 degrees of freedom, scaled to unit variance.

    z = sqrt((df - 2) (u^(-2/df) - 1)) cos(a),    u and a from words 2(p + i) and 2(p + i) + 1

E z^4 = 3 (df - 2)/(df - 4), infinite for df <= 4; unbounded. Source: the polar method of Bailey (1994),
Mathematics of Computation 62, 779-781. The sine would give another t variate that depends on the first, so it
is not used.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ratecheck.core.keys import cos_sin, exp, log, uniform, word
from ratecheck.core.noise import Noise


def fill(key: Any, position: Any, par: Any, out: Any) -> None:
    df = par[0]
    for i in range(out.shape[0]):
        power = exp(log(uniform(word(key, 2 * (position + i)))) * (-2.0 / df))
        cosine, _ = cos_sin(word(key, 2 * (position + i) + 1))
        out[i] = math.sqrt((df - 2.0) * (power - 1.0)) * cosine


def fourth_moment(par: Mapping[str, float]) -> float:
    df = par["df"]
    return 3 * (df - 2) / (df - 4) if df > 4 else math.inf


def norm(par: Mapping[str, float], order: float) -> float:
    """Finite for orders below df."""
    df = par["df"]
    if order >= df:
        return math.inf
    gammas = math.lgamma((order + 1) / 2) + math.lgamma((df - order) / 2) - math.lgamma(1 / 2) - math.lgamma(df / 2)
    return math.sqrt(df - 2) * math.exp(gammas / order)


def check(par: Mapping[str, float]) -> str | None:
    return None if 2 < par["df"] < math.inf else f"df must be above 2 (finite variance), not {par['df']:g}"


PAR = {"df": 3}
NOISE = Noise("student_t", fill, par=PAR, fourth_moment=fourth_moment, bound=lambda par: math.inf, norm=norm,
              check=check, symmetric=lambda par: True)  # fmt: skip
