"""What the convex theorems share where the noise of a sample differs from point to point. All constants are ours.

As ``_convex``, with sigma~ = sigma + 2 sigma_L D for sigma. E||xi(x)||^2 <= sigma^2 bounds the noise of a sample at
every point, E||xi(x) - xi(y)||^2 <= sigma_L^2 ||x - y||^2 its change. What is sent from x_k is, of one sample,
k g(x_k) - (k-1) g(x_(k-1)), and has a variance of sigma~^2 at most, for every k: ``_convex_lipschitz_proof``. That is
attained in the limit of large k, and sigma~^2 <= 2 sigma^2 + 8 sigma_L^2 D^2. With sigma_L = 0 these are the theorems
of ``_convex``.
"""

from typing import Any

from sympy import Rational, sqrt

from ratecheck.core.cell import Cell
from ratecheck.core.claim import Assumption, Inequality, Statement, has, of_class
from ratecheck.core.formula import Formula
from ratecheck.core.part import Part
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import D, K, L, output_gap, sigma, sigma_L

from ._auxiliary import LIMITS
from ._cells import SHORT
from ._convex import ENOUGH, SOURCE, TRIVIAL

__all__ = ["ENOUGH", "SOURCE", "TRIVIAL"]

#: look at the rows: a function of the worker's own sample; a rule that sees all in flight
LOOKING = (Part("slow_samples", {"factor": 5, "jitter": 0}), SHORT)

#: bounds the standard deviation of what a worker sends
SENT = sigma + 2 * sigma_L * D

#: of every theorem: F, the set and the noise
ASSUMPTIONS: tuple[Assumption, ...] = (
    of_class("convex"), of_class("smooth"), has("L"), has("D"), has("sigma"), has("sigma_L"),
)  # fmt: skip

NOTES = (
    *LIMITS,
    "sigma^2 bounds the variance of a stochastic gradient at every point of the set, and sigma_L^2 |x - y|^2 that of "
    "the difference of two, of one sample at x and y less that of F: so does the Lipschitz constant of all samples.",
    "D is the diameter of the set that the method projects on, and the set has a minimiser; the box around the start, "
    "of half-width B, has both.",
)


def stepsize(variance: Any) -> Stepsize:
    """Return min{1/(2LK), D/(sqrt(variance) (sigma + 2 sigma_L D) K^(3/2))}."""
    return Stepsize(cap=1 / (2 * L * K), noise=D / (sqrt(variance) * SENT * K ** Rational(3, 2)))


def bound(optimisation: Any, noise: Any) -> Statement:
    """Return E[F(x_K) - F*] <= optimisation L D^2/K + noise (sigma + 2 sigma_L D) D/sqrt(K)."""
    terms = {
        "optimisation": optimisation * L * D**2 / K,
        "noise": noise * sigma * D / sqrt(K),
        "noise_change": 2 * noise * sigma_L * D**2 / sqrt(K),
    }
    return Statement(Inequality(Formula(output_gap), Formula(**terms)))


def cells(*delays: Part, **constants: float) -> tuple[Cell, ...]:
    """Return a cell of sampled rows under each of these delays: their noise differs from point to point."""
    rows = Part("logistic", {"rows": 32, "dimension": 4, "batch": 16})
    return tuple(
        Cell(rows, Part("rows", {}), one, M=4, K=4096, sigma=None, output="last", constants=constants) for one in delays
    )
