"""Asynchronous mu^2-SGD, convex, noise that differs from point to point, delays that may look at all samples. Ours.

The noise of a sample need not be the same at the two averages that it is looked at in: it is enough that it is
Lipschitz in mean square. What is sent from x_k then has a variance of (sigma + 2 sigma_L D)^2 at most, for every k: its
second gradient is weighted by k - 1, and averages are 2 D/(k + 1) apart. Its noise has mean 0 given all that was there
before, under every policy, so that the rest is as for additive noise: all noise drawn, less that in flight.
``_convex_lipschitz_proof`` has the steps.
"""

from sympy import Rational, sqrt

from ratecheck.core.claim import Claim
from ratecheck.core.symbols import M

from ._convex_lipschitz import ASSUMPTIONS, ENOUGH, LOOKING, NOTES, SOURCE, TRIVIAL, bound, cells, stepsize
from ._convex_lipschitz_proof import ANY as PROOF

__all__ = ["CLAIM", "PROOF"]

CLAIM = Claim(
    title="Asynchronous mu^2-SGD, convex, Lipschitz noise, any delays that do not see future samples (ours)",
    source=SOURCE,
    statement=(
        "With $\\alpha_k=k$, projection on a convex set of diameter $D$ that has a minimiser, "
        "$\\tilde\\sigma=\\sigma+2\\sigma_LD$ and $\\gamma=\\min\\{1/(2LK),D/(\\sqrt M\\tilde\\sigma K^{3/2})\\}$ the "
        "last iterate has expected suboptimality at most $24MLD^2/K+\\frac92\\sqrt M\\tilde\\sigma D/\\sqrt K$, "
        "whatever the delays look at but samples not yet drawn, if $\\mathbb{E}\\|\\xi(x)\\|^2\\le\\sigma^2$ and "
        "$\\mathbb{E}\\|\\xi(x)-\\xi(y)\\|^2\\le\\sigma_L^2\\|x-y\\|^2$ for the noise of one sample."
    ),
    assumptions=(*ASSUMPTIONS, ENOUGH),
    outputs={"last": bound(24 * M, Rational(9, 2) * sqrt(M))},
    stepsize=stepsize(M),
    method="async_mu2_sgd_box",
    policy="clairvoyant",
    trivial=TRIVIAL,
    cells=cells(*LOOKING),
    notes=NOTES,
)
