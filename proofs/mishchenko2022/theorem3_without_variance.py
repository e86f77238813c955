"""Theorem 3, convex case, without bounded variance, which its printed assumptions do not list. False; declared so.

Mishchenko, Bach, Even & Woodworth (2022), Theorem 3, have sigma in stepsize and bound, and do not say in the theorem
that sigma^2 bounds the variance of a stochastic gradient *everywhere*. That is needed. Here sigma is the deviation at
the minimiser, as in analyses of interpolation; elsewhere it is finite, and grows with the distance.

The counterexample is least squares with one sampled row a gradient, in 128 dimensions. L = 1.8 is the largest
eigenvalue of the Hessian, and a single row has a curvature of about 128. With M = 4 the stepsize 1/(16 L) is more than
such rows bear, and the iterates grow without end. ``theorem3_convex`` is NOT APPLICABLE there: no finite sigma.
"""

from sympy import Rational, sqrt

from ratecheck.core.cell import Cell
from ratecheck.core.claim import Claim, Inequality, Statement, at_least, has, of_class
from ratecheck.core.formula import Formula
from ratecheck.core.part import Part
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, output_gap, symbol, tau

sigma_star = symbol(
    "sigma_star", "sigma_star^2 bounds the variance of a stochastic gradient at the minimiser only", f=1, x=-1,
    latex=r"\sigma_*",
)  # fmt: skip

#: one sampled row of 1024 in 128 dimensions; label noise 1/100 makes a deviation of 0.11 at the minimiser
ROWS = {"rows": 1024, "dimension": 128, "condition": 1, "batch": 1, "label_noise": 0.01}

CLAIM = Claim(
    title="Gap: Theorem 3 without bounded variance",
    source="Mishchenko, Bach, Even & Woodworth (2022), Theorem 3 (convex), with sigma at the minimiser only",
    statement=(
        "With stepsizes $\\gamma_k=\\min\\{1/(4L\\tau_k),1/(4ML),B/(\\sigma_*\\sqrt K)\\}$ the bound of Theorem 3 "
        "holds when $\\sigma_*^2$ bounds the variance at the minimiser, and it is finite elsewhere."
    ),
    assumptions=(of_class("convex"), of_class("smooth"), has("L"), has("B"), has("sigma_star"), at_least("K", "M")),
    stepsize=Stepsize(delay=1 / (4 * L * tau), cap=1 / (4 * M * L), noise=B / (sigma_star * sqrt(K))),
    outputs={
        "R1": Statement(
            Inequality(
                Formula(output_gap),
                Formula(optimisation=Rational(8, 3) * M * L * B**2 / K, noise=2 * sigma_star * B / sqrt(K)),
            )
        )
    },
    trivial=Formula(L * B**2 / 2),
    expect="refuted",
    cells=(
        Cell(
            Part("least_squares", ROWS),
            Part("rows"),
            Part("exponential"),
            4,
            1000,
            None,
            constants={"sigma_star": 0.2},
        ),
    ),
    notes=(
        "Read with bounded variance, which the paper assumes of its methods elsewhere, the theorem is right. See "
        "mishchenko2022.theorem3_convex.",
    ),
)
