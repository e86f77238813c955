"""What every side of the benchmark runs: one cell, described once.

Asynchronous SGD (Mishchenko et al. 2022, Algorithm 1) on F(x) = 1/2 sum_i a_i x_i^2 with Gaussian noise of total
variance sigma^2, gamma(tau) = min{1/(4 L tau), 1/(4 M L)}, and the average of x_1..x_K weighted by the stepsize
finally applied to each iterate's gradient; gradients in flight at the end are closed at step K + 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
Clock = Literal["fixed", "exponential"]


class Outcome(NamedTuple):
    """Last iterate and weighted average, both of shape (R, d)."""

    last: Vector
    average: Vector


@dataclass(frozen=True)
class Cell:
    """Dimension, replicates under one schedule, workers, steps, seed, and how long gradients take."""

    d: int
    R: int
    M: int = 64
    K: int = 20000
    seed: int = 1
    clock: Clock = "exponential"
    sigma: float = 0.1
    spread: float = 10.0

    @property
    def spectrum(self) -> Vector:
        """Curvatures a (d,), from L/10 to L = 1."""
        return np.linspace(1.0, 0.1, self.d)

    @property
    def start(self) -> Vector:
        """The start x_0 (d,), of norm 1."""
        return np.full(self.d, self.d**-0.5)

    @property
    def means(self) -> Vector:
        """Mean time of a gradient for each worker (M,), slowest / fastest = spread."""
        return np.asarray(self.spread ** (np.arange(self.M) / max(1, self.M - 1)))

    @property
    def cap(self) -> float:
        """The branch 1/(4 M L) of the stepsize."""
        return 1 / (4 * self.M)

    @property
    def adaptive(self) -> float:
        """The numerator 1/(4 L) of the delay-adaptive branch."""
        return 1 / 4

    @property
    def scale(self) -> float:
        """Noise per coordinate, sigma / sqrt(d)."""
        return float(self.sigma / self.d**0.5)


def value(cell: Cell, x: Vector) -> Vector:
    """Return F at each row of x (R, d)."""
    return np.asarray(x * x @ cell.spectrum / 2)
