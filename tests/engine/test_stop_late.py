"""Stopping late work: Ringmaster's stops against an event simulation, over all small orders, in exact arithmetic."""

from __future__ import annotations

import heapq
from dataclasses import replace
from fractions import Fraction
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


@pytest.mark.parametrize("threshold", [0, -1, 2.5])
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
