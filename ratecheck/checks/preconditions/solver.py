"""Independent searches on an objective given by its value and gradient: extreme curvatures, and the lowest value.

Nothing here is believed: a direction is only where curvature is measured, a low point only where F is evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy import optimize

from ratecheck.core.problem import Vector

#: gradient differences taken for one pair of extreme curvatures
STEPS = 128
#: evaluations of F from one start, about
EVALUATIONS = 60
#: up to this dimension smooth F go to BFGS with a full matrix: L-BFGS-B waits for threads in vectors of any size
DENSE = 256
#: the subgradient steps aim this far below the best value met, in parts of what the other searches gained
LEVELS = (0.1, 0.01, 0.001)


def extremes(multiply: Callable[[Vector], Vector], begin: Vector, steps: int = STEPS) -> tuple[Vector, Vector]:
    """Return directions (d,) of about the smallest and the largest eigenvalue of a symmetric map.

    Power iteration with a memory: the best directions in the span of ``begin``, its image, the image's image, ...
    (Lanczos 1950). It needs no shift for the smallest one, and ``steps`` >= d images give both in full.
    """
    basis = np.zeros((min(steps, begin.size), begin.size))
    images = np.zeros_like(basis)
    rest, used = begin, 0
    for used in range(1, len(basis) + 1):
        basis[used - 1] = rest / np.linalg.norm(rest)
        images[used - 1] = rest = multiply(basis[used - 1])
        for _ in range(2):  # once more takes off what rounding leaves
            rest = rest - basis[:used].T @ (basis[:used] @ rest)
        if not np.linalg.norm(rest) > 1e-12 * np.linalg.norm(images[:used]):
            break
    small = basis[:used] @ images[:used].T
    vectors = np.linalg.eigh((small + small.T) / 2)[1]
    return vectors[:, 0] @ basis[:used], vectors[:, -1] @ basis[:used]


def lowest(
    value: Callable[[Vector], float], gradient: Callable[[Vector], Vector], starts: Sequence[Vector], *, smooth: bool
) -> Vector:
    """Return the point (d,) of the lowest value met from these starts.

    By BFGS; in high dimension, and where F has kinks, by L-BFGS-B, which also makes its way on most functions with
    kinks (Lewis and Overton 2013), although a kink may stop it; where F need not be differentiable (``smooth=False``)
    therefore also by subgradient steps, which nothing stops short of a convex minimum.
    """

    def height(x: Vector) -> float:
        return value(x) if np.isfinite(value(x)) else np.inf

    with np.errstate(all="ignore"):
        met = [*starts, *(_descend(value, gradient, start, smooth) for start in starts)]
        if not smooth:
            best = min(met, key=height)
            gained = max(map(height, starts)) - height(best)
            met += [_towards(value, gradient, best, height(best) - part * gained) for part in LEVELS]
        return min(met, key=height)


def _descend(
    value: Callable[[Vector], float], gradient: Callable[[Vector], Vector], start: Vector, smooth: bool
) -> Vector:
    base, size = value(start), float(np.linalg.norm(gradient(start)))
    if not (np.isfinite(base) and 0 < size < np.inf):
        return start

    def scaled(x: Vector) -> float:  # in units of the first slope, so that tolerances mean the same for all F
        return (value(x) - base) / size

    def slope(x: Vector) -> Vector:
        return gradient(x) / size

    if smooth and start.size <= DENSE:
        found = optimize.minimize(
            scaled, start, jac=slope, method="BFGS", options={"maxiter": EVALUATIONS, "gtol": 1e-12}
        )
    else:
        found = optimize.minimize(
            scaled, start, jac=slope, method="L-BFGS-B",
            options={"maxfun": EVALUATIONS, "ftol": 2.0**-52, "gtol": 1e-12},
        )  # fmt: skip
    return np.asarray(found.x, dtype=np.float64)


def _towards(value: Callable[[Vector], float], gradient: Callable[[Vector], Vector], x: Vector, level: float) -> Vector:
    """Return the best point on a walk towards a value: steps (F(x) - level) g / |g|^2 (Polyak 1969)."""
    best = x
    for _ in range(EVALUATIONS):
        slope = gradient(x)
        square = float(slope @ slope)
        if not square > 0:
            break
        x = x - (value(x) - level) / square * slope
        if value(x) < value(best):
            best = x
    return best
