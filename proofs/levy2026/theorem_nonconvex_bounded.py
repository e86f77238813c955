"""Ordered momentum on smooth functions, bounded noise, whatever delays depend on: beta^2 in place of beta. Ours.

As ``theorem_nonconvex``. Where no noise is longer than sigma_inf, the M - 1 noises in flight sum to at most
(M - 1) beta sigma_inf on every run. With beta <= 1/(8M) that is at most (M - 1)/8 beta sigma_inf^2: as in
``theorem_nonconvex`` at the largest beta, and less below it.
"""

from ratecheck.core.claim import Claim, has

from ._auxiliary import SOURCE
from ._cells import LARGEST, RULES_BOUNDED, momentum
from ._nonconvex import ASSUMPTIONS, NOTES, proof, statement
from ._nonconvex_noise import BOUNDED, BOUNDED_STEPS

__all__ = ["CLAIM", "PROOF"]

CLAIM = Claim(
    title="Ordered momentum, smooth: bounded noise, any delays that do not see the future (ours)",
    source=SOURCE,
    statement=(
        "With $\\beta\\le1/(8M)$ and $\\gamma\\le\\beta/(4L)$ the mean of $\\|\\nabla F(x_k)\\|^2$ over "
        "$x_0,\\dots,x_{K-1}$ is at most $\\frac43[2\\Delta/(\\gamma K)+8L\\Delta/(\\beta K)+4\\beta\\sigma^2"
        "+4(M-1)^2\\beta^2\\sigma_\\infty^2]$ in expectation, where no noise is longer than $\\sigma_\\infty$, "
        "whatever samples already drawn the delays depend on."
    ),
    assumptions=(*ASSUMPTIONS, has("sigma_inf")),
    stepsize="constant",
    method="ordered_momentum",
    policy="clairvoyant",
    outputs={"uniform": statement(BOUNDED, BOUNDED)},
    cells=momentum(RULES_BOUNDED, **LARGEST),
    notes=NOTES,
)
PROOF = proof(BOUNDED_STEPS, BOUNDED, BOUNDED)
