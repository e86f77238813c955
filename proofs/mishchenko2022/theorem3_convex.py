"""Theorem 3, convex case: delay-adaptive asynchronous SGD, with explicit constants for three output rules.

Mishchenko, Bach, Even & Woodworth (2022), "Asynchronous SGD beats minibatch SGD under arbitrary delays", Theorem 3.
Printed: the stepsize and the rate M L B^2 / K + sigma B / sqrt(K) up to constants. Ours: the constants, the master
inequality and the assumptions it really needs (bounded variance, samples independent of the schedule, and
B^2 >= E||x_0 - x*||^2, which the paper prints as B).

Why. With D_k = E||xhat_k - x*||^2 for the virtual iterates xhat, one step gives
D_{k+1} <= D_k - 2 ghat_k E[F(x_k) - F*] + ghat_k^2 sigma^2 once the error x_k - xhat_k is absorbed: noise in flight
is orthogonal to grad F(x_k) and ghat <= 1/(4 L tau) pays for the delay. The sum is the master inequality; convexity
(Jensen) gives the conditional bound; sum ghat >= (3/4) K min{1/(4ML), B/(sigma sqrt K)} gives the final one. Under RL
the sum is at least (3/4) (K - M) min{..} only, for what is in flight at K may come back late; every iterate has
E[F(x_k) - F*] <= L (B^2 + sigma^2 sum ghat^2), which makes up for it. The second moments of the left sides are bounded
in ``second_moment``.
"""

from sympy import Rational, sqrt

from ratecheck.core.claim import Claim, Inequality, Statement, at_least, has, of_class
from ratecheck.core.formula import Formula
from ratecheck.core.symbols import B, K, L, M, Q, W, mean_gap, output_gap, sigma, virtual_sq

from . import second_moment
from ._theorem3_convex_proof import PROOF
from .lemma1 import IDENTITIES

_CONDITIONAL = Inequality(
    lhs=Formula(output_gap),
    rhs=Formula(optimisation=B**2 / (2 * W), noise=sigma**2 * Q / (2 * W)),
    second_moment=second_moment.OF_OUTPUT,
)
_MASTER = Inequality(
    lhs=Formula(gap=2 * W * mean_gap, distance=virtual_sq),
    rhs=Formula(optimisation=B**2, noise=sigma**2 * Q),
    second_moment=second_moment.OF_MASTER,
)


def _bound(optimisation: object, noise: object) -> Inequality:
    return Inequality(
        lhs=Formula(output_gap),
        rhs=Formula(optimisation=optimisation * M * L * B**2 / K, noise=noise * sigma * B / sqrt(K)),
        second_moment=second_moment.OF_OUTPUT,
    )


__all__ = ["CLAIM", "PROOF"]

CLAIM = Claim(
    title="Delay-adaptive asynchronous SGD, convex smooth objectives",
    source="Mishchenko, Bach, Even & Woodworth (2022), Theorem 3 (convex)",
    statement=(
        "With stepsizes $\\gamma_k=\\min\\{1/(4L\\tau_k),1/(4ML),B/(\\sigma\\sqrt K)\\}$ the weighted average of the "
        "iterates has expected suboptimality $O(MLB^2/K+\\sigma B/\\sqrt K)$, whatever the delays are."
    ),
    assumptions=(of_class("convex"), of_class("smooth"), has("L"), has("B"), has("sigma"), at_least("K", "M")),
    stepsize="delay_adaptive_convex",
    policy="independent",
    outputs={
        "R1": Statement(_bound(Rational(8, 3), 2), _CONDITIONAL, _MASTER),
        "R0": Statement(_bound(Rational(8, 3), Rational(4, 3)), _CONDITIONAL, _MASTER),
        "RL": Statement(_bound(Rational(11, 3), Rational(11, 4)), _CONDITIONAL, _MASTER),
    },
    trivial=Formula(L * B**2 / 2),
    identities=IDENTITIES,
    notes=(
        "Printed: the stepsize, and the rate without constants. Ours: all constants, and the master inequality.",
        "Printed is B >= E||x_0 - x*||^2; right is B^2. See mishchenko2022.theorem3_printed_units.",
        "Not printed: sigma^2 bounds the variance everywhere. It is needed: see "
        "mishchenko2022.theorem3_without_variance.",
        "Assumption 1, that delays do not look at samples, is needed; see mishchenko2022.theorem3_convex_any_delay.",
        "RL is the rule as printed. Its weights need not sum to a multiple of K at K = M, as the sketch of the proof "
        "says; the bound holds all the same. See mishchenko2022.literal_weights_from_m.",
        "RL presumes that every gradient in flight at K returns, and every rule that W > 0: without any weight there "
        "is no average.",
    ),
)
