"""Ordered momentum on smooth functions, whatever delays depend on: the noise in flight costs a factor M. Ours.

For Dahan, Reshef, Goldstein & Levy (2026, arXiv:2605.02043), whose theorems we did not see. Delays may be decided by
all samples already drawn, those in flight included. Of the noise in flight nothing is used but its variance: M - 1
terms, each with a weight that falls with its age, E||z_t||^2 <= (M - 1) beta sigma^2/(2 - beta).
"""

from sympy import Rational

from ratecheck.core.claim import Claim
from ratecheck.core.symbols import M, beta, sigma

from ._auxiliary import SOURCE
from ._cells import LARGEST, RULES, momentum
from ._nonconvex import ASSUMPTIONS, NOTES, proof, statement
from ._nonconvex_noise import ANY, ANY_STEPS

__all__ = ["CLAIM", "PROOF"]

_ROUNDED = Rational(8, 15) * (M - 1) * beta * sigma**2

CLAIM = Claim(
    title="Ordered momentum, smooth: variance only, any delays that do not see the future (ours)",
    source=SOURCE,
    statement=(
        "With $\\beta\\le1/(8M)$ and $\\gamma\\le\\beta/(4L)$ the mean of $\\|\\nabla F(x_k)\\|^2$ over "
        "$x_0,\\dots,x_{K-1}$ is at most $\\frac43[2\\Delta/(\\gamma K)+8L\\Delta/(\\beta K)+4\\beta\\sigma^2"
        "+\\frac{32}{15}(M-1)\\beta\\sigma^2]$ in expectation, whatever samples already drawn the delays depend on."
    ),
    assumptions=ASSUMPTIONS,
    stepsize="constant",
    method="ordered_momentum",
    policy="clairvoyant",
    outputs={"uniform": statement(ANY, _ROUNDED)},
    cells=momentum(RULES, **LARGEST),
    notes=NOTES,
)
PROOF = proof(
    ANY_STEPS, ANY, _ROUNDED, (Rational(16, 3) * Rational(8, 15) * (M - 1) * beta * sigma**2 / (2 - beta), "2 - beta")
)
