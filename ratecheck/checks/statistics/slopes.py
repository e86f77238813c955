"""One slope of the logarithm of the slack over several series of cells, and how wide its interval is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

FloatArray = npt.NDArray[np.float64]

#: floor of the relative error of a point: deterministic cells have no sampling error, and lie on no exact power law
FLOOR = 1e-3


@dataclass(frozen=True)
class Points:
    """Points of several series: log variable, log slack, their sampling variance, runs, number of the series: (p,)."""

    x: FloatArray
    y: FloatArray
    variance_of: FloatArray
    runs: FloatArray
    series: npt.NDArray[np.int64]

    @property
    def freedom(self) -> int:
        """Points beyond one intercept a series and one slope."""
        return len(self.x) - int(self.series.max()) - 2

    def weights(self, between: float = FLOOR**2) -> FloatArray:
        """Return 1/(sampling variance + variance ``between`` cells)."""
        return 1 / (self.variance_of + between)

    def centred(self, values: FloatArray, weights: FloatArray) -> FloatArray:
        """Return values less the weighted mean of their series."""
        mean = np.bincount(self.series, weights * values) / np.bincount(self.series, weights)
        deviations: FloatArray = values - mean[self.series]
        return deviations

    def variance(self, between: float = FLOOR**2) -> float:
        """Return the variance of the slope by least squares with these weights."""
        weights = self.weights(between)
        return 1 / float((weights * np.square(self.centred(self.x, weights))).sum())

    def half(self, level: float) -> float:
        """Return the half width of the slope's interval by sampling error alone."""
        return self.quantile(level, FLOOR**2) * math.sqrt(self.variance())

    def doubled(self, i: int) -> Points:
        """Return the points if point ``i`` had twice the runs."""
        fewer = np.ones(len(self.x))
        fewer[i] = 1 / 2
        return replace(self, variance_of=self.variance_of * fewer, runs=self.runs / fewer)

    def quantile(self, level: float, between: float) -> float:
        """Student's t with the degrees of freedom of Satterthwaite: n - 1 for each cell's own variance."""
        weights = self.weights(between)
        parts = np.square(weights * self.centred(self.x, weights)) * self.variance_of
        doubt = float((parts**2 / np.maximum(1, self.runs - 1)).sum())
        return float(stats.t.ppf((1 + level) / 2, float(parts.sum()) ** 2 / doubt if doubt else math.inf))


def points_of(series: Sequence[Sequence[Mapping[str, Any]]], variable: str) -> Points:
    """Return the points of rows as ``rates.series_of`` groups them.

    The logarithm of a mean is low by half the relative variance, which is put back.
    """
    cells = [c for one in series for c in one]
    bounds = [c["inequalities"]["bound"] for c in cells]
    relative = np.array([b["se"] / b["lhs"] for b in bounds]) ** 2
    return Points(
        np.log([float(c[variable]) for c in cells]),
        np.log([b["ratio"] for b in bounds]) + relative / 2,
        relative,
        np.array([float(c["n"]) for c in cells]),
        np.repeat(np.arange(len(series)), [len(one) for one in series]),
    )


def line(points: Points, level: float) -> tuple[float, float, float]:
    """Return (slope, low, high): weighted least squares, one intercept a series; ``level`` is the confidence.

    Cells differ by more than sampling error, since each has a schedule of its own. That variance between cells is
    estimated by the residuals (Paule and Mandel 1982), so that cells without sampling error do not outvote the others.
    The interval is the wider of two of Student's: by the sampling errors, and by the residuals.
    """
    between = _between(points)
    slope, lack = _residual(points, between)
    by_residuals = float(stats.t.ppf((1 + level) / 2, points.freedom)) * math.sqrt(lack)
    half = max(points.quantile(level, between), by_residuals) * math.sqrt(points.variance(between))
    return slope, slope - half, slope + half


def _residual(points: Points, between: float) -> tuple[float, float]:
    """Return the slope and the mean square of the weighted residuals."""
    weights = points.weights(between)
    x, y = points.centred(points.x, weights), points.centred(points.y, weights)
    slope = float((weights * x * y).sum()) * points.variance(between)
    return slope, float((weights * np.square(y - slope * x)).sum()) / points.freedom


def _between(points: Points) -> float:
    """Return the variance between cells that makes the mean square of the residuals 1, at least FLOOR^2."""
    least = FLOOR**2
    if _residual(points, least)[1] <= 1:
        return least
    # from the unweighted mean square on it is at most 1: no weight exceeds 1/v, and no other line has a smaller sum
    most = least + _residual(replace(points, variance_of=0 * points.x), 1.0)[1]
    return float(optimize.brentq(lambda v: _residual(points, v)[1] - 1, least, most, xtol=least / 1e6))
