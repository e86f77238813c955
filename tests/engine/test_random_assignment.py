"""Random assignment: work queues, in order, at M jobs in flight; against an event simulation and against async."""

from __future__ import annotations

import heapq
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ratecheck.checks.exact import stepsizes, sweep_identity
from ratecheck.core.cell import Cell
from ratecheck.core.keys import key_of, word, wrapping
from ratecheck.core.part import Part
from ratecheck.core.schedule import Schedule
from ratecheck.core.shelf import CLAIMS, DELAYS, METHODS, SCHEDULERS
from ratecheck.core.verdict import Verdict
from ratecheck.engine.build import build
from ratecheck.engine.orders import arrival_orders
from ratecheck.engine.replay import replay_rows
from ratecheck.engine.schedule import from_order, make
from ratecheck.engine.sweep import simulate
from ratecheck.errors import CapabilityError
from tests.makers import schedule_of
from tests.teeth.planted import result

RANDOM, ASYNC = SCHEDULERS.get("random_assignment"), SCHEDULERS.get("async")
LEMMA1 = CLAIMS.get("mishchenko2022.lemma1").identities[0]


def fixed(means: list[float], steps: int, seed: int = 1, scheduler: Any = RANDOM, **more: Any) -> Schedule:
    """Return the schedule of workers that take exactly these times."""
    delays = DELAYS.get("fixed")
    return make(scheduler, delays, delays.parameters({"speeds": means}), len(means), steps, key_of(seed), **more)


def drawn(workers: int, count: int, key: Any) -> list[int]:
    """Return the assignments again, from the key alone."""
    of = np.uint64(RANDOM.begin(workers, key)[0])
    with wrapping():
        return [(int(word(of, i)) >> 32) * workers >> 32 for i in range(count)]


@pytest.mark.parametrize("means", [[1.0], [1.0, 1.0], [1.0, 2.0, 5.0], [0.3, 1.1, 1.7, 4.9, 2.3]])
def test_against_an_event_simulation_with_queues(means):
    """Each worker does its own jobs one after the other, in the order of hand-out; each delivery draws a new owner."""
    workers, steps = len(means), 300
    schedule = fixed(means, steps)
    owners = drawn(workers, steps, key_of(1))
    queues: list[list[int]] = [[0] for _ in means]
    events = [(means[m], m) for m in range(workers)]
    for n in range(steps):
        time, m = heapq.heappop(events)
        assert (schedule.worker[n], schedule.stamp[n]) == (m, queues[m].pop(0))
        assert schedule.time is not None
        assert schedule.time[n] == pytest.approx(time, rel=1e-12)
        if queues[m]:
            heapq.heappush(events, (time + means[m], m))
        to = owners[n]
        if not queues[to]:
            heapq.heappush(events, (time + means[to], to))
        queues[to].append(n + 1)
        assert sum(map(len, queues)) == workers
    assert schedule.to_worker.tolist() == [*range(workers), *owners]
    assert schedule.counted.all()
    assert np.bincount(schedule.made_at).tolist() == [workers] + [1] * steps


def test_work_goes_to_all_alike_whatever_their_speed():
    """Chi-square over 20,000 draws, at a false-alarm probability of 1e-6; the fast worker of async gets 9 of 10."""
    counts = np.bincount(fixed([1.0, 9.0, 3.0, 3.0], 20_000).to_worker, minlength=4)
    assert stats.chisquare(counts).pvalue > 1e-6
    greedy = np.bincount(fixed([1.0, 9.0], 1000, scheduler=ASYNC).to_worker)
    assert greedy[0] == pytest.approx(900, abs=2)


def test_assignments_are_a_function_of_the_key_and_a_shorter_run_is_a_prefix():
    one, again, other, longer = (fixed([1.0, 2.0, 5.0], k, s) for k, s in ((200, 1), (200, 1), (200, 2), (400, 1)))
    assert np.array_equal(one.to_worker, again.to_worker)
    assert not np.array_equal(one.to_worker, other.to_worker)
    assert np.array_equal(one.worker, longer.worker[:200])
    assert np.array_equal(one.stamp, longer.stamp[:200])


def test_a_gradient_that_waits_in_a_queue_is_late():
    """The delay counts the steps in the queue, too: the slow worker of two has most jobs waiting before it."""
    schedule = fixed([1.0, 50.0], 2000)
    slow = schedule.worker == 1
    assert schedule.delay[slow].mean() > 1.5
    assert np.all(np.diff(schedule.stamp[slow]) > 0), "a worker's jobs are done in the order of hand-out"
    assert schedule.time is not None
    # half of all jobs are the slow one's; async would be bounded by the fast worker's speed
    assert schedule.time[-1] == pytest.approx(50 * slow.sum(), rel=0.05)


@pytest.mark.parametrize("seed", range(5))
def test_the_delays_sum_to_m_k_exactly_with_the_ages_in_flight(seed):
    """M jobs are in flight at every step, whoever has them; under async the delays of each worker telescope as well."""
    schedule = schedule_random(seed)
    steps, workers = schedule.steps, schedule.workers
    flying = np.setdiff1d(np.arange(schedule.handouts), schedule.source[:steps])
    assert len(flying) == workers
    assert schedule.delay.sum() + (steps - schedule.made_at[flying]).sum() == workers * steps
    telescoped = CLAIMS.get("mishchenko2022.counting").counting[0].slack
    assert telescoped(schedule.worker.tolist(), schedule.delay.tolist(), workers) == -1, "queues do not telescope"


def schedule_random(seed: int) -> Schedule:
    delays = DELAYS.get("exponential")
    return make(RANDOM, delays, delays.parameters({"spread": 5}), 4, 200, key_of("random", seed))


def residuals(schedule: Schedule, residual: Any) -> bool:
    """Return whether a combination of coefficient rows vanishes at every step."""
    gamma, gamma_hat = stepsizes(schedule)
    found = []
    replay_rows(METHODS.get("async_sgd"), schedule, gamma, gamma_hat, {"M": schedule.workers, "K": schedule.steps},
                lambda view: found.append(any(v != 0 for v in residual(view))))  # fmt: skip
    return not any(found)


def over_jobs(view: Any) -> Any:
    """x_k - xhat_k minus all jobs in flight; the last entry is the one just delivered."""
    return view.x - view.virtual - sum((f.gamma_next * f.gradient for f in view.in_flight[:-1]), 0 * view.x)


@pytest.mark.parametrize("seed", range(3))
def test_lemma_1_is_about_jobs_and_not_about_workers(seed):
    """With queues the worker that arrived may have work in flight: the printed sum over m != m_k leaves it out."""
    schedule = replace(schedule_random(seed), horizon=40)
    assert residuals(schedule, over_jobs)
    assert not residuals(schedule, LEMMA1.residual)
    alone = replace(schedule_of_async(), horizon=40)
    assert residuals(alone, over_jobs)
    assert residuals(alone, LEMMA1.residual)


def schedule_of_async() -> Schedule:
    delays = DELAYS.get("exponential")
    return make(ASYNC, delays, delays.parameters({"spread": 5}), 4, 200, key_of("random", 0))


def test_orders_are_those_in_which_the_queues_can_deliver():
    """The draws are those of key 0; a worker whose queue is empty cannot come next, and names are never exchanged."""
    owners = drawn(3, 5, np.uint64(0))
    found = list(arrival_orders(RANDOM, 3, 5, labelled=False))
    for order in found:
        queue = [1, 1, 1]
        for n, m in enumerate(order):
            assert queue[m] > 0
            queue[m] -= 1
            queue[owners[n]] += 1
        assert from_order(RANDOM, 3, np.array(order)).to_worker.tolist() == [0, 1, 2, *owners]
    others = {(a, b, c, d, e) for a in range(3) for b in range(3) for c in range(3) for d in range(3) for e in range(3)}
    for order in others - set(found):
        with pytest.raises(CapabilityError, match="nothing in flight"):
            from_order(RANDOM, 3, np.array(order))
    case = sweep_identity(LEMMA1, METHODS.get("async_sgd"), RANDOM, (3, 5))
    assert "fault" in case, "and the printed Lemma 1 is refuted there"


GRID = {"problem": {"name": "quadratic", "dimension": 4}, "delays": {"name": "exponential", "spread": 4},
        "M": 4, "K": 64, "sigma": 0}  # fmt: skip


@pytest.mark.parametrize("claim", ["theorem3_convex", "theorem1", "theorem4"])
def test_a_theorem_about_async_says_nothing_here(claim):
    problem = {"problem": "asymmetric_abs", "noise": "none"} if claim == "theorem1" else {}
    grid = {**GRID, **problem}
    found = result(f"mishchenko2022.{claim}", {**grid, "scheduler": "random_assignment"}, evidence=("monte-carlo",))
    assert found.verdict is Verdict.NOT_APPLICABLE
    assert "handed out by scheduler 'random_assignment', and the theorem is about 'async'" in found.summary
    same = result(f"mishchenko2022.{claim}", {**grid, "scheduler": "asynchronous"}, evidence=("monte-carlo",))
    assert same.verdict is not Verdict.NOT_APPLICABLE, "the file's name is the same scheduler"


def test_an_order_of_arrivals_cannot_drive_it(tmp_path):
    with pytest.raises(CapabilityError, match="needs durations"):
        schedule_of("half_fast", 4, 20, tmp_path, scheduler="random_assignment")


def test_rl_closes_every_job_in_a_queue():
    schedule = fixed([1.0, 3.0, 30.0], 50, close=True)
    assert schedule.closed
    assert len(schedule.worker) > 50


def test_it_converges_where_async_is_biased():
    """Two minimisers and a worker nine times as fast: async goes near the fast one's, random assignment to the mean's.

    The fast worker's share of 9/10 gives the fixed point (9/10 - 1/10) zeta = 0.4. The average forgets the start, at
    most 1.4 away, after 64 steps; a cycle of ten deliveries moves the model by less than 10/64.
    """
    cell = Cell(Part("heterogeneous_quadratic", {"spectrum": [1], "radius": 1}), Part("none"),
                Part("fixed", {"speeds": [1, 9]}), 2, 4000, 0.0, constants={"stepsize": 1 / 64})  # fmt: skip
    average = {}
    for name in ("async", "random_assignment"):
        built = build(replace(cell, scheduler=name), 1, method="async_sgd", scheduler="async", stepsize="constant")
        average[name] = abs(float(simulate(built, 0, 1).average[0]))
    start = 1.4 * 64 / 4000
    assert abs(average["async"] - 0.4) <= start + 10 / 64 / 10
    # half of the draws each: 4000 pulls of +-1/2 have a mean within 6 standard deviations of 0, but for 2e-9
    assert average["random_assignment"] <= start + 6 * 0.5 / 4000**0.5
