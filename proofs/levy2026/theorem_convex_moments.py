"""Asynchronous mu^2-SGD, convex, noise with a moment of order r > 2, any delays that see no future samples. Ours.

E||xi||^r <= sigma_r^r, r = 2 + excess. For any length a ("level"), u^2 <= (2 a^(2-r) u^r + (r-2) a^2)/r summed over the
M - 1 in flight, with n = M + K - 1 drawn in all: E||in flight||^2 <= X^2 = (M-1)(2 a^(2-r) n sigma_r^r + (r-2)(M-1)
a^2)/r, and an extra term 3 X D/K. Derived, and stated, for every a > 0; a cell declares its own. With the best
one, a^r = n sigma_r^r/(M-1), X is (M-1)^(1-1/r) n^(1/r) sigma_r, from sqrt((M-1) n) sigma at r = 2 to (M-1) sigma_inf.
"""

from sympy import sqrt

from ratecheck.core.claim import Claim, above_zero, has

from ._cells import LOUD, convex, with_moments
from ._convex import ASSUMPTIONS, ENOUGH, NOTES, SOURCE, TRIVIAL, bound, stepsize
from ._convex_flight_proof import HEAVY, NOISE, OPTIMISATION
from ._convex_flight_proof import MOMENTS as PROOF

__all__ = ["CLAIM", "PROOF"]

CLAIM = Claim(
    title="Asynchronous mu^2-SGD, convex, noise with more moments, any delays that do not see future samples (ours)",
    source=SOURCE,
    statement=(
        "With $\\alpha_k=k$, projection on a convex set of diameter $D$ that has a minimiser, additive noise and "
        "$\\gamma=\\min\\{1/(2LK),D/(\\sigma K^{3/2})\\}$ the last iterate has expected suboptimality at most "
        "$24MLD^2/K+(\\frac52+\\frac{3(M-1)}{2K})\\sigma D/\\sqrt K+3XD/K$, "
        "$X^2=\\frac{M-1}r(2a^{2-r}(M+K-1)\\sigma_r^r+(r-2)(M-1)a^2)$, for every $a>0$ where "
        "$\\mathbb{E}\\|\\xi\\|^r\\le\\sigma_r^r$, whatever the delays look at but samples not yet drawn."
    ),
    assumptions=(
        *ASSUMPTIONS,
        ENOUGH,
        has("sigma_r"),
        above_zero("sigma_r"),
        has("excess"),
        above_zero("excess"),
        above_zero("level"),
    ),
    outputs={"last": bound(OPTIMISATION, NOISE, 3 * sqrt(HEAVY))},
    stepsize=stepsize(1),
    method="async_mu2_sgd_box",
    policy="clairvoyant",
    trivial=TRIVIAL,
    cells=with_moments(convex, level=6 * LOUD),
    notes=NOTES,
)
