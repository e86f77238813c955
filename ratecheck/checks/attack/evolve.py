"""Two ways on from good points of the unit cube: small changes, and differences.

Small changes: a child of a good point differs in some coordinates, by a little or altogether. That moves one choice of
a part, or one number, while the rest stays good.
Differences: differential evolution, which moves many coordinates at once along what the generation has learnt. Source:
Storn and Price (1997), as in scipy.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import differential_evolution

Points = npt.NDArray[np.float64]
#: points as rows -> what is to be small; infinite where there is nothing
Objective = Callable[[Points], Points]
#: a changed point differs in this part of its coordinates, and these change by so much, or in this part of them anyhow
CHANGED, BY, ANYHOW = 0.15, 0.1, 0.4
#: differential evolution takes this part of the coordinates from the mixture
MIXED = 0.3


def changed(point: Points, rng: np.random.Generator) -> Points:
    """Return a point that differs in some coordinates, in one at least."""
    which = rng.random(point.size) < CHANGED
    which[rng.integers(point.size)] = True
    near = np.clip(point + BY * rng.standard_normal(point.size), 0, 1)
    new = np.where(rng.random(point.size) < ANYHOW, rng.random(point.size), near)
    return np.where(which, new, point)


def children(points: Sequence[Points], many: int, rng: np.random.Generator) -> Points:
    """Return so many changed points, each of the better one of two parents; ``points`` begin with the best."""
    parents = rng.integers(len(points), size=(many, 2)).min(axis=1)
    return np.array([changed(points[p], rng) for p in parents])


def differences(first: Points, objective: Objective, generations: int, rng: np.random.Generator,
                over: Callable[[], bool]) -> None:  # fmt: skip
    """Do differential evolution from a first generation on; ``over`` is asked after each."""

    def after(intermediate_result: Any) -> bool:
        return over()

    evolve: Any = differential_evolution
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # infinite worth is meant; scipy subtracts it
        evolve(
            lambda points: objective(points.T), [(0.0, 1.0)] * first.shape[1], init=first, maxiter=generations, tol=0,
            polish=False, vectorized=True, updating="deferred", callback=after, recombination=MIXED, rng=rng,
        )  # fmt: skip
