"""Theorem 3, convex, with the factor M left out of the optimisation term. A planted lie; everything else is right."""

from dataclasses import replace

from sympy import Rational, sqrt

from ratecheck.core.claim import Inequality, Statement
from ratecheck.core.formula import Formula
from ratecheck.core.shelf import CLAIMS
from ratecheck.core.symbols import B, K, L, output_gap, sigma

BOUND = Formula(optimisation=Rational(8, 3) * L * B**2 / K, noise=2 * sigma * B / sqrt(K))

CLAIM = replace(
    CLAIMS.get("mishchenko2022.theorem3_convex"),
    title="Theorem 3 without M",
    outputs={"R1": Statement(bound=Inequality(Formula(output_gap), BOUND))},
)
