"""The engine against the oracle of Algorithm 1, against itself under any chunk and thread, and by hand."""

from __future__ import annotations

import dataclasses
import itertools
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ratecheck.checks.measure import Store, gathered, identity_watch, run_units
from ratecheck.core.cell import Cell
from ratecheck.core.identity import View
from ratecheck.core.keys import key_of, wrapping
from ratecheck.core.method import Method
from ratecheck.core.part import Part
from ratecheck.core.run import record_key
from ratecheck.core.schedule import Schedule
from ratecheck.core.shelf import CLAIMS, DELAYS, METHODS, NOISES, PROBLEMS, SCHEDULERS
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import MEASURED, tau
from ratecheck.engine import loop
from ratecheck.engine.build import Built, build
from ratecheck.engine.compile import run_kernel
from ratecheck.engine.replay import objects, plan_of
from ratecheck.engine.schedule import from_order, make, weigh
from ratecheck.engine.state import allocate, begin, no_draw, no_fill, no_gradient, no_query, switches
from ratecheck.engine.sweep import CHUNK, Stopped, block_width, simulate
from ratecheck.errors import CapabilityError, PartError
from tests import oracle
from tests.makers import CLOCKS, ORDERS, parameters_of, schedule_of

ROUNDOFF = 2.0**-53
ASYNC, BARRIER = SCHEDULERS.get("async"), SCHEDULERS.get("barrier")
SPECTRUM = [0.125, 0.3, 1.0]


def cell_of(
    delays: str = "exponential", workers: int = 4, steps: int = 60, *, folder: Path | None = None,
    noise: str = "gaussian", sigma: float = 0.4, output: str = "R1", problem: Part | None = None,
) -> Cell:  # fmt: skip
    par = parameters_of(delays, workers, steps, folder) if folder else {"spread": 7}
    objective = problem or Part("quadratic", {"spectrum": SPECTRUM, "radius": 2})
    return Cell(objective, Part(noise), Part(delays, par), workers, steps, sigma, output)


def built_of(*args: Any, method: str = "async_sgd", scheduler: str = "async",
             stepsize: str | Stepsize = "delay_adaptive_convex", seed: int = 3, **more: Any) -> Built:  # fmt: skip
    return build(cell_of(*args, **more), seed, method=method, scheduler=scheduler, stepsize=stepsize)


# the oracle


def noise_of(built: Built, block: int, replicates: int, handouts: int) -> np.ndarray:
    """Return the noise (handouts, D) as the engine documents it: pieces of 2048, addressed by key and position."""
    size = built.instance.dimension * replicates
    rows = max(1, 2048 // size)
    length = rows * size + (rows * size) % 2
    key = key_of(int(built.key), "block", block)
    out = np.zeros((-(-handouts // rows), length))
    for number, row in enumerate(out):
        for i in range(0, length, 2048):
            with wrapping():
                assert built.noise.fill is not None
                built.noise.fill(key, number * length + i, built.noise_par, row[i : i + 2048])
    return out[:, : rows * size].reshape(-1, size)[:handouts]


def oracle_run(built: Built, replicates: int = 8) -> tuple[oracle.Run, list[Any]]:
    """Run the oracle on the order and noise of a built cell, all replicates at once; return it and its gradients."""
    schedule, instance, constants = built.weighted.schedule, built.instance, built.constants
    noise = noise_of(built, 0, replicates, schedule.handouts) if built.noisy else np.zeros((schedule.handouts, 1))
    curvature = np.repeat(instance.data, replicates)
    scale = constants["sigma"] / np.sqrt(instance.dimension)
    gradients: list[Any] = []

    def gradient(x: Any, worker: int, handout: int) -> Any:
        gradients.append(curvature * x + scale * noise[handout] if built.noisy else curvature * x)
        assert len(gradients) == handout + 1
        return gradients[-1]

    def rule(k: int, delay: int) -> float:
        return float(built.stepsize.table(np.array([k]), np.array([delay]), constants)[0])

    run = oracle.simulate(np.repeat(instance.start, replicates), gradient, rule, schedule.workers,
                          schedule.worker[: schedule.horizon].tolist(), built.cell.output)  # fmt: skip
    return run, gradients


@pytest.mark.parametrize("output", ["R1", "R0"])
@pytest.mark.parametrize("delays", DELAYS.names())
@pytest.mark.parametrize("noise", ["gaussian", "none"])
def test_strict_run_is_the_oracle(delays, output, noise, tmp_path):
    """Iterates to the bit (the same operations in the same order); sums of K weights within K + 8 roundings."""
    built = built_of(delays, folder=tmp_path, output=output, noise=noise)
    width = 8 if built.noisy else 1
    run, gradients = oracle_run(built, width)
    seen: list[tuple[int, Any]] = []
    found = simulate(built, 0, width, strict=True, visit=lambda view, state: seen.append((view.step, view.x.copy())))
    assert np.array_equal(found.last, run.iterates[-1])
    assert len(seen) > 4
    assert all(np.array_equal(x, run.iterates[step]) for step, x in seen)
    steps = built.cell.K
    assert np.abs(found.average - run.average).max() <= 2 * (steps + 8) * ROUNDOFF * np.abs(run.iterates).max()
    assert built.weighted.schedule.delay[:steps].tolist() == run.delays
    assert built.weighted.gamma.tolist() == run.gammas
    assert built.weighted.weight.tolist() == pytest.approx(run.weights, rel=4 * ROUNDOFF)
    virtual = run.iterates[0].copy()
    for handout, gradient in enumerate(gradients):
        virtual -= built.weighted.gamma_hat[handout] * gradient
    check_measures(built, found.measured, run, virtual, width)


def check_measures(built: Built, measured: Any, run: oracle.Run, virtual: Any, width: int) -> None:
    """Compare the measured numbers: sums of K d non-negative terms, so within about K + 3 d + 10 roundings each way."""
    steps, d = built.cell.K, built.instance.dimension
    curvature, total = np.repeat(built.instance.data, width), sum(run.weights)

    def per_run(values: Any) -> Any:
        return values.reshape(d, width).sum(axis=0)

    weighted = list(zip(run.weights, run.iterates, strict=True))
    right = {
        "output_gap": per_run(curvature * run.average**2 / 2),
        "mean_gap": sum(w * per_run(curvature * x * x / 2) for w, x in weighted) / total,
        "mean_gradient_sq": sum(w * per_run((curvature * x) ** 2) for w, x in weighted) / total,
        "virtual_sq": per_run(virtual**2),
        "last_sq": per_run(run.iterates[-1] ** 2),
    }  # fmt: skip
    assert set(right) == set(MEASURED)
    allowed = 2 * (steps + 3 * d + 10) * ROUNDOFF
    for name, values in right.items():
        room = allowed * values
        if name == "output_gap":  # the average itself is rounded, where iterates of both signs cancel
            size = np.abs(run.iterates).max(axis=0) ** 2 * curvature
            room = 2 * allowed * per_run(size)
        assert np.all(np.abs(measured[name] - values) <= room), name


@pytest.mark.parametrize("output", ["R1", "R0", "RL"])
@pytest.mark.parametrize("scheduler", ["async", "barrier"])
def test_gradients_are_squared_without_their_noise_and_with_the_output_weights(output, scheduler):
    """mean_gradient_sq weighs ||grad F(x_k)||^2 with the weights that mean_gap has: x_0 counts under R0 only.

    On F = x^2 / 2 the two measures differ by the factor 2 exactly; so the noise is seen to be left out as well.
    """
    problem = Part("quadratic", {"spectrum": [1], "radius": 2})
    built = built_of(output=output, scheduler=scheduler, problem=problem)
    found = simulate(built, 0, 8, strict=True).measured
    assert found["mean_gradient_sq"] == pytest.approx(2 * found["mean_gap"], rel=1e-12)  # 4 K d roundings < 1e-12


@pytest.mark.parametrize("delays", ["exponential", "round_robin", "half_fast"])
def test_default_build_differs_from_the_oracle_by_rounding_only(delays, tmp_path):
    """Error recursion e_k <= e_{k-1} + gamma L e_prev + 5 u (|x_{k-1}| + gamma |g|), run beside the oracle."""
    built = built_of(delays, folder=tmp_path)
    run, gradients = oracle_run(built)
    errors, smooth = [0.0], built.constants["L"]
    for k, (gamma, delay) in enumerate(zip(run.gammas, run.delays, strict=True), 1):
        handout = int(built.weighted.schedule.source[k - 1])
        sizes = np.abs(run.iterates[k - 1]).max() + gamma * np.abs(gradients[handout]).max()
        errors.append(errors[k - 1] + gamma * smooth * errors[k - delay] + 5 * ROUNDOFF * sizes)
    found = simulate(built, 0, 8)
    assert np.abs(found.last - run.iterates[-1]).max() <= errors[-1] < 1e-12
    assert np.abs(found.average - run.average).max() <= max(errors) + 2 * 68 * ROUNDOFF * np.abs(run.iterates).max()


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
    ],
)
def test_output_weights_by_hand(output, weights):
    weighted = weigh(hand_schedule(), Stepsize(inverse=1 / tau), {}, output)
    assert weighted.gamma.tolist() == [1, 1 / 2, 1, 1 / 3]
    assert weighted.weight.tolist() == weights
    assert weighted.constants == {"W": sum(weights), "Q": float(np.square(weighted.gamma_hat).sum()), "tau_max": 3}
    initial = 1 + 1 / 4  # squares of the initial gradients' stepsizes, in Q under every rule
    inner = {"R0": 1 / 9 + 1, "R1": 1 / 9 + 1 + 1 / 4 + 1, "RL": 1 / 9 + 1 + 1 / 9 + 1}[output]
    assert weighted.constants["Q"] == pytest.approx(initial + inner, rel=1e-15)


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


# threads, chunks, blocks


def parts() -> list[Built]:
    logistic = Part("huber", {"dimension": 2})
    return [
        built_of(),
        built_of(scheduler="barrier", method="minibatch_sgd", stepsize="minibatch_convex", output="R0"),
        built_of(problem=logistic, noise="rademacher"),
        built_of(noise="none", sigma=0),
    ]


def records(threads: int) -> dict[str, Any]:
    store = Store()
    units = [(b, i) for b in parts() for i in range(3 if b.noisy else 1)]
    identities = CLAIMS.get("mishchenko2022.lemma1").identities
    run_units("x", units, MEASURED, identities, store, threads, False, lambda done, total: None)
    return store.records


def test_threads_change_nothing():
    one, two = records(1), records(2)
    assert len(one) == 10
    assert one == two
    numbers = [tuple(r["measured"]["output_gap"]) for r in one.values()]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("chunk", [1, 7, 999])
@pytest.mark.parametrize("part", range(4))
def test_chunks_change_nothing(chunk, part):
    built = parts()[part]
    identities = CLAIMS.get("mishchenko2022.lemma1").identities
    outcomes = []
    for size in (CHUNK, chunk):
        found: dict[str, Any] = {}
        outcome = simulate(built, 0, 8, chunk=size, visit=identity_watch(identities, found))
        outcomes.append((outcome.measured, outcome.average, outcome.last, found))
    for one, other in zip(*outcomes, strict=True):
        assert str(one) == str(other)
        np.testing.assert_equal(one, other)


def test_chunks_longer_than_the_run_and_shorter():
    """A run of more deliveries than one chunk of the engine, against one chunk for all."""
    built = built_of(steps=3 * CHUNK // 2, problem=Part("quadratic", {"spectrum": [1]}))
    one, other = simulate(built, 0, 2), simulate(built, 0, 2, chunk=10**9)
    assert np.array_equal(one.last, other.last)
    assert np.array_equal(one.average, other.average)


def test_a_wider_look_leaves_the_first_runs_as_they_were():
    """Looks take whole blocks of one width: runs 0..7 of a look at 8 are runs 0..7 of a look at 300."""
    built = built_of()
    width = block_width(built.instance.dimension)
    looks = []
    for blocks in (1, -(-300 // width)):
        store = Store()
        run_units("x", [(built, i) for i in range(blocks)], MEASURED, (), store, 1, False, lambda done, total: None)
        looks.append(gathered("x", built, blocks, store, MEASURED))
    for name in MEASURED:
        assert looks[1][name][:width].tolist() == looks[0][name].tolist()
        assert len(set(looks[1][name].tolist())) >= 300
    assert record_key("x", built.cell.digest, 0) != record_key("x", built.cell.digest, 1)


def test_block_width_depends_on_the_dimension_alone():
    widths = [block_width(d) for d in (1, 2, 4, 5, 8, 9, 16, 32, 33, 1000)]
    assert widths == [64, 64, 64, 64, 32, 32, 16, 8, 8, 8]


def test_a_set_flag_stops_a_run():
    import threading

    flag = threading.Event()
    flag.set()
    with pytest.raises(Stopped):
        simulate(built_of(), 0, 8, stop=flag)


# methods


def exact_last(method: Method, schedule: Schedule, gamma: Fraction) -> list[Fraction]:
    """Return the last iterate of a method with a constant stepsize on a quadratic, in Fractions."""
    x0, data = objects([Fraction(2, 3), Fraction(-7, 5)]), objects([Fraction(1, 3), Fraction(1)])
    state = allocate(method, schedule, x0, [], 1)
    made = [gamma] * schedule.handouts
    plan = plan_of(schedule, [gamma] * schedule.horizon, made, [Fraction(0)] * (schedule.steps + 1), exact=True)
    begin(method, state, x0)
    loop.run(0, schedule.horizon + 1, method.receive, no_query, no_gradient, PROBLEMS.get("quadratic").mean_gradient,
             no_fill, no_fill, no_draw, state.server, plan, state.flight, state.stream, switches(method, 0), data, None,
             0, 0)  # fmt: skip
    return list(state.server.x[0])


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_asynchronous_sgd_under_the_barrier_is_minibatch_sgd(workers, tmp_path):
    """With gamma / M for gamma, exactly, at the end of every round; and not with gamma, nor without the barrier."""
    one, other, gamma = METHODS.get("async_sgd"), METHODS.get("minibatch_sgd"), Fraction(2, 7)
    for rounds in (1, 2, 6):
        schedule = schedule_of("exponential", workers, rounds * workers, tmp_path, scheduler="barrier")
        right = exact_last(other, schedule, gamma)
        assert exact_last(one, schedule, gamma / workers) == right
        if workers > 1:
            assert exact_last(one, schedule, gamma) != right
    if workers > 1:
        free = schedule_of("exponential", workers, 6 * workers, tmp_path)
        assert exact_last(one, free, gamma / workers) != exact_last(other, free, gamma)


class NumpySGD:
    """SGD as people write it; counts its steps to see that each replicate has its own object."""

    made: list[NumpySGD] = []

    def __init__(self) -> None:
        self.steps, self.begun = 0, np.zeros(0)
        NumpySGD.made.append(self)

    def reset(self, x0: np.ndarray) -> None:
        self.begun = x0

    def step(self, x: np.ndarray, gradient: np.ndarray, gamma: float) -> np.ndarray:
        assert x.shape == gradient.shape == (3,)
        self.steps += 1
        return x - gamma * gradient


def test_a_python_optimiser_is_run_as_a_method():
    """The strict build computes the same operations as NumPy does, so the runs agree to the bit."""
    built = built_of()
    NumpySGD.made.clear()
    uncompiled = dataclasses.replace(built, method=Method.from_python(NumpySGD))
    found, right = simulate(uncompiled, 0, 8, strict=True), simulate(built, 0, 8, strict=True)
    assert uncompiled.method.name == "NumpySGD"
    assert np.array_equal(found.last, right.last)
    assert np.array_equal(found.average, right.average)
    assert [one.steps for one in NumpySGD.made] == [60] * 8
    assert all(np.array_equal(one.begun, built.instance.start) for one in NumpySGD.made)


class Momentum:
    """Keeps state between steps: replicates that shared it would not be independent."""

    def __init__(self) -> None:
        self.v = 0.0

    def step(self, x: Any, gradient: Any, gamma: float) -> Any:
        self.v = 0.5 * self.v + gradient
        return x - gamma * self.v


def test_state_of_a_python_optimiser_starts_anew_with_each_run():
    built = dataclasses.replace(built_of(), method=Method.from_python(Momentum, "momentum"))
    one, two = simulate(built, 0, 8), simulate(built, 0, 8)
    assert np.array_equal(one.last, two.last)
    assert not np.array_equal(one.last, simulate(built_of(), 0, 8).last)


class Explosive:
    def step(self, x: Any, gradient: Any, gamma: float) -> Any:
        return x * -1e200


class WrongShape:
    def step(self, x: Any, gradient: Any, gamma: float) -> Any:
        return x[:2]


def test_python_optimisers_may_diverge_and_may_fail():
    found = simulate(dataclasses.replace(built_of(), method=Method.from_python(Explosive)), 0, 8)
    assert not found.finite.any()
    with pytest.raises(PartError, match=r"a kernel of method 'WrongShape'.* failed: ValueError"):
        simulate(dataclasses.replace(built_of(), method=Method.from_python(WrongShape)), 0, 8)


def test_identities_are_watched_at_the_first_and_the_last_step():
    steps: list[int] = []

    def visit(view: View, state: Any) -> None:
        steps.append(view.step)

    simulate(built_of(steps=200), 0, 8, visit=visit)
    assert steps[0] == 1
    assert steps[-1] == 200
    assert len(steps) <= 9


# compilation


def test_one_loop_is_compiled_for_all_parts():
    """Sealed: methods, problems and noises pass as first-class functions of one signature, never a new loop."""
    for method, problem, noise in itertools.product(
        METHODS.names(), ("quadratic", "huber"), ("gaussian", "two_point", "none")
    ):
        built = built_of(method=method, problem=Part(problem, {"dimension": 2}), noise=noise, steps=8)
        simulate(built, 0, 8)
    assert len(run_kernel().signatures) == 1
    assert len(run_kernel(True).signatures) == 1


USER_METHOD = """
from ratecheck import Method
from local_helper import part

def receive(server, a):
    x, g = server.x[0], a.grad[0]
    for i in range(x.shape[0]):
        x[i] -= part(a.gamma) * g[i]

METHOD = Method("mine", receive)
"""

PROGRAM = """
import sys
from pathlib import Path
from ratecheck.api import simulate
from ratecheck.core.cell import Cell
from ratecheck.core.part import Part

cell = Cell(Part("quadratic", {"dimension": 2}), Part("gaussian"), Part("exponential"), 2, 16, 0.1,
            constants={"stepsize": 0.2})
print(simulate(cell, method=sys.argv[1], replicates=8).last.tolist())
"""


def in_a_new_process(method: Path, cache: Path) -> tuple[str, set[tuple[str, int]]]:
    """Simulate in a new process; return what it prints and the compiled files with their times of writing."""
    root = Path(__file__).parents[2]
    environment = {"RATECHECK_CACHE": str(cache), "PYTHONPATH": str(root), "PATH": "", "HOME": str(cache)}
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(method)], env=environment, cwd=method.parent,
                          capture_output=True, text=True, check=True)  # fmt: skip
    return done.stdout, {(str(p), p.stat().st_mtime_ns) for p in cache.rglob("*.nbc")}


@pytest.mark.slow
def test_the_compile_cache_is_hit_by_the_next_process_and_missed_after_an_edit(tmp_path):
    """An edit of a file that the method's file imports is seen as well: Numba itself would not see it."""
    method, helper, cache = tmp_path / "mine.py", tmp_path / "local_helper.py", tmp_path / "cache"
    method.write_text(USER_METHOD)
    helper.write_text("def part(gamma):\n    return gamma\n")
    first, compiled = in_a_new_process(method, cache)
    assert len(compiled) >= 8
    again, unchanged = in_a_new_process(method, cache)
    assert again == first
    assert unchanged == compiled
    helper.write_text("def part(gamma):\n    return gamma / 2\n")
    edited, more = in_a_new_process(method, cache)
    assert edited != first
    assert compiled < more
    assert len(more) == len(compiled) + 1  # the method's kernel alone


def test_a_file_edited_within_a_process_is_read_again(tmp_path):
    path = tmp_path / "mine.py"
    lasts = []
    for factor in ("1", "2", "1"):
        path.write_text(
            USER_METHOD.replace("from local_helper import part\n", f"def part(g):\n    return g * {factor}\n")
        )
        lasts.append(simulate(built_of(method=str(path)), 0, 8).last)
    assert np.array_equal(lasts[0], lasts[2])
    assert not np.array_equal(lasts[0], lasts[1])


def test_a_kernel_that_does_not_compile_is_one_sentence():
    def receive(server: Any, a: Any) -> None:
        server.x[0][0] = server.nothing

    with pytest.raises(PartError, match=r"kernel 'receive' \(test_simulate.py, line \d+\) does not compile"):
        simulate(dataclasses.replace(built_of(), method=Method("broken", receive)), 0, 8)


def test_noise_of_blocks_is_independent_of_what_ran_before():
    built = built_of()
    alone = simulate(built, 2, 8)
    simulate(built, 1, 8)
    assert np.array_equal(simulate(built, 2, 8).last, alone.last)
    assert NOISES.get(built.cell.noise.name) is built.noise
