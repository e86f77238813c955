"""Asynchronous mu^2-SGD with in-order commit, convex, any delays that do not see future samples. Ours: the repair.

The noise of q_k is that of the first C(k) <= k samples in the order in which they were drawn: one of the first k values
of a martingale, whichever the delays choose. So E||noise_k||^2 <= E max_c ||n_1 + .. + n_c||^2 <= 4 k sigma^2 (Doob),
without M, for delays that look at every sample drawn. The price is drift: q_k is about x_C, and the s that are missing
are at most tau_cap - 1, each at most 3 L D long: the largest delay stands where M stood.
"""

from ratecheck.core.claim import Claim, at_least, has
from ratecheck.core.symbols import tau_cap

from ._cells import CONVEX_CAP, RULES_CAPPED, convex
from ._convex import ASSUMPTIONS, NOTES, SOURCE, TRIVIAL, bound, stepsize
from ._convex_proof import IN_ORDER_COMMIT as PROOF

__all__ = ["CLAIM", "PROOF"]

CLAIM = Claim(
    title="Asynchronous mu^2-SGD, in-order commit, convex, any delays that do not see future samples (ours)",
    source=SOURCE,
    statement=(
        "With $\\alpha_k=k$, projection on a convex set of diameter $D$ that has a minimiser, additive noise, "
        "$\\gamma=\\min\\{1/(2LK),D/(\\sigma K^{3/2})\\}$ and no gradient out for more than $\\tau_{\\mathrm{cap}}$ "
        "steps the last iterate has expected suboptimality at most "
        "$24\\tau_{\\mathrm{cap}}LD^2/K+4\\sigma D/\\sqrt K$, whatever the delays look at but samples not yet drawn."
    ),
    assumptions=(*ASSUMPTIONS, has("tau_cap"), at_least("K", "tau_cap")),
    outputs={"last": bound(24 * tau_cap, 4)},
    stepsize=stepsize(1),
    method="async_mu2_sgd_in_order_box",
    policy="clairvoyant",
    trivial=TRIVIAL,
    cells=convex(RULES_CAPPED, tau_cap=CONVEX_CAP),
    notes=NOTES,
)
