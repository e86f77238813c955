"""Theorem 1: OrMo with a constant stepsize, smooth objectives with bounded gradients.

Shi, Yang & Li (2024), "Ordered momentum for asynchronous SGD" (arXiv:2407.19234), Theorem 1: the rate of OrMo without
a bound on delays. We have its text without formulas: the rate is sqrt(L sigma^2/K) + (MLG/K)^(2/3) + ML/K as we recall
it, and stepsize, constants, and the dependence on Delta and beta are ours. So is that no independence is needed: with a
constant stepsize and gradients bounded by G almost surely, every sample is fresh when its point is fixed.

Why. With a = gamma/(1 - beta), q = 1/(1 - beta), the virtual iterates zhat move by a g_k, and w_k - zhat_k is q times
the sum of c gamma g over the gradients handed out: c = 1 in flight, beta^(I - G(i) + 1) after delivery
(``virtual_iterate``, ``coefficients``). These c sum to at most M/(1 - beta) - 1, hence ||w_k - zhat_k|| <= a G (M/(1 -
beta) - 1). Descent along zhat with -<grad F(zhat), h> <= -||h||^2/2 + L^2 ||w - zhat||^2/2 gives ``theorem1_sharp``;
1 - La >= 1/2 the conditional form; the least of the three stepsizes the rate, for 1/a is at most the sum of three.
"""

from sympy import Expr, Rational, sqrt

from ratecheck.core.claim import Claim, Inequality, Statement, at_least, fraction, has, of_class
from ratecheck.core.formula import Formula
from ratecheck.core.symbols import Delta, G, K, L, M, W, beta, mean_gradient_sq, sigma

from ._auxiliary import SOURCE
from ._theorem1_proof import TUNED as PROOF
from .virtual_iterate import IDENTITIES

__all__ = ["CLAIM", "PROOF"]

_A = W / (K * (1 - beta))  # constant stepsizes: the weights of x_0..x_(K-1) sum to K gamma

#: the rate of the tuned stepsize
RATE = Inequality(
    Formula(mean_gradient_sq),
    Formula(
        optimisation=8 * M * L * Delta / K,
        noise=8 * sqrt(L * Delta * sigma**2 / K),
        in_flight=4 * (2 * M * L * G * Delta / ((1 - beta) * K)) ** Rational(2, 3),
    ),
)
ASSUMPTIONS = (
    of_class("smooth"), fraction("beta"), has("L"), has("G"), has("Delta"), has("sigma"), at_least("K", "M"),
)  # fmt: skip


def conditional(coefficients: Expr) -> Inequality:
    """Return the bound for the stepsize that was used; ``coefficients`` bounds the sum of the c."""
    return Inequality(
        Formula(mean_gradient_sq),
        Formula(
            optimisation=4 * Delta / (_A * K),
            noise=2 * L * _A * sigma**2 * (K + M - 1) / K,
            in_flight=2 * L**2 * _A**2 * G**2 * coefficients**2,
        ),
    )


CLAIM = Claim(
    title="OrMo, Theorem 1: constant stepsize, bounded gradients (constants ours)",
    source=f"{SOURCE}, Theorem 1; stepsize and constants ours",
    statement=(
        "With $\\gamma=(1-\\beta)\\min\\{1/(2ML),\\sqrt{\\Delta/(L\\sigma^2K)},"
        "(2\\Delta(1-\\beta)^2/(L^2M^2G^2K))^{1/3}\\}$ the mean of $\\|\\nabla F(x_k)\\|^2$ over $x_0,\\dots,x_{K-1}$ "
        "is $O(ML\\Delta/K+\\sqrt{L\\Delta\\sigma^2/K}+(MLG\\Delta/((1-\\beta)K))^{2/3})$ in expectation, for all "
        "delays, those too that depend on the sample of their own gradient."
    ),
    assumptions=ASSUMPTIONS,
    stepsize="ormo_tuned_constant",
    method="ormo",
    policy="data-dependent",
    outputs={"uniform": Statement(bound=RATE, conditional=conditional(M / (1 - beta) - 1))},
    trivial=Formula(G**2),
    identities=IDENTITIES,
    notes=(
        "The paper's: that such a theorem holds, its rate. Ours: stepsize, all constants, beta and Delta in them.",
        "Worse for beta > 0 than for beta = 0: this is no proof of acceleration. The same bound holds for naive "
        "momentum (ormo2024.theorem1_naive).",
    ),
)
