"""Theorem 3, convex case, with B as printed: "B >= E||x_0 - x*||^2". False for every constant; declared so.

Mishchenko, Bach, Even & Woodworth (2022), Theorem 3, assume B >= E||x_0 - x*||^2 and bound E F(xtilde) - F* by a
multiple of M L B^2/K + sigma B/sqrt(K). Taken at the word that is M L ||x_0 - x*||^4/K, which has the unit of F times
length^2. In a unit of length in which the start is close to x* the fourth power is as small as one likes beside the
error, which is of order L ||x_0 - x*||^2. Meant is B^2 >= E||x_0 - x*||^2: see ``theorem3_convex``.

Here without noise, which is enough. Our letter B is the distance, so the printed B is B^2. The constant is 8/3, that of
``theorem3_convex``; for starts at distance 1, 0.1, 0.01, 0.001 the least constant that would do is 0.356, 35.6, 3560,
356000 (F = x^2/2, M = K = 4, round robin).
"""

from sympy import Rational

from ratecheck.core.cell import Cell
from ratecheck.core.claim import Assumption, Claim, Inequality, Statement, at_least, has, of_class
from ratecheck.core.formula import Formula
from ratecheck.core.part import Part
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, output_gap, tau

NOISELESS = Assumption(
    "sigma = 0", r"$\sigma = 0$", lambda facts: None if facts["sigma"] == 0 else "here only gradients without noise"
)

CLAIM = Claim(
    title="Misprint: B for B^2 in Theorem 3",
    source="Mishchenko, Bach, Even & Woodworth (2022), Theorem 3 (convex), as printed",
    statement=(
        "If the squared distance of the start from $x^*$ is at most the printed $B$, which is $B^2$ here, then with "
        "$\\sigma=0$ the weighted average of the iterates has suboptimality at most a constant times $ML(B^2)^2/K$."
    ),
    assumptions=(of_class("convex"), of_class("smooth"), has("L"), has("B"), NOISELESS, at_least("K", "M")),
    stepsize=Stepsize(delay=1 / (4 * L * tau), cap=1 / (4 * M * L)),
    outputs={"R1": Statement(Inequality(Formula(output_gap), Formula(Rational(8, 3) * M * L * B**4 / K)))},
    expect="refuted",
    cells=tuple(
        Cell(Part("quadratic", {"spectrum": [1], "radius": radius}), Part("none"), Part("round_robin"), 4, 4)
        for radius in (0.1, 0.01, 0.001)
    ),
    notes=(
        "A slip of the pen: with B^2 for B the theorem is right, and its constant is at most 8/3. See "
        "mishchenko2022.theorem3_convex.",
    ),
)
