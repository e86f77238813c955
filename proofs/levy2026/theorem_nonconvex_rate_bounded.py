"""The rate of ordered momentum, tuned, bounded noise, whatever delays depend on: M in a term of lower order. Ours.

From ``theorem_nonconvex_bounded`` with beta = 4 L stepsize: there the noise costs 16/3 (beta sigma^2 + (M - 1)^2 beta^2
sigma_inf^2). The first is the rate's sqrt(L Delta sigma^2/K), without M; the second falls like K^(-2/3).
"""

from ratecheck.core.claim import Claim, has
from ratecheck.core.symbols import M, sigma_inf

from ._auxiliary import SOURCE
from ._cells import RULES_BOUNDED, momentum
from ._nonconvex import KNOWN, NOTES
from ._nonconvex_noise import BOUNDED_STEPS
from ._nonconvex_square import tuned, tuned_proof

__all__ = ["CLAIM", "PROOF"]

_SIZE = M * sigma_inf
_STEPSIZE, _STATEMENT = tuned(_SIZE)

CLAIM = Claim(
    title="Ordered momentum, smooth: rate for bounded noise, any delays that do not see the future (ours)",
    source=SOURCE,
    statement=(
        "With $\\gamma=\\min\\{1/(32ML),\\frac12\\sqrt{\\Delta/(L\\sigma^2K)},"
        "\\frac13(\\Delta/(L^2M^2\\sigma_\\infty^2K))^{1/3}\\}$ and $\\beta=4L\\gamma$ the mean of "
        "$\\|\\nabla F(x_k)\\|^2$ over $x_0,\\dots,x_{K-1}$ is at most $\\frac{512}3ML\\Delta/K"
        "+\\frac{64}3\\sqrt{L\\Delta\\sigma^2/K}+26(ML\\Delta\\sigma_\\infty/K)^{2/3}$ in expectation, where no noise "
        "is longer than $\\sigma_\\infty$, whatever samples already drawn the delays depend on."
    ),
    assumptions=(*KNOWN, has("sigma_inf")),
    stepsize=_STEPSIZE,
    method="ordered_momentum",
    policy="clairvoyant",
    outputs={"uniform": _STATEMENT},
    cells=momentum(RULES_BOUNDED),
    notes=NOTES,
)
PROOF = tuned_proof(BOUNDED_STEPS, _SIZE, (M - 1) ** 2 * sigma_inf**2)
