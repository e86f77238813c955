"""Sight: what delays that look see of the samples of a cell, and the schedules that they make of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ratecheck.core.delays import Delays
from ratecheck.core.keys import key_of
from ratecheck.core.noise import Noise
from ratecheck.core.problem import Instance, Problem
from ratecheck.core.schedule import Schedule
from ratecheck.core.scheduler import Scheduler
from ratecheck.engine.compile import seal
from ratecheck.engine.samples import deviations, noise_of, noise_of_rows
from ratecheck.engine.schedule import make
from ratecheck.errors import CapabilityError


@dataclass(frozen=True)
class Sight:
    """What delays see of the samples of a cell: their noise, by the key of the samples or by another.

    The key is made of the whole cell, so that two of equal key and kernels see the same.
    """

    key: np.uint64
    noise: Noise
    par: npt.NDArray[np.float64] = field(compare=False)
    problem: Problem
    instance: Instance = field(compare=False)

    def at(self, block: int, twin: np.uint64 | None) -> Callable[[int], npt.NDArray[np.float64]]:
        """Return what draws the noise (H, d) of the hand-outs of a block of one run; of a ``twin``, by that key."""
        noise, dimension = self.noise, self.instance.dimension
        key = key_of(int(self.key), "block", block) if twin is None else twin
        if noise.draw is not None:
            if self.problem.heterogeneous or self.problem.gradient is None:
                raise CapabilityError(f"delays look at rows that all workers share; {self.problem.name!r} has none.")
            draw, table = seal("draw", noise.draw), deviations(self.problem, self.instance)
            return lambda handouts: noise_of_rows(draw, key, table, handouts, self.instance.batch)
        if noise.fill is None:
            return lambda handouts: np.zeros((handouts, dimension))
        fill = seal("fill", noise.fill)
        return lambda handouts: noise_of(fill, key, self.par, handouts, dimension)


@lru_cache(maxsize=8)
def seen(scheduler: Scheduler, delays: Delays, par: tuple[tuple[str, Any], ...], workers: int, steps: int, key: int,
         close: bool, sight: Sight, block: int) -> Schedule:  # fmt: skip
    """Return the schedule of one block under delays that look; all methods and stepsizes on these samples share it.

    ``par`` are the delays' merged parameters, hashable, and ``key`` is that of the delays of this block.
    """
    given = {n: list(v) if isinstance(v, tuple) else v for n, v in par}
    noise = sight.at(block, key_of(key, "twin") if given["blind"] else None)
    return make(scheduler, delays, given, workers, steps, np.uint64(key), close=close, noise=noise)
