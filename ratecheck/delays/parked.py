"""Parked: a gradient with large noise waits until ``wait`` others have arrived; all others come in turn.

Large: the first coordinate is above ``above`` standard deviations. One worker at least always works: a gradient that is
handed out while M - 1 are parked is not. Those that wait no longer arrive in the order in which they became free,
then by worker. This is the rule of the slow side of a lower bound on momentum: delays are at most ``wait`` + M.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ratecheck.core.delays import Delays


def pick(flying: Any, state: Any, par: Any) -> Any:
    workers = flying.shape[0]
    free, known, now = state[1:], state[1 + workers :], state[0]  # when a gradient may arrive, and if that is decided
    parked = 0
    for m in range(workers):
        if known[m] > 0.0 and free[m] > now:
            parked += 1
    for m in range(workers):
        if known[m] == 0.0:
            known[m], free[m] = 1.0, now
            if flying[m, 0] > par[0] and parked < workers - 1:
                free[m] = now + par[1]
                parked += 1
    chosen = -1
    for m in range(workers):
        if free[m] <= now and (chosen < 0 or free[m] < free[chosen]):
            chosen = m
    known[chosen] = 0.0
    state[0] += 1.0
    return chosen


def longest(workers: int, par: Mapping[str, Any]) -> int:
    return math.ceil(float(par["wait"])) + workers


def check(par: Mapping[str, Any]) -> str | None:
    return None if 0 < par["wait"] < math.inf else f"wait must be positive, not {par['wait']:g}"


DELAYS = Delays("parked", pick=pick, par={"above": 1, "wait": 100}, check=check, policy="clairvoyant",
                longest=longest, memory=lambda workers, dimension: 1 + 2 * workers)  # fmt: skip
