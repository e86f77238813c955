"""Asynchronous mu^2-SGD, convex, bounded noise, any delays that do not see future samples. Ours.

On every run the M - 1 in flight have together a noise of at most (M - 1) sigma_inf, whatever the delays select: an
extra term of order (M - 1) sigma_inf D/K. So the rate of independent delays holds while (M - 1) sigma_inf is at most of
order sigma sqrt(K). The stepsize does not know sigma_inf. ``_convex_flight_proof`` has the rest of the proof in words.
"""

from ratecheck.core.claim import Claim, has
from ratecheck.core.symbols import M, sigma_inf

from ._cells import RULES_BOUNDED, convex
from ._convex import ASSUMPTIONS, ENOUGH, NOTES, SOURCE, TRIVIAL, bound, stepsize
from ._convex_flight_proof import BOUNDED as PROOF
from ._convex_flight_proof import NOISE, OPTIMISATION

__all__ = ["CLAIM", "PROOF"]

CLAIM = Claim(
    title="Asynchronous mu^2-SGD, convex, bounded noise, any delays that do not see future samples (ours)",
    source=SOURCE,
    statement=(
        "With $\\alpha_k=k$, projection on a convex set of diameter $D$ that has a minimiser, additive noise and "
        "$\\gamma=\\min\\{1/(2LK),D/(\\sigma K^{3/2})\\}$ the last iterate has expected suboptimality at most "
        "$24MLD^2/K+(\\frac52+\\frac{3(M-1)}{2K})\\sigma D/\\sqrt K+3(M-1)\\sigma_\\infty D/K$ where no noise is "
        "longer than $\\sigma_\\infty$, whatever the delays look at but samples not yet drawn."
    ),
    assumptions=(*ASSUMPTIONS, ENOUGH, has("sigma_inf")),
    outputs={"last": bound(OPTIMISATION, NOISE, (M - 1) * sigma_inf * 3)},
    stepsize=stepsize(1),
    method="async_mu2_sgd_box",
    policy="clairvoyant",
    trivial=TRIVIAL,
    cells=convex(RULES_BOUNDED),
    notes=NOTES,
)
