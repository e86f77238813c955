"""Ordered momentum on smooth functions, moments of order r > 2, whatever delays depend on: beta^(2 - 2/r). Ours.

As ``theorem_nonconvex``, which uses variances alone. Where E||noise||^r <= sigma_r^r, r = 2 + excess any real number
above 2, the mean of E||z_t||^2 is at most (M - 1) M^(1 - 2/r) beta^(2 - 2/r) sigma_r^2: between (M - 1) beta sigma^2 at
r = 2 and M (M - 1) beta^2 sigma_inf^2 for bounded noise. With (M - 1)^(2 - 2/r) it is true as well, less by a factor of
at most 2, that of two workers for bounded noise.
"""

from ratecheck.core.claim import Claim, above_zero

from ._auxiliary import SOURCE
from ._cells import LARGEST, momentum, with_moments
from ._nonconvex import ASSUMPTIONS, MOMENT_NOTES, NOTES, proof, statement
from ._nonconvex_noise import MOMENTS, moment_steps

__all__ = ["CLAIM", "PROOF"]

CLAIM = Claim(
    title="Ordered momentum, smooth: moments of order r > 2, any delays that do not see the future (ours)",
    source=SOURCE,
    statement=(
        "With $\\beta\\le1/(8M)$ and $\\gamma\\le\\beta/(4L)$ the mean of $\\|\\nabla F(x_k)\\|^2$ over "
        "$x_0,\\dots,x_{K-1}$ is at most $\\frac43[2\\Delta/(\\gamma K)+8L\\Delta/(\\beta K)+4\\beta\\sigma^2"
        "+4(M-1)M^{1-2/r}\\beta^{2-2/r}\\sigma_r^2]$ in expectation, where $\\mathbb{E}\\|\\xi\\|^r\\le\\sigma_r^r$ "
        "for a real number $r>2$, whatever samples already drawn the delays depend on."
    ),
    assumptions=(*ASSUMPTIONS, above_zero("excess"), above_zero("sigma_r")),
    stepsize="constant",
    method="ordered_momentum",
    policy="clairvoyant",
    outputs={"uniform": statement(MOMENTS, MOMENTS)},
    cells=with_moments(momentum, **LARGEST),
    notes=(*NOTES, *MOMENT_NOTES),
)
PROOF = proof(moment_steps(), MOMENTS, MOMENTS)
