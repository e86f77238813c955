"""Ordered momentum with in-order commit: derived, what it needs, its lemmas against a lie and worst policies, runs."""

from dataclasses import replace
from fractions import Fraction

import pytest

from ratecheck.checks import symbolic
from ratecheck.checks.steps import Context, Undone, committed
from ratecheck.core import shelf
from ratecheck.core.fact import le
from ratecheck.core.gram import square
from ratecheck.core.proof import Counting, Expectation
from ratecheck.core.setting import n, s, z
from ratecheck.core.setting_committed import COMMITTED
from ratecheck.core.setting_ordered import ORDERED, noises, slopes
from ratecheck.core.symbols import beta, k, tau_cap
from tests.chains import Shelf, orders, proved, survivors, verdict
from tests.teeth.planted import result

NAME = "levy2026.theorem_nonconvex_in_order"
MEANS, NOISE = Counting("m", "missing, means"), Counting("n", "missing, noise")
SIGNS = {Fraction(-1): Fraction(1, 2), Fraction(1): Fraction(1, 2)}
SKEW = {Fraction(-1, 3): Fraction(3, 4), Fraction(1): Fraction(1, 4)}


def where(setting=COMMITTED, **changes):
    claim = replace(shelf.CLAIMS.get(NAME), **changes)
    return Context(claim, shelf.STEPSIZES.get("constant"), setting)


def without(word):
    return tuple(a for a in shelf.CLAIMS.get(NAME).assumptions if a.name != word)


def discharge(step, context):
    return symbolic._discharged(step, context).fact


@pytest.mark.slow
def test_the_theorem_is_derived():
    found = symbolic.check(NAME, shelf.CLAIMS.get(NAME), "test")
    assert found.verdict.name == "PROVED"
    assert not found.details["trusted"]
    assert not found.details["not_derived"]


@pytest.mark.slow
def test_no_step_can_be_tightened_or_spared():
    left, tried = survivors(NAME)
    assert tried > 40
    assert not left


def test_what_is_missing_is_granted_here_alone():
    assert discharge(MEANS, where()) == le(square(s(k)), (tau_cap - 1) * beta**2 * slopes(k))
    assert discharge(NOISE, where()) == le(square(z(k)), 9 * beta**2 * noises(k))
    for step in (MEANS, NOISE):
        with pytest.raises(Undone, match="commits in order"):
            discharge(step, where(ORDERED))
        with pytest.raises(Undone, match="commits in order"):  # words of a claim's file are not the kernel's
            discharge(step, where(replace(COMMITTED, name="mine")))
    with pytest.raises(Undone, match="cap"):
        discharge(MEANS, where(assumptions=without("finite tau_cap")))
    with pytest.raises(Undone, match="finite sigma"):
        discharge(NOISE, where(assumptions=without("finite sigma")))


def test_nothing_in_flight_is_spoken_of():
    """Lemmas and expectations of ordered momentum are not those of its in-order commit."""
    for step in (Counting("c", "flights", {"of": s(k)}), Counting("c", "flights, orthogonal"), Expectation("e", z(k))):
        with pytest.raises(Undone):
            discharge(step, where(policy="independent"))
    assert discharge(Expectation("e", n(k)), where()).left == square(n(k))


@pytest.mark.slow
@pytest.mark.parametrize("word", ["smooth", "finite L", "finite sigma", "finite tau_cap", "beta <= 1/(8*tau_cap)"])
def test_every_assumption_is_needed(word):
    assert not proved(verdict(NAME, assumptions=without(word)))


@pytest.mark.slow
def test_the_method_is_the_one_that_commits_in_order():
    assert "setting" in verdict(NAME, method="ordered_momentum").trusted


# the lemmas


def test_the_kernel_commits_in_order_and_another_does_not(monkeypatch):
    assert all(committed._moves(one) and committed._first(one) for one in orders())
    monkeypatch.setattr(committed, "shelf", Shelf(shelf.METHODS.get("ordered_momentum")))
    assert not all(committed._moves(one) for one in orders())


def largest_missing(workers, deliveries, law, b):
    """E z^2 at the end, at most, over all policies that see samples in flight; by enumeration."""

    def weight(number):
        return b * (1 - b) ** (deliveries - 1 - number)

    def best(flying, held, done, total, left):
        """``held``: arrived, not yet committed; ``total``: of all drawn, less what is committed."""
        if left == 0:
            return total * total
        found = []
        for one in range(len(flying)):
            number, value = flying[one]
            now, count, rest = {**held, number: value}, done, total
            while count in now:
                rest -= weight(count) * now[count]
                count += 1
            others, new = flying[:one] + flying[one + 1 :], deliveries - left + 1
            gains = weight(new) if new < deliveries else 0  # what is handed out after the last is not of this k
            found.append(sum(p * best((*others, (new, x)), now, count, rest + gains * x, left - 1)
                             for x, p in law.items()))  # fmt: skip
        return max(found)

    def start(flying, m):
        if m == workers:
            first = next(x for number, x in flying if number == 0)
            return best(flying, {}, 0, weight(0) * first, deliveries)
        return sum(p * start((*flying, (-m, x)), m + 1) for x, p in law.items())

    return start((), 0)


@pytest.mark.parametrize("case", [(2, 3), (2, 4), (3, 3)])
def test_what_is_granted_of_missing_noise_holds_for_the_worst_policy(case):
    b = Fraction(1, 4)
    for law in (SIGNS, SKEW):
        variance = sum(p * x * x for x, p in law.items())
        whole = variance * sum((b * (1 - b) ** i) ** 2 for i in range(case[1]))
        worst = largest_missing(*case, law, b)
        assert worst <= 9 * whole
        assert worst >= Fraction(9, 10) * whole  # nothing need be committed


# on runs


@pytest.mark.slow
def test_the_bound_holds_under_delays_that_look_at_samples():
    """Delays of two-point noise, of which the rare value is five times as slow: none is above 32."""
    grid = {"problem": "quadratic", "noise": {"name": "two_point", "p": 0.1}, "M": 4, "K": 512, "sigma": [0, 1],
            "delays": {"name": "slow_samples", "factor": 5, "jitter": 0},
            "constants": {"tau_cap": 32, "beta": 1 / 256, "stepsize": 1 / 1024}}  # fmt: skip
    found = result(NAME, grid, evidence=("monte-carlo",), replicates=16, bare=True)
    rows = [row for row in found.details["cells"] if row.get("inequalities")]
    assert rows
    assert not found.verdict.negative
    assert all(1e-6 < row["inequalities"]["bound"]["ratio"] < 1 for row in rows)
