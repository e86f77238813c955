"""OrMo's degenerate cases, what is in flight, what stepsizes must be: proved as they are, not with a thing changed."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import chain
from types import SimpleNamespace

import numpy as np
import pytest
from sympy import Max

from ratecheck.checks import symbolic
from ratecheck.checks.steps import (
    Context,
    Refused,
    Undone,
    counting,
    degenerate,
    enumerated,
    flights,
    in_flight,
    late,
    ordered,
    sequences,
)
from ratecheck.checks.steps.courses import age, back, beta, in_u, in_w, total_
from ratecheck.checks.steps.degenerate import other_u, other_w
from ratecheck.checks.steps.machines import more, now, since
from ratecheck.core import shelf
from ratecheck.core.identity import Counting as Fact
from ratecheck.core.proof import Counting, Expectation
from ratecheck.core.setting import h, h_flying, j, n_flying
from ratecheck.core.setting_barrier import ASYNC_ROUNDS, ORMO_ROUNDS
from ratecheck.core.setting_ormo import NAIVE, ORMO, means_ahead, noise_ahead
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import L, M, k, stepsize, tau
from ratecheck.core.symbols import beta as momentum
from ratecheck.core.verdict import Verdict
from ratecheck.engine.orders import arrival_orders
from ratecheck.engine.schedule import from_order
from ratecheck.mutants.mutant import FOLDER
from tests.chains import proved, survivors, verdict

LEMMAS = ("closed_forms_barrier", "lemma11", "one_worker", "proposition1", "remark1", "remark3", "hypothesis")
#: as slow as the one before, and like it
SLOW = pytest.param("hypothesis_scaled", marks=pytest.mark.slow)
LEMMA_11, INVERSE, SCALED = (f"ormo2024.{name}" for name in ("lemma11", "hypothesis", "hypothesis_scaled"))


def schedules(scheduler, *cases):
    desk = shelf.SCHEDULERS.get(scheduler)
    for workers, steps in cases:
        for order in arrival_orders(desk, workers, steps, labelled=False):
            yield from_order(desk, workers, np.array(order, dtype=np.int64))


def derived(name, lemma, **changes):
    claim = replace(shelf.CLAIMS.get(f"ormo2024.{name}"), **changes)
    setting = symbolic.proof_of(f"ormo2024.{name}").setting
    return counting.discharge(Counting("it", lemma), Context(claim, shelf.STEPSIZES.get(claim.stepsize), setting))


def steps_of(name, **changes):
    """The chain of a changed claim, which is not compared with what the claim says."""
    return symbolic.checked(replace(shelf.CLAIMS.get(name), **changes), replace(symbolic.proof_of(name), proves={}))


@pytest.mark.parametrize("name", [*LEMMAS, SLOW])
def test_the_lemmas_are_derived(name):
    result = symbolic.check(f"ormo2024.{name}", shelf.CLAIMS.get(f"ormo2024.{name}"), "test")
    assert result.verdict is Verdict.PROVED, result.summary
    assert "" not in result.details["letters"].values(), "each letter has a meaning"


def test_no_two_counting_lemmas_have_one_name():
    more_of_them = (degenerate, flights, in_flight, late, ordered, sequences)
    tables = (counting.ENUMERATED, *(one.ENUMERATED for one in more_of_them))
    assert counting.ENUMERATED is enumerated.ENUMERATED
    assert [name for name, times in Counter(chain(*tables)).items() if times > 1] == []


# degenerate cases


@pytest.mark.parametrize(
    "move",
    [
        {in_w: in_w - in_u},
        {in_u: in_u},
        {age: age},
        {other_u: beta * other_u + 1},
        {other_w: other_w - other_u},
        {other_w: other_w - beta * other_u + 1},
    ],
)
def test_another_round_is_not_that_of_minibatch_momentum(move):
    assert degenerate.ROUND.fault() == ""
    turned = {"round": {**degenerate.ROUND.moves["round"], **move}}
    assert replace(degenerate.ROUND, moves=turned).fault() != ""


def test_nor_is_another_first_step():
    for first in ({in_w: -1 / (1 - beta)}, {in_u: beta}, {other_u: beta}, {other_w: -beta}):
        assert replace(degenerate.ROUND, start={**degenerate.ROUND.start, **first}).fault() != ""


def test_without_momentum_alone_and_between_0_and_1():
    assert degenerate.PLAIN.fault() == ""
    kept = {"delivery": {back: 1, in_u: in_u + age, in_w: in_w - 2}}
    assert replace(degenerate.PLAIN, moves=kept).fault() != ""
    assert "is not 0" in replace(degenerate.PLAIN, ends=(in_w + 2 * back,)).fault()
    assert degenerate.ALONE.fault() == ""
    assert replace(degenerate.ALONE, seen=(now - since - 2,)).fault() != ""
    assert replace(degenerate.ALONE, idle={}).fault() != "", "a step without a delivery of the worker"
    above, below = late.BETWEEN
    assert above.fault() == below.fault() == ""
    assert replace(above, idle={total_: total_ - 1}).fault() != ""
    assert replace(below, idle={total_: (1 + more) * total_}).fault() != "", "beta > 1"


#: of the seven faults of tests/teeth/test_planted_ormo.py, those that rounds show, and one worker
BARRIER = {"power_too_few", "all_at_once", "half_step_by_u", "exponent_delay"}
FAULTS = (*sorted(BARRIER), "floor_groups", "unordered")


def seen(holds, scheduler, cases, monkeypatch):
    """The planted kernels for which ``holds`` fails on some order; the true one is not among them."""
    methods = {f: shelf.METHODS.get(str(FOLDER / "kernels" / f"ormo_{f}.py")) for f in FAULTS}
    truth, found = shelf.METHODS.get("ormo"), set()
    for name, method in {**methods, "truth": truth}.items():
        monkeypatch.setattr(degenerate, "shelf", SimpleNamespace(METHODS=SimpleNamespace(get=lambda _, m=method: m)))
        found |= {name} if not all(holds(s) for s in schedules(scheduler, *cases)) else set()
    return found


def test_planted_kernels_are_seen(monkeypatch):
    see = partial(seen, monkeypatch=monkeypatch)
    assert see(degenerate._ormo_rounds, "barrier", [(2, 6), (3, 6)]) == BARRIER
    assert see(degenerate._within, "barrier", [(2, 6)]) == BARRIER
    assert see(degenerate._alone, "async", [(1, 4)]) == {"power_too_few", "half_step_by_u", "all_at_once"}
    assert see(degenerate._plain, "async", [(2, 6)]) == {"power_too_few", "half_step_by_u"}
    assert see(late._flying, "async", [(2, 5)]) >= BARRIER


def test_rounds_of_asynchronous_sgd_are_not_those_of_momentum():
    barrier = list(schedules("barrier", (2, 6)))
    assert all(degenerate.ENUMERATED["rounds, plain"](s) for s in barrier)
    assert not any(degenerate._rounds("async_sgd", Fraction(9, 10))(s) for s in barrier)
    assert not any(degenerate._rounds("ormo", Fraction(0))(s) != degenerate._ormo_rounds(s) for s in barrier)
    assert not all(degenerate._ormo_rounds(s) for s in schedules("async", (2, 6)))


def test_a_lemma_about_some_runs_is_for_claims_about_no_others():
    derived("one_worker", "one worker, x")
    derived("remark3", "without momentum")
    for name, lemma, changes in (
        ("one_worker", "one worker, x", {"cases": ()}),
        ("one_worker", "one worker, x", {"cases": ((1, 4), (2, 4))}),
        ("lemma1", "one worker, u", {}),
        ("remark3", "without momentum", {"fixed": {}}),
        ("remark3", "without momentum", {"fixed": {"beta": "1/2"}}),
        ("lemma1", "without momentum", {}),
    ):
        with pytest.raises(Undone, match="and the claim about more"):
            derived(name, lemma, **changes)


def test_lemmas_about_the_barrier_are_for_the_barrier():
    for name, lemma in (
        ("lemma1", "rounds: u"),
        ("proposition1", "closed model"),
        ("proposition1", "without momentum"),
    ):
        with pytest.raises(Undone, match="no counting lemma"):
            derived(name, lemma)
    with pytest.raises(Undone, match="is about asynchronous SGD under the barrier"):
        derived("proposition1", "rounds, plain")
    for setting in (ORMO, ASYNC_ROUNDS, replace(ORMO_ROUNDS, name="mine")):
        other = replace(symbolic.proof_of("ormo2024.proposition1"), setting=setting)
        assert not proved(symbolic.checked(shelf.CLAIMS.get("ormo2024.proposition1"), other))


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("remark3", {"fixed": {}}),
        ("one_worker", {"cases": ((2, 4),)}),
        ("proposition1", {"scheduler": "async"}),
        ("remark1", {"method": "ormo"}),
        ("closed_forms_barrier", {"scheduler": "async"}),
    ],
)
def test_other_claims_are_not_proved(name, changes):
    assert proved(verdict(f"ormo2024.{name}"))
    assert not proved(verdict(f"ormo2024.{name}", **changes))


# what is in flight


@pytest.mark.parametrize("name", [LEMMA_11, pytest.param(INVERSE, marks=pytest.mark.slow),
                                  pytest.param(SCALED, marks=pytest.mark.slow)])  # fmt: skip
def test_no_step_can_be_changed(name, monkeypatch):
    monkeypatch.setattr("ratecheck.checks.steps.search.TRIES", 0)
    found, tried = survivors(name)
    assert found == []
    assert tried >= 12


def test_lemma_11_needs_delays_that_are_independent_of_samples():
    assert proved(steps_of(LEMMA_11))
    for policy in ("data-dependent", "clairvoyant"):
        found = steps_of(LEMMA_11, policy=policy)
        assert found.false is not None
        assert "are random for" in found.false[1] or "independent" in found.false[1]


def test_what_is_in_flight_is_granted_to_ormo_alone():
    claim = shelf.CLAIMS.get(LEMMA_11)
    where = Context(claim, shelf.STEPSIZES.get(claim.stepsize), ORMO)
    for pair in ((noise_ahead(k), h(k)), (n_flying(k, j), h_flying(k, j)), (noise_ahead(k), h_flying(k, j))):
        with pytest.raises(Undone, match="nothing is known"):
            symbolic._discharged(Expectation("it", *pair), where)
    symbolic._discharged(Expectation("it", noise_ahead(k), means_ahead(k)), where)
    naive = replace(where, setting=NAIVE, done={})
    with pytest.raises((Refused, Undone)):
        symbolic._discharged(Expectation("it", noise_ahead(k), means_ahead(k)), naive)
    with pytest.raises(Undone, match="the lemma is about ordered momentum"):
        symbolic._discharged(Counting("it", "ahead"), naive)


# what stepsizes must be


CAP = (1 - momentum) ** 2 / (2 * L * Max(tau - 1, 2 * M))


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        (INVERSE, {"constant": stepsize, "delay": 2 * CAP}),  # (1 - beta)^2/L: H2
        (INVERSE, {"constant": stepsize, "delay": (1 - momentum) ** 2 / (2 * L * Max(tau - 1, 3 * M))}),  # H3
        (INVERSE, {"constant": 2 * stepsize, "delay": CAP}),
        (INVERSE, {"constant": stepsize}),
        (SCALED, {"constant": stepsize, "delay": stepsize / Max((tau - 1) / (3 * M), 1)}),  # H2
        (SCALED, {"constant": stepsize, "delay": stepsize / Max((tau - 1) / M, 1)}),  # H3
        (SCALED, {"constant": stepsize, "delay": stepsize / Max((tau - 1) / (2 * M), 2)}),
    ],
)
def test_another_stepsize_is_not_as_theorem_2_needs_it(name, rule, monkeypatch):
    monkeypatch.setattr("ratecheck.checks.steps.search.TRIES", 0)
    assert proved(steps_of(name))
    assert not proved(steps_of(name, stepsize=Stepsize(**rule)))


def test_gamma_must_be_as_small_as_is_assumed(monkeypatch):
    monkeypatch.setattr("ratecheck.checks.steps.search.TRIES", 0)
    everything = shelf.CLAIMS.get(INVERSE).assumptions
    assert not proved(steps_of(INVERSE, assumptions=everything[:-1]))


@pytest.mark.slow
@pytest.mark.parametrize("which", range(4))
def test_a_fact_about_another_number_is_not_proved_by_the_step(which):
    facts = shelf.CLAIMS.get(SCALED).counting
    one = facts[which]

    def half(worker, delay, workers):
        return one.slack(worker, delay, workers) + Fraction(1, 10**3) * max(delay)

    changed = tuple(Fact(one.name, half, one.statement, one.orders) if f is one else f for f in facts)
    found = verdict(SCALED, counting=changed)
    assert "about another number" in found.trusted[f"{one.name} "]


def test_the_threshold_of_what_is_in_time_is_a_whole_number():
    claim = shelf.CLAIMS.get(INVERSE)
    where = Context(claim, shelf.STEPSIZES.get(claim.stepsize), symbolic.proof_of(INVERSE).setting)
    symbolic._discharged(Counting("fine", "in time", {"threshold": 3 * M}), where)
    for threshold in (M / 2, L * M, k * M, M**2 / 2):
        with pytest.raises(Undone, match=r"no whole number|is no number|no positive"):
            symbolic._discharged(Counting(str(threshold), "in time", {"threshold": threshold}), where)
