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


# numbers that a claim leaves open


CAPPED, IN_ORDER, MOMENTS = (
    f"levy2026.{n}" for n in ("theorem_nonconvex_delay_cap", "theorem_nonconvex_in_order", "theorem_nonconvex_moments")
)


def test_what_a_claim_leaves_open_is_at_its_limit_and_the_cap_is_the_largest_delay():
    claim = shelf.CLAIMS.get(CAPPED)
    (found,) = every_order.check(CAPPED, claim, [(2, 4)], None, "test").details["bounds"]
    assert found["orders"] == 8
    assert found["declared"] == {"beta": 0.0625, "stepsize": 0.0156, "tau_cap": 4}  # 1/16, 1/64 rounded down
    caps = []
    for order in product((0, 1), repeat=4):
        cell = Cell(Part("quadratic"), Part("rademacher"), Part("round_robin"), 2, 4, constants=found["declared"])
        one, same = every_order._cells(cell, order, shelf.SCHEDULERS.get("async"))
        assert one.constants == same.constants
        built = every_order.built_of(claim, replace(one, output="uniform"))
        assert built.constants["tau_cap"] == built.weighted.schedule.oldest
        caps.append(built.constants["tau_cap"])
    assert sorted(set(caps)) == [2, 3, 4, 5]


def test_open_numbers_above_their_limits_are_not_covered(monkeypatch):
    above = {"beta": 0.07, "stepsize": 0.01, "tau_cap": 9.0}
    monkeypatch.setattr(every_order, "_at_limits", lambda claim, cell: above)
    claim = shelf.CLAIMS.get(CAPPED)
    assert every_order.check(CAPPED, claim, [(2, 4)], None, "test") is None
    (reason,) = {one for one in every_order._case(claim, 2, 4, None, None, lambda: False)["left_out"].values()
                 if "beta" in one}  # fmt: skip
    assert "is above 1/(8*M) = 0.0625" in reason


def test_orders_that_a_claim_does_not_cover_are_counted_and_told():
    """K >= tau_cap: where a worker never delivers, its first gradient is out for K + 1 steps."""
    result = every_order.check(IN_ORDER, shelf.CLAIMS.get(IN_ORDER), [(2, 4)], None, "test")
    (found,) = result.details["bounds"]
    assert (found["orders"], found["beyond"]) in {(14, 2), (16, 0)}
    covers = "on all orders that it covers of (2,4)" if found["beyond"] else "on all orders of (2,4)"
    assert covers in result.summary
    assert "with beta, stepsize, tau_cap declared" in result.summary


def test_a_claim_that_assumes_noise_is_looked_at_with_noise():
    (found,) = every_order.check(MOMENTS, shelf.CLAIMS.get(MOMENTS), [(2, 4)], None, "test").details["bounds"]
    assert found["orders"] == 8
    assert found["declared"]["excess"] == 2


@pytest.mark.parametrize("name", [CAPPED, MOMENTS])
def test_too_small_a_bound_at_the_limits_is_refuted(name):
    result = every_order.check(name, squeezed(name, Rational(1, 100)), [(2, 4)], None, "test")
    assert result.verdict is Verdict.REFUTED
    witness = Witness.from_json(result.witness, "here")
    assert reproduce._every_order(witness, squeezed(name, Rational(1, 100))).same
