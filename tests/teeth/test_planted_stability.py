"""Planted lies about stability: wrong methods and wrong facts are refuted, with witnesses that reproduce."""

from dataclasses import replace

import pytest
import sympy as sp

from ratecheck.checks import reproduce
from ratecheck.checks.stability import ranges
from ratecheck.checks.stability.stability import Setting, limit
from ratecheck.core import shelf
from ratecheck.core.stability import Stability
from ratecheck.core.verdict import Verdict
from ratecheck.core.witness import Witness
from ratecheck.mutants.mutant import FOLDER

NAME = "ormo2024.stability"
CLAIM = shelf.CLAIMS.get(NAME)
BETA = {"beta": "0.9"}


def kernel(name):
    return str(FOLDER / "kernels" / f"{name}.py")


def small(*facts):
    """Return the claim with these facts, or with its own for M = 4 alone."""
    return replace(CLAIM, stability=facts or tuple(replace(f, workers=(4,)) for f in CLAIM.stability))


def test_the_control_passes():
    found = ranges.check(NAME, small(), "quick")
    assert found.verdict is Verdict.EXACT
    assert all(c["verdict"] == "EXACT" for row in found.details["stability"] for c in row["cases"])
    assert "0.1391 < shifted_momentum 0.2591 < ormo_vanilla_step 0.6100 < ormo 0.7936" in found.summary


@pytest.mark.slow
def test_the_whole_claim():
    assert ranges.check(NAME, CLAIM, "quick").verdict is Verdict.EXACT


def enclosed(method):
    found = limit(Setting(method, 4, constants=(("beta", "0.9"),)), exact=True)
    assert found.by == "exact"
    return found


@pytest.mark.parametrize(
    "name",
    ["ormo_half_step_by_u", "ormo_power_too_few", "ormo_exponent_delay", "ormo_all_at_once", "ormo_unordered"],
)
def test_a_wrong_ormo_has_another_range(name):
    """Enclosures that do not overlap."""
    wrong, right = enclosed(kernel(name)), enclosed("ormo")
    assert wrong.high < right.low or right.high < wrong.low


def test_a_lie_that_has_the_same_range():
    """Groups floor(i/M) begin one arrival later; where workers take turns that is the same, told from another start."""
    assert enclosed(kernel("ormo_floor_groups")).low == enclosed("ormo").low


@pytest.mark.parametrize("name", ["ormo_half_step_by_u", "ormo_all_at_once"])
def test_a_wrong_half_step_is_refuted_and_reproduced(name):
    found = ranges.check(NAME, small(), "quick", method=kernel(name))
    assert found.verdict is Verdict.REFUTED
    assert found.surprise
    witness = Witness.from_json(found.witness, "here")
    again = reproduce.witness(witness)
    assert again.same
    changed = replace(witness, found={"largest": {kernel(name): ["0", "1"]}})
    assert not reproduce.witness(changed).same


ORDER = CLAIM.stability[0].methods


@pytest.mark.parametrize("i", range(len(ORDER) - 1))
def test_any_two_in_the_wrong_order_are_refuted(i):
    swapped = (*ORDER[:i], ORDER[i + 1], ORDER[i], *ORDER[i + 2 :])
    found = ranges.check(NAME, small(Stability("order", swapped, "", (4,), constants=BETA)), "quick")
    assert found.verdict is Verdict.REFUTED


M = sp.Symbol("M", positive=True)


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [(1, Verdict.EXACT), (1 + sp.Rational(1, 10**6), Verdict.REFUTED), (1 - sp.Rational(1, 10**6), Verdict.REFUTED)],
)
def test_a_closed_form_that_is_off_by_a_millionth(factor, verdict):
    form = factor * 2 * M * sp.sin(sp.pi / (2 * (2 * M - 1)))
    fact = Stability("asynchronous SGD", ("async_sgd",), "", (4,), equal=form)
    assert ranges.check(NAME, small(fact), "quick").verdict is verdict


def test_equal_methods_are_in_no_order():
    """With beta = 0 OrMo is asynchronous SGD: the enclosures overlap, and nothing is said."""
    fact = Stability("order", ("ormo", "async_sgd"), "", (4,), constants={"beta": "0"})
    assert ranges.check(NAME, small(fact), "quick").verdict is Verdict.INCONCLUSIVE


def test_a_method_that_is_not_linear_is_not_applicable():
    assert ranges.check(NAME, small(), "quick", method=kernel("clips")).verdict is Verdict.NOT_APPLICABLE
