"""The test bench of challenges: an instance of a problem, points to try it at, and what is observed there.

Directions of largest and smallest curvature are taken from differences of gradients (a whole Hessian in few
dimensions, Lanczos steps in many), so that L and mu are met where they are attained; the lowest value is looked
for by a solver. What a kernel may lose by rounding is taken as 2**-52 for each number of ``data`` and 64 more,
relative to its largest term.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ratecheck.checks.preconditions.solver import extremes, lowest
from ratecheck.core.problem import MEAN, Instance, Problem, Vector
from ratecheck.engine.build import Built
from ratecheck.engine.compile import seal

#: above this dimension no whole Hessians are made: extreme curvatures come from Lanczos steps
HESSIAN_LIMIT = 64
#: above this dimension the noise of rows is not followed in all directions
CHANGES_LIMIT = 16


@dataclass(frozen=True)
class Observed:
    """Bounds on the true constants by what was seen, rounding taken off, and how far from the minimiser it was seen.

    ``bound``: L, G, sigma, sigma_L and zeta are at least these, mu at most; "concave" is the largest excess of F in the
    middle of a pair of points over the mean of its ends. ``away`` has the same names, those of which nothing was seen
    left out.
    """

    bound: dict[str, float]
    away: dict[str, float]


@dataclass(frozen=True)
class Bench:
    """An instance on the test bench, for M ``workers``: its kernels on arrays (d,), and what is observed of it."""

    problem: Problem
    instance: Instance
    seed: int = 0
    workers: int = 1

    @property
    def different(self) -> range:
        """The workers whose objectives may differ: all of a heterogeneous problem, else one for all."""
        return range(self.workers if self.problem.heterogeneous else 1)

    def gradient(self, x: Vector, worker: int | None = None) -> Vector:
        """Return the gradient at ``x`` (d,) of F, or of one worker's objective."""
        out = np.zeros_like(x)
        whole = MEAN if self.problem.heterogeneous else 0
        self.problem.mean_gradient(x, whole if worker is None else worker, self.instance.data, out)
        return out

    def row_gradient(self, x: Vector, rows: Any, worker: int = 0) -> Vector:
        """Return the gradient of a worker at ``x`` (d,) on these rows (batch,), averaged."""
        out = np.zeros_like(x)
        assert self.problem.gradient is not None
        self.problem.gradient(x, worker, np.asarray(rows, dtype=np.int64), self.instance.data, out)
        return out

    def value(self, x: Vector) -> float:
        """Return F at ``x`` (d,)."""
        out = np.zeros(1)
        self.problem.value(x, self.instance.data, out)
        return float(out[0])

    @property
    def centre(self) -> Vector:
        """The point (d,) around which points are tried: the minimiser, or the start where nobody knows one."""
        return self.instance.minimiser if self.instance.solved else self.instance.start

    @property
    def reach(self) -> float:
        """The distance from the start to the minimiser (1 if they agree): the scale of the points tried."""
        return float(np.linalg.norm(self.instance.start - self.centre)) or 1.0

    @cached_property
    def random(self) -> np.random.Generator:
        """The source of the points tried."""
        return np.random.default_rng(self.seed)

    def near(self, scale: float) -> Vector:
        """Return a random point (d,) at about ``scale`` times the reach from the minimiser."""
        d = self.instance.dimension
        step: Vector = self.random.normal(size=d) * (scale * self.reach / np.sqrt(d))
        return self.centre + step

    @cached_property
    def points(self) -> list[Vector]:
        """The start, the minimiser and random points at several distances."""
        scales = (0.01, 0.1, 0.3, 1.0, 1.0, 3.0, 10.0)
        return [self.instance.start, self.centre, *(self.near(s) for s in scales)]

    def rounding(self, *terms: float) -> float:
        """Return what a kernel may lose when its largest terms are these."""
        return float((self.instance.data.size + 64) * 2.0**-52 * max(abs(t) for t in terms))

    def gradient_rounding(self, *points: Vector) -> float:
        """Return what the gradient kernel may lose at these points."""
        c = self.instance.constants
        far = max(float(np.linalg.norm(x)) for x in (*points, self.centre))
        seen = max(float(np.linalg.norm(self.gradient(x))) for x in (*points, self.instance.start))
        return self.rounding(seen, c.get("L", 0.0) * far, c.get("G", 0.0))

    def value_rounding(self, *points: Vector) -> float:
        """Return what the value kernel may lose at these points."""
        far = max(float(np.linalg.norm(x - self.centre)) for x in points) + self.reach
        slope = max(float(np.linalg.norm(self.gradient(x))) for x in points)
        quadratic = self.instance.constants.get("L", 0.0) * far * far
        return self.rounding(self.instance.minimum, *(self.value(x) for x in points), slope * far, quadratic)

    def pairs(self) -> Iterator[tuple[Vector, Vector]]:
        """Yield pairs of points: random ones, and steps along extreme curvatures."""
        for scale in (0.01, 0.1, 1.0, 10.0):
            for _ in range(5):
                yield self.near(scale), self.near(scale)
        for x, h in itertools.product(*self._tries()):
            step = h * self.reach
            for v in self._extreme_directions(x, step):
                yield x, x + step * v
                yield x - step * v / 2, x + step * v / 2

    def _tries(self) -> tuple[list[Vector], tuple[float, ...]]:
        """Return points and step lengths (parts of the reach) for extreme curvatures: fewer in many dimensions."""
        if self.instance.dimension <= HESSIAN_LIMIT:
            return self.points[:5], (2.0**-4, 2.0**-10, 2.0**-20)
        return self.points[:3], (2.0**-10,)

    def _extreme_directions(self, x: Vector, step: float) -> tuple[Vector, Vector]:
        """Return directions (d,) of about the smallest and the largest curvature at ``x``."""
        d, here = self.instance.dimension, self.gradient(x)

        def curved(v: Vector) -> Vector:
            found: Vector = np.nan_to_num((self.gradient(x + step * v) - here) / step, posinf=0.0, neginf=0.0)
            return found

        if d > HESSIAN_LIMIT:
            return extremes(curved, np.random.default_rng(self.seed).normal(size=d))
        hessian = np.array([curved(e) for e in np.eye(d)])
        vectors = np.linalg.eigh((hessian + hessian.T) / 2)[1]
        return vectors[:, 0], vectors[:, -1]

    @cached_property
    def lowest(self) -> Vector:
        """The point (d,) of the lowest F that an independent solver met, from four starts."""
        starts = [self.instance.start, self.centre, self.near(1.0), self.near(5.0)]
        return lowest(self.value, self.gradient, starts, smooth="differentiable" in self.instance.classes)

    @property
    def observed(self) -> dict[str, float]:
        """What was seen of the constants; see ``Observed.bound``."""
        return self.seen.bound

    @cached_property
    def seen(self) -> Observed:
        """What was seen of the constants, and where."""
        bound, away = {"L": 0.0, "mu": np.inf, "G": 0.0, "zeta": 0.0, "concave": -np.inf}, dict[str, float]()

        def note(name: str, value: float, x: Vector) -> None:
            if (value < bound[name]) if name == "mu" else (value > bound[name]):
                bound[name], away[name] = value, float(np.linalg.norm(x - self.centre))

        for x, y in self.pairs():
            step, change = y - x, self.gradient(y) - self.gradient(x)
            length, loss = float(np.linalg.norm(step)), 2 * self.gradient_rounding(x, y)
            if length > 0:
                note("L", (float(np.linalg.norm(change)) - loss) / length, x)
                note("mu", (float(change @ step) + loss * length) / length**2, x)
                middle = self.value((x + y) / 2) - (self.value(x) + self.value(y)) / 2
                note("concave", middle - 2 * self.value_rounding(x, y), (x + y) / 2)
        for x in self.rays():
            note("G", float(np.linalg.norm(self.gradient(x))) - self.gradient_rounding(x), x)
            if self.problem.heterogeneous:
                self._see_workers(x, note)
        if self.instance.rows:
            self._see_rows(bound, note)
        return Observed(bound, away)

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
            yield self.centre + v * (t * self.reach / np.linalg.norm(v))

    def _see_workers(self, x: Vector, note: Callable[[str, float, Vector], None]) -> None:
        whole = self.gradient(x)
        for m in self.different:
            own = self.gradient(x, m)
            size, apart = float(np.linalg.norm(own)), float(np.linalg.norm(own - whole))
            loss = self.gradient_rounding(x) + self.rounding(size)
            note("G", size - loss, x)
            note("zeta", apart - 2 * loss, x)

    def _see_rows(self, bound: dict[str, float], note: Callable[[str, float, Vector], None]) -> None:
        bound["sigma"] = 0.0
        for x, m in itertools.product((*self.points, *self.rays(fine=4)), self.different):
            each = self._each_row(x, m)
            norms, centred = np.linalg.norm(each, axis=1), each - each.mean(axis=0)
            loss = self.rounding(float(norms.max()))
            note("G", float(norms.max()) - loss, x)
            note("sigma", float(np.sqrt(np.square(centred).sum(axis=1).mean() / self.instance.batch)) - loss, x)
        if "sigma_L" in self.instance.constants:
            bound["sigma_L"] = 0.0
            few = self.points[: 3 if self.instance.dimension <= CHANGES_LIMIT else 1]
            for x, m in itertools.product(few, self.different):
                self._see_changes(x, m, note)

    def _see_changes(self, x: Vector, worker: int, note: Callable[[str, float, Vector], None]) -> None:
        """Look at how the noise of rows changes by a small step in the direction in which it changes most.

        In many dimensions of few directions: random ones, and that of the largest noise.
        """
        d, step, here = self.instance.dimension, self.reach * 2.0**-10, self._each_row(x, worker)
        tried = np.eye(d)
        if d > CHANGES_LIMIT:
            largest = np.linalg.eigh(np.cov(here.T))[1][:, -1:]
            tried = np.linalg.qr(np.concatenate([largest, self.random.normal(size=(d, 3))], axis=1))[0].T

        def change(y: Vector) -> Vector:
            moved = self._each_row(y, worker) - here
            centred: Vector = moved - moved.mean(axis=0)
            return centred

        along = np.array([change(x + step * v) for v in tried])
        y = x + step * np.linalg.eigh(np.einsum("anc,bnc->ab", along, along))[1][:, -1] @ tried
        size = float(np.sqrt(np.square(change(y)).sum(axis=1).mean() / self.instance.batch))
        loss = 4 * self.rounding(float(np.linalg.norm(here, axis=1).max())) + 4 * self.gradient_rounding(x, y)
        note("sigma_L", (size - loss) / float(np.linalg.norm(y - x)), x)

    def _each_row(self, x: Vector, worker: int) -> Vector:
        """Return the gradient of a worker at ``x`` on each row (n, d)."""
        return np.array([self.row_gradient(x, [j], worker) for j in range(self.instance.rows)])


def sealed(built: Built) -> Bench:
    """Return the bench of a cell: its workers, its kernels compiled, its data laid out for one run."""
    layout, gradient = built.problem.layout, built.problem.gradient
    data = layout(built.instance.data, 1) if layout else built.instance.data
    problem = replace(
        built.problem,
        mean_gradient=seal("mean_gradient", built.problem.mean_gradient),
        value=seal("value", built.problem.value),
        gradient=gradient and seal("gradient", gradient),
    )
    data = np.ascontiguousarray(data, dtype=np.float64)
    return Bench(problem, replace(built.instance, data=data), workers=built.cell.M)


def unlike(bench: Bench) -> str | None:
    """Return a sentence when the workers' gradients differ undeclared, or are declared and F is not their mean."""
    declared = bench.problem.heterogeneous
    step = np.random.default_rng(bench.seed).normal(size=bench.instance.dimension) * bench.reach
    for x in bench.points if declared else [bench.instance.start + step]:
        each = np.array([bench.gradient(x, m) for m in range(bench.workers)])
        if not declared:
            other = next((m for m, g in enumerate(each) if not np.array_equal(g, each[0], equal_nan=True)), None)
            if other is not None:
                return f"the gradients of workers 0 and {other} differ, and the problem is not declared heterogeneous"
            continue
        off = float(np.linalg.norm(each.mean(axis=0) - bench.gradient(x)))
        if off > 2 * (bench.gradient_rounding(x) + bench.rounding(float(np.linalg.norm(each, axis=1).max()))):
            return f"the mean of the workers' gradients is {off:.3g} off the gradient of F (worker {MEAN})"
    return None
