"""Contract of every scheduler on the shelf: it hands out work it has, to workers there are, and never starves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from ratecheck.core.keys import wrapping
from ratecheck.core.scheduler import Scheduler
from ratecheck.core.shelf import SCHEDULERS
from ratecheck.engine.compile import seal


class Delivery(NamedTuple):
    """One delivery as a scheduler sees it, and its answer."""

    worker: int
    stamp: int
    version: int
    counted: int
    handed: list[int]
    flying: int


def deliveries(scheduler: Scheduler, workers: int, steps: int, seed: int, decide: Any = None) -> Iterator[Delivery]:
    """Play random arrivals of work in flight (one hand-out a worker at the start)."""
    random = np.random.default_rng(seed)
    state, handed = scheduler.begin(workers, seed), np.zeros(workers + 1, dtype=np.int64)
    flight, version = [(m, 0) for m in range(workers)], 0
    for _ in range(steps):
        assert flight, "nothing is in flight: the scheduler starves its workers"
        worker, stamp = flight.pop(random.integers(len(flight)))
        with wrapping():
            counted = int((decide or scheduler.decide)(state, workers, worker, version + 1 - stamp, handed))
        version += counted
        given = handed[1 : 1 + handed[0]].tolist()
        assert scheduler.stops or min(given, default=0) >= 0
        flight = [f for f in flight if -f[0] - 1 not in given]
        flight += [(max(m, -m - 1), version) for m in given]
        yield Delivery(worker, stamp, version, counted, given, len(flight))


every_scheduler = pytest.mark.parametrize("name", SCHEDULERS.names())
crowds = pytest.mark.parametrize("workers", [1, 2, 5])


def test_every_file_is_on_the_shelf():
    folder = Path(__file__).parents[2] / "ratecheck" / "schedulers"
    files = {p.stem for p in folder.glob("*.py") if not p.stem.startswith("_")}
    assert files == set(SCHEDULERS.names())
    names = [SCHEDULERS.get(name).name for name in files]
    assert all(SCHEDULERS.get(name).name == name for name in names)
    assert len(set(names)) == len(names)


@every_scheduler
@crowds
def test_answers_are_in_range_and_nobody_starves(name, workers):
    scheduler = SCHEDULERS.get(name)
    for d in deliveries(scheduler, workers, 300, seed=1):
        assert d.counted in (0, 1)
        assert all(-workers <= m < workers for m in d.handed)
        assert len(d.handed) <= scheduler.most(workers)
        assert 0 <= d.flying <= workers


@every_scheduler
@crowds
def test_a_round_leaves_the_workers_as_they_began(name, workers):
    """After every ``period`` counted deliveries all workers have one gradient in flight, as at the start."""
    scheduler = SCHEDULERS.get(name)
    period, rounds = scheduler.period(workers), 0
    for d in deliveries(scheduler, workers, 60 * period, seed=2):
        if d.counted and d.version % period == 0:
            rounds += 1
            assert d.flying == workers
    assert rounds > 0


@every_scheduler
@crowds
def test_strict_build_is_the_plain_kernel(name, workers):
    scheduler = SCHEDULERS.get(name)
    compiled = seal("decide", scheduler.decide, True)
    plain = list(deliveries(scheduler, workers, 100, seed=3))
    assert plain == list(deliveries(scheduler, workers, 100, seed=3, decide=compiled))


@crowds
def test_async_hands_the_deliverer_the_newest_model(workers):
    for n, d in enumerate(deliveries(SCHEDULERS.get("async"), workers, 100, seed=4), 1):
        assert (d.counted, d.version, d.handed) == (1, n, [d.worker])


@crowds
def test_barrier_takes_a_round_of_gradients_at_one_model(workers):
    played = list(deliveries(SCHEDULERS.get("barrier"), workers, 20 * workers, seed=5))
    for first in range(0, len(played), workers):
        round_ = played[first : first + workers]
        assert sorted(d.worker for d in round_) == list(range(workers))
        assert {d.stamp for d in round_} == {first}
        assert [len(d.handed) for d in round_] == [0] * (workers - 1) + [workers]


def drops_everything(state: Any, workers: Any, worker: Any, delay: Any, handed: Any) -> int:
    handed[0] = 0
    return 1


def test_a_starving_scheduler_is_caught():
    with pytest.raises(AssertionError, match="starves"):
        list(deliveries(Scheduler("x", drops_everything), 3, 10, seed=6))
