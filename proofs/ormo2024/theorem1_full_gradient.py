"""Theorem 1 where only the gradient of F is bounded, not the stochastic ones: unbounded noise, independent delays.

For Shi, Yang & Li (2024), Theorem 1; ours. As ``theorem1_sharp``, with ||grad F|| <= G_F in place of a bound on every
stochastic gradient. Mean and noise parts of w - zhat are split, ||x + y||^2 <= 2 ||x||^2 + 2 ||y||^2, and squares of
noises add, with c^2 that sum to at most M/(1 - beta^2): that needs delays which do not depend on the samples.
"""

from ratecheck.core.claim import Claim, Statement, has
from ratecheck.core.formula import Formula
from ratecheck.core.symbols import G_F, L, M, beta, sigma

from ._auxiliary import SOURCE
from ._theorem1_full_gradient_proof import PROOF
from .theorem1_sharp import ASSUMPTIONS, CELLS, A, S, sharp
from .virtual_iterate import IDENTITIES

__all__ = ["CLAIM", "PROOF"]

CLAIM = Claim(
    title="OrMo, Theorem 1 with only the full gradient bounded (ours)",
    source=f"ours; for {SOURCE}, Theorem 1",
    statement=(
        "With a constant stepsize $\\gamma=(1-\\beta)a$, $a\\le1/(ML)$ and $La<1$, $(1-La)$ times the mean of "
        "$\\|\\nabla F(x_k)\\|^2$ over $x_0,\\dots,x_{K-1}$ is at most $2\\Delta/(aK)+La\\sigma^2(K+M-1)/K"
        "+2L^2a^2(G_F^2(M/(1-\\beta)-1)^2+\\sigma^2M/(1-\\beta^2))$ in expectation."
    ),
    assumptions=(*ASSUMPTIONS, has("G_F")),
    stepsize="constant",
    method="ormo",
    policy="independent",
    outputs={
        "uniform": Statement(
            bound=sharp(
                in_flight=2 * L**2 * A**2 * G_F**2 * S**2,
                noise_in_flight=2 * L**2 * A**2 * sigma**2 * M / (1 - beta**2),
            )
        )
    },
    trivial=Formula(G_F**2),
    identities=IDENTITIES,
    cells=CELLS,
)
