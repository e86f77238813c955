"""No method that is always busy has sigma^2/(mu K) when delays look at samples: strongly convex objectives. Ours.

E[F(output) - F*] >= (M - 1) sigma^2/(4 mu K) in the worse of two worlds, both quadratics with mu = L: a factor of order
M more than where delays do not look. For every distance R from start to minimiser that is at least b/mu, b = sigma
sqrt((M-1)/K); for smaller ones min{mu R^2/4, that}. See ``_two_worlds`` for why.
"""

from sympy import Rational

from ratecheck.core.claim import Claim, Inequality, Statement, of_class
from ratecheck.core.formula import Formula
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import K, L, M, mu, output_gap, sigma

from ._two_worlds import ASSUMPTIONS, CASES, COUNTING, NOTES, SOURCE, cells

BOUND = Statement(Inequality(Formula(output_gap), Formula(hidden=Rational(1, 4) * (M - 1) * sigma**2 / (mu * K))))

CLAIM = Claim(
    title="Always busy, delays that look at samples: a lower bound, strongly convex objectives",
    source=SOURCE,
    statement=(
        "Whatever the server does with what arrives, "
        "$\\mathbb{E}[F(x)-F^*]\\ge(M-1)\\sigma^2/(4\\mu K)$ in the worse of two worlds, if workers are always "
        "busy and delays may depend on the samples."
    ),
    assumptions=(*ASSUMPTIONS, of_class("strongly-convex"), of_class("smooth")),
    stepsize=Stepsize(cap=1 / (4 * M * L), long=4 / (mu * K)),
    policy="data-dependent",
    outputs=dict.fromkeys(("R1", "R0", "uniform", "last"), BOUND),
    kind="lower",
    counting=COUNTING,
    cases=CASES,
    cells=cells("quadratic"),
    notes=NOTES,
)
