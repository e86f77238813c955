"""Asynchronous mu^2-SGD, convex, delays under a cap that do not see future samples. Ours.

What is in flight was handed out lately: it is among M + tau_cap - 2 samples that are given by their numbers, whatever
the delays look at. So its noise has the mean square (M - 1)(M + tau_cap - 2) sigma^2 at most, for every K: an extra
term of order sqrt((M - 1)(M + tau_cap)) sigma D/K, below the noise term while K is above (M - 1)(M + tau_cap). The
method is the paper's, without commit in order; its price is not in the optimisation term. For tau_cap beyond K the
bound holds, and says no more than that for any delays.
"""

from sympy import sqrt

from ratecheck.core.claim import Claim, has
from ratecheck.core.symbols import M, sigma, tau_cap

from ._cells import CONVEX_CAP, RULES_CAPPED, convex
from ._convex import ASSUMPTIONS, ENOUGH, NOTES, SOURCE, TRIVIAL, bound, stepsize
from ._convex_flight_proof import DELAY_CAP as PROOF
from ._convex_flight_proof import NOISE, OPTIMISATION

__all__ = ["CLAIM", "PROOF"]

CLAIM = Claim(
    title="Asynchronous mu^2-SGD, convex, delays under a cap that do not see future samples (ours)",
    source=SOURCE,
    statement=(
        "With $\\alpha_k=k$, projection on a convex set of diameter $D$ that has a minimiser, additive noise and "
        "$\\gamma=\\min\\{1/(2LK),D/(\\sigma K^{3/2})\\}$ the last iterate has expected suboptimality at most "
        "$24MLD^2/K+(\\frac52+\\frac{3(M-1)}{2K})\\sigma D/\\sqrt K$ and "
        "$3\\sqrt{(M-1)(M+\\tau_{\\mathrm{cap}}-2)}\\sigma D/K$ where no gradient is out for more than "
        "$\\tau_{\\mathrm{cap}}$ steps, whatever the delays look at but samples not yet drawn."
    ),
    assumptions=(*ASSUMPTIONS, ENOUGH, has("tau_cap")),
    outputs={"last": bound(OPTIMISATION, NOISE, 3 * sqrt((M - 1) * (M + tau_cap - 2)) * sigma)},
    stepsize=stepsize(1),
    method="async_mu2_sgd_box",
    policy="clairvoyant",
    trivial=TRIVIAL,
    cells=convex(RULES_CAPPED, tau_cap=CONVEX_CAP),
    notes=NOTES,
)
