"""Theorem 3, convex, with 1.1 planted twice: in the master inequality, where it shows, and in the bound, where not."""

from dataclasses import replace

from ratecheck.core.claim import Inequality, Statement
from ratecheck.core.formula import Formula
from ratecheck.core.shelf import CLAIMS


def smaller(inequality):
    """Return the inequality with a right side that is 1.1 times smaller."""
    return Inequality(inequality.lhs, Formula(**{n: t * 10 / 11 for n, t in inequality.rhs.terms.items()}))


RIGHT = CLAIMS.get("mishchenko2022.theorem3_convex")
STATEMENT = RIGHT.outputs["R1"]

CLAIM = replace(
    RIGHT,
    title="Theorem 3 with a factor 1.1",
    outputs={"R1": Statement(smaller(STATEMENT.bound), None, smaller(STATEMENT.master))},
)
