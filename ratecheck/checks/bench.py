"""The test bench of challenges: an instance of a problem, points to try it at, and what is observed there.

Directions of largest and smallest curvature are taken from finite-difference Hessians, so that L and mu are
met where they are attained. What a kernel may lose by rounding is taken as 2**-52 for each number of ``data``
and 64 more, relative to its largest term.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ratecheck.core.problem import Instance, Problem, Vector

#: above this dimension no Hessians are made: L and mu are then only tried on random pairs
HESSIAN_LIMIT = 64


@dataclass(frozen=True)
class Bench:
    """An instance on the test bench: its kernels as functions of arrays (d,), and what is observed of it."""

    problem: Problem
    instance: Instance
    seed: int = 0

    def gradient(self, x: Vector) -> Vector:
        """Return the gradient of F at ``x`` (d,)."""
        out = np.zeros_like(x)
        self.problem.mean_gradient(x, 0, self.instance.data, out)
        return out

    def row_gradient(self, x: Vector, rows: Any) -> Vector:
        """Return the gradient at ``x`` (d,) on these rows (batch,), averaged."""
        out = np.zeros_like(x)
        assert self.problem.gradient is not None
        self.problem.gradient(x, 0, np.asarray(rows, dtype=np.int64), self.instance.data, out)
        return out

    def value(self, x: Vector) -> float:
        """Return F at ``x`` (d,)."""
        out = np.zeros(1)
        self.problem.value(x, self.instance.data, out)
        return float(out[0])

    @property
    def reach(self) -> float:
        """The distance from the start to the minimiser (1 if they agree): the scale of the points tried."""
        return float(np.linalg.norm(self.instance.start - self.instance.minimiser)) or 1.0

    @cached_property
    def random(self) -> np.random.Generator:
        """The source of the points tried."""
        return np.random.default_rng(self.seed)

    def near(self, scale: float) -> Vector:
        """Return a random point (d,) at about ``scale`` times the reach from the minimiser."""
        d = self.instance.dimension
        step: Vector = self.random.normal(size=d) * (scale * self.reach / np.sqrt(d))
        return self.instance.minimiser + step

    @cached_property
    def points(self) -> list[Vector]:
        """The start, the minimiser and random points at several distances."""
        scales = (0.01, 0.1, 0.3, 1.0, 1.0, 3.0, 10.0)
        return [self.instance.start, self.instance.minimiser, *(self.near(s) for s in scales)]

    def rounding(self, *terms: float) -> float:
        """Return what a kernel may lose when its largest terms are these."""
        return float((self.instance.data.size + 64) * 2.0**-52 * max(abs(t) for t in terms))

    def gradient_rounding(self, *points: Vector) -> float:
        """Return what the gradient kernel may lose at these points."""
        c = self.instance.constants
        far = max(float(np.linalg.norm(x)) for x in (*points, self.instance.minimiser))
        seen = max(float(np.linalg.norm(self.gradient(x))) for x in (*points, self.instance.start))
        return self.rounding(seen, c.get("L", 0.0) * far, c.get("G", 0.0))

    def value_rounding(self, *points: Vector) -> float:
        """Return what the value kernel may lose at these points."""
        far = max(float(np.linalg.norm(x - self.instance.minimiser)) for x in points) + self.reach
        slope = max(float(np.linalg.norm(self.gradient(x))) for x in points)
        quadratic = self.instance.constants.get("L", 0.0) * far * far
        return self.rounding(self.instance.minimum, *(self.value(x) for x in points), slope * far, quadratic)

    def pairs(self) -> Iterator[tuple[Vector, Vector]]:
        """Yield pairs of points: random ones, and steps along extreme curvatures."""
        for scale in (0.01, 0.1, 1.0, 10.0):
            for _ in range(5):
                yield self.near(scale), self.near(scale)
        d = self.instance.dimension
        for x, h in itertools.product(self.points[:5], (2.0**-4, 2.0**-10, 2.0**-20)):
            if d <= HESSIAN_LIMIT:
                step = h * self.reach
                hessian = np.array([(self.gradient(x + step * e) - self.gradient(x)) / step for e in np.eye(d)])
                vectors = np.linalg.eigh((hessian + hessian.T) / 2)[1]
                for v in (vectors[:, 0], vectors[:, -1]):
                    yield x, x + step * v
                    yield x - step * v / 2, x + step * v / 2

    @cached_property
    def observed(self) -> dict[str, float]:
        """Bounds on the true constants by what was seen, rounding taken off.

        L, G and sigma are at least these, mu at most; ``concave`` is the largest excess of F in the middle of
        a pair over the mean of its ends.
        """
        seen = {"L": 0.0, "mu": np.inf, "G": 0.0, "concave": -np.inf}
        for x, y in self.pairs():
            step, change = y - x, self.gradient(y) - self.gradient(x)
            length, loss = float(np.linalg.norm(step)), 2 * self.gradient_rounding(x, y)
            if length > 0:
                seen["L"] = max(seen["L"], (float(np.linalg.norm(change)) - loss) / length)
                seen["mu"] = min(seen["mu"], (float(change @ step) + loss * length) / length**2)
                middle = self.value((x + y) / 2) - (self.value(x) + self.value(y)) / 2
                seen["concave"] = max(seen["concave"], middle - 2 * self.value_rounding(x, y))
        for x in self.rays():
            seen["G"] = max(seen["G"], float(np.linalg.norm(self.gradient(x))) - self.gradient_rounding(x))
        if self.instance.rows:
            seen |= self._rows_observed(seen["G"])
        return seen

    def rays(self, fine: int = 60) -> Iterator[Vector]:
        """Yield points from near the minimiser to far away, along diagonals and random directions."""
        d = self.instance.dimension
        directions = [
            np.ones(d),
            -np.ones(d),
            self.random.normal(size=d),
            self.random.choice([-1.0, 1.0], size=d),
        ]
        for v, t in itertools.product(directions, np.geomspace(1e-2, 1e3, fine)):
            yield self.instance.minimiser + v * (t * self.reach / np.linalg.norm(v))

    def _rows_observed(self, steepest: float) -> dict[str, float]:
        deviation = 0.0
        for x in (*self.points, *self.rays(fine=4)):
            each = np.array([self.row_gradient(x, [j]) for j in range(self.instance.rows)])
            norms, centred = np.linalg.norm(each, axis=1), each - each.mean(axis=0)
            loss = self.rounding(float(norms.max()))
            deviation = max(deviation, np.sqrt(np.square(centred).sum(axis=1).mean() / self.instance.batch) - loss)
            steepest = max(steepest, float(norms.max()) - loss)
        return {"G": steepest, "sigma": float(deviation)}
