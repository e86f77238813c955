"""No method that is always busy has sigma B/sqrt(K) when delays look at samples: linear between two minimisers. Ours.

F = b |x - c|, of slope b = sigma sqrt((M - 1)/K), c = -B or +B: E[F(output) - F*] >= (sigma B/2) sqrt((M - 1)/K) in the
worse of the two. On the interval between the minimisers both are linear, so the same holds with L = 0 for a method that
is projected on it; of its length D = 2B it is (sigma D/4) sqrt((M - 1)/K). Outside of it noise is 0 and nothing is
hidden, and F is larger there. See ``_two_worlds`` for why.
"""

from sympy import Rational, sqrt

from ratecheck.core.claim import Claim, Inequality, Statement, has, of_class
from ratecheck.core.formula import Formula
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, M, output_gap, sigma

from ._two_worlds import ASSUMPTIONS, CASES, COUNTING, NOTES, SOURCE, cells

BOUND = Statement(Inequality(Formula(output_gap), Formula(hidden=Rational(1, 2) * sigma * B * sqrt((M - 1) / K))))

CLAIM = Claim(
    title="Always busy, delays that look at samples: a lower bound, linear between two minimisers",
    source=SOURCE,
    statement=(
        "Whatever the server does with what arrives, "
        "$\\mathbb{E}[F(x)-F^*]\\ge\\frac12\\sigma B\\sqrt{(M-1)/K}$ in the worse of two worlds, if workers are always "
        "busy and delays may depend on the samples."
    ),
    assumptions=(*ASSUMPTIONS, of_class("convex"), of_class("lipschitz"), has("G")),
    stepsize=Stepsize(noise=B / (sigma * sqrt(K))),
    policy="data-dependent",
    outputs=dict.fromkeys(("R1", "R0", "uniform", "last"), BOUND),
    kind="lower",
    counting=COUNTING,
    cases=CASES,
    cells=cells("linear"),
    notes=NOTES,
)
