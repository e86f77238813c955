"""Gaussian noise: independent standard normal coordinates, by the Box-Muller transform.

    z_j = sqrt(-2 log u) cos(a),    z_{n/2 + j} = sqrt(-2 log u) sin(a),    u and a from words p + 2j and p +
    2j + 1

E z^4 = 3, unbounded (the 52 bits of u end it at |z| = 8.6). Source: Box and Muller (1958).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ratecheck.core.keys import cos_sin, exponential, word
from ratecheck.core.noise import Noise


def fill(key: Any, position: Any, par: Any, out: Any) -> None:
    half = out.shape[0] // 2
    first, second = out[:half], out[half:]
    for j in range(half):
        radius = math.sqrt(2.0 * exponential(word(key, position + 2 * j)))
        cosine, sine = cos_sin(word(key, position + 2 * j + 1))
        first[j] = radius * cosine
        second[j] = radius * sine


def norm(par: Mapping[str, float], order: float) -> float:
    log = order / 2 * math.log(2) + math.lgamma((order + 1) / 2) - math.lgamma(1 / 2)
    return math.exp(log / order)


NOISE = Noise("gaussian", fill, fourth_moment=lambda par: 3.0, bound=lambda par: math.inf, norm=norm,
              symmetric=lambda par: True)  # fmt: skip
