"""When delays look at samples every always busy method has gradients of (M - 1) sigma^2/K: smooth objectives. Ours.

E||grad F||^2 >= (M - 1) sigma^2/(2 K) in the worse of two worlds at every iterate, and so in the mean over all of them.
The worlds are quadratics with L Delta = b^2/2, b^2 = (M - 1) sigma^2/K; in the class of every larger L Delta there are
such, and of a smaller one min{L Delta, (M - 1) sigma^2/(2 K)}. With the rest fixed and K growing this is less than
sqrt(L Delta sigma^2/K): what is impossible is a bound of that kind with one constant for all M, K, L Delta and sigma.
See ``_two_worlds`` for why.
"""

from sympy import Rational, sqrt

from ratecheck.core.claim import Claim, Inequality, Statement, of_class
from ratecheck.core.formula import Formula
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import Delta, K, L, M, mean_gradient_sq, sigma

from ._two_worlds import ASSUMPTIONS, CASES, COUNTING, NOTES, SOURCE, cells

BOUND = Statement(Inequality(Formula(mean_gradient_sq), Formula(hidden=Rational(1, 2) * (M - 1) * sigma**2 / K)))

CLAIM = Claim(
    title="Always busy, delays that look at samples: a lower bound, smooth objectives",
    source=SOURCE,
    statement=(
        "Whatever the server does with what arrives, "
        "$\\mathbb{E}\\|\\nabla F(x)\\|^2\\ge(M-1)\\sigma^2/(2K)$ in the worse of two worlds, if workers are "
        "always busy and delays may depend on the samples."
    ),
    assumptions=(*ASSUMPTIONS, of_class("smooth")),
    stepsize=Stepsize(cap=1 / (2 * M * L), noise=sqrt(Delta / (K * L * sigma**2))),
    policy="data-dependent",
    outputs=dict.fromkeys(("R1", "R0"), BOUND),
    kind="lower",
    counting=COUNTING,
    cases=CASES,
    cells=cells("quadratic"),
    notes=NOTES,
)
