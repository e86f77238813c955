"""Theorem 1 before it is rounded: OrMo with any constant stepsize up to (1 - beta)/(ML), bounded gradients.

For Shi, Yang & Li (2024), Theorem 1; constants ours. See ``theorem1`` for what is the paper's. With
a = gamma/(1 - beta) <= 1/(ML) and La < 1, for all delays, which may depend on the sample of their own gradient,
(1 - La) mean ||grad F(x_k)||^2 <= 2 Delta/(aK) + L a sigma^2 (K + M - 1)/K + L^2 a^2 G^2 (M/(1 - beta) - 1)^2.

Where a gradient hardly changes along the run the left side is Delta/(aK): there the bound is loose by 2, the price of
-<p, q> <= -||q||^2/2 + ||p - q||^2/2.
"""

from ratecheck.core.cell import Cell
from ratecheck.core.claim import Claim, Inequality, Statement, above_zero, at_most, below, fraction, has, of_class
from ratecheck.core.formula import Formula
from ratecheck.core.part import Part
from ratecheck.core.symbols import Delta, G, K, L, M, beta, mean_gradient_sq, sigma, stepsize

from ._auxiliary import SOURCE
from ._theorem1_proof import SHARP as PROOF
from .virtual_iterate import IDENTITIES

__all__ = ["CLAIM", "PROOF"]

#: a, and S: a bound on the sum of the coefficients in w - zhat
A, S = stepsize / (1 - beta), M / (1 - beta) - 1


#: La < 1: one worker alone may else take a step of length 1/L
ASSUMPTIONS = (
    of_class("smooth"), fraction("beta"), has("L"), has("Delta"), has("sigma"),
    above_zero("stepsize"), at_most("stepsize", (1 - beta) / (M * L)), below("stepsize", (1 - beta) / L),
)  # fmt: skip

#: a constant stepsize is declared by hand, and most scenarios declare none: an eighth of the longest
#: one that is allowed, for with longer ones the bound may be above G^2
CELLS = tuple(
    Cell(
        Part("rational_well", {"radius": 1}), Part("rademacher"), Part(delays, par), workers, 2000, sigma, "uniform",
        constants={"beta": share, "stepsize": (1 - share) / (8 * workers)},
    )
    for delays, par in (("exponential", {"spread": 8}), ("one_straggler", {"factor": 200}))
    for workers, share in ((4, 0.0), (4, 0.75), (16, 0.5))
    for sigma in (0.0, 1.0)
)  # fmt: skip


def sharp(**in_flight: object) -> Inequality:
    """Return the bound, with these terms for the distance of w and zhat, before they are divided by 1 - La."""
    terms = {"optimisation": 2 * Delta / (A * K), "noise": L * A * sigma**2 * (K + M - 1) / K, **in_flight}
    return Inequality(Formula(mean_gradient_sq), Formula(**{name: t / (1 - L * A) for name, t in terms.items()}))


CLAIM = Claim(
    title="OrMo, Theorem 1 for any constant stepsize, bounded gradients (constants ours)",
    source=f"{SOURCE}, Theorem 1; constants ours",
    statement=(
        "With a constant stepsize $\\gamma=(1-\\beta)a$, $a\\le1/(ML)$ and $La<1$, $(1-La)$ times the mean of "
        "$\\|\\nabla F(x_k)\\|^2$ over $x_0,\\dots,x_{K-1}$ is at most $2\\Delta/(aK)+La\\sigma^2(K+M-1)/K"
        "+L^2a^2G^2(M/(1-\\beta)-1)^2$ in expectation, for all delays, those too that depend on the "
        "sample of their own gradient."
    ),
    assumptions=(*ASSUMPTIONS, has("G")),
    stepsize="constant",
    method="ormo",
    policy="data-dependent",
    outputs={"uniform": Statement(bound=sharp(in_flight=L**2 * A**2 * G**2 * S**2))},
    trivial=Formula(G**2),
    identities=IDENTITIES,
    cells=CELLS,
)
