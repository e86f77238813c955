"""Theorem 4: delay-adaptive asynchronous SGD where every worker has an objective of its own.

Mishchenko, Bach, Even & Woodworth (2022), "Asynchronous SGD beats minibatch SGD under arbitrary delays", Theorem 4.
F is the mean of the M workers' objectives F_m, worker m's gradients have mean grad F_m, and
||grad F_m(x) - grad F(x)|| <= zeta for all x and m (Assumption 2). Printed: the stepsize and the rate
M L Delta/K + sqrt(L Delta sigma^2/K) + zeta^2 up to constants, for a random iterate drawn with the weights ghat_k.
Ours: the constants, the conditional form, the master inequality, and what it really needs: samples independent of each
other and of the whole schedule (which worker arrives when, too), smoothness of F alone, and not K >= M.

Why. Let xhat be the virtual iterates (Lemma 1 holds for gradients of different objectives), h_k = grad F(x_k),
u_k = grad F_m(x_k) for the worker m = m_k, and e_k = x_k - xhat_k. Smoothness of F along xhat gives
F(xhat_{k+1}) <= F(xhat_k) - ghat_k <grad F(xhat_k), g_k> + (L/2) ghat_k^2 ||g_k||^2, and in expectation, as
<h, u> >= ||h||^2/2 + ||u||^2/2 - zeta^2/2 and <h - grad F(xhat), u> <= L^2 ||e||^2 + ||u||^2/4,
E F(xhat_{k+1}) <= E F(xhat_k) - ghat_k ||h_k||^2/2 + ghat_k zeta^2/2 + (L/2) sigma^2 ghat_k^2
                   + ghat_k (-1/2 + 1/4 + L ghat_k/2) ||u_k||^2 + L^2 ghat_k ||e_k||^2.
Noise in flight is orthogonal to what was computed before it arrives: E||e_k||^2 is at most M - 1 times the sum of
gamma_next^2 ||u||^2 over the others in flight, plus sigma^2 times the sum of gamma_next^2. Summed over k, the first
part costs each ghat_i ||u_i||^2 at most L^2 (M - 1) ghat_i (tauhat_i - 1)/(4ML) <= 1/32, for ghat <= 1/(8 L tau) and
ghat <= 1/(4ML); with L ghat/2 <= 1/16 nothing is left of ||u||^2. The second part is L^2 sigma^2 V. The initial
gradients are a step of length Gamma_0 <= 1/(4L), where -1/2 + 1/8 + 1/32 <= 0. The sum is the master inequality. Under
R0 its zeta^2 has the weight W of the iterates exactly; under R1 Gamma_0 comes on top, as x_0 has no weight. Divided by
W/2 it is the conditional bound. At last W >= K c/2, c = min{1/(4ML), sqrt(Delta/(K L sigma^2))}, by delay counting,
with at most K (R0) or 2 K (R1) squares in Q, L V <= K c^2/4 and Gamma_0 <= M c.

The coefficient 1 of zeta^2 is sharp: where one worker alone arrives, ||grad F||^2 tends to zeta^2; where that worker
begins at its own minimiser, F quadratic, the two sides of the master inequality are equal under R0.
"""

from sympy import Rational, sqrt

from ratecheck.core.claim import Claim, Inequality, Statement, has, of_class
from ratecheck.core.formula import Formula
from ratecheck.core.symbols import Delta, Gamma_0, K, L, M, Q, V, W, mean_gradient_sq, sigma, virtual_gap, zeta

from ._theorem4_proof import PROOF
from .lemma1 import IDENTITIES

__all__ = ["CLAIM", "PROOF"]

_NOISE = L * sigma**2 * Q / 2 + L**2 * sigma**2 * V


def _statement(noise: int, dissimilarity: object, weight: object) -> Statement:
    """``weight`` is the sum of all final stepsizes, those of the initial gradients included."""
    return Statement(
        bound=Inequality(
            Formula(mean_gradient_sq),
            Formula(
                optimisation=16 * M * L * Delta / K,
                noise=noise * sqrt(L * Delta * sigma**2 / K),
                dissimilarity=dissimilarity * zeta**2,
            ),
        ),
        conditional=Inequality(
            Formula(mean_gradient_sq),
            Formula(optimisation=2 * Delta / W, noise=2 * _NOISE / W, dissimilarity=zeta**2 * weight / W),
        ),
        master=Inequality(
            Formula(gradients=W * mean_gradient_sq / 2, gap=virtual_gap),
            Formula(optimisation=Delta, noise=_NOISE, dissimilarity=zeta**2 * weight / 2),
        ),
    )


CLAIM = Claim(
    title="Delay-adaptive asynchronous SGD, an objective for each worker",
    source="Mishchenko, Bach, Even & Woodworth (2022), Theorem 4",
    statement=(
        "With stepsizes $\\gamma_k=\\min\\{1/(8L\\tau_k),1/(4ML),\\sqrt{\\Delta/(KL\\sigma^2)}\\}$ and workers whose "
        "gradients are within $\\zeta$ of $\\nabla F$, a random iterate has expected squared gradient "
        "$O(ML\\Delta/K+\\sqrt{L\\Delta\\sigma^2/K}+\\zeta^2)$, whatever the delays are."
    ),
    assumptions=(of_class("smooth"), has("L"), has("Delta"), has("sigma"), has("zeta")),
    stepsize="delay_adaptive_heterogeneous",
    policy="independent",
    outputs={
        "R1": _statement(9, 1 + 2 * M / K, W + Gamma_0),
        "R0": _statement(7, Rational(1), W),
    },
    trivial=Formula(2 * L * Delta),
    identities=IDENTITIES,
)
