"""Theorem 2: asynchronous SGD with a constant stepsize on smooth, Lipschitz, non-convex objectives.

Mishchenko, Bach, Even & Woodworth (2022), "Asynchronous SGD beats minibatch SGD under arbitrary delays", Theorem 2.
Printed: the stepsize and the rate M L Delta / K + sqrt(L Delta sigma^2 / K) + (M L Delta G / K)^(2/3) up to constants.
Ours: the constants, the conditional form and the master inequality, and that no independence is needed: with a
constant stepsize every sample is fresh when its point is fixed.

Why. Descent on the virtual iterates: F(xhat_{k+1}) <= F(xhat_k) - gamma <grad F(xhat_k), g_k> + L gamma^2 ||g_k||^2/2,
and -<grad F(xhat), h> <= -||h||^2/2 + L^2 ||x - xhat||^2 / 2 with ||x - xhat|| <= (M - 1) gamma G by Lemma 1. The first
step, by the initial gradients, costs at most their noise, as L gamma M <= 1/2. The sum, with (1 - L gamma)/2 >= 1/4, is
the master inequality.
"""

from sympy import Rational, sqrt

from ratecheck.core.claim import Claim, Inequality, Statement, at_least, has, of_class
from ratecheck.core.formula import Formula
from ratecheck.core.symbols import Delta, G, K, L, M, Q, W, mean_gradient_sq, sigma, virtual_gap

from ._theorem2_proof import PROOF
from .lemma1 import IDENTITIES

__all__ = ["CLAIM", "PROOF"]

_GAMMA = W / K  # constant stepsizes: the weights of x_1..x_K sum to K gamma

CLAIM = Claim(
    title="Asynchronous SGD with a constant stepsize, smooth Lipschitz objectives",
    source="Mishchenko, Bach, Even & Woodworth (2022), Theorem 2",
    statement=(
        "With the constant stepsize $\\gamma=\\min\\{1/(2ML),\\sqrt{\\Delta/(L\\sigma^2K)},"
        "(\\Delta/(L^2M^2G^2K))^{1/3}\\}$ the mean of $\\|\\nabla F(x_k)\\|^2$ over $x_1,\\dots,x_K$ is "
        "$O(ML\\Delta/K+\\sqrt{L\\Delta\\sigma^2/K}+(ML\\Delta G/K)^{2/3})$ in expectation, whatever the delays are."
    ),
    assumptions=(of_class("smooth"), has("L"), has("G"), has("Delta"), has("sigma"), at_least("K", "M")),
    stepsize="lipschitz_smooth_constant",
    policy="data-dependent",
    outputs={
        "R1": Statement(
            bound=Inequality(
                Formula(mean_gradient_sq),
                Formula(
                    optimisation=8 * M * L * Delta / K,
                    noise=8 * sqrt(L * Delta * sigma**2 / K),
                    in_flight=6 * (M * L * Delta * G / K) ** Rational(2, 3),
                ),
            ),
            conditional=Inequality(
                Formula(mean_gradient_sq),
                Formula(
                    optimisation=4 * Delta / W,
                    noise=2 * L * _GAMMA * sigma**2 * (1 + M / K),
                    in_flight=2 * _GAMMA**2 * L**2 * (M - 1) ** 2 * G**2,
                ),
            ),
            master=Inequality(
                Formula(gap=virtual_gap, gradient=W / 4 * mean_gradient_sq),
                Formula(
                    optimisation=Delta,
                    noise=L * sigma**2 * Q / 2,
                    in_flight=W * _GAMMA**2 * L**2 * (M - 1) ** 2 * G**2 / 2,
                ),
                policy="independent",
            ),
        )
    },
    trivial=Formula(G**2),
    identities=IDENTITIES,
    notes=(
        "Printed: stepsize and rate. Ours: the constants 8, 8, 6, the conditional form and the master inequality.",
        "The term with G comes from the proof: Theorem 3 does without it, so no run can show that it is needed.",
        "The master inequality takes initial gradients that are not back at K out of the virtual iterate: there the "
        "delays must not depend on the samples. Else it is false: with M = K = 8 workers, of which only one with rare "
        "large noise ever delivers, the left side is 1.16 times the right one. The bound and the conditional form need "
        "no such thing.",
    ),
)
