"""The rate of ordered momentum, tuned, under a cap on delays that may look at every sample in flight. Ours.

From ``theorem_nonconvex_delay_cap`` with beta = 4 L stepsize: there the noise costs at most 16/3 (beta sigma^2 +
(M - 1) (tau_cap - 1) beta^2 sigma^2). The first is the rate's sqrt(L Delta sigma^2/K), without M; the second falls like
K^(-2/3).
"""

from sympy import sqrt

from ratecheck.core.claim import Claim, has
from ratecheck.core.symbols import M, sigma, tau_cap

from ._auxiliary import SOURCE
from ._cells import CAP, RULES_CAPPED, momentum
from ._nonconvex import KNOWN, NOTES
from ._nonconvex_noise import BY_CAP_STEPS
from ._nonconvex_square import tuned, tuned_proof

__all__ = ["CLAIM", "PROOF"]

_SIZE = sqrt(M * tau_cap) * sigma
_STEPSIZE, _STATEMENT = tuned(_SIZE)

CLAIM = Claim(
    title="Ordered momentum, smooth: rate for capped delays that do not see the future (ours)",
    source=SOURCE,
    statement=(
        "With $\\gamma=\\min\\{1/(32ML),\\frac12\\sqrt{\\Delta/(L\\sigma^2K)},"
        "\\frac13(\\Delta/(L^2M\\tau_{\\mathrm{cap}}\\sigma^2K))^{1/3}\\}$ and $\\beta=4L\\gamma$ the mean of "
        "$\\|\\nabla F(x_k)\\|^2$ over $x_0,\\dots,x_{K-1}$ is at most $\\frac{512}3ML\\Delta/K"
        "+\\frac{64}3\\sqrt{L\\Delta\\sigma^2/K}+26(\\sqrt{M\\tau_{\\mathrm{cap}}}L\\Delta\\sigma/K)^{2/3}$ "
        "in expectation, where no gradient is out for more than $\\tau_{\\mathrm{cap}}$ steps, whatever samples "
        "already drawn the delays depend on."
    ),
    assumptions=(*KNOWN, has("tau_cap")),
    stepsize=_STEPSIZE,
    method="ordered_momentum",
    policy="clairvoyant",
    outputs={"uniform": _STATEMENT},
    cells=momentum(RULES_CAPPED, tau_cap=CAP),
    notes=NOTES,
)
PROOF = tuned_proof(BY_CAP_STEPS, _SIZE, (M - 1) * (tau_cap - 1) * sigma**2)
