"""Ordered momentum on smooth functions, fourth moments, whatever delays depend on: beta^(3/2) in place of beta. Ours.

As ``theorem_nonconvex``, which uses variances alone. Where E||noise||^4 <= sigma_4^4 the mean of E||z_t||^2 is at most
(M - 1) M^(1/2) beta^(3/2) sigma_4^2: the case r = 4 of ((M - 1) beta)^(2 - 2/r) sigma_r^2 for moments of order r, but
for sqrt(M/(M - 1)), a factor of 1.42 for two workers and less for more.
"""

from ratecheck.core.claim import Claim, above_zero

from ._auxiliary import SOURCE
from ._nonconvex import ASSUMPTIONS, NOTES, proof, statement
from ._nonconvex_noise import FOURTH, FOURTH_STEPS

__all__ = ["CLAIM", "PROOF"]

CLAIM = Claim(
    title="Ordered momentum, smooth: fourth moments, any delays that do not see the future (ours)",
    source=SOURCE,
    statement=(
        "With $\\beta\\le1/(8M)$ and $\\gamma\\le\\beta/(4L)$ the mean of $\\|\\nabla F(x_k)\\|^2$ over "
        "$x_0,\\dots,x_{K-1}$ is at most $\\frac43[2\\Delta/(\\gamma K)+8L\\Delta/(\\beta K)+4\\beta\\sigma^2"
        "+4(M-1)\\sqrt M\\beta^{3/2}\\sigma_4^2]$ in expectation, where the fourth moment of a noise is at most "
        "$\\sigma_4^4$, whatever samples already drawn the delays depend on."
    ),
    assumptions=(*ASSUMPTIONS, above_zero("sigma_4")),
    stepsize="constant",
    method="ordered_momentum",
    policy="clairvoyant",
    outputs={"uniform": statement(FOURTH, FOURTH)},
    notes=NOTES,
)
PROOF = proof(FOURTH_STEPS, FOURTH, FOURTH)
