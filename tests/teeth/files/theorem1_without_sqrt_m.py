"""Theorem 1 with the factor sqrt(M) left out of the bound: 3 G B / sqrt(K). A planted lie; everything else is right."""

from dataclasses import replace

from sympy import sqrt

from ratecheck.core.claim import Inequality, Statement
from ratecheck.core.formula import Formula
from ratecheck.core.shelf import CLAIMS
from ratecheck.core.symbols import B, G, K, output_gap

CLAIM = replace(
    CLAIMS.get("mishchenko2022.theorem1"),
    title="Theorem 1 without sqrt(M)",
    outputs={"R1": Statement(bound=Inequality(Formula(output_gap), Formula(3 * G * B / sqrt(K))))},
)
