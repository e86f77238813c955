"""Asynchronous mu^2-SGD, convex, Lipschitz noise, durations that tell nothing of a sample's mean. Ours.

Each job's duration is a function of its sample, and E[noise at x | duration] = 0 for every x: so the noise of what is
sent has mean 0, too, given all durations and all samples before. Its squares are among those of all drawn, M + k - 1
times (sigma + 2 sigma_L D)^2: the rate of independent delays and a size bias. See ``theorem_convex_mean_zero``.
"""

from sympy import Rational

from ratecheck.core.claim import Claim
from ratecheck.core.symbols import K, M

from ._cells import BLIND, SIZES, convex
from ._convex_lipschitz import ASSUMPTIONS, ENOUGH, NOTES, SOURCE, TRIVIAL, bound, cells, stepsize
from ._convex_lipschitz_proof import MEAN_ZERO as PROOF

__all__ = ["CLAIM", "PROOF"]

CLAIM = Claim(
    title="Asynchronous mu^2-SGD, convex, Lipschitz noise, delays that look at the size of the noise alone (ours)",
    source=SOURCE,
    statement=(
        "With $\\alpha_k=k$, projection on a convex set of diameter $D$ that has a minimiser, "
        "$\\tilde\\sigma=\\sigma+2\\sigma_LD$ and $\\gamma=\\min\\{1/(2LK),D/(\\tilde\\sigma K^{3/2})\\}$ the last "
        "iterate has expected suboptimality at most $24MLD^2/K+(\\frac52+\\frac{3(M-1)}{2K})\\tilde\\sigma D/\\sqrt "
        "K$ under delays decided by durations $d$, each of its own sample, with $\\mathbb{E}[\\xi(x)\\mid d]=0$ for "
        "every $x$, if $\\mathbb{E}\\|\\xi(x)\\|^2\\le\\sigma^2$ and "
        "$\\mathbb{E}\\|\\xi(x)-\\xi(y)\\|^2\\le\\sigma_L^2\\|x-y\\|^2$ for the noise of one sample."
    ),
    assumptions=(*ASSUMPTIONS, ENOUGH),
    outputs={"last": bound(24 * M, Rational(5, 2) + Rational(3, 2) * (M - 1) / K)},
    stepsize=stepsize(1),
    method="async_mu2_sgd_box",
    policy="mean-zero given the duration",
    trivial=TRIVIAL,
    # no law of rows is symmetric: of noise that differs from point to point there are blind twins alone
    cells=(*convex(SIZES), *cells(BLIND[0][0])),
    notes=NOTES,
)
