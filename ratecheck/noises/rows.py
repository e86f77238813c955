"""Sampling rows of a finite sum, uniformly and with replacement.

Row of entry i of hand-out h: ``floor(u rows)`` with u from word ``h n + i`` of the key, n entries a hand-out;
u is at most 1 - 2**-53, so that the product rounds to less than ``rows``. The variance depends on the point;
a problem declares ``sigma`` where it is bounded.
"""

from __future__ import annotations

from typing import Any

from ratecheck.core.keys import uniform, word
from ratecheck.core.noise import Noise


def draw(key: Any, handout: Any, rows: Any, out: Any) -> None:
    size = out.shape[0]
    for i in range(size):
        out[i] = int(uniform(word(key, handout * size + i)) * rows)


NOISE = Noise("rows", draw=draw)
