"""Asynchronous mu^2-SGD, convex, delays decided by durations that tell nothing of a sample's mean. Ours.

Each job's duration is a function of its sample, and E[noise | duration] = 0: the size of the noise may decide who
delivers when. Given all durations, noises of different samples are orthogonal, so that E||noise_k||^2 is the mean of
the squares of what is back, at most those of all drawn: (k + M - 1) sigma^2. The M - 1 is a size bias (samples with
large noise may be the fast ones), and costs a part (M - 1)/K of the noise term: the rate of independent delays.
"""

from sympy import Rational

from ratecheck.core.claim import Claim
from ratecheck.core.symbols import K, M

from ._cells import SIZES, convex
from ._convex import ASSUMPTIONS, ENOUGH, NOTES, SOURCE, TRIVIAL, bound, stepsize
from ._convex_proof import MEAN_ZERO as PROOF

__all__ = ["CLAIM", "PROOF"]

CLAIM = Claim(
    title="Asynchronous mu^2-SGD, convex, delays that look at the size of the noise alone (ours)",
    source=SOURCE,
    statement=(
        "With $\\alpha_k=k$, projection on a convex set of diameter $D$ that has a minimiser, additive noise and "
        "$\\gamma=\\min\\{1/(2LK),D/(\\sigma K^{3/2})\\}$ the last iterate has expected suboptimality at most "
        "$24MLD^2/K+(\\frac52+\\frac{3(M-1)}{2K})\\sigma D/\\sqrt K$ under delays decided by durations $d$, each of "
        "its own sample, with $\\mathbb{E}[\\xi\\mid d]=0$."
    ),
    assumptions=(*ASSUMPTIONS, ENOUGH),
    outputs={"last": bound(24 * M, Rational(5, 2) + Rational(3, 2) * (M - 1) / K)},
    stepsize=stepsize(1),
    method="async_mu2_sgd_box",
    policy="mean-zero given the duration",
    trivial=TRIVIAL,
    cells=convex(SIZES),
    notes=NOTES,
)
