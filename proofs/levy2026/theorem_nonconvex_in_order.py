"""Ordered momentum with in-order commit, smooth functions, any delays that do not see future samples. Ours: the repair.

The momentum has the gradients of the first C(t) models, all back. Its noise is one of the first t values of a
martingale, whichever the delays choose: in mean square at most four times the last (Doob). So what momentum without
delays has more, z_t, is at most (1 + 2)^2 beta sigma^2/(2 - beta), without M, for delays that look at every sample
drawn. The price is in the means: at most tau_cap - 1 gradients are missing, so that tau_cap stands where M stood, in
beta <= 1/(8 tau_cap).
"""

from ratecheck.core.claim import Claim

from ._auxiliary import SOURCE
from ._cells import CAP, RULES_CAPPED, momentum
from ._committed_proof import ASSUMPTIONS, PROOF, STATEMENT

__all__ = ["CLAIM", "PROOF"]

CLAIM = Claim(
    title="Ordered momentum, in-order commit, smooth: delays that do not see the future (ours)",
    source=SOURCE,
    statement=(
        "With $\\beta\\le1/(8\\tau_{\\mathrm{cap}})$ and $\\gamma\\le\\beta/(4L)$ the mean of "
        "$\\|\\nabla F(x_k)\\|^2$ over $x_0,\\dots,x_{K-1}$ is at most "
        "$\\frac43[2\\Delta/(\\gamma K)+8L\\Delta/(\\beta K)+4\\beta\\sigma^2+\\frac{96}5\\beta\\sigma^2]$ in "
        "expectation, where no gradient is out for more than $\\tau_{\\mathrm{cap}}$ steps, whatever the delays look "
        "at but samples not yet drawn."
    ),
    assumptions=ASSUMPTIONS,
    stepsize="constant",
    method="ordered_momentum_in_order",
    policy="clairvoyant",
    outputs={"uniform": STATEMENT},
    cells=momentum(RULES_CAPPED, beta=1 / (8 * CAP), stepsize=1 / (32 * CAP), tau_cap=CAP),
    notes=(
        "The method, the statement, the proof and all constants are ours.",
        "Delivery k = 1..K finds x_(k-1): the paper's t, T and x_t are k, K and x_(k-1).",
        "Of the initial gradients worker 0's is used.",
    ),
)
