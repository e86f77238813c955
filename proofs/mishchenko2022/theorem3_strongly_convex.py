"""Theorem 3, strongly convex case: delay-adaptive asynchronous SGD with growing weights, stepsizes as printed.

Mishchenko, Bach, Even & Woodworth (2022), "Asynchronous SGD beats minibatch SGD under arbitrary delays", Theorem 3.
Printed: the stepsize with 504, K >= 3M, and the rate M L B^2 exp(-c mu K/(M L)) + sigma^2/(mu K) up to constants and
logarithms. Ours: the constants, the weights w_k ghat_k with w_k = prod over j <= k of 1/(1 - mu ghat_j/4), and the
master inequality. The factor M before the exponential is not needed. Any number may stand for 504: see
``theorem3_strongly_convex_short``.

Why. With D_k = E||xhat_k - x*||^2, half of strong convexity and half of smoothness in <h, x - x*> give D_{k+1} <=
(1 - ghat_k mu/4) D_k - 2 ghat_k E[F(x_k) - F*] + ghat_k^2 sigma^2 + (mu/2) ghat_k sigma^2 sum gamma_next^2 once the
rest of the error x_k - xhat_k is absorbed: the factor exp(-mu tau/(4ML)) of the stepsize pays for the growth of the
weights over a delay. Multiplied by w_k the sum telescopes: the master inequality, here divided by w_K. The weights sum
to (4/mu)(w_K - 1), and w_K >= exp((mu/4) sum ghat), sum ghat >= (3/4) K min{1/(8ML), noise branch} under R1.
"""

from sympy import E, Integer, Rational, exp, log

from ratecheck.core.claim import Claim, Inequality, Statement, above_zero, at_least, has, of_class
from ratecheck.core.formula import Formula
from ratecheck.core.symbols import B, K, L, M, S, V, W, decay, mean_gap, mu, output_gap, sigma, virtual_sq, weight

from ._theorem3_strongly_convex_proof import PROOF
from .lemma1 import IDENTITIES

GROWTH = Formula(1 / (1 - mu * weight / 4))
ASSUMPTIONS = (of_class("convex"), of_class("smooth"), has("L"), above_zero("mu"), has("B"), has("sigma"))

CONDITIONAL = Inequality(
    Formula(output_gap),
    Formula(
        optimisation=decay * B**2 / (2 * W),
        noise=sigma**2 * S / (2 * W),
        in_flight=mu * sigma**2 * V / (4 * W),
    ),
)
MASTER = Inequality(
    Formula(gap=2 * W * mean_gap, distance=virtual_sq),
    Formula(optimisation=decay * B**2, noise=sigma**2 * S, in_flight=mu * sigma**2 * V / 2),
)


def _bound(exponent: Rational, over_k: Rational, noise: int) -> Inequality:
    """Return the bound with rate ``exponent`` and 1/(e^y - 1) <= e^-y (1 + 1/y), y = exponent mu K/(ML)."""
    rate = exponent * mu * K / (M * L)
    return Inequality(
        Formula(output_gap),
        Formula(
            optimisation=(mu / 8 + over_k * M * L / K) * B**2 * exp(-rate),
            noise=noise * sigma**2 / (mu * K) * log(E + mu**2 * K**2 * B**2 / sigma**2),
        ),
    )


__all__ = ["CLAIM", "PROOF"]

CLAIM = Claim(
    title="Delay-adaptive asynchronous SGD, strongly convex smooth objectives",
    source="Mishchenko, Bach, Even & Woodworth (2022), Theorem 3 (strongly convex)",
    statement=(
        "With stepsizes $\\gamma_k=\\min\\{e^{-\\mu\\tau_k/(4ML)}/(4L\\tau_k),1/(8ML),"
        "504\\log(e+\\mu^2K^2B^2/\\sigma^2)/(\\mu K)\\}$ and $K\\ge3M$ a weighted average of the iterates has expected "
        "suboptimality $\\tilde O(MLB^2e^{-c\\mu K/(ML)}+\\sigma^2/(\\mu K))$, whatever the delays are."
    ),
    assumptions=(*ASSUMPTIONS, at_least("K", "M", 3)),
    stepsize="delay_adaptive_strongly_convex",
    policy="independent",
    growth=GROWTH,
    outputs={
        "R1": Statement(_bound(Rational(3, 128), Rational(16, 3), 380), CONDITIONAL, MASTER),
        "RL": Statement(_bound(Rational(1, 64), Integer(8), 436), CONDITIONAL, MASTER),
    },
    trivial=Formula(L * B**2 / 2),
    identities=IDENTITIES,
    notes=(
        "Printed: the stepsize with 504, K >= 3M, and the rate with M L before the exponential. Ours: c = 3/128, the "
        "constants (mu/8 + 16ML/(3K) is less than 2L) and 380, the weights, and the master inequality.",
        "504 is larger than it must be: see mishchenko2022.theorem3_strongly_convex_short. As in the convex case, B^2 "
        "bounds the squared distance and sigma^2 the variance everywhere: see mishchenko2022.theorem3_convex.",
        "The conditional and the master inequality hold for every number in the place of 504, and for every K.",
        "The derivation uses K >= 3M under both rules, for 1 - 3M/K >= 0. Under R1 it could do without: the noise "
        "branch is active for K > 4032 M L/mu alone, and otherwise 1/(8ML) is so far below it that 380 covers K < 3M, "
        "too.",
        "RL presumes that every gradient in flight at K returns, and every rule that W > 0: without any weight there "
        "is no average.",
    ),
)
