"""Asynchronous mu^2-SGD with in-order commit, convex, noise that differs from point to point, any delays. Ours.

The noise of q_k is that of what the first C(k) <= k samples sent, in the order in which they were drawn: one of the
first k values of a martingale, and Doob's inequality holds for any. The rest is as in ``theorem_convex_in_order``.
"""

from ratecheck.core.claim import Claim, at_least, has
from ratecheck.core.symbols import tau_cap

from ._convex_lipschitz import ASSUMPTIONS, LOOKING, NOTES, SOURCE, TRIVIAL, bound, cells, stepsize
from ._convex_lipschitz_proof import IN_ORDER_COMMIT as PROOF

__all__ = ["CLAIM", "PROOF"]

CLAIM = Claim(
    title="Asynchronous mu^2-SGD, in-order commit, convex, Lipschitz noise, delays that do not see the future (ours)",
    source=SOURCE,
    statement=(
        "With $\\alpha_k=k$, projection on a convex set of diameter $D$ that has a minimiser, "
        "$\\tilde\\sigma=\\sigma+2\\sigma_LD$, $\\gamma=\\min\\{1/(2LK),D/(\\tilde\\sigma K^{3/2})\\}$ and no "
        "gradient out for more than $\\tau_{\\mathrm{cap}}$ steps the last iterate has expected suboptimality at most "
        "$24\\tau_{\\mathrm{cap}}LD^2/K+4\\tilde\\sigma D/\\sqrt K$, whatever the delays look at but samples not yet "
        "drawn, if $\\mathbb{E}\\|\\xi(x)\\|^2\\le\\sigma^2$ and "
        "$\\mathbb{E}\\|\\xi(x)-\\xi(y)\\|^2\\le\\sigma_L^2\\|x-y\\|^2$ for the noise of one sample."
    ),
    assumptions=(*ASSUMPTIONS, has("tau_cap"), at_least("K", "tau_cap")),
    outputs={"last": bound(24 * tau_cap, 4)},
    stepsize=stepsize(1),
    method="async_mu2_sgd_in_order_box",
    policy="clairvoyant",
    trivial=TRIVIAL,
    cells=cells(*LOOKING, tau_cap=40),
    notes=NOTES,
)
