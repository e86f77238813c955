"""Convex theorems on asynchronous mu^2-SGD with more known than a variance: derivations, what they need, and runs."""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pytest

from ratecheck.checks import symbolic
from ratecheck.checks.measure import Store, fault_of, gathered, measure
from ratecheck.checks.steps import Context, Refused, Undone, averages
from ratecheck.core import shelf
from ratecheck.core.cell import Cell
from ratecheck.core.fact import le
from ratecheck.core.gram import square
from ratecheck.core.part import Part
from ratecheck.core.proof import Class, Counting, Martingale
from ratecheck.core.run import record_key
from ratecheck.core.setting import j, m, n_flying
from ratecheck.core.setting_mu2 import arrived, flying, power, power_0, power_flying
from ratecheck.core.symbols import M, excess, k, sigma, sigma_r, tau_cap
from ratecheck.engine.build import Built, build, of_block
from ratecheck.engine.orders import arrival_orders
from ratecheck.engine.schedule import from_order
from ratecheck.errors import AssumptionError
from tests.chains import proved, survivors, verdict
from tests.teeth.planted import result

MEAN_ZERO, BOUNDED, DELAY_CAP, MOMENTS = NAMES = tuple(
    f"levy2026.theorem_convex_{name}" for name in ("mean_zero", "bounded", "delay_cap", "moments"))  # fmt: skip
flights = shelf.CLAIMS.module("levy2026.in_flight_delay_cap")
LOOK = {"name": "slow_samples", "factor": 5, "jitter": 0}
GRID = {"problem": ["huber", "quadratic"], "noise": {"name": "two_point", "p": 0.1}, "delays": LOOK, "M": 4, "K": 2048,
        "sigma": [0, 1]}  # fmt: skip


def where(name, **changes):
    claim = replace(shelf.CLAIMS.get(name), **changes)
    return Context(claim, claim.stepsize, symbolic.proof_of(name).setting)


def without(name, word):
    return tuple(a for a in shelf.CLAIMS.get(name).assumptions if a.name != word)


def discharge(step, context):
    return symbolic._discharged(step, context).fact


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_theorems_are_derived(name):
    found = symbolic.check(name, shelf.CLAIMS.get(name), "test")
    assert found.verdict.name == "PROVED"
    assert not found.details["trusted"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [MEAN_ZERO, DELAY_CAP])
def test_no_step_can_be_tightened_or_spared(name):
    left, tried = survivors(name)
    assert tried > 40
    assert not left


# what is granted


def test_what_has_arrived_is_granted_by_policy():
    for policy, times in (("independent", k), ("mean-zero given the duration", M + k - 1)):
        fact = discharge(Martingale("m", arrived(k)), where(MEAN_ZERO, policy=policy))
        assert fact == le(square(arrived(k)), times * sigma**2)
    for policy in ("data-dependent", "clairvoyant"):
        with pytest.raises(Refused, match="may select"):
            discharge(Martingale("m", arrived(k)), where(MEAN_ZERO, policy=policy))


def test_what_is_in_flight_is_granted_under_a_cap_that_the_claim_assumes():
    fact = discharge(Martingale("m", n_flying(k, j)), where(DELAY_CAP))
    assert fact.right == (M + tau_cap - 2) * sigma**2
    for word in ("finite tau_cap", "finite sigma", "additive noise"):
        with pytest.raises(Undone, match=word):
            discharge(Martingale("m", n_flying(k, j)), where(DELAY_CAP, assumptions=without(DELAY_CAP, word)))
    for vector in (flying(k), n_flying(k + 1, j)):
        with pytest.raises(Undone, match="no noise"):
            discharge(Martingale("m", vector), where(DELAY_CAP))


def test_a_moment_is_that_of_a_sample_when_it_is_drawn():
    for of in (power(k), power_0(m)):
        assert discharge(Martingale("m", of), where(MOMENTS)) == le(of, sigma_r ** (2 + excess))
    with pytest.raises(Undone, match="no noise"):  # one in flight is no such sample: long ones stay there
        discharge(Martingale("m", power_flying(k, j)), where(MOMENTS))
    with pytest.raises(Undone, match="finite sigma_r"):
        discharge(Martingale("m", power(k)), where(MOMENTS, assumptions=without(MOMENTS, "finite sigma_r")))
    fact = discharge(Counting("c", "handed out", {"attribute": power(k)}), where(MOMENTS))
    assert fact.left.has(power_flying(k, j))


def test_bounded_noise_is_assumed_and_not_a_variance():
    step = Class("b", "bounded noise", ("in flight",))
    assert discharge(step, where(BOUNDED)).left == square(n_flying(k, j))
    with pytest.raises(Undone, match="finite sigma_inf"):
        discharge(step, where(BOUNDED, assumptions=without(BOUNDED, "finite sigma_inf")))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_each_needs_what_it_has_beyond_a_variance(name):
    word = {MEAN_ZERO: "K >= M", BOUNDED: "finite sigma_inf", DELAY_CAP: "finite tau_cap", MOMENTS: "finite sigma_r"}
    assert not proved(verdict(name, assumptions=without(name, word[name])))


@pytest.mark.slow
def test_a_smaller_extra_term_is_not_derived():
    """2 for 3, and M - 2 for M - 1."""
    for change in ((3, 2), (M - 1, M - 2)):
        claim = shelf.CLAIMS.get(BOUNDED)
        said = claim.outputs["last"]
        terms = dict(said.bound.rhs.terms)
        terms["noise_in_flight"] = terms["noise_in_flight"].subs(*change)
        less = replace(said, bound=replace(said.bound, rhs=type(said.bound.rhs)(**terms)))
        assert not proved(verdict(BOUNDED, outputs={"last": less}))


# the lemma on what was drawn lately: on all orders, and not with one sample less


def orders(workers, steps):
    desk = shelf.SCHEDULERS.get("async")
    return [
        from_order(desk, workers, np.array(order, dtype=np.int64))
        for order in arrival_orders(desk, workers, steps, labelled=True)
    ]


def test_what_is_in_flight_was_drawn_lately():
    for workers, steps in ((1, 3), (2, 4), (3, 4)):
        assert all(averages._lately(s) for s in orders(workers, steps))


def test_one_sample_less_is_too_few():
    s = from_order(shelf.SCHEDULERS.get("async"), 2, np.array([0, 0, 1], dtype=np.int64))
    assert averages._lately(s)
    lying = type("Less", (), {"horizon": s.horizon, "made_at": s.made_at, "offset": s.offset, "source": s.source,
                              "workers": s.workers, "oldest": s.oldest - 1})()  # fmt: skip
    assert not averages._lately(lying)


@pytest.mark.parametrize("case", [(2, 3), (2, 4), (3, 4)])
def test_the_worst_policy_under_a_cap_keeps_to_what_is_granted(case):
    """By a dynamic programme over policies that keep to the cap: at most, and at a third at least somewhere."""
    ratios = [
        most / (var * (case[0] - 1) * (case[0] + tau - 1))
        for tau, var, most in flights.capped(*case, lambda _: Fraction(1))
    ]
    assert max(ratios) <= 1
    assert max(ratios) >= Fraction(1, 4)


# on runs

DECLARED = {
    MEAN_ZERO: {}, BOUNDED: {}, DELAY_CAP: {"tau_cap": 32},
    # the two-point law of p = 1/10 has E z^4 = 73/9
    MOMENTS: {"sigma_r": (73 / 9) ** 0.25, "excess": 2, "level": 8},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES[1:])
def test_the_bound_holds_under_delays_that_look_at_samples(name):
    grid = {**GRID, "constants": DECLARED[name]}
    found = result(name, grid, evidence=("monte-carlo",), replicates=16, bare=True)
    rows = [row for row in found.details["cells"] if row.get("inequalities")]
    assert rows
    assert not found.verdict.negative
    for row in rows:
        assert 1e-6 < row["inequalities"]["bound"]["ratio"] < 0.2


@pytest.mark.slow
def test_the_bound_holds_for_delays_that_look_at_sizes():
    grid = {**GRID, "noise": "gaussian", "delays": {"name": "slow_large"}, "K": 512}
    found = result(MEAN_ZERO, grid, evidence=("monte-carlo",), replicates=16, bare=True)
    assert not found.verdict.negative
    assert any(row.get("inequalities") for row in found.details["cells"])


def test_delays_that_look_at_signs_are_not_covered_by_mean_zero():
    found = result(MEAN_ZERO, {**GRID, "K": 64}, evidence=("monte-carlo",), replicates=8, bare=True)
    assert found.verdict.name == "NOT_APPLICABLE"


def test_unbounded_noise_is_not_covered_by_bounded():
    grid = {**GRID, "noise": "gaussian", "K": 64, "sigma": 1}
    found = result(BOUNDED, grid, evidence=("monte-carlo",), replicates=8, bare=True)
    assert found.verdict.name == "NOT_APPLICABLE"
    assert "sigma_inf" in found.summary


# a cap that the schedule of a later run breaks costs that cell alone


@pytest.mark.slow
def test_a_later_run_above_the_cap_costs_its_own_cell_alone():
    delays = {"name": "slow_samples", "factor": 40, "jitter": 1}
    grid = {**GRID, "problem": "huber", "M": 2, "K": 256, "sigma": 1, "delays": delays}
    grids = [{**grid, "constants": {"tau_cap": cap}} for cap in (tight().oldest, 256)]
    found = result(DELAY_CAP, *grids, evidence=("monte-carlo",), replicates=64, bare=True)
    first, second = found.details["cells"]
    assert first["verdict"] == "NOT APPLICABLE"
    assert "out for" in first["reason"]
    assert second["inequalities"]["bound"]["ratio"] < 1


def test_a_block_above_the_cap_has_a_sentence_for_its_record():
    one, store = tight(), Store()
    record = measure(one.built, one.later, 1, ("output_gap",), ())
    assert set(record) == {"block", "fault"}
    for block, found in enumerate(({"block": 0}, record)):
        store.add({"key": record_key("claim", one.built.cell.digest, block), **found})
    assert fault_of("claim", one.built, 1, store) is None
    assert "out for" in fault_of("claim", one.built, 2, store)
    with pytest.raises(AssumptionError, match="out for"):
        gathered("claim", one.built, 2, store, ("output_gap",))


@dataclass
class Tight:
    """A cell whose cap is the longest delay of its first block, where a ``later`` one has a longer one."""

    built: Built
    oldest: int
    later: int


def tight():
    claim = shelf.CLAIMS.get(DELAY_CAP)
    cell = Cell(Part("huber", {}), Part("two_point", {"p": 0.1}), Part("slow_samples", {"factor": 40, "jitter": 1}),
                2, 256, 1.0, "last", constants={"tau_cap": 256})  # fmt: skip
    built = build(cell, 1, method=claim.method, scheduler="async", stepsize=claim.stepsize, failing=claim.failing)
    longest = [of_block(built, block).weighted.schedule.oldest for block in range(8)]
    later = int(np.argmax(longest))
    assert later > 0
    return Tight(replace(built, cell=replace(cell, constants={"tau_cap": float(longest[0])})), longest[0], later)
