"""Asynchronous mu^2-SGD, convex, delays that may look at all samples drawn so far: a factor sqrt(M) in the noise. Ours.

E||noise_k||^2 <= 2 M (k + M - 1) sigma^2: the noise that has arrived is all noise drawn (a martingale, whatever the
delays look at) less that of the M - 1 gradients in flight, which delays may have selected; Cauchy-Schwarz bounds the
latter by (M - 1) times all squares. No bounded or independent noise is needed, and sqrt(M) cannot be avoided for
delays that look at samples with a variance alone. ``_convex`` has the rest of the proof in words.
"""

from sympy import Rational, sqrt

from ratecheck.core.claim import Claim
from ratecheck.core.symbols import M

from ._cells import RULES, convex
from ._convex import ASSUMPTIONS, ENOUGH, NOTES, SOURCE, TRIVIAL, bound, stepsize
from ._convex_proof import ANY as PROOF

__all__ = ["CLAIM", "PROOF"]

CLAIM = Claim(
    title="Asynchronous mu^2-SGD, convex, any delays that do not see future samples (ours)",
    source=SOURCE,
    statement=(
        "With $\\alpha_k=k$, projection on a convex set of diameter $D$ that has a minimiser, additive noise and "
        "$\\gamma=\\min\\{1/(2LK),D/(\\sqrt M\\sigma K^{3/2})\\}$ the last iterate has expected suboptimality at most "
        "$24MLD^2/K+\\frac92\\sqrt M\\sigma D/\\sqrt K$, whatever the delays look at but samples not yet drawn."
    ),
    assumptions=(*ASSUMPTIONS, ENOUGH),
    outputs={"last": bound(24 * M, Rational(9, 2) * sqrt(M))},
    stepsize=stepsize(M),
    method="async_mu2_sgd_box",
    policy="clairvoyant",
    trivial=TRIVIAL,
    cells=convex(RULES),
    notes=NOTES,
)
