"""Delays that look at samples: against plain simulators, their blind twins, and what they are not shown."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest

import ratecheck
from ratecheck.checks.moments import why_not
from ratecheck.checks.preconditions.dependence import dependent
from ratecheck.core import shelf
from ratecheck.core.cell import Cell
from ratecheck.core.delays import Delays
from ratecheck.core.keys import key_of, wrapping
from ratecheck.core.part import Part
from ratecheck.core.schedule import Schedule
from ratecheck.core.shelf import DELAYS, SCHEDULERS
from ratecheck.engine.build import Built, build, of_block
from ratecheck.engine.compile import seal
from ratecheck.engine.samples import noise_of
from ratecheck.engine.schedule import make
from ratecheck.engine.sweep import simulate, width_of
from ratecheck.errors import CapabilityError, PartError
from tests.makers import LOOKING, RULES

ASYNC = SCHEDULERS.get("async")
MEAN_ZERO = "mean-zero given the duration"


def scheduled(name: str, noise: Any, workers: int, steps: int, par: dict[str, Any] | None = None) -> Schedule:
    """Return the compiled schedule of a model that is shown these noises (H, d)."""
    model = DELAYS.get(name)
    seen = np.asarray(noise, dtype=np.float64).reshape(workers + steps, -1)
    return make(ASYNC, model, model.parameters(par or {}), workers, steps, key_of(name), noise=lambda h: seen[:h])


def built_with(delays: Part, noise: str | Part = "gaussian", *, sigma: float = 0.5, steps: int = 200, workers: int = 5,
               seed: int = 3, **more: Any) -> Built:  # fmt: skip
    law = noise if isinstance(noise, Part) else Part(noise)
    cell = Cell(Part("quadratic", {"dimension": 2, "condition": 2}), law, delays, workers, steps, sigma, "R1", **more)
    return build(cell, seed, method="async_sgd", scheduler="async", stepsize="delay_adaptive_convex")


# plain simulators

FACTORS: dict[str, tuple[dict[str, Any], Callable[[Any], float]]] = {
    "slow_samples": ({"above": 0.5, "factor": 7}, lambda z: 7.0 if z[0] > 0.5 else 1.0),
    "slow_samples without jitter": ({"above": 0.5, "factor": 7, "jitter": 0}, lambda z: 7.0 if z[0] > 0.5 else 1.0),
    "slow_large": ({"factor": 5, "spread": 3}, lambda z: 5.0 if z[0] ** 2 + z[1] ** 2 > 2 else 1.0),
}


@pytest.mark.parametrize("case", FACTORS)
def test_clocks_that_look_are_the_oracle_of_a_heap(case):
    """A heap of pairs (time, worker); hand-out M + n follows delivery n and takes its factor from its own noise."""
    name, (given, factor), workers, steps = case.split()[0], FACTORS[case], 4, 300
    noise = np.random.default_rng(1).standard_normal((workers + steps, 2))
    model = DELAYS.get(name)
    par = model.parameters(given)
    means, numbers = model.means(workers, par), model.numbers(par)

    def lasts(m: int, task: int, handout: int) -> float:
        with wrapping():
            assert model.duration is not None
            return float(model.duration(key_of(name), m, task, means[m], numbers)) * factor(noise[handout])

    heap, tasks, order = [(lasts(m, 0, m), m) for m in range(workers)], [0] * workers, []
    heapq.heapify(heap)
    for n in range(steps):
        time, m = heapq.heappop(heap)
        order.append(m)
        tasks[m] += 1
        heapq.heappush(heap, (time + lasts(m, tasks[m], workers + n), m))
    schedule = scheduled(name, noise, workers, steps, given)
    assert schedule.worker.tolist() == order
    assert len({*schedule.delay.tolist()}) > 3


def smallest(flying: list[Any], ages: list[int], now: int, arrived: Any) -> int:
    return min(range(len(flying)), key=lambda m: (flying[m][0], m))


def largest(flying: list[Any], ages: list[int], now: int, arrived: Any) -> int:
    return min(range(len(flying)), key=lambda m: (-flying[m][0], m))


def outward(flying: list[Any], ages: list[int], now: int, arrived: Any) -> int:
    aim = arrived + sum(flying) / 2
    return min(range(len(flying)), key=lambda m: (-float(flying[m] @ aim), m))


class Park:
    """Parked gradients by worker, with the delivery after which they are free."""

    def __init__(self) -> None:
        self.until: dict[int, int] = {}
        self.seen: dict[int, int] = {}

    def __call__(self, flying: list[Any], ages: list[int], now: int, arrived: Any) -> int:
        for m, born in enumerate(ages):
            waiting = sum(free > now for free in self.until.values())
            if self.seen.get(m) != born:
                parks = flying[m][0] > 0 and waiting < len(flying) - 1
                self.seen[m], self.until[m] = born, now + (6 if parks else 0)
        free = [m for m in range(len(flying)) if self.until[m] <= now]
        m = min(free, key=lambda m: (self.until[m], m))
        del self.until[m]
        return m


ORACLES: dict[str, tuple[dict[str, Any], Callable[[], Callable[..., int]]]] = {
    "smallest_first": ({}, lambda: smallest),
    "largest_first": ({}, lambda: largest),
    "push_out": ({}, lambda: outward),
    "parked": ({"above": 0, "wait": 6}, Park),
}


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("law", ["signs", "normal"])
def test_rules_that_pick_are_the_oracle_of_a_list(name, workers, law):
    """Signs are added exactly, so that ties are ties in both."""
    rng, steps, (given, rule) = np.random.default_rng(workers), 200, ORACLES[name]
    size = (workers + steps, 2)
    noise = rng.choice([-1.0, 1.0], size) if law == "signs" else rng.standard_normal(size)
    flying, ages, arrived, order, says = list(noise[:workers]), list(range(workers)), np.zeros(2), [], rule()
    for n in range(steps):
        m = says(flying, ages, n, arrived)
        arrived = arrived + flying[m]
        order.append(m)
        flying[m], ages[m] = noise[workers + n], workers + n
    schedule = scheduled(name, noise, workers, steps, given)
    assert schedule.worker.tolist() == order
    assert schedule.time is None
    assert [int(h) for h in schedule.source[:5]] == [
        max(h for h in range(workers + n) if (order[h - workers] if h >= workers else h) == m)
        for n, m in enumerate(order[:5])
    ]


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_not_shown_the_future(name):
    """Noises that are handed out after delivery n change no delivery up to n + 1."""
    rng, workers, steps, par = np.random.default_rng(4), 3, 40, {"above": 0, "wait": 6} if name == "parked" else {}
    noise = rng.standard_normal((workers + steps, 1))
    whole = scheduled(name, noise, workers, steps, par).worker.tolist()
    changed = 0
    for n in range(steps):
        other = noise.copy()
        other[workers + n :] = 5 * rng.standard_normal((steps - n, 1))
        found = scheduled(name, other, workers, steps, par).worker.tolist()
        assert found[: n + 1] == whole[: n + 1]
        changed += found != whole
    assert changed > steps / 4, "it looks at what it is shown"


# exact second moments of what has arrived


def second_moment(name: str, workers: int, steps: int) -> Fraction:
    """Return E S_t^2 over all sign patterns, each scheduled by the engine."""
    total = 0
    for signs in product((-1, 1), repeat=workers + steps):
        schedule = scheduled(name, signs, workers, steps)
        total += sum(signs[h] for h in schedule.source[:steps]) ** 2
    return Fraction(total, 2 ** (workers + steps))


F = Fraction
MOMENTS = {
    ("smallest_first", 2): [F(1), F(5, 2), F(4), F(43, 8)],
    ("smallest_first", 3): [F(1), F(3), F(21, 4)],
    ("largest_first", 2): [F(1), F(5, 2), F(4), F(43, 8)],
    ("round_robin", 2): [F(1), F(2), F(3), F(4)],
}


@pytest.mark.parametrize(("name", "workers"), MOMENTS)
def test_second_moments_of_the_arrived_noise(name, workers):
    found = [second_moment(name, workers, t) for t in range(1, len(MOMENTS[name, workers]) + 1)]
    assert found == MOMENTS[name, workers]


@pytest.mark.parametrize(("workers", "steps"), [(2, 4), (2, 6), (3, 4)])
def test_pushing_outward_is_the_best_of_all_policies_there(workers, steps):
    """The dynamic programme over all policies: 1, 3, 5, 7 for M = 2, and 4, 15/2, 43/4 for M = 3."""

    def best(flying: tuple[int, ...], arrived: int, left: int) -> Fraction:
        if left == 0:
            return F(arrived * arrived)
        ways = [
            [best((*flying[:m], *flying[m + 1 :], z), arrived + flying[m], left - 1) for z in (-1, 1)]
            for m in range(workers)
        ]
        return max(sum(way, F(0)) / 2 for way in ways)

    largest = sum((best(signs, 0, steps) for signs in product((-1, 1), repeat=workers)), F(0)) / 2**workers
    assert second_moment("push_out", workers, steps) == largest
    assert (workers, steps) != (2, 4) or largest == 7


@pytest.mark.parametrize(("name", "orthogonal"), [("slow_large", True), ("slow_samples", False)])
def test_what_does_not_see_the_sign_leaves_arrived_noises_orthogonal(name, orthogonal):
    """Given the sizes: the mean over all signs of S_t^2 is the sum of squares of what arrived, to the integer."""
    sizes = np.array([1, 3, 1, 2, 3, 1, 1, 3])
    squares, orders, sums = 0, set(), 0
    for signs in product((-1, 1), repeat=len(sizes)):
        noise = sizes * signs
        schedule = scheduled(name, noise / 2, 3, 5, {"factor": 50})
        arrived = [int(noise[h]) for h in schedule.source[:5]]
        orders.add(tuple(schedule.worker.tolist()))
        squares, sums = squares + sum(z * z for z in arrived), sums + sum(arrived) ** 2
    assert (len(orders) == 1) is orthogonal
    assert (sums == squares) is orthogonal


# blind twins


@pytest.mark.parametrize("name", [*LOOKING, *RULES])
def test_the_twin_does_not_depend_on_the_samples(name):
    """Another sigma gives other samples: the schedule of the twin is the same to the bit, that of the model is not."""
    par = {"factor": 50} if name in LOOKING else {}
    for blind in (0, 1):
        part = Part(name, {**par, "blind": blind})
        one, other = (built_with(part, sigma=s) for s in (0.5, 0.25))
        assert one.key != other.key
        assert one.own_schedules
        assert width_of(one) == 1
        for block in (0, 1):
            a, b = (of_block(built, block).weighted.schedule for built in (one, other))
            assert np.array_equal(a.worker, b.worker) is bool(blind)
            assert (a.time is None or np.array_equal(a.time, b.time)) is bool(blind) or a.time is None
        first, second = (of_block(one, i).weighted.schedule.worker for i in (0, 1))
        assert not np.array_equal(first, second), "every run has a schedule of its own"


@pytest.mark.parametrize("name", ["slow_samples", "slow_large", "push_out"])
def test_dependence_is_seen_in_the_noise_and_not_in_that_of_the_twin(name):
    par = {"factor": 30} if name in LOOKING else {}
    open_, twin = (built_with(Part(name, {**par, "blind": b}), workers=8, steps=2000) for b in (0, 1))
    assert "correlate" in str(dependent(open_))
    assert dependent(twin) is None


@pytest.mark.statistical
def test_the_twin_has_the_law_of_the_model():
    """How many of 200 gradients were slow in each of 300 runs: two samples of one law, rejected once in 10^6."""
    from scipy import stats

    counts = []
    for blind in (0, 1):
        built = built_with(Part("slow_samples", {"factor": 20, "blind": blind}), "two_point", steps=100)
        runs = [of_block(built, i).weighted.schedule for i in range(300)]
        counts.append([int((s.delay[: s.horizon] > 20).sum()) for s in runs])
    assert min(map(max, counts)) > 3
    assert stats.ks_2samp(*counts).pvalue > 1e-6
    assert stats.ttest_ind(*counts).pvalue > 1e-6


# the policy of a cell

WORDS = [
    (Part("slow_samples"), Part("gaussian"), "data-dependent"),
    (Part("slow_large"), Part("gaussian"), MEAN_ZERO),
    (Part("slow_large"), Part("student_t", {"df": 5}), MEAN_ZERO),
    (Part("slow_large"), Part("two_point"), "data-dependent"),
    (Part("slow_large"), Part("two_point", {"p": "1/2"}), MEAN_ZERO),
    (Part("smallest_first"), Part("rademacher"), "clairvoyant"),
    (Part("exponential"), Part("two_point"), "independent"),
    *((Part(n, {"blind": 1}), Part("two_point"), "independent") for n in (*LOOKING, *RULES)),
]


@pytest.mark.parametrize(("delays", "noise", "word"), WORDS, ids=lambda v: v.label if isinstance(v, Part) else v)
def test_the_policy_is_that_of_the_cell(delays, noise, word):
    built = built_with(delays, noise, steps=20)
    assert built.policy == built.facts["policy"] == word


def test_a_claim_takes_the_policy_of_the_cell():
    """Mean zero given the duration: the size is allowed where signs are fair, and not where large noise has one."""
    claim = replace(shelf.claim("mishchenko2022.theorem3_convex"), policy=MEAN_ZERO)
    fair, biased, twin = (
        built_with(*parts, steps=20)
        for parts in ((Part("slow_large"),), (Part("slow_large"), "two_point"),
                      (Part("slow_samples", {"blind": 1}), "two_point"))
    )  # fmt: skip
    assert claim.failing(fair.facts) == claim.failing(twin.facts) == []
    assert claim.failing(biased.facts) == [
        "the delays are data-dependent, and the theorem covers delays up to 'mean-zero given the duration'"
    ]


# runs


@pytest.mark.parametrize("delays", [Part("push_out"), Part("slow_large", {"blind": 1})], ids=lambda p: p.label)
def test_runs_do_not_depend_on_threads_and_chunks(delays):
    built = built_with(delays, steps=150)

    def run(block: int, chunk: int = 65536) -> list[float]:
        return simulate(of_block(built, block), block, 1, chunk=chunk).last.tolist()

    alone = [run(i) for i in range(8)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, range(8))) == alone
    assert [run(i, chunk=7) for i in range(8)] == alone
    assert len({tuple(x) for x in alone}) == 8


@pytest.mark.parametrize("name", ["largest_first", "push_out"])
def test_the_noise_that_a_rule_saw_is_the_noise_that_the_run_meets(name):
    """The rule replayed on the noise of the block makes its schedule, and the recursion with this noise is the run."""
    built = of_block(built_with(Part(name), "rademacher", steps=60), 1)
    schedule, x = built.weighted.schedule, [built.instance.start.astype(np.float64)]
    assert built.noise.fill is not None
    fill, key = seal("fill", built.noise.fill), key_of(int(built.key), "block", 1)
    z = noise_of(fill, key, built.noise_par, schedule.handouts, 2)
    assert schedule.worker.tolist() == scheduled(name, z, 5, 60).worker.tolist()
    for n in range(60):
        slope = np.zeros(2)
        built.problem.mean_gradient(x[schedule.stamp[n]], 0, built.instance.data, slope)
        noise = built.constants["sigma"] / np.sqrt(2) * z[schedule.source[n]]
        x.append(x[-1] - built.weighted.gamma[n] * (slope + noise))
    assert simulate(built, 1, 1).last == pytest.approx(x[-1], rel=1e-12)  # 60 steps of a few roundings each


def test_exact_moments_and_numbers_of_a_schedule_are_declined():
    for delays in (Part("smallest_first"), Part("push_out", {"blind": 1}), Part("slow_large")):
        assert "look at samples" in str(why_not(built_with(delays)))
    assert why_not(built_with(Part("exponential"))) is None


# what cannot be done


def test_what_a_rule_cannot_do_is_a_sentence():
    model, barrier = DELAYS.get("smallest_first"), SCHEDULERS.get("barrier")
    with pytest.raises(CapabilityError, match="look at the samples in flight, and there are none here"):
        make(ASYNC, model, model.parameters({}), 2, 5, np.uint64(1))
    with pytest.raises(CapabilityError, match="needs durations"):
        make(barrier, model, model.parameters({}), 2, 4, np.uint64(1), noise=lambda h: np.zeros((h, 1)))
    cell = replace(built_with(Part("push_out")).cell, output="RL")
    with pytest.raises(CapabilityError, match="output rule RL needs them"):
        build(cell, 1, method="async_sgd", scheduler="async", stepsize="delay_adaptive_convex")
    with pytest.raises(PartError, match=r"blind is 0 or 1, not 0\.5"):
        built_with(Part("push_out", {"blind": 0.5}))
    with pytest.raises(PartError, match="no parameter 'blind'"):
        built_with(Part("exponential", {"blind": 1}))
    with pytest.raises(PartError, match="jitter must lie between 0 and 1"):
        built_with(Part("slow_samples", {"jitter": 2}))


@pytest.mark.parametrize("worker", [-1, 2])
def test_a_rule_that_names_nobody_is_a_sentence(worker):
    def pick(flying: Any, state: Any, par: Any) -> int:
        state[0] += 1.0
        return 0 if state[0] < 3.0 else worker

    lie = Delays("lie", pick=pick, policy="clairvoyant")
    with pytest.raises(PartError, match=r"names no worker with a task in flight, of 2, for delivery 3\."):
        make(ASYNC, lie, lie.parameters({}), 2, 5, np.uint64(1), noise=lambda h: np.zeros((h, 1)))


@pytest.mark.parametrize(
    ("lie", "match"),
    [
        ({"policy": "data-dependent"}, "pick sees all samples in flight"),
        ({}, "pick looks, too"),
        ({"policy": "clairvoyant", "order": lambda *of: np.zeros(3)}, "needs one of duration"),
        ({"policy": "clairvoyant", "stretch": lambda z, par: z[:, 0]}, "a clock that looks"),
    ],
)
def test_a_rule_says_that_it_is_clairvoyant(lie, match):
    with pytest.raises(PartError, match=match):
        Delays("lie", pick=lambda flying, state, par: 0, **lie)


def test_runs_asked_for_together_have_schedules_of_their_own():
    parts = Part("quadratic", {"spectrum": [1, 2]}), Part("gaussian"), Part("slow_samples")
    cell = Cell(*parts, 4, 40, 1.0, output="R1", constants={"stepsize": 0.05})
    apart = [ratecheck.simulate(cell, seed=3, replicates=1, block=i) for i in (3, 4, 5)]
    together = ratecheck.simulate(cell, seed=3, replicates=3, block=1)
    assert together.last.reshape(2, 3).T.tolist() == [one.last.tolist() for one in apart]
    assert together.average.reshape(2, 3).T.tolist() == [one.average.tolist() for one in apart]
    for name, values in together.measured.items():
        assert values.tolist() == [float(one.measured[name][0]) for one in apart]
    built = build(cell, 3, method="async_sgd", scheduler="async", stepsize="constant")
    assert len({tuple(of_block(built, i).weighted.schedule.worker.tolist()) for i in (3, 4, 5)}) == 3
