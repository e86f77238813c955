"""Schedules and output weights: by hand, against a heap, and what no delay model can break."""

from __future__ import annotations

import numpy as np
import pytest

from ratecheck.core.keys import key_of, wrapping
from ratecheck.core.schedule import Schedule
from ratecheck.core.shelf import DELAYS, SCHEDULERS
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import tau
from ratecheck.engine.schedule import from_order, make, weigh
from ratecheck.errors import CapabilityError
from tests import oracle
from tests.makers import CLOCKS, ORDERS, built_of, parameters_of, schedule_of

ASYNC, BARRIER = SCHEDULERS.get("async"), SCHEDULERS.get("barrier")


@pytest.mark.parametrize("delays", CLOCKS)
def test_clock_orders_are_the_oracle_of_a_heap(delays, tmp_path):
    """The compiled schedule kernel against heapq on the same durations, drawn by the plain kernel."""
    model, workers, steps = DELAYS.get(delays), 5, 300
    par = model.parameters(parameters_of(delays, workers, steps, tmp_path))
    key, means, numbers = key_of(delays, 1), model.means(workers, par), model.numbers(par)

    def duration(m: int, n: int) -> float:
        with wrapping():
            assert model.duration is not None
            return float(model.duration(key, m, n, means[m], numbers))

    schedule = schedule_of(delays, workers, steps, tmp_path)
    assert schedule.worker.tolist() == oracle.order_of(duration, workers, steps)


# weights by hand


def hand_schedule() -> Schedule:
    """M = 2, arrivals 0, 1, 1, 0 | 0, 1: the last two only bring back what is in flight at K = 4."""
    return from_order(ASYNC, 2, np.array([0, 1, 1, 0, 0, 1])).prefix(4)


@pytest.mark.parametrize(
    ("output", "weights"),
    [
        # delays 1, 2, 1, 3; gradients were taken at x_0, x_0, x_2, x_1
        ("R0", [1 + 1 / 2, 1 / 3, 1, 0, 0]),
        # worker 1 has x_3 in hand, worker 0 has x_4: at K + 1 = 5 their delays would be 2 and 1
        ("R1", [0, 1 / 3, 1, 1 / 2, 1]),
        # x_4 comes back at step 5 (delay 1), x_3 at step 6 (delay 3)
        ("RL", [0, 1 / 3, 1, 1 / 3, 1]),
        # x_0..x_3 alike: the mean of the stepsizes 1, 1/2, 1, 1/3
        ("uniform", [17 / 24] * 4 + [0]),
    ],
)
def test_output_weights_by_hand(output, weights):
    weighted = weigh(hand_schedule(), Stepsize(inverse=1 / tau), {}, output)
    assert weighted.gamma.tolist() == [1, 1 / 2, 1, 1 / 3]
    assert weighted.weight.tolist() == weights
    found = {n: weighted.constants[n] for n in ("W", "Q", "S", "decay", "tau_max")}
    squares = float(np.square(weighted.gamma_hat).sum())
    assert found == {"W": sum(weights), "Q": squares, "S": squares, "decay": 1, "tau_max": 3}
    initial = 1 + 1 / 4  # squares of the initial gradients' stepsizes, in Q under every rule
    closed = 1 / 9 + 1 + 1 / 4 + 1
    inner = {"R0": 1 / 9 + 1, "R1": closed, "RL": 1 / 9 + 1 + 1 / 9 + 1, "uniform": closed}[output]
    assert weighted.constants["Q"] == pytest.approx(initial + inner, rel=1e-15)


def test_an_initial_gradient_that_never_returns_has_no_weight():
    """R0 and R1 both: the third worker's gradient of x_0 is in flight at the end, with final stepsize 0."""
    schedule = from_order(ASYNC, 3, np.array([0, 1, 1, 0]))
    closed = 1 + 1 / 4 + 1 + 1 / 9 + 1 / 4 + 1
    for output, squares in (("R0", 1 + 1 / 4 + 1 + 1 / 9), ("R1", closed), ("uniform", closed)):
        weighted = weigh(schedule, Stepsize(inverse=1 / tau), {}, output)
        assert weighted.gamma_hat[2] == 0
        assert weighted.constants["Q"] == pytest.approx(squares, rel=1e-15)


def test_weights_of_rounds_by_hand():
    """Barrier, M = 3, two rounds of gamma = 1: x_0 and x_3 get 3 each; the third round is handed out at x_6."""
    rule = Stepsize(one=tau / tau)
    schedule = make(BARRIER, DELAYS.get("fixed"), {"speeds": None, "spread": 2}, 3, 6, np.uint64(1), close=True)
    assert weigh(schedule, rule, {}, "R0").weight.tolist() == [3, 0, 0, 3, 0, 0, 0]
    assert weigh(schedule, rule, {}, "R1").weight.tolist() == [0, 0, 0, 3, 0, 0, 3]
    assert weigh(schedule, rule, {}, "RL").weight.tolist() == [0, 0, 0, 3, 0, 0, 3]


@pytest.mark.parametrize("delays", CLOCKS)
def test_literal_rule_closes_every_gradient(delays, tmp_path):
    """RL: final stepsizes are those of each hand-out's own arrival, looked up forwards in the longer schedule."""
    schedule = schedule_of(delays, 4, 50, tmp_path, close=True)
    assert schedule.closed
    weighted = weigh(schedule, Stepsize(inverse=1 / tau), {}, "RL")
    order, weights = schedule.worker.tolist(), [0.0] * 51
    for i in range(1, 51):
        back = next(j for j in range(i + 1, len(order) + 1) if order[j - 1] == order[i - 1])
        weights[i] = 1 / (back - i)
    assert weighted.weight.tolist() == weights
    assert np.all(weighted.gamma_hat > 0)


# schedules


@pytest.mark.parametrize("delays", CLOCKS)
@pytest.mark.parametrize("scheduler", ["async", "barrier"])
def test_a_schedule_is_a_prefix_of_a_longer_one(delays, scheduler, tmp_path):
    short, long = (schedule_of(delays, 4, steps, tmp_path, scheduler=scheduler) for steps in (120, 240))
    cut = long.prefix(120)
    assert short.horizon == cut.horizon == 120
    for name in ("worker", "job", "stamp", "counted", "source", "delay", "version"):
        assert np.array_equal(getattr(short, name), getattr(cut, name)[:120]), name
    used = short.handouts
    assert used == cut.handouts
    for name in ("to_worker", "to_job", "made_at"):
        assert np.array_equal(getattr(short, name)[:used], getattr(cut, name)[:used]), name
    assert np.array_equal(short.time, cut.time[:120])


@pytest.mark.parametrize("delays", DELAYS.names())
@pytest.mark.parametrize("workers", [1, 2, 7])
def test_delays_telescope(delays, workers, tmp_path):
    """Delays sum to the last arrivals; one gradient a worker is in flight; a slot is never given to two."""
    for seed in (1, 2):
        schedule = schedule_of(delays, workers, 400, tmp_path, seed=seed)
        worker, delay = schedule.worker.tolist(), schedule.delay.tolist()
        last = {m: k for k, m in enumerate(worker, 1)}
        assert sum(delay) == sum(last.values()) <= workers * 400
        assert min(delay) >= 1
        assert schedule.handouts == workers + 400
        assert sorted(set(schedule.source.tolist())) == sorted(schedule.source.tolist())
        holder = dict(enumerate(schedule.to_job[:workers].tolist()))
        assert sorted(holder.values()) == list(range(workers))
        for n, m in enumerate(worker):
            assert holder[m] == schedule.job[n]
            holder[m] = int(schedule.to_job[schedule.offset[n + 1]])


def test_ties_go_by_time_then_worker():
    """Durations 1, 2, 3, 1 tie at many times; heapq orders pairs (time, worker)."""
    speeds = [1.0, 2.0, 3.0, 1.0]
    schedule = make(ASYNC, DELAYS.get("fixed"), {"speeds": speeds, "spread": 1}, 4, 200, np.uint64(0))
    assert schedule.worker.tolist() == oracle.order_of(lambda m, n: speeds[m], 4, 200)
    assert schedule.worker[:10].tolist() == [0, 3, 0, 1, 3, 0, 2, 3, 0, 1]
    assert schedule.time is not None
    assert schedule.time[:10].tolist() == [1, 1, 2, 2, 2, 3, 3, 3, 4, 4]


@pytest.mark.parametrize("delays", ORDERS)
def test_orders_and_traces_are_taken_as_they_are(delays, tmp_path):
    model = DELAYS.get(delays)
    par = model.parameters(parameters_of(delays, 4, 90, tmp_path))
    assert model.order is not None
    order = model.order(4, 90, par, key_of(delays, 1)).tolist()
    schedule = schedule_of(delays, 4, 90, tmp_path)
    assert schedule.worker.tolist() == order
    assert schedule.time is None
    plain = from_order(ASYNC, 4, np.array(order))
    assert plain.delay.tolist() == schedule.delay.tolist()
    assert plain.to_job.tolist() == schedule.to_job.tolist()


@pytest.mark.parametrize("delays", ORDERS)
def test_what_an_order_cannot_do_is_a_sentence(delays, tmp_path):
    with pytest.raises(CapabilityError, match="needs durations"):
        schedule_of(delays, 4, 12, tmp_path, scheduler="barrier")
    with pytest.raises(CapabilityError, match="output rule RL needs them"):
        built_of(delays, folder=tmp_path, output="RL")


def test_other_things_that_cannot_be_done():
    with pytest.raises(CapabilityError, match="unknown output rule 'R2'"):
        weigh(hand_schedule(), Stepsize(inverse=1 / tau), {}, "R2")
    with pytest.raises(CapabilityError, match="RL needs every gradient"):
        weigh(from_order(ASYNC, 2, np.array([0, 1])), Stepsize(inverse=1 / tau), {}, "RL")
    with pytest.raises(CapabilityError, match="worker 0 delivers as number 2 with nothing in flight"):
        from_order(BARRIER, 2, np.array([0, 0]))
