"""The rate of ordered momentum, tuned, where samples have mean zero given how long they take: no factor M. Ours.

From ``theorem_nonconvex_mean_zero`` with beta = 4 L stepsize. The noise costs 16/3 beta sigma^2 (1 + 8/15) there, which
is at most 25/3 beta sigma^2. Delays may so depend on the size of the noise, and the announced rate holds.
"""

from sympy import Rational

from ratecheck.core.claim import Claim
from ratecheck.core.symbols import beta, sigma

from ._auxiliary import SOURCE
from ._cells import SIZES, momentum
from ._nonconvex import KNOWN, NOTES, tuned, tuned_proof
from ._nonconvex_noise import MEAN_ZERO_STEPS

__all__ = ["CLAIM", "PROOF"]

#: what noise costs a beta, in units of sigma^2, and the stepsize's noise branch in units of sqrt(Delta/(L sigma^2 K))
_COST, _ROOT = Rational(25, 3), Rational(2, 5)
_STEPSIZE, _STATEMENT = tuned(_COST, _ROOT)

CLAIM = Claim(
    title="Ordered momentum, smooth: rate for noise with mean zero given the duration (ours)",
    source=SOURCE,
    statement=(
        "With $\\gamma=\\min\\{1/(32ML),\\frac25\\sqrt{\\Delta/(L\\sigma^2K)}\\}$ and $\\beta=4L\\gamma$ the "
        "mean of $\\|\\nabla F(x_k)\\|^2$ over $x_0,\\dots,x_{K-1}$ is at most "
        "$\\frac{512}3ML\\Delta/K+\\frac{80}3\\sqrt{L\\Delta\\sigma^2/K}$ "
        "in expectation, where delays depend on durations."
    ),
    assumptions=KNOWN,
    stepsize=_STEPSIZE,
    method="ordered_momentum",
    policy="mean-zero given the duration",
    outputs={"uniform": _STATEMENT},
    cells=momentum(SIZES),
    notes=NOTES,
)
PROOF = tuned_proof(
    MEAN_ZERO_STEPS,
    _COST,
    _ROOT,
    (Rational(16, 3) * Rational(8, 15) * beta * sigma**2 / (2 - beta), "2 - beta"),
    ((Rational(25, 3) - Rational(16, 3) * Rational(23, 15)) * beta * sigma**2,),
)
