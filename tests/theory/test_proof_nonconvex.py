"""The derivation of Theorem 3, non-convex case: proved as it is, and no longer when one thing in it is changed."""

from dataclasses import replace

import pytest
from sympy import Integer, Rational, sqrt

from ratecheck.checks import symbolic
from ratecheck.core import shelf
from ratecheck.core.claim import Inequality as Bound
from ratecheck.core.formula import Formula
from ratecheck.core.proof import Fact
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import Delta, K, L, M, mean_gradient_sq, sigma, tau
from tests.chains import proved, survivors, verdict

NAME = "mishchenko2022.theorem3_nonconvex"
RULE = {"delay": 1 / (4 * L * tau), "cap": 1 / (2 * M * L), "noise": sqrt(Delta / (K * L * sigma**2))}


def changed(step_name, put):
    """Return the chain with the named step's fact changed by ``put``."""
    steps = list(symbolic.proof_of(NAME).steps)
    at = next(i for i, s in enumerate(steps) if s.name == step_name)
    says = steps[at].says
    other = Fact(says.left.xreplace(put), says.right.xreplace(put), says.equality)
    assert other != says
    return verdict(NAME, steps=[*steps[:at], replace(steps[at], says=other), *steps[at + 1 :]])


@pytest.mark.slow
def test_no_step_can_be_changed(monkeypatch):
    monkeypatch.setattr("ratecheck.checks.steps.search.TRIES", 0)
    found, tried = survivors(NAME)
    assert found == []
    assert tried >= 90


@pytest.mark.parametrize(
    ("branch", "broken"),
    [
        ({"cap": 1 / (M * L)}, "window"),
        ({"delay": 1 / (2 * L * tau)}, "ghat <= 1/(4L)"),
        ({"noise": 2 * sqrt(Delta / (K * L * sigma**2))}, "sharper R1"),
    ],
)
def test_larger_stepsizes_break_a_step_that_is_named(branch, broken):
    assert proved(verdict(NAME, stepsize=Stepsize(**RULE)))
    chain = verdict(NAME, stepsize=Stepsize(**{**RULE, **branch}))
    assert chain.false[0] == broken


def test_the_three_quarters_of_the_convex_case_do_not_hold_for_this_cap():
    """1/(2ML) in the cap gives W >= K c/2 and not (3/4) K c: delay counting is sharp."""
    chain = changed("weights R1", {K: Rational(3, 2) * K})
    assert "weights R1" in chain.trusted or chain.false[0] == "weights R1"


def test_cauchy_without_m_minus_1_is_refused():
    assert "error in two parts" in changed("error in two parts", {M - 1: Integer(1)}).trusted


@pytest.mark.parametrize("name", ["smooth", "finite L", "finite Delta", "finite sigma", "K >= M"])
def test_every_assumption_is_used(name):
    everything = shelf.CLAIMS.get(NAME).assumptions
    assert not proved(verdict(NAME, assumptions=tuple(a for a in everything if a.name != name)))


def test_delays_that_depend_on_the_data_break_the_first_expectation():
    assert verdict(NAME, policy="data-dependent").false[0] == "unbiased"


def test_a_smaller_constant_is_not_what_is_derived():
    claim = shelf.CLAIMS.get(NAME)
    bound = Bound(Formula(mean_gradient_sq), Formula(a=7 * M * L * Delta / K, b=10 * sqrt(L * Delta * sigma**2 / K)))
    chain = verdict(NAME, outputs={**claim.outputs, "R1": replace(claim.outputs["R1"], bound=bound)})
    assert "away from the claim" in chain.trusted["bound R1"]
