"""What a claim assumes is measured where it can be, not believed: the declared smoothness is challenged per cell."""

from __future__ import annotations

from typing import Any

import numpy as np

from ratecheck.core.keys import wrapping
from ratecheck.engine.build import Built

#: power iterations and random pairs; curvature between two points never exceeds L, so more points only sharpen it
ITERATIONS, PAIRS = 40, 24
#: relative rounding of a difference quotient of gradients; a declared L is contradicted beyond it
ROUNDING = 1e-9


def measured_smoothness(built: Built) -> float:
    """Return the largest ||grad F(y) - grad F(x)|| / ||y - x|| met along a power iteration and on random pairs.

    A lower bound on the true smoothness, so it can contradict a declared L and never confirm it.
    """
    from ratecheck.engine.compile import seal

    gradient = seal("mean_gradient", built.problem.mean_gradient)
    data, d = built.instance.data, built.instance.dimension
    data = built.problem.layout(data, 1) if built.problem.layout else data
    rng = np.random.default_rng(20_220_615)

    def of(x: Any) -> Any:
        out = np.zeros(d)
        with wrapping():
            gradient(np.ascontiguousarray(x), 0, data, out)
        return out

    largest = 0.0
    base, direction = built.instance.minimiser, rng.standard_normal(d)
    for i in range(ITERATIONS + PAIRS):
        if i >= ITERATIONS:
            base, direction = built.instance.start * rng.uniform(-1, 1), rng.standard_normal(d)
        length = 1e-3 * float(np.linalg.norm(direction)) or 1.0
        step = direction / np.linalg.norm(direction) * min(length, 1e-3)
        change = of(base + step) - of(base)
        norm = float(np.linalg.norm(change))
        largest = max(largest, norm / float(np.linalg.norm((base + step) - base)))
        if norm > 0:
            direction = change
    return largest


def contradiction(built: Built) -> str | None:
    """Return a sentence when the cell's declared smoothness is contradicted by a measured curvature."""
    declared = built.constants.get("L")
    if declared is None or "smooth" not in built.instance.classes:
        return None
    found = measured_smoothness(built)
    if found <= declared * (1 + ROUNDING):
        return None
    return f"declared L = {declared:g}, but the curvature met is {found:.6g}: the theorem does not apply with this L"
