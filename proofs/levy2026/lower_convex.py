"""No method that is always busy has sigma B/sqrt(K) when delays look at samples: convex smooth objectives. Ours.

E[F(output) - F*] >= (sigma B/4) sqrt((M - 1)/K) in the worse of two worlds of smoothness b/B, b = sigma sqrt((M-1)/K).
A bound C (M L B^2/K + sigma B/sqrt(K)) with one C for all M and K is then impossible for delays that may depend on
samples: with L = b/B and K = M^(3/2) it takes C >= (1/4) sqrt(M - 1)/(1 + sqrt((M - 1)/M)), about sqrt(M)/8, without
end in M. See ``_two_worlds`` for why.
"""

from sympy import Rational, sqrt

from ratecheck.core.claim import Claim, Inequality, Statement, of_class
from ratecheck.core.formula import Formula
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, output_gap, sigma

from ._two_worlds import ASSUMPTIONS, CASES, COUNTING, NOTES, SOURCE, cells

BOUND = Statement(Inequality(Formula(output_gap), Formula(hidden=Rational(1, 4) * sigma * B * sqrt((M - 1) / K))))

CLAIM = Claim(
    title="Always busy, delays that look at samples: a lower bound, convex smooth objectives",
    source=SOURCE,
    statement=(
        "Whatever the server does with what arrives, "
        "$\\mathbb{E}[F(x)-F^*]\\ge\\frac14\\sigma B\\sqrt{(M-1)/K}$ in the worse of two worlds, if workers are always "
        "busy and delays may depend on the samples."
    ),
    assumptions=(*ASSUMPTIONS, of_class("convex"), of_class("smooth")),
    stepsize=Stepsize(cap=1 / (4 * M * L), noise=B / (sigma * sqrt(K))),
    policy="data-dependent",
    outputs=dict.fromkeys(("R1", "R0", "uniform", "last"), BOUND),
    kind="lower",
    counting=COUNTING,
    cases=CASES,
    cells=cells("quadratic"),
    notes=NOTES,
)
