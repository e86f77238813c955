"""Ordered momentum on smooth functions, delays at most tau_cap that may look at every sample in flight. Ours.

As ``theorem_nonconvex``. A gradient is then among those in flight after at most tau_cap - 1 deliveries (a delay of 1 is
none), each time with a weight of at most beta: the mean of E||z_t||^2 is at most (M - 1) beta^2 (tau_cap - 1) sigma^2,
and never more than without a cap. No factor M is lost to speak of where tau_cap is at most 1/(M beta).
"""

from ratecheck.core.claim import Claim, has

from ._auxiliary import SOURCE
from ._cells import CAP, LARGEST, RULES_CAPPED, momentum
from ._nonconvex import ASSUMPTIONS, NOTES, proof, statement
from ._nonconvex_noise import CAPPED, CAPPED_ROUNDED, CAPPED_STEPS

__all__ = ["CLAIM", "PROOF"]

CLAIM = Claim(
    title="Ordered momentum, smooth: capped delays that do not see the future (ours)",
    source=SOURCE,
    statement=(
        "With $\\beta\\le1/(8M)$ and $\\gamma\\le\\beta/(4L)$ the mean of $\\|\\nabla F(x_k)\\|^2$ over "
        "$x_0,\\dots,x_{K-1}$ is at most $\\frac43[2\\Delta/(\\gamma K)+8L\\Delta/(\\beta K)+4\\beta\\sigma^2"
        "+4(M-1)\\beta^2\\min\\{\\tau_{\\mathrm{cap}}-1,8/(15\\beta)\\}\\sigma^2]$ in expectation, where no gradient "
        "is out for more than $\\tau_{\\mathrm{cap}}$ steps, whatever samples already drawn the delays depend on."
    ),
    assumptions=(*ASSUMPTIONS, has("tau_cap")),
    stepsize="constant",
    method="ordered_momentum",
    policy="clairvoyant",
    outputs={"uniform": statement(CAPPED, CAPPED_ROUNDED)},
    cells=momentum(RULES_CAPPED, **LARGEST, tau_cap=CAP),
    notes=NOTES,
)
PROOF = proof(CAPPED_STEPS, CAPPED, CAPPED_ROUNDED, by="noise in all, rounded")
