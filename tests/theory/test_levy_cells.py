"""The upper bounds of levy2026 bring cells under delays of the largest policy that they cover, and hold there."""

from dataclasses import replace

import pytest

from ratecheck.core.assumption import POLICIES
from ratecheck.core.part import Part
from ratecheck.core.shelf import CLAIMS
from ratecheck.engine.build import build
from ratecheck.errors import AssumptionError
from tests.teeth.planted import result

UPPER = [
    n for n in CLAIMS.names() if n.startswith("levy2026.") and CLAIMS.get(n).outputs and CLAIMS.get(n).kind == "upper"
]
CAPPED = [n for n in UPPER if any(a.name == "finite tau_cap" for a in CLAIMS.get(n).assumptions)]
#: a rule that sees all samples in flight
RULE = Part("smallest_first")


def built(name, cell):
    """Build it; an assumption that fails is an error."""
    claim = CLAIMS.get(name)
    return build(
        cell, 1, method=claim.method, scheduler=claim.scheduler, stepsize=claim.stepsize, failing=claim.failing
    )


def largest(name):
    """Return the first own cell whose delays are as bad as the claim allows, built."""
    claim = CLAIMS.get(name)
    return next(one for cell in claim.cells if (one := built(name, cell)).policy == claim.policy)


def test_there_are_such_bounds_under_every_policy_that_one_is_about():
    assert len(UPPER) >= 25
    assert {CLAIMS.get(n).policy for n in UPPER} == {POLICIES[0], POLICIES[1], POLICIES[3]}
    assert len(CAPPED) >= 5


@pytest.mark.parametrize("name", UPPER)
def test_some_own_cell_has_delays_of_the_largest_policy_and_a_bound_that_says_something(name):
    one, claim = largest(name), CLAIMS.get(name)
    assert one.cell.sigma != 0, "without noise delays have nothing to look at"
    assert one.weighted.schedule.oldest > 1, "some delay"
    bound = claim.outputs[one.cell.output].bound.rhs.value(one.constants)
    assert bound > 0
    if claim.trivial is not None:
        assert bound < claim.trivial.value(one.constants)


@pytest.mark.parametrize("name", [n for n in UPPER if CLAIMS.get(n).policy != POLICIES[-1]])
def test_the_same_cell_under_a_rule_that_sees_more_is_not_covered(name):
    with pytest.raises(AssumptionError, match="clairvoyant"):
        built(name, replace(largest(name).cell, delays=RULE))


@pytest.mark.parametrize("name", CAPPED)
def test_a_cap_that_is_declared_is_kept_to_and_one_below_the_delays_is_not(name):
    one = largest(name)
    longest = one.weighted.schedule.oldest
    assert longest <= one.cell.constants["tau_cap"]
    with pytest.raises(AssumptionError, match=f"tau_cap = {longest - 1}"):
        built(name, replace(one.cell, constants={**one.cell.constants, "tau_cap": float(longest - 1)}))


@pytest.mark.slow
@pytest.mark.parametrize("name", UPPER)
def test_it_holds_on_every_cell_that_it_brings(name):
    """The bound is 5 to 2,500 times what is measured, by claim and cell; seeds are fixed."""
    found = result(name, evidence=("monte-carlo",), replicates=64)
    assert found.verdict.name in ("HOLDS_HERE", "EXACT")
    rows = found.details["cells"]
    assert len(rows) == len(CLAIMS.get(name).cells) > 0
    for row in rows:
        assert row["verdict"] in ("HOLDS HERE", "EXACT")
        assert 1e-4 < row["inequalities"]["bound"]["ratio"] < 1 / 4
