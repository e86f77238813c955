"""The rate of ordered momentum, tuned, whatever delays depend on: sqrt(M) in the noise term. Ours.

From ``theorem_nonconvex`` with beta = 4 L stepsize. The noise costs 16/3 beta sigma^2 (1 + 8/15 (M - 1)) there, which
is at most 16/3 M beta sigma^2.
"""

from sympy import Rational, sqrt

from ratecheck.core.claim import Claim
from ratecheck.core.symbols import M, beta, sigma

from ._auxiliary import SOURCE
from ._cells import RULES, momentum
from ._nonconvex import KNOWN, NOTES, tuned, tuned_proof
from ._nonconvex_noise import ANY_STEPS

__all__ = ["CLAIM", "PROOF"]

#: what noise costs a beta, in units of sigma^2, and the stepsize's noise branch in units of sqrt(Delta/(L sigma^2 K))
_COST, _ROOT = Rational(16, 3) * M, 1 / (2 * sqrt(M))
_STEPSIZE, _STATEMENT = tuned(_COST, _ROOT)

CLAIM = Claim(
    title="Ordered momentum, smooth: rate for any delays that do not see the future (ours)",
    source=SOURCE,
    statement=(
        "With $\\gamma=\\min\\{1/(32ML),\\frac12\\sqrt{\\Delta/(LM\\sigma^2K)}\\}$ and $\\beta=4L\\gamma$ the "
        "mean of $\\|\\nabla F(x_k)\\|^2$ over $x_0,\\dots,x_{K-1}$ is at most "
        "$\\frac{512}3ML\\Delta/K+\\frac{64}3\\sqrt{ML\\Delta\\sigma^2/K}$ "
        "in expectation, whatever samples already drawn the delays depend on."
    ),
    assumptions=KNOWN,
    stepsize=_STEPSIZE,
    method="ordered_momentum",
    policy="clairvoyant",
    outputs={"uniform": _STATEMENT},
    cells=momentum(RULES),
    notes=NOTES,
)
PROOF = tuned_proof(
    ANY_STEPS,
    _COST,
    _ROOT,
    (Rational(16, 3) * Rational(8, 15) * (M - 1) * beta * sigma**2 / (2 - beta), "2 - beta"),
    (Rational(16, 3) * Rational(7, 15) * (M - 1) * beta * sigma**2,),
)
