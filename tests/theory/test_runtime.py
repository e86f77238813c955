"""Equal time: the fixed-speed model and Table 2 of Mishchenko et al. (2022) exactly; the measured speedup."""

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

import ratecheck as rc
from ratecheck import Cell, Part
from ratecheck.checks.exact import slack_of, sweep_counting
from ratecheck.core import scenario
from ratecheck.core.identity import Counting
from ratecheck.core.keys import key_of
from ratecheck.core.shelf import DELAYS, SCHEDULERS
from ratecheck.engine.build import build
from ratecheck.engine.schedule import make
from tests.makers import schedule_of

QUADRATIC = Part("quadratic", {"condition": 1e4, "dimension": 16})
FACTS = {c.name: c for c in rc.claim("mishchenko2022.table2").counting}
ASYNC = SCHEDULERS.get("async")
PROFILES = {
    "equal": [1] * 8,
    "linear": [1, 2, 3, 4, 5, 6, 7, 8],
    "doubling": [1, 2, 4, 8, 16, 32, 64, 128],
    "one straggler": [100] + [1] * 7,
}
RNG = np.random.default_rng(20)
RANDOM = [RNG.integers(1, 12, RNG.integers(1, 7)).tolist() for _ in range(25)]


def alpha(durations):
    return sum(Fraction(max(durations)) / s for s in durations) / len(durations)


def gradients(durations, seconds):
    return sum(seconds // s for s in durations)


def schedule(scheduler, durations, steps):
    delays = DELAYS.get("fixed")
    par = delays.parameters({"speeds": durations})
    return make(SCHEDULERS.get(scheduler), delays, par, len(durations), steps, key_of("fixed"))


@pytest.mark.parametrize("durations", [*PROFILES.values(), *RANDOM], ids=str)
def test_the_engine_keeps_the_time_of_the_model(durations):
    """Whole numbers of seconds, so that clocks are exact: K(S) = sum floor(S/s_m), R(S) = floor(S/s_max), K >= M R."""
    slowest, workers = max(durations), len(durations)
    seconds = 5 * slowest + slowest // 2
    steps = gradients(durations, seconds)
    found = schedule("async", durations, steps + workers)
    assert int(np.count_nonzero(found.time[: found.horizon] <= seconds)) == steps
    assert Counter(found.worker[:steps].tolist()) == {m: seconds // s for m, s in enumerate(durations) if seconds >= s}
    rounds = schedule("barrier", durations, 6 * workers)
    assert rounds.time[workers - 1 : rounds.horizon : workers].tolist() == [slowest * r for r in range(1, 7)]
    assert steps >= workers * (seconds // slowest)
    assert (steps == workers * (seconds // slowest)) is (len(set(durations)) == 1)  # the mean worker makes no rounds


def test_the_speedup_solves_its_equation():
    """s_max/(alpha S) = M/K with K = sum S/s_m, on rationals; examples."""
    for durations in RANDOM:
        fractions = [Fraction(s, 3) for s in durations]
        seconds = Fraction(1000, 7)
        work = sum(seconds / s for s in fractions)
        assert max(fractions) / (alpha(fractions) * seconds) == len(fractions) / work
        assert alpha(fractions) >= 1
        assert (alpha(fractions) == 1) is (len(set(fractions)) == 1)
    assert alpha([1, 10**6]) == Fraction(1000001, 2)
    assert alpha([1, 2, 4, 8]) == Fraction(15, 4)


def test_one_more_machine_helps_exactly_up_to_the_harmonic_mean():
    told = Counter()
    for durations in RANDOM:
        work = sum(Fraction(1, s) for s in durations)
        mean = len(durations) / work
        for new in (mean, mean * Fraction(99, 100), mean * Fraction(101, 100), Fraction(1), Fraction(12)):
            lower = (len(durations) + 1) / (work + 1 / new) <= len(durations) / work
            assert lower is (new <= mean)
            told[lower] += 1
    assert min(told[True], told[False]) > 25


@pytest.mark.parametrize("name", FACTS)
@pytest.mark.parametrize("case", [(1, 4), (2, 8), (3, 7), (4, 6)])
def test_the_counts_hold_for_every_order(name, case):
    found = sweep_counting(FACTS[name], ASYNC, case)
    assert "fault" not in found
    assert Fraction(found["smallest_slack"]) >= 0


@pytest.mark.parametrize("name", FACTS)
@pytest.mark.parametrize("delays", ["fixed", "exponential", "one_straggler", "round_robin", "bursts"])
def test_the_counts_hold_on_long_schedules(name, delays, tmp_path):
    order = tuple(schedule_of(delays, 5, 400, tmp_path).worker.tolist())
    assert slack_of(FACTS[name], ASYNC, 5, order) >= 0


def test_equal_speeds_attain_what_they_can():
    order = (0, 1, 2) * 5
    assert {n: slack_of(f, ASYNC, 3, order) for n, f in FACTS.items()} == dict.fromkeys(FACTS, 0)


def counts(worker, workers):
    return [Counter(worker)[m] for m in range(workers)]


LIES = {
    "rounds by the fastest worker": lambda worker, delay, m: Fraction(len(worker) - m * max(counts(worker, m))),
    "every machine helps": lambda worker, delay, m: Fraction(
        min(Fraction(m - 1, len(worker) - c) - Fraction(m, len(worker)) for c in counts(worker, m) if c < len(worker))
        if len(set(worker)) > 1 else 0
    ),
    "the largest delay is above M": lambda worker, delay, m: Fraction(
        max(delay) - m - 1 if len(set(worker)) == m else 0
    ),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_wrong_counts_are_refuted(lie):
    assert "fault" in sweep_counting(Counting(lie, LIES[lie], ""), ASYNC, (3, 6))


def error(durations, steps, stepsize, number, **how):
    cell = Cell(QUADRATIC, Part("none"), Part("fixed", {"speeds": durations}),
                len(durations), steps, 0.0, "last", constants={"stepsize": number})  # fmt: skip
    return float(rc.simulate(cell, replicates=1, stepsize=stepsize, **how).measured["output_gap"][0])


def measured_speedup(durations, stepsize, rounds=420):
    workers, slowest = len(durations), max(durations)
    goal = error(durations, workers * rounds, "constant", 1.0, method="minibatch_sgd", scheduler="barrier")
    low, high = min(durations), 8 * rounds * slowest
    while high - low > 1:
        middle = (low + high) // 2
        good = error(durations, gradients(durations, middle), stepsize, 1 / workers) <= goal
        low, high = (low, middle) if good else (middle, high)
    return rounds * slowest / high


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("stepsize", ["constant", "capped_by_delay", "delay_adaptive_convex"])
def test_the_measured_speedup_is_the_formula_times_what_the_stepsizes_lose(name, stepsize):
    """Against minibatch SGD with 1/L: alpha times the mean stepsize over 1/(ML).

    One per cent: a second more or less is up to a quarter of one, and gradients in flight at the end are up to M in
    1/(420 alpha) of the gradients applied.
    """
    durations = PROFILES[name]
    steps = gradients(durations, 420 * max(durations))
    cell = Cell(QUADRATIC, Part("none"), Part("fixed", {"speeds": durations}),
                8, steps, 0.0, "last", constants={"stepsize": 1 / 8})  # fmt: skip
    gamma = build(cell, 1, method="async_sgd", scheduler="async", stepsize=stepsize).weighted.gamma
    share = float(gamma.mean()) * 8
    assert measured_speedup(durations, stepsize) == pytest.approx(float(alpha(durations)) * share, rel=0.01)


def test_both_methods_of_the_scenario_run_for_the_same_time():
    found = {}
    for cell in scenario.find("runtime")[0].cells():
        built = build(cell, 1, method="async_sgd", scheduler="async", stepsize="constant")
        horizon = built.weighted.schedule.horizon
        times = found.setdefault(cell.delays.label, {}).setdefault(built.scheduler.name, set())
        times.add(float(built.weighted.schedule.time[horizon - 1]))
    assert len(found) == len(PROFILES)
    assert all(times["async"] == times["barrier"] and len(times["async"]) == 4 for times in found.values())
