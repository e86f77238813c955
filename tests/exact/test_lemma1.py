"""Lemma 1 of Mishchenko et al. (2022) over all arrival orders, and the planted lies it must reject."""

import pytest

from ratecheck.checks.exact import check, sweep_identity
from ratecheck.core import shelf
from ratecheck.core.identity import Identity, View
from ratecheck.core.verdict import Verdict

CASES = [(1, 6), (2, 6), (3, 6), (4, 7), (3, 8)]
METHOD, ASYNC = shelf.METHODS.get("async_sgd"), shelf.SCHEDULERS.get("async")


@pytest.mark.parametrize("case", CASES)
def test_residual_is_exactly_zero_for_every_order(case):
    claim = shelf.CLAIMS.get("mishchenko2022.lemma1")
    found = sweep_identity(claim.identities[0], METHOD, ASYNC, case)
    assert found["residual"] == "0"
    assert found["standing_for"] == case[0] ** case[1]


def own_worker_too(view: View):
    return view.x - view.virtual - sum((f.gamma_next * f.gradient for f in view.in_flight), 0 * view.x)


def without_those_not_yet_returned(view: View):
    some = (f.gamma_next * f.gradient for f in view.in_flight if f.worker != view.arrived and f.version > 0)
    return view.x - view.virtual - sum(some, 0 * view.x)


def todays_stepsize(view: View):
    others = (view.gamma * f.gradient for f in view.in_flight if f.worker != view.arrived)
    return view.x - view.virtual - sum(others, 0 * view.x)


@pytest.mark.parametrize("lie", [own_worker_too, without_those_not_yet_returned, todays_stepsize])
def test_planted_statements_are_refuted(lie):
    found = sweep_identity(Identity(lie.__name__, lie, "", ""), METHOD, ASYNC, (2, 3))
    assert found["fault"]
    assert found["step"] >= 1


def test_one_worker_has_nothing_in_flight():
    """With M = 1 the lie that drops workers not yet returned is no lie: an equivalent mutant, not a catch."""
    identity = Identity("m1", without_those_not_yet_returned, "", "")
    assert sweep_identity(identity, METHOD, ASYNC, (1, 5))["residual"] == "0"


def test_the_result_says_how_many_orders():
    result = check("mishchenko2022.lemma1", shelf.CLAIMS.get("mishchenko2022.lemma1"), [(2, 4)], "test")
    assert result.verdict is Verdict.EXACT
    assert "16 arrival orders" in result.summary
