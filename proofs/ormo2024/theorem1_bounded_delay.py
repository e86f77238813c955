"""OrMo with a constant stepsize below the largest delay: no bound on gradients. Ours.

Beside Theorem 1 of Shi, Yang & Li (2024). tau is the largest delay, where gradients of x_1..x_(K-1) in flight at K
count as back at K + 1; initial ones that are not back by then are left out of the virtual iterate.

Why. As in ``theorem2`` with equal stepsizes: a gradient counts in at most tau - 1 iterates in flight, and with weights
that sum to M beta/(1 - beta) afterwards. With D = tau - 1 + M beta/(1 - beta), L a <= sqrt((1 - beta)/(8MD)) makes that
cost at most 1/8 of its square, and La <= (1 - beta)/(4M) the other one: 3/8 - 1/8 = 1/4 is left. Noise costs Delta +
(3/4) L a^2 sigma^2 (K + M - 1) in all.
"""

from sympy import sqrt

from ratecheck.core.claim import Claim, Inequality, Statement, at_least, fraction, has, of_class
from ratecheck.core.formula import Formula
from ratecheck.core.symbols import Delta, K, L, M, W, beta, mean_gradient_sq, sigma, tau_closed

from ._auxiliary import SOURCE
from ._theorem1_bounded_delay_proof import PROOF
from .virtual_iterate import IDENTITIES

__all__ = ["CLAIM", "PROOF"]

_A = W / (K * (1 - beta))
_D = tau_closed - 1 + M * beta / (1 - beta)

CLAIM = Claim(
    title="OrMo with a constant stepsize below the largest delay (ours)",
    source=f"ours, for the algorithm of {SOURCE}",
    statement=(
        "With the constant stepsize $\\gamma=(1-\\beta)a$, $a=\\min\\{(1-\\beta)/(4ML),\\sqrt{(1-\\beta)/(8MD)}/L,"
        "\\sqrt{2\\Delta/(3L\\sigma^2K)}\\}$ and $D=\\bar\\tau_{\\max}-1+M\\beta/(1-\\beta)$, the mean of "
        "$\\|\\nabla F(x_k)\\|^2$ over $x_0,\\dots,x_{K-1}$ is at most $16ML\\Delta/((1-\\beta)K)"
        "+4L\\Delta\\sqrt{8MD/(1-\\beta)}/K+4\\sqrt6\\sqrt{L\\Delta\\sigma^2/K}$ in expectation."
    ),
    assumptions=(of_class("smooth"), fraction("beta"), has("L"), has("Delta"), has("sigma"), at_least("K", "M")),
    stepsize="ormo_tuned_bounded_delay",
    method="ormo",
    policy="independent",
    outputs={
        "uniform": Statement(
            bound=Inequality(
                Formula(mean_gradient_sq),
                Formula(
                    optimisation=16 * M * L * Delta / ((1 - beta) * K),
                    longest=4 * L * Delta * sqrt(8 * M * _D / (1 - beta)) / K,
                    noise=4 * sqrt(6) * sqrt(L * Delta * sigma**2 / K),
                ),
            ),
            conditional=Inequality(
                Formula(mean_gradient_sq),
                Formula(optimisation=4 * Delta / (_A * K), noise=3 * L * _A * sigma**2 * (K + M - 1) / K),
            ),
        )
    },
    trivial=Formula(2 * L * Delta),
    identities=IDENTITIES,
)
