"""Asynchronous mu^2-SGD, convex, noise that differs from point to point, independent delays: no M in the noise. Ours.

Given the delays, what k different samples sent has arrived: E||noise_k||^2 <= k (sigma + 2 sigma_L D)^2. See
``theorem_convex_lipschitz_noise`` for what is sent, and ``_convex`` for the rest of the proof in words.
"""

from sympy import Rational

from ratecheck.core.claim import Claim
from ratecheck.core.symbols import M

from ._cells import BLIND
from ._convex_lipschitz import ASSUMPTIONS, ENOUGH, NOTES, SOURCE, TRIVIAL, bound, cells, stepsize
from ._convex_lipschitz_proof import INDEPENDENT as PROOF

__all__ = ["CLAIM", "PROOF"]

CLAIM = Claim(
    title="Asynchronous mu^2-SGD, convex, Lipschitz noise, delays independent of the samples (ours)",
    source=SOURCE,
    statement=(
        "With $\\alpha_k=k$, projection on a convex set of diameter $D$ that has a minimiser, "
        "$\\tilde\\sigma=\\sigma+2\\sigma_LD$ and $\\gamma=\\min\\{1/(2LK),D/(\\tilde\\sigma K^{3/2})\\}$ the last "
        "iterate has expected suboptimality at most $24MLD^2/K+\\frac52\\tilde\\sigma D/\\sqrt K$ under delays that "
        "are independent of the samples, if $\\mathbb{E}\\|\\xi(x)\\|^2\\le\\sigma^2$ and "
        "$\\mathbb{E}\\|\\xi(x)-\\xi(y)\\|^2\\le\\sigma_L^2\\|x-y\\|^2$ for the noise of one sample."
    ),
    assumptions=(*ASSUMPTIONS, ENOUGH),
    outputs={"last": bound(24 * M, Rational(5, 2))},
    stepsize=stepsize(1),
    method="async_mu2_sgd_box",
    policy="independent",
    trivial=TRIVIAL,
    cells=cells(*(delays for delays, _ in BLIND)),
    notes=NOTES,
)
