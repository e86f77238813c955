"""Ordered momentum on smooth functions, delays that do not depend on the samples: no factor M in the noise. Ours.

As ``theorem_nonconvex``; the noises in flight are then orthogonal, and each has a weight of at most beta:
E||z_t||^2 <= (M - 1) beta^2 sigma^2, which is at most beta sigma^2/8.
"""

from ratecheck.core.claim import Claim

from ._auxiliary import SOURCE
from ._cells import BLIND, LARGEST, momentum
from ._nonconvex import ASSUMPTIONS, NOTES, proof, statement
from ._nonconvex_noise import INDEPENDENT, INDEPENDENT_STEPS

__all__ = ["CLAIM", "PROOF"]

CLAIM = Claim(
    title="Ordered momentum, smooth: delays independent of the samples (ours)",
    source=SOURCE,
    statement=(
        "With $\\beta\\le1/(8M)$ and $\\gamma\\le\\beta/(4L)$ the mean of $\\|\\nabla F(x_k)\\|^2$ over "
        "$x_0,\\dots,x_{K-1}$ is at most $\\frac43[2\\Delta/(\\gamma K)+8L\\Delta/(\\beta K)+4\\beta\\sigma^2"
        "+4(M-1)\\beta^2\\sigma^2]$ in expectation."
    ),
    assumptions=ASSUMPTIONS,
    stepsize="constant",
    method="ordered_momentum",
    policy="independent",
    outputs={"uniform": statement(INDEPENDENT, INDEPENDENT)},
    cells=momentum(BLIND, **LARGEST),
    notes=NOTES,
)
PROOF = proof(INDEPENDENT_STEPS, INDEPENDENT, INDEPENDENT)
