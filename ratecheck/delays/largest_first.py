"""The largest first: of all gradients in flight the one with the largest noise arrives, the smaller ones are slow.

Noises are compared by their first coordinate, equal ones by worker. The mirror image of ``smallest_first``, another
law where the noise is not symmetric.
"""

from __future__ import annotations

from typing import Any

from ratecheck.core.delays import Delays


def pick(flying: Any, state: Any, par: Any) -> Any:
    chosen = 0
    for m in range(flying.shape[0]):
        if flying[m, 0] > flying[chosen, 0]:
            chosen = m
    return chosen


DELAYS = Delays("largest_first", pick=pick, policy="clairvoyant")
