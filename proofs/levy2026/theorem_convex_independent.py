"""Asynchronous mu^2-SGD, convex, delays that are independent of the samples: no M in the noise term. Ours.

Given the delays, the noise of k different samples has arrived: E||noise_k||^2 <= k sigma^2. This is the rate that the
paper claims. ``_convex`` has the rest of the proof in words.
"""

from sympy import Rational

from ratecheck.core.claim import Claim
from ratecheck.core.symbols import M

from ._cells import BLIND, convex
from ._convex import ASSUMPTIONS, ENOUGH, NOTES, SOURCE, TRIVIAL, bound, stepsize
from ._convex_proof import INDEPENDENT as PROOF

__all__ = ["CLAIM", "PROOF"]

CLAIM = Claim(
    title="Asynchronous mu^2-SGD, convex, delays independent of the samples (ours)",
    source=SOURCE,
    statement=(
        "With $\\alpha_k=k$, projection on a convex set of diameter $D$ that has a minimiser, additive noise and "
        "$\\gamma=\\min\\{1/(2LK),D/(\\sigma K^{3/2})\\}$ the last iterate has expected suboptimality at most "
        "$24MLD^2/K+\\frac52\\sigma D/\\sqrt K$ under delays that are independent of the samples."
    ),
    assumptions=(*ASSUMPTIONS, ENOUGH),
    outputs={"last": bound(24 * M, Rational(5, 2))},
    stepsize=stepsize(1),
    method="async_mu2_sgd_box",
    policy="independent",
    trivial=TRIVIAL,
    cells=convex(BLIND),
    notes=NOTES,
)
