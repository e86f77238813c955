"""What is left of ``lower_convex`` where no noise is longer than sigma_inf: a factor M, and M/K for sqrt(M/K). Ours.

E[F(output) - F*] >= (sigma_inf B/4) (M - 1)/K in the worse of two worlds of slope b = sigma_inf (M - 1)/K, which has
variance at most sigma^2 while sigma_inf sqrt((M - 1)/K) <= sigma. For sigma_inf = sigma that is below sigma B/sqrt(K)
until M is of order sqrt(K), so it takes nothing from such a rate there, and grows like M beyond. See ``_two_worlds``.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sympy import Rational, sqrt

from ratecheck.core.claim import Assumption, Claim, Inequality, Statement, has, of_class
from ratecheck.core.formula import Formula
from ratecheck.core.part import Part
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, output_gap, sigma, sigma_inf

from ._two_worlds import ASSUMPTIONS, CASES, COUNTING, NOTES, SOURCE, cells

BOUND = Statement(Inequality(Formula(output_gap), Formula(hidden=Rational(1, 4) * sigma_inf * B * (M - 1) / K)))


def short(facts: Mapping[str, Any]) -> str | None:
    """Return None when the bound on the length is what limits the slope, else that the variance does."""
    if facts["sigma_inf"] ** 2 * (facts["M"] - 1) <= facts["sigma"] ** 2 * facts["K"]:
        return None
    return "sigma_inf sqrt((M - 1)/K) is above sigma: there the variance is what bounds the slope, as in lower_convex"


CELLS = tuple(replace(c, problem=Part("two_worlds", {**c.problem.par, "bound": 1})) for c in cells("quadratic"))

CLAIM = Claim(
    title="Always busy, delays that look at samples: a lower bound, bounded noise",
    source=SOURCE,
    statement=(
        "Whatever the server does with what arrives, "
        "$\\mathbb{E}[F(x)-F^*]\\ge\\frac14\\sigma_\\infty B(M-1)/K$ in the worse of two worlds, if workers are always "
        "busy, delays may depend on the samples and $\\sigma_\\infty\\sqrt{(M-1)/K}\\le\\sigma$."
    ),
    assumptions=(
        of_class("two worlds with bounded noise"),
        *ASSUMPTIONS[1:],
        has("sigma_inf"),
        Assumption("short noise", "sigma_inf sqrt((M - 1)/K) <= sigma", short),
        of_class("convex"),
        of_class("smooth"),
    ),
    stepsize=Stepsize(cap=1 / (4 * M * L), noise=B / (sigma * sqrt(K))),
    policy="data-dependent",
    outputs=dict.fromkeys(("R1", "R0", "uniform", "last"), BOUND),
    kind="lower",
    counting=COUNTING,
    cases=CASES,
    cells=CELLS,
    notes=NOTES,
)
