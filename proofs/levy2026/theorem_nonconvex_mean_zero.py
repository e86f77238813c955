"""Ordered momentum on smooth functions, delays that tell nothing of the sign of the noise: no factor M. Ours.

As ``theorem_nonconvex``. Delays may depend on samples, but given how long it takes a sample has mean zero: large noise
may be slow. The noises in flight are then orthogonal, and E||z_t||^2 <= beta sigma^2/(2 - beta). Their sizes given the
duration may be anything, so the weights of all that was handed out are in it, not those in flight alone.
"""

from sympy import Rational

from ratecheck.core.claim import Claim
from ratecheck.core.symbols import beta, sigma

from ._auxiliary import SOURCE
from ._cells import LARGEST, SIZES, momentum
from ._nonconvex import ASSUMPTIONS, NOTES, proof, statement
from ._nonconvex_noise import MEAN_ZERO, MEAN_ZERO_STEPS

__all__ = ["CLAIM", "PROOF"]

_ROUNDED = Rational(8, 15) * beta * sigma**2

CLAIM = Claim(
    title="Ordered momentum, smooth: noise with mean zero given the duration (ours)",
    source=SOURCE,
    statement=(
        "With $\\beta\\le1/(8M)$ and $\\gamma\\le\\beta/(4L)$ the mean of $\\|\\nabla F(x_k)\\|^2$ over "
        "$x_0,\\dots,x_{K-1}$ is at most $\\frac43[2\\Delta/(\\gamma K)+8L\\Delta/(\\beta K)+4\\beta\\sigma^2"
        "+\\frac{32}{15}\\beta\\sigma^2]$ in expectation, where delays depend on durations, and samples have mean zero "
        "given how long they take."
    ),
    assumptions=ASSUMPTIONS,
    stepsize="constant",
    method="ordered_momentum",
    policy="mean-zero given the duration",
    outputs={"uniform": statement(MEAN_ZERO, _ROUNDED)},
    cells=momentum(SIZES, **LARGEST),
    notes=NOTES,
)
PROOF = proof(
    MEAN_ZERO_STEPS, MEAN_ZERO, _ROUNDED, (Rational(16, 3) * Rational(8, 15) * beta * sigma**2 / (2 - beta), "2 - beta")
)
