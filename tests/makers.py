"""Makers: what several test files need: every delay model with parameters that fit, its schedules, small cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ratecheck.core.cell import Cell
from ratecheck.core.keys import key_of, normals
from ratecheck.core.part import Part
from ratecheck.core.schedule import Schedule
from ratecheck.core.shelf import DELAYS, SCHEDULERS
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.trace import Trace, write
from ratecheck.engine.build import Built, build
from ratecheck.engine.schedule import make

CLOCKS = [name for name in DELAYS.names() if DELAYS.get(name).is_clock]
ORDERS = [name for name in DELAYS.names() if DELAYS.get(name).order is not None]
LOOKING = [name for name in DELAYS.names() if DELAYS.get(name).stretch is not None]
RULES = [name for name in DELAYS.names() if DELAYS.get(name).pick is not None]


def random_order(workers: int, steps: int, seed: int = 0) -> list[int]:
    """Return an order of arrivals in which a few workers do most of the work."""
    shares = np.random.default_rng(seed).dirichlet(np.full(workers, 0.5))
    return np.random.default_rng(seed + 1).choice(workers, steps, p=shares).tolist()


def parameters_of(name: str, workers: int, steps: int, folder: Path) -> dict[str, Any]:
    """Return what a delay model of the shelf needs beside its defaults: a list of workers, or a trace file."""
    par = DELAYS.get(name).par
    if "workers" in par:
        return {"workers": random_order(workers, steps)}
    if "file" in par:
        path = folder / f"trace_{workers}_{steps}.csv"
        write(path, Trace(workers, np.array(random_order(workers, steps, seed=5), dtype=np.int64)))
        return {"file": str(path)}
    return {"spread": 7} if "spread" in DELAYS.get(name).parameters({}) else {}


def schedule_of(
    name: str, workers: int, steps: int, folder: Path, *, seed: int = 1, scheduler: str = "async", close: bool = False
) -> Schedule:
    """Return a schedule of one delay model of the shelf; rules that look at samples see normal ones."""
    delays, key = DELAYS.get(name), key_of(name, seed)
    par = delays.parameters(parameters_of(name, workers, steps, folder))
    look = (lambda handouts: normals(key, handouts)[:, None]) if delays.pick else None
    return make(SCHEDULERS.get(scheduler), delays, par, workers, steps, key, close=close, noise=look)


def cell_of(
    delays: str = "exponential", workers: int = 4, steps: int = 100, *, folder: Path | None = None,
    noise: str = "gaussian", sigma: float = 0.4, output: str = "R1", problem: Part | None = None,
) -> Cell:  # fmt: skip
    """Return a quadratic cell; ``folder`` takes the files that a delay model needs."""
    par = parameters_of(delays, workers, steps, folder) if folder else {"spread": 7} if delays in CLOCKS else {}
    objective = problem or Part("quadratic", {"spectrum": [0.125, 0.3, 1.0], "radius": 2})
    return Cell(objective, Part(noise), Part(delays, par), workers, steps, sigma, output)


def built_of(*args: Any, method: str = "async_sgd", scheduler: str = "async",
             stepsize: str | Stepsize = "delay_adaptive_convex", seed: int = 3, **more: Any) -> Built:  # fmt: skip
    """Return a built cell; arguments are those of ``cell_of``."""
    return build(cell_of(*args, **more), seed, method=method, scheduler=scheduler, stepsize=stepsize)
