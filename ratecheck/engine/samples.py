"""The noise of a block of runs, number by number, without running it: additive, or that of the rows it samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ratecheck.core.problem import Instance, Problem
from ratecheck.engine.compile import draw_kernel, seal
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


def deviations(problem: Problem, instance: Instance) -> npt.NDArray[np.float64]:
    """Return by how much the gradient of each row is off that of F at the start (rows, d), in standard deviations.

    In those of one coordinate over all rows; 0 where it has none. For workers that share their rows.
    """
    data = problem.layout(instance.data, 1) if problem.layout else instance.data
    data = np.ascontiguousarray(data, dtype=np.float64)
    assert problem.gradient is not None
    gradient = seal("gradient", problem.gradient)
    start, found = instance.start.astype(np.float64), np.zeros((instance.rows, instance.dimension))
    for row, out in enumerate(found):
        gradient(start, 0, np.full(1, row), data, out)
    found -= found.mean(axis=0)
    spread = found.std(axis=0)
    return np.asarray(np.divide(found, spread, out=np.zeros_like(found), where=spread > 0))


def noise_of_rows(
    draw: Any, key: np.uint64, table: npt.NDArray[np.float64], handouts: int, batch: int
) -> npt.NDArray[np.float64]:
    """Return the noise (handouts, d), of unit variance, of the rows that one run samples under this key of a block.

    ``draw`` is the sealed kernel, ``table`` the ``deviations``, ``batch`` the rows of one gradient.
    """
    sample = np.zeros((handouts, batch), dtype=np.int64)
    draw_kernel()(draw, key, len(table), sample)
    return np.asarray(table[sample].mean(axis=1) * np.sqrt(batch))
