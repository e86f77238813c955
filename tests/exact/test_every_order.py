"""Bounds over all arrival orders: against an enumeration in Fractions, and with lies that must be found."""

from dataclasses import replace
from fractions import Fraction
from itertools import product

import pytest
from sympy import Rational

from ratecheck.checks import every_order, reproduce
from ratecheck.core import shelf
from ratecheck.core.cell import Cell
from ratecheck.core.claim import Inequality
from ratecheck.core.formula import Formula
from ratecheck.core.part import Part
from ratecheck.core.verdict import Verdict
from ratecheck.core.witness import Witness

T1, T2, T3 = (f"mishchenko2022.{n}" for n in ("theorem1", "theorem2", "theorem3_convex"))
#: a mean of 2^10 numbers and 7 steps of float64 on numbers of order 1: far above their rounding, far below a fault
ROUNDED = 1e-12


def squeezed(name, factor):
    """Return the claim with the right side of every master inequality times ``factor``."""
    claim = shelf.CLAIMS.get(name)

    def smaller(master):
        return Inequality(master.lhs, Formula(right=factor * master.rhs.expr), policy=master.policy)

    outputs = {rule: replace(s, master=smaller(s.master)) for rule, s in claim.outputs.items()}
    return replace(claim, outputs=outputs)


def by_hand(order, workers, gamma, left, right, noise, start):
    """Return E F(mean of x_1..x_K) of asynchronous SGD on the asymmetric absolute value, over all sign patterns."""

    def slope(x):
        return right if x > 0 else -left if x < 0 else Fraction(0)

    total, patterns = Fraction(0), list(product((-1, 1), repeat=workers + len(order)))
    for signs in patterns:
        x, seen = start, Fraction(0)
        held = [slope(x) + noise * signs[m] for m in range(workers)]
        for k, m in enumerate(order):
            x -= gamma * held[m]
            held[m] = slope(x) + noise * signs[workers + k]
            seen += x
        mean = seen / len(order)
        total += max(right * mean, -left * mean)
    return total / len(patterns)


@pytest.mark.parametrize("order", [(0, 1, 0, 0), (0, 0, 1, 1), (0, 1, 1, 1)])
def test_all_sign_patterns_are_the_expectation(order):
    claim = shelf.CLAIMS.get(T1)
    cell = Cell(Part("asymmetric_abs"), Part("rademacher"), Part("order", {"workers": list(order)}), 2, 4, 0.5)
    built = every_order.built_of(claim, cell)
    gamma = Fraction(float(built.weighted.gamma[0]))
    wanted = by_hand(order, 2, gamma, Fraction(1), Fraction(1, 2), Fraction(1, 2), Fraction(1))
    found = every_order.mean_over_signs(built, ("output_gap",))["output_gap"]
    assert abs(found - float(wanted)) <= ROUNDED * float(wanted)


@pytest.mark.slow
@pytest.mark.parametrize("name", [T1, T2, T3])
def test_bounds_hold_on_all_orders_of_3_workers_and_7_steps(name):
    result = every_order.check(name, shelf.CLAIMS.get(name), [(3, 7)], None, "test")
    assert result.verdict is Verdict.EXACT
    (case,) = result.details["bounds"]
    assert case["orders"] == 365
    assert set(case["by"].values()) == {"moments" if name == T3 else "all sign patterns"}
    assert ("asymmetric_abs" in case["by"]) == (name == T1)
    assert all(0 < ratio < 1 for ratio in case["largest"].values())


@pytest.mark.parametrize(("name", "factor"), [(T1, Rational(1, 4)), (T2, Rational(1, 2)), (T3, Rational(3, 4))])
def test_a_bound_that_is_too_small_is_refuted_with_the_order(name, factor):
    claim = squeezed(name, factor)
    assert every_order.check(name, squeezed(name, 1), [(2, 4)], None, "test").verdict is Verdict.EXACT
    result = every_order.check(name, claim, [(2, 4)], None, "test")
    assert result.verdict is Verdict.REFUTED
    assert "master under R" in result.summary
    witness = Witness.from_json(result.witness, "here")
    assert witness.kind == every_order.KIND
    again = reproduce._every_order(witness, claim)
    assert again.same
    assert not reproduce._every_order(replace(witness, found={"lhs": 0.0, "rhs": 0.0}), claim).same


def test_identities_and_bounds_are_one_result_and_a_refuted_identity_stays():
    claim = shelf.CLAIMS.get(T3)
    first = every_order.Result(T3, "test", "exact", Verdict.EXACT, "lemma1: fine; more", "holds", {"identities": [1]})
    both = every_order.check(T3, claim, [(2, 4)], first, "test")
    assert both.summary.startswith("lemma1: fine, bounds: at most 0.")
    assert both.summary.endswith("; more")
    assert set(both.details) == {"identities", "bounds"}
    broken = replace(first, verdict=Verdict.REFUTED)
    assert every_order.check(T3, claim, [(2, 4)], broken, "test") is broken


def test_what_does_not_apply_is_left_out_with_the_reason():
    claim = shelf.CLAIMS.get("mishchenko2022.theorem3_strongly_convex")
    assert every_order.check("it", claim, [(3, 5)], None, "test") is None, "K >= 3M fails"
    result = every_order.check("it", claim, [(3, 5), (2, 6)], None, "test")
    assert "on all orders of (2,6)" in result.summary
    three, two = result.details["bounds"]
    assert not three["by"]
    assert "K = 5 < 3M = 9" in next(iter(three["left_out"].values()))
    assert "RL" in " ".join(two["left_out"])
