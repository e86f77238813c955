"""The real parameter server: it records a schedule, SGD really runs, and nothing hangs or is left behind."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from typing import Any

import numpy as np
import pytest

from ratecheck.errors import RatecheckError
from ratecheck.server import record

SMALL: dict[str, Any] = {"dimension": 10, "batch": 4, "rows": 200}


def test_records_a_real_run() -> None:
    found = record(workers=3, steps=300, **SMALL)
    trace = found.trace
    assert (trace.workers, trace.steps) == (3, 300)
    assert trace.time is not None
    assert trace.time[0] >= 0  # that times do not go backwards is checked by Trace itself
    assert found.seconds == trace.time[-1]
    assert trace.mean_delay <= 3
    # the stepsize is about 0.12 and the smallest eigenvalues about 1/15, so 300 steps shrink the error about
    # e^2 times or more; half is claimed, as nobody controls the order of a real run
    assert 0 < found.final < found.initial / 2
    assert not multiprocessing.active_children()


def replayed(order: list[int], workers: int, seed: int, fresh: bool = False) -> float:
    """Return F(x_K) of the SMALL problem, replaying an order in plain NumPy; ``fresh`` forgets the delays."""
    draw = np.random.default_rng([seed, 0])
    a = draw.standard_normal((200, 10)) / np.sqrt(10)
    b = a @ draw.standard_normal(10) + draw.standard_normal(200) / 10
    gamma = 1 / (workers * (a * a).sum(axis=1).max())
    draws = [np.random.default_rng([seed, 1 + m]) for m in range(workers)]
    x = np.zeros(10)
    handed = [x] * workers
    for m in order:
        rows, at = draws[m].integers(200, size=4), x if fresh else handed[m]
        x = x - gamma * sum(a[i] * (a[i] @ at - b[i]) for i in rows) / 4
        handed[m] = x
    return float(np.square(a @ x - b).mean() / 2)


def test_the_recorded_order_is_what_happened() -> None:
    """The order and the seed alone give back the F(x_K) that the processes reached, delays included."""
    found = record(workers=3, steps=300, seed=7, **SMALL)
    order = found.trace.worker.tolist()
    # only the order of summation differs, so 1e-9 is far above rounding; the lies below are far above 1e-9
    same = pytest.approx(found.final, rel=1e-9)
    assert replayed(order, 3, 7) == same
    assert replayed([(m + 1) % 3 for m in order], 3, 7) != same  # wrong workers
    assert found.trace.max_delay == 1 or replayed(order, 3, 7, fresh=True) != same  # no delays
    assert found.initial == pytest.approx(replayed([], 3, 7), rel=1e-9)


def test_a_dead_worker_is_an_error_and_not_a_hang() -> None:
    caught: list[Exception] = []

    def attempt() -> None:
        try:
            record(workers=2, steps=10**6, **{**SMALL, "batch": 10**4})
        except RatecheckError as error:
            caught.append(error)

    thread = threading.Thread(target=attempt)
    thread.start()
    while thread.is_alive() and len(multiprocessing.active_children()) < 2:
        time.sleep(0.01)
    multiprocessing.active_children()[0].kill()
    thread.join(60)  # seconds; all the steps would take minutes
    assert not thread.is_alive()
    assert len(caught) == 1
    assert "died (exit code -9)" in str(caught[0]) or os.name == "nt"
    assert not multiprocessing.active_children()


def test_silence_is_an_error() -> None:
    with pytest.raises(RatecheckError, match=r"no arrival for 0\.001 s after 0 of 300 steps"):
        record(workers=2, steps=300, patience=0.001, **SMALL)  # a process needs longer than that to start
    assert not multiprocessing.active_children()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"workers": 0}, "workers must be a number from 1 to 256, not 0"),
        ({"steps": 10**9}, "steps must be a number from 1"),
        ({"slow": 2.5}, "slow must be a number from 1"),
        ({"seed": -1}, "seed must be a number from 0"),
        ({"patience": float("nan")}, "patience must be a number"),
        ({"rows": 10**6}, "rows x dimension"),
    ],
)
def test_bad_arguments(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(RatecheckError, match=message):
        record(**wrong)
