"""Rademacher noise: independent fair signs, 64 of them from one random word (bit b becomes the sign of 1.0).

E z^4 = 1, |z| <= 1: the variance is exactly 1 on every draw, and no other law of this variance is so cheap.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ratecheck.core.keys import EXPONENT_OF_ONE, S63, float_of_bits, word
from ratecheck.core.noise import Noise


def fill(key: Any, position: Any, par: Any, out: Any) -> None:
    size = out.shape[0]
    for j in range((size + 63) // 64):
        signs = out[64 * j :]
        bits = word(key, position + j)
        for b in range(min(64, size - 64 * j)):
            signs[b] = float_of_bits(((bits >> np.uint64(b)) << S63) | EXPONENT_OF_ONE)


NOISE = Noise("rademacher", fill, fourth_moment=lambda par: 1.0, bound=lambda par: 1.0,
              norm=lambda par, order: 1.0, symmetric=lambda par: True)  # fmt: skip
