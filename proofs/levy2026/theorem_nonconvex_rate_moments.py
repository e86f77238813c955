"""The rate of ordered momentum, tuned, moments of order r > 2, whatever delays depend on. Ours.

From ``theorem_nonconvex_moments`` with beta = 4 L stepsize: there the noise costs at most 16/3 (beta sigma^2 +
(M beta)^(2 - 2/r) sigma_r^2). The first is the rate's sqrt(L Delta sigma^2/K), without M; the second falls like K to
the power -(2r - 2)/(3r - 2), from -1/2 at r = 2 to -2/3 for bounded noise. Both ends are known: at r = 2 the last term
is 64/3 sqrt(M L Delta sigma^2/K) (``theorem_nonconvex_rate``), for bounded noise 26.9 (M L Delta sigma_inf/K)^(2/3)
(``theorem_nonconvex_rate_bounded``: 26).
"""

from ratecheck.core.claim import Claim, above_zero

from ._auxiliary import SOURCE
from ._cells import momentum, with_moments
from ._nonconvex import KNOWN, MOMENT_NOTES, NOTES
from ._nonconvex_power import STATEMENT, STEPSIZE, tuned_proof

__all__ = ["CLAIM", "PROOF"]

CLAIM = Claim(
    title="Ordered momentum, smooth: rate for moments of order r > 2, any delays that do not see the future (ours)",
    source=SOURCE,
    statement=(
        "With $\\gamma=\\min\\{1/(32ML),\\frac12\\sqrt{\\Delta/(L\\sigma^2K)},"
        "\\frac1{4L}(4L\\Delta/(M^{2-2/r}\\sigma_r^2K))^{r/(3r-2)}\\}$ and $\\beta=4L\\gamma$ the mean of "
        "$\\|\\nabla F(x_k)\\|^2$ over $x_0,\\dots,x_{K-1}$ is at most $\\frac{512}3ML\\Delta/K"
        "+\\frac{64}3\\sqrt{L\\Delta\\sigma^2/K}+\\frac{32}3(4ML\\Delta/K)^{(2r-2)/(3r-2)}\\sigma_r^{2r/(3r-2)}$ "
        "in expectation, where $\\mathbb{E}\\|\\xi\\|^r\\le\\sigma_r^r$ for a real number $r>2$, whatever samples "
        "already drawn the delays depend on."
    ),
    assumptions=(*KNOWN, above_zero("excess"), above_zero("sigma_r")),
    stepsize=STEPSIZE,
    method="ordered_momentum",
    policy="clairvoyant",
    outputs={"uniform": STATEMENT},
    cells=with_moments(momentum),
    notes=(*NOTES, *MOMENT_NOTES),
)
PROOF = tuned_proof()
