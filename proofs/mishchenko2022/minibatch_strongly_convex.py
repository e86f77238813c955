"""Minibatch SGD on strongly convex smooth objectives: the baseline, counted in gradients (K = M R).

The algorithm and the rate L B^2 exp(-mu R/L) + sigma^2/(mu R M), up to constants and logarithms, are those that
Mishchenko, Bach, Even & Woodworth (2022) compare with (section 1). The constants are ours: with q = 1 - gamma mu and
D_r = E||x_r - x*||^2, D_{r+1} <= q D_r - gamma E[F(x_r) - F*] + gamma^2 sigma^2/M for gamma <= 1/(2L); the output is
the average of x_0..x_{R-1} with weights q^-(r+1), rule R0 under the barrier scheduler with growing weights. In all
E F(output) - F* <= mu B^2/(q^-R - 1) + gamma sigma^2/M; the bound adds the two cases of gamma.
"""

from sympy import E, log

from ratecheck.core.claim import Claim, Inequality, Statement, above_zero, has, multiple_of_workers, of_class
from ratecheck.core.formula import Formula
from ratecheck.core.symbols import B, K, L, M, S, W, decay, last_sq, mean_gap, mu, output_gap, sigma, weight

from ._minibatch_strongly_convex_proof import PROOF
from .minibatch_convex import IDENTITIES

__all__ = ["CLAIM", "PROOF"]

CLAIM = Claim(
    title="Minibatch SGD, strongly convex smooth objectives",
    source="Baseline of Mishchenko, Bach, Even & Woodworth (2022), section 1; constants ours",
    statement=(
        "With $\\gamma=\\min\\{1/(2L),\\log(e+\\mu^2MR^2B^2/\\sigma^2)/(\\mu R)\\}$ the average of "
        "$x_0,\\dots,x_{R-1}$ with weights $(1-\\gamma\\mu)^{-(r+1)}$ has expected suboptimality at most "
        "$\\frac{\\mu B^2}{(1-\\mu/(2L))^{-K/M}-1}+\\frac{\\sigma^2}{\\mu K}\\left(\\frac MK+"
        "\\log(e+\\mu^2K^2B^2/(M\\sigma^2))\\right)$, where $K=MR$ gradients are computed."
    ),
    assumptions=(
        of_class("convex"), of_class("smooth"), has("L"), above_zero("mu"), has("B"), has("sigma"),
        multiple_of_workers(),
    ),
    method="minibatch_sgd",
    scheduler="barrier",
    stepsize="minibatch_strongly_convex",
    policy="data-dependent",
    growth=Formula(1 / (1 - mu * weight / M)),  # M hand-outs of x_r with stepsize gamma: its weight is M gamma
    outputs={
        "R0": Statement(
            bound=Inequality(
                Formula(output_gap),
                Formula(
                    optimisation=mu * B**2 / ((1 - mu / (2 * L)) ** (-K / M) - 1),
                    noise=sigma**2 / (mu * K) * log(E + mu**2 * K**2 * B**2 / (M * sigma**2)),
                    start=M * sigma**2 / (mu * K**2),
                ),
            ),
            conditional=Inequality(
                Formula(output_gap),
                Formula(optimisation=M * decay * B**2 / W, noise=sigma**2 * S / (M * W)),
            ),
            master=Inequality(
                Formula(gap=W / M * mean_gap, distance=last_sq),
                Formula(optimisation=decay * B**2, noise=sigma**2 * S / M**2),
            ),
        )
    },
    trivial=Formula(L * B**2 / 2),
    identities=IDENTITIES,
    notes=("The rate is quoted in the paper; the constants and the weights are ours.",),
)  # fmt: skip
