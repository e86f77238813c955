"""Theorem 1: asynchronous SGD with a constant stepsize on convex Lipschitz objectives.

Mishchenko, Bach, Even & Woodworth (2022), "Asynchronous SGD beats minibatch SGD under arbitrary delays", Theorem 1.
Printed: stepsize B/(G sqrt(KM)) and E F(mean x_k) - F* <= 3 G B sqrt(M/K) for K >= M; the mean is over x_1..x_K.
Ours: the conditional form and the master inequality, from E||xhat_1 - x*||^2 <= B^2 + gamma^2 M^2 G^2 (the cross
term is not positive), and that no bounded variance and no independence is needed: a constant stepsize lets every
sample be fresh when its point is fixed, so data-dependent delays are covered.

Why. ||xhat_{k+1} - x*||^2 expands; -<h_k, xhat_k - x*> <= -(F(x_k) - F*) + G ||x_k - xhat_k||; by Lemma 1 the error
is a sum of M - 1 gradients in flight, at most (M - 1) gamma G. Telescoping gives the master inequality.
"""

from sympy import Rational, sqrt

from ratecheck.core.claim import Claim, Inequality, Statement, at_least, has, of_class
from ratecheck.core.formula import Formula
from ratecheck.core.symbols import B, G, K, M, W, mean_gap, output_gap, virtual_sq

from ._theorem1_proof import PROOF
from .lemma1 import IDENTITIES

_GAMMA = W / K  # constant stepsizes: the weights of x_1..x_K sum to K gamma
_RHS = {
    "start": B**2 / (2 * W) + _GAMMA**2 * M**2 * G**2 / (2 * W),
    "in_flight": _GAMMA * G**2 * (M - Rational(1, 2)),
}

__all__ = ["CLAIM", "PROOF"]

CLAIM = Claim(
    title="Asynchronous SGD with a constant stepsize, convex Lipschitz objectives",
    source="Mishchenko, Bach, Even & Woodworth (2022), Theorem 1",
    statement=(
        "With the constant stepsize $\\gamma=B/(G\\sqrt{KM})$ the uniform average of $x_1,\\dots,x_K$ has expected "
        "suboptimality at most $3GB\\sqrt{M/K}$, whatever the delays are."
    ),
    assumptions=(of_class("convex"), has("G"), has("B"), at_least("K", "M")),
    stepsize="lipschitz_constant",
    policy="data-dependent",
    outputs={
        "R1": Statement(
            bound=Inequality(Formula(output_gap), Formula(3 * G * B * sqrt(M / K))),
            conditional=Inequality(Formula(output_gap), Formula(**_RHS)),
            master=Inequality(
                Formula(gap=mean_gap, distance=virtual_sq / (2 * W)), Formula(**_RHS), policy="independent"
            ),
        )
    },
    trivial=Formula(G * B),
    identities=IDENTITIES,
    notes=(
        "The master inequality takes initial gradients that are not back at K out of the virtual iterate, and is about "
        "delays that do not depend on the samples. The bound and the conditional form need no such thing.",
    ),
)
