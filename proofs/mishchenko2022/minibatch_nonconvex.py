"""Minibatch SGD on smooth objectives: the baseline, counted in gradients (K = M R).

The algorithm and the rate L Delta / R + sqrt(L Delta sigma^2 / (R M)) are those that Mishchenko, Bach, Even &
Woodworth (2022) compare with (section 1). The constants are ours: E F(x_{r+1}) <= E F(x_r) - gamma (1 - L gamma/2)
E||grad F(x_r)||^2 + L gamma^2 sigma^2/(2M) and gamma <= 1/L; sum over r = 0..R-1. The mean is over x_0..x_{R-1}, which
is rule R0 under the barrier scheduler.
"""

from sympy import sqrt

from ratecheck.core.claim import Claim, Inequality, Statement, has, multiple_of_workers, of_class
from ratecheck.core.formula import Formula
from ratecheck.core.symbols import Delta, K, L, M, Q, W, last_gap, mean_gradient_sq, sigma

from ._minibatch_nonconvex_proof import PROOF
from .minibatch_convex import IDENTITIES

__all__ = ["CLAIM", "PROOF"]

CLAIM = Claim(
    title="Minibatch SGD, smooth objectives",
    source="Baseline of Mishchenko, Bach, Even & Woodworth (2022), section 1; constants ours",
    statement=(
        "With $\\gamma=\\min\\{1/L,\\sqrt{2\\Delta M/(LR\\sigma^2)}\\}$ the mean of $\\|\\nabla F(x_r)\\|^2$ over "
        "$x_0,\\dots,x_{R-1}$ is at most $2ML\\Delta/K+2\\sqrt2\\sqrt{L\\Delta\\sigma^2/K}$ in expectation, where "
        "$K=MR$ gradients are computed."
    ),
    assumptions=(of_class("smooth"), has("L"), has("Delta"), has("sigma"), multiple_of_workers()),
    method="minibatch_sgd",
    scheduler="barrier",
    stepsize="minibatch_nonconvex",
    policy="data-dependent",
    outputs={
        "R0": Statement(
            bound=Inequality(
                Formula(mean_gradient_sq),
                Formula(optimisation=2 * M * L * Delta / K, noise=2 * sqrt(2) * sqrt(L * Delta * sigma**2 / K)),
            ),
            conditional=Inequality(
                Formula(mean_gradient_sq),
                Formula(optimisation=2 * M * Delta / W, noise=L * sigma**2 * Q / (M * W)),
            ),
            master=Inequality(
                Formula(gap=last_gap, gradient=W / (2 * M) * mean_gradient_sq),
                Formula(optimisation=Delta, noise=L * sigma**2 * Q / (2 * M**2)),
            ),
        )
    },
    trivial=Formula(2 * L * Delta),
    identities=IDENTITIES,
    notes=("The rate is quoted in the paper; the constants are ours.",),
)
