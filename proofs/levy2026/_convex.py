"""What the convex theorems on asynchronous mu^2-SGD share: letters, stepsizes and assumptions. All constants are ours.

Paper and engine. x_t of the paper, t = 1, 2, .., is version t - 1 of the engine: the paper's x_1 is the start, and
after K deliveries the server holds the paper's x_(K+1), which is x_K here. The bound on it needs the errors of the K
deliveries and no other: in the last step, w_(K+1) would move along the true gradient, whose error is 0.

The path. For convex L-smooth F with a minimiser x* in the set, w and x in the set of diameter D, alpha_k = k,
eps_k = q_k - k grad F(x_k) and any constant stepsize eta <= 1/(2 L K), on every run
(K+1)(K+2)/2 (F(x_(K+1)) - F*) <= D^2/(2 eta) + eta sum_k ||eps_k||^2 - sum_k <eps_k, w_k - x*>, k = 1..K.
Smooth convexity, ||grad F(x_k)||^2/(2L) more than convexity, pays for eta k^2 ||grad F(x_k)||^2: no maximum over the
iterates, and no factor 2, is needed.

The error is eps_k = noise + drift (I6). The drift is the sum over the M - 1 gradients in flight of
grad F(x_1) - sbar, each at most 3 L D long on every run; the noise is what the delays make of it.
"""

from typing import Any

from sympy import Rational, sqrt

from ratecheck.core.claim import Assumption, Inequality, Statement, additive_noise, at_least, has, of_class
from ratecheck.core.formula import Formula
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import D, K, L, output_gap, sigma

from ._auxiliary import LIMITS, SOURCE

__all__ = ["LIMITS", "SOURCE"]

#: of every theorem: F, the set and the noise
ASSUMPTIONS: tuple[Assumption, ...] = (
    of_class("convex"), of_class("smooth"), has("L"), has("D"), has("sigma"), additive_noise(),
)  # fmt: skip
ENOUGH = at_least("K", "M")

#: the last model is in the set, so that F - F* <= L D^2/2
TRIVIAL = Formula(L * D**2 / 2)

NOTES = (
    *LIMITS,
    "The noise of a sample is the same at every point (additive): then s_k has the noise of one sample, not more.",
    "D is the diameter of the set that the method projects on, and the set has a minimiser; the box around the start, "
    "of half-width B, has both.",
)


def stepsize(variance: Any, times: Any = 1) -> Stepsize:
    """Return min{1/(2LK), times D/(sqrt(variance) sigma K^(3/2))}."""
    return Stepsize(cap=1 / (2 * L * K), noise=times * D / (sqrt(variance) * sigma * K ** Rational(3, 2)))


def bound(optimisation: Any, noise: Any, in_flight: Any = None) -> Statement:
    """Return E[F(x_K) - F*] <= optimisation L D^2/K + noise sigma D/sqrt(K) + in_flight D/K."""
    terms = {"optimisation": optimisation * L * D**2 / K, "noise": noise * sigma * D / sqrt(K)}
    if in_flight is not None:
        terms["noise_in_flight"] = in_flight * D / K
    return Statement(Inequality(Formula(output_gap), Formula(**terms)))
