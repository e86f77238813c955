"""What is not to be blamed on a theorem, and what is: wrong gradients, bounds below zero, false constants."""

from dataclasses import replace

import pytest

from ratecheck import Cell, Part, exact_moments
from ratecheck.checks.job import Job, run
from ratecheck.core import shelf
from ratecheck.core.claim import Inequality
from ratecheck.core.formula import Formula
from ratecheck.core.scenario import Scenario
from ratecheck.core.symbols import B, K, L, output_gap
from ratecheck.core.verdict import Verdict
from ratecheck.errors import AssumptionError, CapabilityError, FormulaError, PartError
from tests.teeth.planted import HUBER, THEOREM3, result

CELL = Cell(Part("quadratic", {"dimension": 4}), Part("gaussian"), Part("exponential"), 2, 64, 1.0)
SIGN = """
import numpy as np
from ratecheck import Instance, Problem

def make(par, constants, key):
    return Instance(np.ones(4), np.full(4, 0.5), np.zeros(4), 0.0, {"L": 1.0}, ("convex", "smooth", "differentiable"))

def mean_gradient(x, worker, data, out):
    for i in range(x.shape[0]):
        out[i] = WRONG x[i]

def value(x, data, out):
    replicates = out.shape[0]
    for r in range(replicates):
        out[r] = 0
        for i in range(r, x.shape[0], replicates):
            out[r] += x[i] * x[i] / 2

PROBLEM = Problem("mine", make, mean_gradient, value)
"""


@pytest.mark.parametrize(("sign", "verdict"), [("-", Verdict.NOT_APPLICABLE), ("1 *", Verdict.HOLDS_HERE)])
def test_a_gradient_that_is_not_that_of_its_value_is_not_blamed_on_the_theorem(sign, verdict, tmp_path):
    (tmp_path / "mine.py").write_text(SIGN.replace("WRONG", sign))
    grid = {**HUBER, "problem": str(tmp_path / "mine.py"), "sigma": 0.1}
    found = result(THEOREM3, grid, evidence=("monte-carlo",))
    assert found.verdict is verdict
    assert ("its gradient is not that of its value" in found.summary) == (sign == "-")


@pytest.mark.parametrize("factor", [0, -1])
def test_a_bound_that_is_not_positive_is_refuted(factor):
    true = shelf.claim(THEOREM3)
    bound = Inequality(Formula(output_gap), Formula(value=factor * L * B**2 / K))
    false = replace(true, identities=(), outputs={"R1": replace(true.outputs["R1"], bound=bound)})
    scenario = Scenario.model_validate({"title": "t", "grid": [{**HUBER, "M": 2}]})
    (found,) = run(Job({"mine": false}, scenario, "t", 1, ("monte-carlo",)))
    assert found.verdict is Verdict.REFUTED
    assert "bound broken" in found.summary


def test_exact_moments_speak_only_where_the_claim_applies():
    assert exact_moments(THEOREM3, CELL)["master"]["verdict"] is Verdict.EXACT
    with pytest.raises(AssumptionError, match=r"declared L = 0\.1"):
        exact_moments(THEOREM3, replace(CELL, constants={"L": 0.1}))
    with pytest.raises(AssumptionError, match="K = 64 < M = 100"):
        exact_moments(THEOREM3, replace(CELL, M=100))
    with pytest.raises(CapabilityError, match="more than the 50,000,000 steps"):
        exact_moments(THEOREM3, replace(CELL, K=10**9))


def test_sides_are_formulas_of_finite_terms():
    with pytest.raises(PartError, match="both sides of an Inequality are Formulas"):
        Inequality(Formula(output_gap), "x")
    with pytest.raises(FormulaError, match="look for a division by zero"):
        Formula(value=L * B**2 / (K - K))
