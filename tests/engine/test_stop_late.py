"""Stopping late work: Ringmaster's stops against an event simulation, over all small orders, in exact arithmetic."""

from __future__ import annotations

import heapq
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from ratecheck.checks.exact import sweep_identity
from ratecheck.core.cell import Cell
from ratecheck.core.keys import key_of
from ratecheck.core.part import Part
from ratecheck.core.schedule import Schedule
from ratecheck.core.shelf import CLAIMS, DELAYS, METHODS, SCHEDULERS
from ratecheck.core.stepsize import Stepsize
from ratecheck.engine.build import build
from ratecheck.engine.orders import arrival_orders
from ratecheck.engine.replay import replay_rows
from ratecheck.engine.schedule import from_order, make, weigh
from ratecheck.engine.sweep import simulate
from ratecheck.errors import PartError
from tests.teeth.planted import result

STOP, ASYNC = SCHEDULERS.get("stop_late"), SCHEDULERS.get("async")
LEMMA1 = CLAIMS.get("mishchenko2022.lemma1").identities[0]


def at(threshold: int) -> Any:
    return STOP.with_numbers({"threshold": threshold})


def fixed(means: list[float], steps: int, scheduler: Any, **more: Any) -> Schedule:
    """Return the schedule of workers that take exactly these times."""
    delays = DELAYS.get("fixed")
    return make(scheduler, delays, delays.parameters({"speeds": means}), len(means), steps, key_of(1), **more)


def events(means: list[float], steps: int, threshold: int) -> list[tuple[int, int, float]]:
    """Return (worker, version it began at, time) of each delivery: a heap in which stopped jobs stay."""
    began, job = [0] * len(means), list(range(len(means)))
    heap = [(means[m], m, m) for m in range(len(means))]
    heapq.heapify(heap)
    made, found = len(means), []
    while len(found) < steps:
        time, m, which = heapq.heappop(heap)
        if job[m] != which:
            continue
        found.append((m, began[m], time))
        for w in range(len(means)):
            if w == m or len(found) - began[w] >= threshold:
                began[w], job[w] = len(found), made
                heapq.heappush(heap, (time + means[w], w, made))
                made += 1
    return found


@pytest.mark.parametrize("threshold", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("means", [[1.0], [1.0, 1.0], [1.0, 2.25, 5.5], [0.3, 1.1, 1.7, 4.9, 2.3], [1.0] * 6 + [30.0]])
def test_against_an_event_simulation(means, threshold):
    schedule = fixed(means, 300, at(threshold))
    assert schedule.time is not None
    played = list(zip(schedule.worker.tolist(), schedule.stamp.tolist(), schedule.time.tolist(), strict=True))
    assert played == events(means, 300, threshold)
    assert schedule.delay.max() <= threshold
    assert np.array_equal(schedule.made_at[schedule.source], schedule.stamp)
    assert np.array_equal(schedule.to_worker[schedule.source], schedule.worker)


@pytest.mark.parametrize("means", [[1.0, 2.0, 5.0], [1.0] * 4])
def test_a_threshold_that_no_delay_reaches_is_async(means):
    stopped, free = fixed(means, 200, at(200)), fixed(means, 200, ASYNC)
    for name in ("worker", "job", "stamp", "source", "made_at", "to_job", "time"):
        assert np.array_equal(getattr(stopped, name), getattr(free, name)), name


@pytest.mark.parametrize("threshold", [1, 2, 3])
def test_over_all_orders_one_gradient_a_worker_is_in_flight_and_none_comes_twice(threshold):
    scheduler, orders = at(threshold), 0
    for order in arrival_orders(scheduler, 3, 6, labelled=True):
        orders += 1
        schedule = from_order(scheduler, 3, np.array(order, dtype=np.int64))
        assert schedule.delay.max() <= threshold
        assert len(set(schedule.source.tolist())) == 6
        for n in range(7):
            flying = np.flatnonzero(schedule.out(n, int(schedule.offset[n + 1])))
            assert sorted(schedule.to_worker[flying].tolist()) == [0, 1, 2]
            assert (n - schedule.made_at[flying]).max() < threshold
    assert orders == 3**6


def model_after(order: tuple[int, ...], workers: int, threshold: int) -> list[Fraction]:
    """Return x_1 .. x_K of f(x) = x^2/2 from x = 1 with stepsize 1/8, noise 1/(1 + number of hand-out)."""
    x, made, began = Fraction(1), 0, [0] * workers

    def gradient() -> Fraction:
        nonlocal made
        made += 1
        return x + Fraction(1, made)

    held, found = [gradient() for _ in range(workers)], []
    for m in order:
        x -= held[m] / 8
        found.append(x)
        for w in range(workers):
            if w == m or len(found) - began[w] >= threshold:
                began[w], held[w] = len(found), gradient()
    return found


@pytest.mark.parametrize("threshold", [1, 2, 3])
def test_models_are_those_of_the_algorithm_in_exact_arithmetic(threshold):
    """From rows: the gradient of hand-out h is x at its version plus its noise, put in by recursion."""
    scheduler = at(threshold)
    for order in arrival_orders(scheduler, 3, 5, labelled=True):
        schedule = from_order(scheduler, 3, np.array(order, dtype=np.int64))
        step = Fraction(1, 8)
        handed = [step * int(out) for out in schedule.flying]
        rows: list[Any] = []
        replay_rows(METHODS.get("async_sgd"), schedule, [step] * 5, handed, {}, lambda v: rows.append(v.x.copy()))  # noqa: B023
        x = [Fraction(1)]
        for row in rows:
            grads = (c * (x[int(schedule.made_at[h])] + Fraction(1, h + 1)) for h, c in enumerate(row[1:-1]) if c)
            x.append(row[0] + sum(grads))
        assert x[1:] == model_after(order, 3, threshold)


def test_lemma_1_holds_with_weight_0_for_what_is_stopped():
    assert "fault" not in sweep_identity(LEMMA1, METHODS.get("async_sgd"), at(2), (3, 5))


def test_what_is_stopped_has_no_stepsize_under_any_output_rule():
    schedule = fixed([1.0, 2.5, 40.0], 60, at(5))
    assert schedule.until is not None
    stopped = np.flatnonzero(schedule.until[: schedule.handouts] >= 0)
    assert len(stopped) == 59 // 5 + (60 % 5 == 0)
    for output in ("R0", "R1", "uniform"):
        found = weigh(schedule, Stepsize(bound=Fraction(1, 4)), {"M": 3}, output)
        assert not found.gamma_hat[stopped].any()
        assert np.count_nonzero(found.gamma_hat) > 50


def test_output_rule_rl_waits_for_gradients_that_come_back_and_for_no_other():
    schedule = fixed([1.0, 2.5, 40.0], 60, at(5), close=True)
    assert schedule.closed
    assert schedule.horizon == 60


@pytest.mark.parametrize("threshold", [0, -1, 2.5, float("nan"), float("inf"), 1e30])
def test_a_threshold_is_a_whole_number_above_0(threshold):
    with pytest.raises(PartError, match=r"threshold = .* is not a whole number of at least 1"):
        at(threshold)


def test_a_cell_gives_the_threshold_and_theorems_about_async_do_not_cover_it():
    cell = Cell(problem=Part("quadratic"), noise=Part("gaussian"), delays=Part("fixed", {"spread": 8}), M=4, K=200,
                sigma=0.5, scheduler="stop_late", constants={"threshold": 3, "stepsize": 1 / 64})  # fmt: skip
    built = build(cell, 1, method="async_sgd", scheduler="async", stepsize="constant")
    assert built.weighted.schedule.delay.max() <= 3
    wide = build(replace(cell, constants={"threshold": 200, "stepsize": 1 / 64}), 1, method="async_sgd",
                 scheduler="async", stepsize="constant")  # fmt: skip
    free = build(replace(cell, scheduler="async"), 1, method="async_sgd", scheduler="async", stepsize="constant")
    assert np.array_equal(simulate(wide, 0, replicates=1).average, simulate(free, 0, replicates=1).average)
    grid = {"problem": "quadratic", "noise": "none", "delays": "fixed", "M": 4, "K": 64, "sigma": 0}
    found = result("mishchenko2022.theorem3_convex", {**grid, "scheduler": "stop_late"}, evidence=("monte-carlo",))
    assert "handed out by scheduler 'stop_late', and the theorem is about 'async'" in found.summary


STOPS_UNSAID = """
    handed[0], handed[1] = 1, worker
    if state[0] == 300:
        handed[1] = -((worker + 1) % workers) - 1
"""
NOBODY = """
    handed[0], handed[1] = 1, worker if state[0] < 300 else workers + 5
"""
TOO_MANY = """
    handed[0] = 1 + (state[0] > 300)
    handed[1] = handed[2] = worker
"""


@pytest.mark.parametrize("answer", [STOPS_UNSAID, NOBODY, TOO_MANY])
def test_a_wrong_answer_of_a_scheduler_is_an_error_and_no_crash(answer, tmp_path):
    """Late in the run, where the kernel is compiled and a wrong index would write anywhere."""
    text = ("from ratecheck import Scheduler\n\n\ndef decide(state, workers, worker, delay, handed):\n    state[0] += 1"
            f"{answer}    return 1\n\n\nSCHEDULER = Scheduler('odd', decide)\n")  # fmt: skip
    (tmp_path / "odd.py").write_text(text)
    with pytest.raises(PartError, match="scheduler 'odd' hands out to a worker that is not among the 4, more work"):
        fixed([1.0, 2.0, 3.5, 5.0], 1000, SCHEDULERS.get(str(tmp_path / "odd.py")))


DROPS = """
from ratecheck import Scheduler


def decide(state, workers, worker, delay, handed):
    state[0] += 1
    handed[0], handed[1] = 1, worker
    return 0 if state[0] % 3 == 2 else 1


SCHEDULER = Scheduler("drops", decide)
"""


def test_a_dropped_gradient_is_seen_by_nobody(tmp_path):
    """Every third delivery does not count: the model stays, and Lemma 1 holds with weight 0 for what was dropped."""
    (tmp_path / "drops.py").write_text(DROPS)
    scheduler = SCHEDULERS.get(str(tmp_path / "drops.py"))
    assert "fault" not in sweep_identity(LEMMA1, METHODS.get("async_sgd"), scheduler, (3, 5))
    schedule = from_order(scheduler, 2, np.array([0, 1, 0, 1, 0, 1], dtype=np.int64))
    models: list[Any] = []
    replay_rows(METHODS.get("async_sgd"), schedule, [Fraction(1)] * 6, [Fraction(0)] * schedule.handouts, {},
                lambda v: models.append(v.x.copy()))  # fmt: skip
    still = [np.array_equal(a, b) for a, b in pairwise(models)]
    assert still == [True, False, False, True, False]
    cell = Cell(Part("quadratic"), Part("gaussian"), Part("exponential"), 3, 300, 0.5, "R1",
                scheduler=str(tmp_path / "drops.py"), constants={"stepsize": 1 / 64})  # fmt: skip
    built = build(cell, 1, method="async_sgd", scheduler="async", stepsize="constant")
    seen: list[Any] = []
    simulate(built, 0, 8, history=40, visit=lambda view, state: seen.append(view.x.copy()))
    counted = built.weighted.schedule.counted[1:40]
    assert [not np.array_equal(a, b) for a, b in pairwise(seen[:40])] == (counted > 0).tolist()
    assert (counted == 0).sum() == 13
