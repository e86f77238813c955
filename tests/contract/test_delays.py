"""Contract of every delay model on the shelf: laws, streams and largest delays are challenged, lies are caught."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ratecheck.checks.preconditions.challenge import challenge_delays
from ratecheck.checks.preconditions.orders import arrivals, largest_delay
from ratecheck.core.delays import Delays
from ratecheck.core.keys import exponential, key_of, word, wrapping
from ratecheck.core.shelf import DELAYS
from ratecheck.core.trace import Trace, write
from ratecheck.engine.compile import seal
from ratecheck.errors import PartError

ALARM = 1e-6
#: parameters to try beside the defaults
OTHERS: dict[str, list[dict[str, Any]]] = {
    "fixed": [{"spread": "5/2"}, {"spread": 30}, {"spread": "1/7"}, {"slow": "1/3", "slowdown": 3.5}],
    "one_straggler": [{"factor": "1/3"}, {"factor": 7.5, "spread": 2}],
    "exponential": [{"spread": 10}],
    "gamma": [{"shape": 1}, {"shape": 50}],
    "pareto": [{"tail": 3}, {"tail": "11/10"}],
    "lognormal": [{"s": 0.3}, {"s": 2}],
    "bursts": [{"length": 1}, {"length": 3}],
    "slow_samples": [{"above": 0, "factor": 3}, {"blind": 1}, {"jitter": 0}],
    "slow_large": [{"above": 0.3, "factor": "1/3"}],
    "parked": [{"above": -0.5, "wait": 7}, {"above": 0, "wait": "5/2"}, {"above": 5}],
    "push_out": [{"weight": 0}, {"weight": 3}],
    "slow_at_random": [{"p": "1/2", "factor": 2}, {"p": 0}],
}
LISTED = [0, 2, 2, 1, 0, 0, 0, 0, 1, 2, 1, 1, 2, 0]


@pytest.fixture
def needs(tmp_path: Path) -> dict[str, dict[str, Any]]:
    """Parameters without a default, by name of the part."""
    write(tmp_path / "made.csv", Trace(3, np.array(LISTED, dtype=np.int64)))
    return {"order": {"workers": LISTED}, "trace": {"file": str(tmp_path / "made.csv")}}


EVERY = [(name, par) for name in DELAYS.names() for par in ({}, *OTHERS.get(name, []))]
CLOCKS = [(name, par) for name, par in EVERY if DELAYS.get(name).is_clock]


def test_every_file_is_on_the_shelf():
    folder = Path(__file__).parents[2] / "ratecheck" / "delays"
    files = {p.stem for p in folder.glob("*.py") if not p.stem.startswith("_")}
    assert files == set(DELAYS.names()) >= set(OTHERS)
    assert all(DELAYS.get(name).name == name for name in files)


@pytest.mark.statistical
@pytest.mark.parametrize(("name", "par"), EVERY)
def test_declarations_survive_the_challenge(name, par, needs):
    listed = {"workers": (3,), "steps": len(LISTED)} if name in needs else {}
    assert challenge_delays(DELAYS.get(name), {**needs.get(name, {}), **par}, **listed) == []


@pytest.mark.parametrize(("name", "par"), CLOCKS)
def test_strict_build_is_bitwise_the_plain_kernel(name, par):
    delays = DELAYS.get(name)
    numbers, key = delays.numbers(delays.parameters(par)), np.uint64(2**63 + 5)
    compiled = seal("duration", delays.duration, True)
    with wrapping():
        for n in range(100):
            plain = float(delays.duration(key, n % 3, 10**9 + n, 1.5, numbers))
            assert compiled(key, n % 3, 10**9 + n, 1.5, numbers) == plain


LAWS = [
    ("exponential", {}, stats.expon()),
    *(("gamma", {"shape": k}, stats.gamma(k, scale=1 / k)) for k in (1, 4, 50)),
    *(("pareto", {"tail": a}, stats.pareto(a, scale=(a - 1) / a)) for a in (1.5, 3)),
    *(("lognormal", {"s": s}, stats.lognorm(s, scale=np.exp(-s * s / 2))) for s in (0.3, 1)),
]


@pytest.mark.statistical
@pytest.mark.parametrize(("name", "par", "law"), LAWS)
def test_laws_by_kolmogorov_and_smirnov(name, par, law):
    """The law of scipy, with unit mean, for a mean of 2 and halved."""
    delays = DELAYS.get(name)
    numbers, compiled = delays.numbers(delays.parameters(par)), seal("duration", delays.duration, True)
    draws = [compiled(np.uint64(8), n % 4, n // 4, 2.0, numbers) / 2 for n in range(1 << 14)]
    assert abs(law.mean() - 1) < 1e-12
    assert stats.kstest(draws, law.cdf).pvalue > ALARM


@pytest.mark.parametrize("name", [n for n in DELAYS.names() if DELAYS.get(n).longest and DELAYS.get(n).order])
@pytest.mark.parametrize("workers", [1, 2, 3, 8])
def test_largest_delay_of_an_order_is_attained(name, workers, needs):
    if name in needs and workers != 3:
        return
    delays = DELAYS.get(name)
    par = delays.parameters(needs.get(name, {}))
    steps = len(LISTED) if name in needs else 20 * workers
    assert largest_delay(arrivals(delays, par, workers, steps, key_of(0)), workers) == delays.longest(workers, par)


@pytest.mark.parametrize("speeds", [[1, 1, 1, 1], [1, "5/2"], ["1/10", "1/3"], [1, 3.3, 3.3]])
def test_largest_delay_of_fixed_speeds_is_attained(speeds):
    """Equal speeds, and ratios that are no integers: there the declared bound is no bound only."""
    fixed, count = DELAYS.get("fixed"), len(speeds)
    par = fixed.parameters({"speeds": speeds})
    assert largest_delay(arrivals(fixed, par, count, 400, key_of(0)), count) == fixed.longest(count, par)


def test_half_fast_is_one_worker_every_other_step():
    delays = DELAYS.get("half_fast")
    assert delays.order(3, 9, {}, key_of(0)).tolist() == [0, 0, 0, 1, 0, 2, 0, 0, 0]


def test_one_straggler_is_worker_zero():
    """It delivers once in ``factor`` rounds of the others; every gradient counts M = 4 workers' speeds."""
    delays = DELAYS.get("one_straggler")
    order = arrivals(delays, delays.parameters({"factor": 10}), 4, 310, key_of(0))
    assert np.bincount(order, minlength=4).tolist() == [10, 100, 100, 100]


def one_stream(key: Any, worker: Any, number: Any, mean: Any, par: Any) -> Any:
    return mean * exponential(word(key, number))


def shifted_streams(key: Any, worker: Any, number: Any, mean: Any, par: Any) -> Any:
    return mean * exponential(word(key, number + 100 * worker))


def slow(key: Any, worker: Any, number: Any, mean: Any, par: Any) -> Any:
    return mean * 5 / 4 * exponential(word(word(key, worker), number))


def backwards(key: Any, worker: Any, number: Any, mean: Any, par: Any) -> Any:
    return mean * (exponential(word(word(key, worker), number)) - 0.001)


def heavy(key: Any, worker: Any, number: Any, mean: Any, par: Any) -> Any:
    return mean * 3 * (1 / (word(word(key, worker), number) / 2.0**64)) ** (2 / 3)


def out_of_range(workers: int, steps: int, par: Any, key: Any) -> Any:
    return np.arange(steps, dtype=np.int64) % (workers + 1)


def steady(key: Any, worker: Any, number: Any, mean: Any, par: Any) -> Any:
    return mean


def clock(stretch: Any, policy: str = "data-dependent", **more: Any) -> Delays:
    """Return a clock that looks in this way."""
    return Delays("x", steady, stretch=stretch, policy=policy, **more)


def above(noise: Any, par: Any) -> Any:
    return np.where(noise[:, 0] > 1, 9.0, 1.0)


def far_out(noise: Any, par: Any) -> Any:
    """Sees the sign of noises that are 3 standard deviations off, in the last coordinate."""
    return np.where(noise[:, -1] > 3, 9.0, np.where(np.abs(noise[:, 0]) > 1, 5.0, 1.0))


def above_the_median(noise: Any, par: Any) -> Any:
    return np.where(noise[:, 0] > np.median(noise[:, 0]), 9.0, 1.0)


def after_a_large_one(noise: Any, par: Any) -> Any:
    return np.where(np.concatenate([[0.0], noise[:-1, 0]]) > 1, 9.0, 1.0)


def before_a_large_one(noise: Any, par: Any) -> Any:
    return np.where(np.concatenate([noise[1:, 0], [0.0]]) > 1, 9.0, 1.0)


def by_place(noise: Any, par: Any) -> Any:
    return 1.0 + np.arange(len(noise)) % 2


def writes(noise: Any, par: Any) -> Any:
    noise[:, 0] = 0.0
    return np.ones(len(noise))


def rule(pick: Any, **more: Any) -> Delays:
    return Delays("x", pick=pick, policy="clairvoyant", **more)


def remembers() -> Any:
    asked = []

    def pick(flying: Any, state: Any, par: Any) -> Any:
        asked.append(1)
        return len(asked) // 7 % flying.shape[0]

    return pick


OWN, SIGN = "not one of its own noise alone", "sees the sign of the noise"
LIES: dict[str, tuple[Delays, str]] = {
    "one stream for all workers": (Delays("x", one_stream), "two workers are correlated"),
    "shifted streams": (Delays("x", shifted_streams), "two workers are correlated at lag 100"),
    "another mean": (Delays("x", slow), "the mean duration is declared 1"),
    "another mean with a heavy tail": (Delays("x", heavy), "the mean duration is declared 1"),
    "negative durations": (Delays("x", backwards), "it draws a duration of -"),
    "too short a delay, by one": (
        replace(DELAYS.get("half_fast"), longest=lambda workers, par: 2 * workers - 1),
        "the largest delay with M = 5 is declared 9, and 10 was seen",
    ),
    "fixed speeds that tie": (
        replace(DELAYS.get("fixed"), longest=lambda workers, par: workers - 1),
        "the largest delay with M = 2 is declared 1, and 2 was seen",
    ),
    "a worker too many": (Delays("x", order=out_of_range), "with M = 2 names worker 2"),
    "a sign under mean zero": (clock(above, "mean-zero given the duration"), SIGN),
    "a sign far out under mean zero": (clock(far_out, "mean-zero given the duration"), SIGN),
    "a look at all tasks": (clock(above_the_median), OWN),
    "a look at the task before": (clock(after_a_large_one), OWN),
    "a look at a task to come": (clock(before_a_large_one), OWN),
    "a look at the number of the task": (clock(by_place), OWN),
    "a clock that changes the noise": (clock(writes), "changes the noise"),
    "a rule that names a worker too many": (rule(lambda f, state, par: len(f)), "with M = 2 names worker 2"),
    "a rule with a memory of its own": (rule(remembers()), "does not give the same order"),
    "too short a wait, by one": (
        replace(DELAYS.get("parked"), par={"above": 0, "wait": 9}, longest=lambda workers, par: 8 + workers),
        "the largest delay with M = 5 is declared 13, and 14 was seen",
    ),
    "an order of floats": (Delays("x", order=lambda m, k, par, key: np.zeros(k)), "not int64"),
}


@pytest.mark.statistical
@pytest.mark.parametrize("lie", LIES)
def test_a_lying_model_is_caught(lie):
    delays, fragment = LIES[lie]
    found = challenge_delays(delays, workers=(2, 5))
    assert any(fragment in sentence for sentence in found), found


@pytest.mark.parametrize("stretch", [above, far_out])
def test_a_clock_that_says_that_it_sees_the_sign_may(stretch):
    assert challenge_delays(clock(stretch)) == []


CLOCK_WRONG = [
    ("gamma", {"shape": 0.5}, "shape must be at least 1"),
    ("gamma", {"shape": "round"}, "shape must be a number"),
    ("pareto", {"tail": 1}, "tail must be above 1"),
    ("lognormal", {"s": -1}, "s must lie between 0 and 20"),
    ("one_straggler", {"factor": 0}, "factor must be positive"),
    ("fixed", {"factor": 2}, "no parameter 'factor'"),
]


@pytest.mark.parametrize(("name", "par", "sentence"), CLOCK_WRONG)
def test_wrong_parameters_of_a_clock_are_one_sentence(name, par, sentence):
    with pytest.raises(PartError, match=sentence):
        DELAYS.get(name).parameters(par)


WRONG = [
    ("order", {}, "needs its parameter workers"),
    ("order", {"workers": [0, 1]}, "lists 2 deliveries, and 5 are asked for"),
    ("order", {"workers": [0, 1, 3, 0, 0]}, "entry 3: a worker is a number from 0 to 2, not 3"),
    ("order", {"workers": [0, 1, "2", 0, 0]}, "entry 3: a worker is a number from 0 to 2, not '2'"),
    ("order", {"workers": [0, -1, 2, 0, 0]}, "entry 2"),
    ("bursts", {"length": 0}, "length must be a whole number"),
    ("bursts", {"length": "5/2"}, "length must be a whole number"),
]


@pytest.mark.parametrize(("name", "par", "sentence"), WRONG)
def test_wrong_orders_are_one_sentence(name, par, sentence):
    delays = DELAYS.get(name)
    with pytest.raises(PartError, match=sentence):
        delays.order(3, 5, delays.parameters(par), key_of(0))
