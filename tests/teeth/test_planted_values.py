"""Values that no run has: a true step is not called false for them, and no cell gives a letter one.

Each test plants what the kernel, or a cell, once took, and has a control beside it.
"""

import importlib.util
from dataclasses import replace

import pytest
from sympy import Integer, Rational

from ratecheck.checks.steps import Context, Refused, Undone
from ratecheck.checks.symbolic import _discharged, proof_of
from ratecheck.core import shelf
from ratecheck.core.assumption import has
from ratecheck.core.cell import Cell
from ratecheck.core.part import Part
from ratecheck.core.proof import Class, Counting, Expectation, Inequality, Martingale, Scalar, le
from ratecheck.core.setting import again, g_0, ghat, i, m, p, t, tau
from ratecheck.core.setting_flight import power as flight_power
from ratecheck.core.setting_mu2 import power as mu2_power
from ratecheck.core.setting_ordered import power as ordered_power
from ratecheck.core.setting_ormo import kept
from ratecheck.core.symbols import (
    MAY_BE_0,
    MEASURED,
    B,
    Delta,
    K,
    L,
    M,
    beta,
    excess,
    k,
    sigma,
    sigma_r,
    stepsize,
    tau_max,
)
from ratecheck.engine.build import build
from ratecheck.errors import AssumptionError, PartError

CONVEX, MOMENTUM, ROUNDS = (
    "mishchenko2022.theorem3_convex",
    "ormo2024.theorem1_sharp",
    "mishchenko2022.minibatch_convex",
)
ORDERED, POWERS, FLIGHT = (
    "levy2026.theorem_nonconvex_moments",
    "levy2026.theorem_convex_moments",
    "levy2026.in_flight_moments",
)


def context(name, **changes):
    claim = replace(shelf.CLAIMS.get(name), **changes)
    rule = shelf.STEPSIZES.get(claim.stepsize) if isinstance(claim.stepsize, str) else claim.stepsize
    return Context(claim, rule, proof_of(name).setting)


# what a counterexample may be


@pytest.mark.parametrize(("kind", "z3"), [(Inequality, False), (Scalar, True)])
@pytest.mark.parametrize(
    ("name", "true", "false"),
    [
        (CONVEX, le(k, k**2), le(k**2, k)),
        (CONVEX, le(tau(k), tau(k) ** 2), le(tau(k) ** 2, 2 * tau(k))),
        (CONVEX, le(t(i), t(i) ** 2), le(2, t(i))),
        (CONVEX, le(p, p**2), le(p, 1)),
        (CONVEX, le(Rational(1, 4), (k - Rational(1, 2)) ** 2), le(1, (k - Rational(3, 2)) ** 2)),
        (CONVEX, le(k, K), le(K, k)),
        (CONVEX, le(p, M), le(M, p)),
        (CONVEX, le(tau(k), k), le(k, tau(k))),
        (CONVEX, le(tau_max, K), le(K, tau_max)),
        (CONVEX, le(again(k), 1), le(1, again(k))),
        (MOMENTUM, le(kept(k, i), 1), le(1, 2 * kept(k, i))),
        (MOMENTUM, le(stepsize, 1 / (L * M)), le(stepsize, 1 / (4 * L * M))),
        (ORDERED, le(beta, 1), le(beta, Rational(1, 64))),
        (ROUNDS, le(M, K), le(2 * M, K)),
    ],
)  # fmt: skip
def test_a_true_step_is_not_false_at_numbers_that_no_run_has(name, true, false, kind, z3, monkeypatch):
    """Not derived with nothing to go by, and not false either: k = 1/4 is no step. Its sharper sister is false."""
    if z3:
        pytest.importorskip("z3")
    else:
        find = importlib.util.find_spec
        monkeypatch.setattr("importlib.util.find_spec", lambda of, *more: None if of == "z3" else find(of, *more))
    with pytest.raises(Undone):
        _discharged(kind("true", true, ()), context(name))
    with pytest.raises(Refused, match="false "):
        _discharged(kind("false", false, ()), context(name))


def test_other_letters_are_any_numbers():
    for says in (le(ghat(k), ghat(k) ** 2), le(g_0(m), 4), le(sigma, sigma**2), le(excess, excess**2)):
        with pytest.raises(Refused, match="false at"):
            _discharged(Inequality("false", says, ()), context(CONVEX))


# moments


@pytest.mark.parametrize(
    ("name", "step"),
    [
        (POWERS, Class("it", "power mean", ("in flight",))),
        (FLIGHT, Class("it", "power mean", ("in flight",))),
        pytest.param(POWERS, Martingale("it", mu2_power(k)), marks=pytest.mark.slow),
        (FLIGHT, Expectation("it", flight_power(k))),
        (ORDERED, Expectation("it", ordered_power(k))),
    ],
)
def test_moments_are_of_an_order_above_2(name, step):
    """With r < 2, u^2 <= (2 a^(2-r) u^r + (r - 2) a^2)/r is false: r = 1, a = 1, u = 2 say 4 <= 3."""
    assumed = tuple(a for a in shelf.CLAIMS.get(name).assumptions if a.name not in ("excess > 0", "finite excess"))
    for more in ((), (has("excess"),)):
        with pytest.raises(Undone, match="does not assume: excess > 0"):
            _discharged(step, context(name, assumptions=(*assumed, *more)))
    assert _discharged(step, context(name)).fact


# what a cell may declare


def made(constants, **more):
    claim = shelf.CLAIMS.get(CONVEX)
    cell = Cell(Part("quadratic", {}), Part("gaussian"), Part("exponential"), 2, 16, 0.5, "R1", constants=constants)
    return build(cell, 1, method=claim.method, scheduler=claim.scheduler, stepsize=claim.stepsize, **more)


@pytest.mark.parametrize("name", ["excess", "level", "damping", "rho", "tau_cap", "G", "L", "stepsize"])
def test_a_positive_letter_is_positive_in_every_cell(name):
    for value, sign in ((-0.5, "negative"), (0.0, "0")):
        with pytest.raises(AssumptionError, match=rf"^constant {name} = {value:g} is {sign}, and it is a positive num"):
            made({name: value})
    assert made({name: 64.0}).constants[name] == 64


@pytest.mark.parametrize("name", sorted(MAY_BE_0 - {"beta", "sigma"}))  # a share; a key of the grid
def test_what_may_be_0_is_not_below(name):
    with pytest.raises(AssumptionError, match=rf"^constant {name} = -0.5 is negative, and it is a nonnegative number"):
        made({name: -0.5})
    assert made({name: 2.0}).constants[name] == 2


def test_a_size_of_noise_may_be_0_and_a_letter_of_nobody_anything():
    assert made({"sigma_mu": 0.0, "zeta": 0.0, "beta": 0.0}).constants["sigma_mu"] == 0
    assert made({"nobody": -1.0}).constants["nobody"] == -1


def test_nobody_declares_what_is_measured():
    for name in MEASURED:
        with pytest.raises(PartError, match="cannot be declared by hand"):
            made({name: 0.5})


def test_what_a_cell_may_have_0_for_may_vanish_in_a_derivation():
    """B and Delta apart: where they are 0 a run starts at a minimum."""
    known = {x.name for x in context(FLIGHT).may_vanish}
    assert known | {B.name, Delta.name} >= MAY_BE_0


# parameters of lemmas


@pytest.mark.parametrize(
    ("name", "lemma", "given", "lacks"),
    [
        (ORDERED, "flights, power", {}, "below"),
        (ORDERED, "flights, power", {"below": "beta <= 1", "size": sigma_r, "most": Integer(1)}, "above"),
        (ORDERED, "flights, bounded", {"below": "beta <= 1"}, "bounded"),
        (CONVEX, "at least 1", {}, "of"),
        (CONVEX, "windows", {}, "weight"),
        (CONVEX, "windows before k", {}, "weight"),
        (CONVEX, "delivered", {}, "power"),
        (FLIGHT, "flight", {}, "of"),
        (POWERS, "index", {}, "last"),
    ],
)
def test_a_parameter_that_is_missing_is_named(name, lemma, given, lacks):
    where = context(name, assumptions=(*shelf.CLAIMS.get(name).assumptions, has("sigma")))
    if "below" in given:
        where.done["beta <= 1"] = _discharged(Class("beta", "assumed", ("beta <= 1/(8*M)",)), where)
        says = Inequality("beta <= 1", le(beta, 1), (("small",), (Rational(1, 8), 1 - 1 / M)))
        where.done["small"] = where.done["beta <= 1"]
        where.done["beta <= 1"] = _discharged(replace(says, name="below"), where)
    with pytest.raises(Undone, match=f"takes a parameter '{lacks}'"):
        _discharged(Counting("it", lemma, given), where)


def test_with_its_parameters_a_lemma_speaks():
    assert _discharged(Counting("it", "at least 1", {"of": tau(k)}), context(CONVEX)).fact == le(1, tau(k))
