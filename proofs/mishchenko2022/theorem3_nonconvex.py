"""Theorem 3, non-convex case: delay-adaptive asynchronous SGD, with explicit constants for three output rules.

Mishchenko, Bach, Even & Woodworth (2022), "Asynchronous SGD beats minibatch SGD under arbitrary delays", Theorem 3.
Printed: the stepsize and the rate M L Delta/K + sqrt(L Delta sigma^2/K) up to constants, for a random iterate. Ours:
the constants, that iterate k is chosen with probability ghat_k / sum ghat, the master inequality and the assumptions it
really needs (bounded variance, samples independent of the schedule).

Why. Descent on the virtual iterates, -<grad F(xhat), h> <= -(3/4) ||h||^2 + L^2 ||x - xhat||^2. Noise in flight is
orthogonal to what came before it returns, so E||x_k - xhat_k||^2 <= (M - 1) sum gamma_next^2 E||h_prev||^2 + sigma^2
sum gamma_next^2 over the gradients in flight. Summed with ghat_k, a gradient h_i counts in its window of tauhat_i - 1
iterates, and ghat_i <= 1/(4 L tauhat_i) with ghat <= 1/(2ML) leaves at most ghat_i ||h_i||^2 / 8. What is left of
||h||^2 is 3/4 - 1/8 - 1/8 = 1/2. Then sum ghat >= (1/2) K min{1/(2ML), sqrt(Delta/(K L sigma^2))} by delay counting.
Under RL it is at least (1/2) (K - M) min{..} only, and a bound of ||h_k||^2 at every single iterate makes up for it.
"""

from sympy import Rational, sqrt

from ratecheck.core.claim import Claim, Inequality, Statement, at_least, has, of_class
from ratecheck.core.formula import Formula
from ratecheck.core.symbols import Delta, K, L, M, Q, V, W, mean_gradient_sq, sigma, virtual_gap

from ._theorem3_nonconvex_proof import PROOF
from .lemma1 import IDENTITIES

__all__ = ["CLAIM", "PROOF"]

_CONDITIONAL = Inequality(
    Formula(mean_gradient_sq),
    Formula(optimisation=2 * Delta / W, noise=L * sigma**2 * Q / W, in_flight=2 * L**2 * sigma**2 * V / W),
)
_MASTER = Inequality(
    Formula(gap=virtual_gap, gradient=W / 2 * mean_gradient_sq),
    Formula(optimisation=Delta, noise=L * sigma**2 * Q / 2, in_flight=L**2 * sigma**2 * V),
)


def _bound(optimisation: object, noise: object) -> Inequality:
    return Inequality(
        Formula(mean_gradient_sq),
        Formula(optimisation=optimisation * M * L * Delta / K, noise=noise * sqrt(L * Delta * sigma**2 / K)),
    )


CLAIM = Claim(
    title="Delay-adaptive asynchronous SGD, smooth objectives",
    source="Mishchenko, Bach, Even & Woodworth (2022), Theorem 3 (non-convex)",
    statement=(
        "With stepsizes $\\gamma_k=\\min\\{1/(4L\\tau_k),1/(2ML),\\sqrt{\\Delta/(KL\\sigma^2)}\\}$ the squared "
        "gradient norm at an iterate chosen with probability $\\hat\\gamma_k/\\sum_j\\hat\\gamma_j$ is "
        "$O(ML\\Delta/K+\\sqrt{L\\Delta\\sigma^2/K})$ in expectation, whatever the delays are."
    ),
    assumptions=(of_class("smooth"), has("L"), has("Delta"), has("sigma"), at_least("K", "M")),
    stepsize="delay_adaptive_nonconvex",
    policy="independent",
    outputs={
        "R1": Statement(_bound(8, 10), _CONDITIONAL, _MASTER),
        "R0": Statement(_bound(8, 8), _CONDITIONAL, _MASTER),
        "RL": Statement(_bound(11, Rational(61, 4)), _CONDITIONAL, _MASTER),
    },
    trivial=Formula(2 * L * Delta),
    identities=IDENTITIES,
    notes=(
        "Printed: stepsize and rate. Ours: all constants, the law of the random iterate, the master inequality.",
        "Not printed: sigma^2 bounds the variance everywhere. It is needed, as in "
        "mishchenko2022.theorem3_without_variance.",
        "RL presumes that every gradient in flight at K returns, and every rule that W > 0: without any weight there "
        "is no average.",
    ),
)
