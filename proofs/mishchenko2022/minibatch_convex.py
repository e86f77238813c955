"""Minibatch SGD on convex smooth objectives: the baseline, counted in gradients (K = M R).

The algorithm and the rate L B^2 / R + sigma B / sqrt(M R) are those that Mishchenko, Bach, Even & Woodworth (2022)
compare with (section 1). The constants are ours: with D_r = E||x_r - x*||^2,
D_{r+1} <= D_r - 2 gamma E[F(x_r) - F*] + gamma^2 sigma^2 / M for gamma <= 1/L; sum over r = 0..R-1.
The output is the average of x_0..x_{R-1}, which is rule R0 under the barrier scheduler.
"""

from typing import Any

from sympy import sqrt

from ratecheck.core.claim import Claim, Inequality, Statement, has, multiple_of_workers, of_class
from ratecheck.core.formula import Formula
from ratecheck.core.identity import Identity, View
from ratecheck.core.symbols import B, K, L, M, Q, W, last_sq, mean_gap, output_gap, sigma

from ._minibatch_convex_proof import PROOF


def residual(view: View) -> Any:
    """Return M (x - x_0) minus what all gradients delivered so far sum to, at the end of a round; zero within one."""
    if view.step % view.workers:
        return 0 * view.x
    return view.workers * (view.x - view.start) - (view.virtual - view.start)


IDENTITIES = (
    Identity(
        name="rounds",
        residual=residual,
        statement=r"x_r=x_0-\frac\gamma M\sum_{i<r}\sum_m g_i^m",
        source="definition of minibatch SGD",
    ),
)

__all__ = ["CLAIM", "IDENTITIES", "PROOF"]

CLAIM = Claim(
    title="Minibatch SGD, convex smooth objectives",
    source="Baseline of Mishchenko, Bach, Even & Woodworth (2022), section 1; constants ours",
    statement=(
        "With $\\gamma=\\min\\{1/L,B\\sqrt M/(\\sigma\\sqrt R)\\}$ the average of $x_0,\\dots,x_{R-1}$ has expected "
        "suboptimality at most $MLB^2/(2K)+\\sigma B/\\sqrt K$, where $K=MR$ gradients are computed."
    ),
    assumptions=(of_class("convex"), of_class("smooth"), has("L"), has("B"), has("sigma"), multiple_of_workers()),
    method="minibatch_sgd",
    scheduler="barrier",
    stepsize="minibatch_convex",
    policy="data-dependent",
    outputs={
        "R0": Statement(
            bound=Inequality(
                Formula(output_gap), Formula(optimisation=M * L * B**2 / (2 * K), noise=sigma * B / sqrt(K))
            ),
            conditional=Inequality(
                Formula(output_gap), Formula(optimisation=M * B**2 / (2 * W), noise=sigma**2 * Q / (2 * M * W))
            ),
            master=Inequality(
                Formula(gap=2 * W / M * mean_gap, distance=last_sq),
                Formula(optimisation=B**2, noise=sigma**2 * Q / M**2),
            ),
        )
    },
    trivial=Formula(L * B**2 / 2),
    identities=IDENTITIES,
)
