"""The smallest first: of all gradients in flight the one with the smallest noise arrives, the larger ones are slow.

Noises are compared by their first coordinate, equal ones by worker. A worker with a large error waits until all others
have larger ones. Clairvoyant: the rule sees all samples in flight, never one that is not drawn yet.
"""

from __future__ import annotations

from typing import Any

from ratecheck.core.delays import Delays


def pick(flying: Any, state: Any, par: Any) -> Any:
    chosen = 0
    for m in range(flying.shape[0]):
        if flying[m, 0] < flying[chosen, 0]:
            chosen = m
    return chosen


DELAYS = Delays("smallest_first", pick=pick, policy="clairvoyant")
