"""The rate of ordered momentum, tuned, delays independent of the samples: no factor M in the noise term. Ours.

From ``theorem_nonconvex_independent`` with beta = 4 L stepsize. The noise costs 16/3 beta sigma^2 (1 + (M - 1) beta)
there, which is at most 6 beta sigma^2. It is the rate that Dahan, Reshef, Goldstein & Levy (2026) announce.
"""

from sympy import Integer, Rational, sqrt

from ratecheck.core.claim import Claim
from ratecheck.core.symbols import M, beta, sigma

from ._auxiliary import SOURCE
from ._cells import BLIND, momentum
from ._nonconvex import KNOWN, NOTES, tuned, tuned_proof
from ._nonconvex_noise import INDEPENDENT_STEPS

__all__ = ["CLAIM", "PROOF"]

#: what noise costs a beta, in units of sigma^2, and the stepsize's noise branch in units of sqrt(Delta/(L sigma^2 K))
_COST, _ROOT = Integer(6), sqrt(2) / 3
_STEPSIZE, _STATEMENT = tuned(_COST, _ROOT)

CLAIM = Claim(
    title="Ordered momentum, smooth: rate for delays independent of the samples (ours)",
    source=SOURCE,
    statement=(
        "With $\\gamma=\\min\\{1/(32ML),\\frac{\\sqrt2}3\\sqrt{\\Delta/(L\\sigma^2K)}\\}$ and $\\beta=4L\\gamma$ the "
        "mean of $\\|\\nabla F(x_k)\\|^2$ over $x_0,\\dots,x_{K-1}$ is at most "
        "$\\frac{512}3ML\\Delta/K+16\\sqrt2\\sqrt{L\\Delta\\sigma^2/K}$ "
        "in expectation."
    ),
    assumptions=KNOWN,
    stepsize=_STEPSIZE,
    method="ordered_momentum",
    policy="independent",
    outputs={"uniform": _STATEMENT},
    cells=momentum(BLIND),
    notes=NOTES,
)
PROOF = tuned_proof(
    INDEPENDENT_STEPS,
    _COST,
    _ROOT,
    (Rational(16, 3) * M * beta * sigma**2, "beta"),
    (Rational(16, 3) * beta**2 * sigma**2,),
)
