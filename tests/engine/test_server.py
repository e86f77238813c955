"""The real parameter server: it records a schedule, SGD really runs, and nothing hangs or is left behind."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from typing import Any

import numpy as np
import pytest

from ratecheck.checks.statistics.mixed_moment import diagnose
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


def noises(order: list[int], workers: int, seed: int, d: int) -> Any:
    """Return g - mean gradient (K, d) of every gradient of a run with heavy rows, replayed row by row."""
    draw = np.random.default_rng([seed, 0])
    a = draw.standard_normal((200, d)) / np.sqrt(d)
    truth, error = draw.standard_normal(d), draw.standard_normal(200) / 10
    own = truth + 2 * draw.standard_normal(d)  # the solution of the 20 heavy rows
    b = np.array([a[i] @ (own if i < 20 else truth) + error[i] * (10 if i < 20 else 1) for i in range(200)])
    gamma = 1 / (workers * (a * a).sum(axis=1).max())
    draws = [np.random.default_rng([seed, 1 + m]) for m in range(workers)]
    handed, found, x = [np.zeros(d)] * workers, [], np.zeros(d)
    for m in order:
        rows, at = draws[m].integers(200, size=4), handed[m]
        each = np.array([a[i] * (a[i] @ at - b[i]) for i in range(200)])
        found.append(each[rows].mean(axis=0) - each.mean(axis=0))
        x = x - gamma * each[rows].mean(axis=0)
        handed[m] = x
    return np.array(found)


HEAVY: dict[str, Any] = {"heavy": 0.1, "heavy_cost": 20, "heavy_shift": 2.0, "noise": True}


@pytest.mark.parametrize("d", [6, 20])
def test_the_noise_is_that_of_the_run(d: int) -> None:
    """||xi||^2 and xi of every gradient, or a sketch that keeps its length on average, against a replay row by row."""
    trace = record(workers=3, steps=200, seed=7, **{**SMALL, "dimension": d}, **HEAVY).trace
    order = trace.worker.tolist()
    xi = noises(order, 3, 7, d)
    assert trace.noise_sq is not None
    assert trace.noise is not None
    same = pytest.approx(np.square(xi).sum(axis=1), rel=1e-6)  # files hold 7 digits
    assert trace.noise_sq.tolist() == same
    assert np.square(noises([(m + 1) % 3 for m in order], 3, 7, d)).sum(axis=1).tolist() != same
    if d <= 8:
        assert trace.noise == pytest.approx(xi, rel=1e-6, abs=1e-9)
        return
    assert trace.noise.shape == (200, 8)
    sketch = np.linalg.lstsq(xi, trace.noise, rcond=None)[0]
    assert xi @ sketch == pytest.approx(trace.noise, rel=1e-4, abs=1e-5)  # linear in xi
    # 160 squares of mean 1/8: their sum / 20 is chi^2_160 / 160, beyond these with probability < 1e-6
    assert 0.5 < np.square(sketch).sum() / d < 1.7


def test_without_heavy_rows_nothing_is_told() -> None:
    trace = record(workers=2, steps=50, **SMALL).trace
    assert trace.noise is trace.noise_sq is trace.duration is None
    assert "heavy" not in trace.source


@pytest.mark.slow
def test_heavy_rows_make_delays_that_look_at_the_noise() -> None:
    """A heavy batch takes 5000 passes, milliseconds, in which the others deliver many light ones."""
    sizes = {"dimension": 4, "batch": 1, "heavy": 0.03, "heavy_cost": 5000, "noise": True}
    trace = record(workers=3, steps=1500, **sizes).trace  # type: ignore[arg-type]
    found = diagnose(trace)
    assert found["tests"]["delay"]["measured"] > 0
    assert found["policy"] != "independent"
    same = diagnose(record(workers=3, steps=1500, **{**sizes, "heavy_cost": 1}).trace, level=1e-3)  # type: ignore[arg-type]
    assert same["tests"]["delay"]["measured"] < found["tests"]["delay"]["measured"]


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
        ({"heavy": 1.5}, "heavy must be a number from 0 to 1, not 1.5"),
        ({"heavy_cost": 0.5}, "heavy_cost must be a number from 1"),
        ({"heavy_shift": float("inf")}, "heavy_shift must be a number from 0"),
    ],
)
def test_bad_arguments(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(RatecheckError, match=message):
        record(**wrong)
