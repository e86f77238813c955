"""Ordered momentum without noise, and tuned in any way: lower bounds, exact. Floats are compared up to rounding."""

from __future__ import annotations

import sys
from dataclasses import replace
from fractions import Fraction
from math import ceil, log

import pytest
import sympy as sp

from ratecheck.checks import exact, monte_carlo
from ratecheck.checks.measure import Store
from ratecheck.checks.question import Asked
from ratecheck.core import shelf
from ratecheck.core.cell import Cell
from ratecheck.core.claim import Inequality, Statement
from ratecheck.core.formula import Formula
from ratecheck.core.part import Part
from ratecheck.core.scenario import MonteCarlo
from ratecheck.core.verdict import Verdict
from ratecheck.engine.build import build
from ratecheck.engine.sweep import simulate

NAME, TUNED = (f"levy2026.lower_ordered_momentum_{name}" for name in ("slope", "tuned"))
CLAIM = shelf.claim(NAME)
LOWER = ("convex", "linear", "strongly_convex", "nonconvex", "convex_bounded")


def module(name):
    shelf.claim(f"levy2026.{name}")
    return next(m for n, m in sys.modules.items() if n.endswith(f"levy2026.{name}"))


SLOPE, TWO = module("lower_ordered_momentum_slope"), module("lower_ordered_momentum_tuned")
ONE = SLOPE.cell(8, 256, 1 / 64, Part("exponential"))


def checked(*cells, claim=CLAIM, **more):
    settings = MonteCarlo.model_validate({"replicates": 8})
    return monte_carlo.check(Asked(NAME, claim, cells or claim.cells, "test", 1, settings, **more), Store())


def declared(one, **numbers):
    return replace(one, constants={**one.constants, **numbers})


def times(factor):
    """Return the claim with its bound times a number, and no sharper form."""
    bound = CLAIM.outputs["uniform"].bound
    return replace(CLAIM, outputs={"uniform": Statement(Inequality(bound.lhs, Formula(bound.rhs.expr * factor)))})


@pytest.mark.parametrize("name", [NAME, TUNED])
def test_the_facts_are_exact(name):
    assert exact.check(name, shelf.claim(name), [], "test").verdict is Verdict.EXACT


def test_it_holds_on_its_cells_and_the_sharp_form_is_met():
    found = checked()
    assert found.verdict is Verdict.EXACT
    for row, one in zip(found.details["cells"], CLAIM.cells, strict=True):
        steps, beta = one.K, one.constants["beta"]
        looked = row["inequalities"]
        assert looked["master"]["ratio"] == pytest.approx(1, rel=1e-12)  # rounding
        sharp = 4 * one.constants["stepsize"] / beta  # 1 at the largest stepsize
        ratio = (2 + beta * steps) / (2 + sharp * (beta * steps - 1 + (1 - beta) ** steps))
        assert looked["bound"]["ratio"] == pytest.approx(ratio, rel=1e-12)


@pytest.mark.parametrize("factor", [2, sp.Rational(5, 4)])
def test_a_constant_that_is_too_large_is_refuted(factor):
    assert checked(ONE, claim=times(factor)).verdict is Verdict.REFUTED
    assert checked(ONE, claim=times(1)).verdict is Verdict.EXACT


def test_a_stepsize_above_the_largest_is_refused_and_breaks_the_bound():
    far = SLOPE.cell(8, 4096, 1 / 64, Part("exponential"), part=1.1)
    found = checked(far)
    assert found.verdict is Verdict.NOT_APPLICABLE
    assert "is above beta/(4*L)" in found.summary
    assert checked(far, force=True).verdict is Verdict.REFUTED
    assert checked(SLOPE.cell(8, 4096, 1 / 64, Part("exponential"))).verdict is Verdict.EXACT


def test_it_is_about_its_own_instance_forced_or_not():
    others = (
        replace(ONE, problem=Part("huber", {"kink": 0.1})),
        replace(ONE, problem=Part("quadratic")),
        replace(ONE, noise=Part("gaussian"), sigma=1.0),
        replace(ONE, K=128),
    )
    for other in others:
        found = checked(other, force=True)
        assert found.verdict is Verdict.NOT_APPLICABLE
        assert "a lower bound is about its own instance, forced or not" in found.summary
    by_hand = checked(declared(ONE, Delta=0.01))
    assert by_hand.verdict is Verdict.NOT_APPLICABLE
    assert "declared by hand" in by_hand.summary


def test_other_units_are_the_same_instance():
    """F times 3, and lengths times 5: a stepsize over 3, a kink times 5."""
    par = {"smoothness": 3, "radius": 5, "kink": 5 * ONE.problem.par["kink"]}
    scaled = declared(replace(ONE, problem=Part("huber", par)), stepsize=ONE.constants["stepsize"] / 3)
    assert checked(scaled).verdict is Verdict.EXACT


@pytest.mark.parametrize("delays", ["round_robin", "exponential", "one_straggler"])
def test_initial_gradients_that_count_in_full_come_no_farther(delays):
    one = SLOPE.cell(8, 64, 1 / 64, Part(delays))
    assert checked(one, method="ordered_momentum_initial_sum").verdict is Verdict.EXACT


def test_a_method_that_does_not_have_to_warm_up_comes_too_far():
    """Plain steps of the same gamma leave the slope: gamma P is less than gamma K."""
    one = SLOPE.cell(8, 64, 1 / 64, Part("round_robin"), part=0.5)
    assert checked(one).verdict is Verdict.EXACT
    assert checked(one, method="async_sgd").verdict is Verdict.REFUTED


def test_a_kink_a_little_closer_to_the_start_is_come_to():
    """One worker has no delays: the path is gamma P to the last digit."""
    steps, numbers = 6, SLOPE.NUMBERS[0]
    kink = 1 / (1 + SLOPE.path(steps, *numbers))
    assert min(SLOPE.iterates([1] * steps, 1, numbers, kink)[:-1]) == kink
    closer = kink * Fraction(101, 100)
    assert min(SLOPE.iterates([1] * steps, 1, numbers, closer)[:-1]) < closer


@pytest.mark.parametrize("order", [(0, 1, 2, 0, 1, 2, 0, 1), (0, 0, 0, 1, 1, 0, 2, 0), (2, 2, 2, 2, 2, 1, 0, 2)])
def test_the_method_of_the_facts_is_the_engines(order):
    """On a function whose gradients change all the way: x^2/2."""
    numbers = {"beta": 0.25, "stepsize": 0.5}
    delays = Part("order", {"workers": list(order)})
    given = Cell(Part("huber", {"kink": 4}), Part("none"), delays, 3, 8, 0.0, "uniform", constants=numbers)
    built = build(given, 1, method="ordered_momentum", scheduler="async", stepsize="constant")
    delay = [int(tau) for tau in built.weighted.schedule.delay]
    models = SLOPE.iterates(delay, 3, (Fraction(1, 4), Fraction(1, 2)), Fraction(4))
    seen = simulate(built, 0, 1, ("mean_gradient_sq",)).measured["mean_gradient_sq"][0]
    assert seen == pytest.approx(float(sum(x * x for x in models[:-1]) / 8), rel=1e-12)  # rounding


# tuned


def test_what_follows_from_the_two_bounds():
    """With beta = s/a - d, d >= 0: each line is a sum of what is at least 0 under s < L Delta."""
    s, a, d, K, gap = sp.symbols("s a d K gap", positive=True)
    beta = s / a - d
    second = s * (2 + beta * K) - 4 * gap
    whole = 2 * s + K * s**2 / a - 4 * gap
    assert sp.expand(whole - (second + K * s * d)) == 0
    assert sp.expand(K * s**2 / a - 2 * gap - (whole + 2 * (gap - s))) == 0
    M = sp.symbols("M", positive=True)
    assert sp.simplify(4 * gap / (2 + K / (8 * M)) - 32 * M * gap / (16 * M + K)) == 0
    assert sp.simplify(sp.sqrt(2 * (M - 1) / 10 * gap / K) - sp.sqrt((M - 1) * gap / (5 * K))) == 0


def test_no_more_follows():
    """The best beta leaves nothing; a constant of 1.05 times its square, or an M beside it, is broken on the grid."""
    assert TWO.whole([], [], 1) == 0
    assert 0 <= TWO.root([], [], 1) < Fraction(1, 25)
    for lie in (Fraction(21, 20), None):
        broken = 0
        for M, K, beta, gap in TWO.grid():
            s = TWO.left(M, K, beta, gap)
            square = 2 * Fraction(M - 1, 10) * gap / K * (lie or M)
            broken += s < gap and s * s < square
        assert broken


def test_a_class_of_less_delta_has_instances_with_less_noise():
    """(2n - M + 1) beta/5 is at least 1.36: then (M - 1) beta sigma^2/10 is more than L Delta = b^2/2."""
    least = min(
        (2 * ceil(log(32) * part * workers) - workers + 1) / (part * workers) / 5
        for workers in range(33, 400) for part in (8, 9, 16, 1000)
    )  # fmt: skip
    assert 1.36 < least < 1.37


def test_the_upper_bound_is_within_a_constant():
    """64/3 sqrt(M L Delta sigma^2/K) over sqrt((M - 1) L Delta sigma^2/(5K)): below 49 for M >= 33."""
    ratio = 64 / 3 * (5 * 33 / 32) ** 0.5
    assert 48 < ratio < 49


@pytest.mark.parametrize("name", LOWER)
def test_the_instance_of_a_lower_bound_sees_samples_and_no_more(name):
    """The larger the policy of a lower bound the less it says; theirs is a clock that looks at its own sample."""
    claim = shelf.claim(f"levy2026.lower_{name}")
    assert claim.policy == "data-dependent"
    for one in claim.cells[:1]:
        built = build(one, 1, method=claim.method, scheduler=claim.scheduler, stepsize=claim.stepsize)
        assert built.policy == claim.policy
