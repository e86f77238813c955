"""One straggler: worker 0 takes ``factor`` times its mean duration, the others exactly theirs.

With equal means the largest delay is 1 + (M - 1)(floor(factor) + 1), as in ``fixed`` speeds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ratecheck.core.delay_tools import longest_of_fixed
from ratecheck.core.delays import Delays


def duration(key: Any, worker: Any, number: Any, mean: Any, par: Any) -> Any:
    return mean * par[0] if worker == 0 else mean


def longest(workers: int, par: Mapping[str, Any]) -> int:
    times = DELAYS.means(workers, par).tolist()
    times[0] *= float(par["factor"])
    return longest_of_fixed(times)


def check(par: Mapping[str, Any]) -> str | None:
    return None if 0 < par["factor"] < math.inf else f"factor must be positive, not {par['factor']:g}"


DELAYS = Delays("one_straggler", duration, par={"factor": 10}, longest=longest, check=check)
