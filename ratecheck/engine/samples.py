"""The additive noise of a block of runs, number by number, without running it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ratecheck.engine.loop import PIECE


def noise_of(fill: Any, key: np.uint64, par: Any, handouts: int, size: int) -> npt.NDArray[np.float64]:
    """Return the noise (handouts, size) that ``engine.loop`` adds at scale 1 under this key of a block.

    ``fill`` is the sealed kernel, ``size`` the numbers of one hand-out: dimension times replicates.
    """
    rows = max(1, PIECE // size)
    length = rows * size + (rows * size) % 2  # as ``engine.state.allocate`` lays noise out
    drawn = np.zeros((-(-handouts // rows), length))
    for number, made in enumerate(drawn):
        for i in range(0, length, PIECE):
            fill(key, number * length + i, par, made[i : i + PIECE])
    return drawn[:, : rows * size].reshape(-1, size)[:handouts]
