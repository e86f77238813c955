"""A real asynchronous parameter server on this machine: worker processes, shared memory and one lock.

Nothing is simulated: the delays are those that the operating system makes. With more workers than cores a
worker that loses its core keeps its gradient for a whole time slice while the others go on, so delays come in
bursts: the median is small and the largest one many times M.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from multiprocessing.sharedctypes import RawArray
from multiprocessing.synchronize import Barrier, Lock
from time import monotonic, perf_counter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ratecheck.core.trace import Trace
from ratecheck.errors import RatecheckError

Floats = npt.NDArray[np.float64]

#: how linear algebra libraries are told to use one thread: a worker is one core's work
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
#: smallest and largest arguments of ``record``; the largest keep a slip of the finger from filling the memory
_RANGES = {
    "workers": (1, 256),
    "steps": (1, 10**7),
    "dimension": (1, 10**5),
    "batch": (1, 10**6),
    "rows": (1, 10**6),
    "slow": (1, 10**6),
    "heavy": (0, 1),
    "heavy_cost": (1, 10**6),
    "heavy_shift": (0, 10**6),
    "seed": (0, 2**63),
    "patience": (0, 10**6),
}
#: the arguments that may be fractions
_FRACTIONS = ("heavy", "heavy_shift", "patience")
#: numbers that are kept of each noise vector, at most
_PARTS = 8
#: exit code of a worker that stops before the last step, so that no trace with a silent drop-out is returned
_GIVEN_UP = 3
#: largest number of entries of A, or of the rows of one batch, in one worker
_ENTRIES = 2 * 10**7


class Recording(NamedTuple):
    """A recorded trace, F(x_0), F(x_K) and the seconds from the common start to the last arrival."""

    trace: Trace
    initial: float
    final: float
    seconds: float


class _Job(NamedTuple):
    workers: int
    steps: int
    dimension: int
    batch: int
    rows: int
    slow: int
    seed: int
    patience: float
    heavy: float
    heavy_cost: int
    heavy_shift: float

    @property
    def heavies(self) -> int:
        """How many rows, the first ones, are heavy."""
        return round(self.heavy * self.rows)


class _Shared(NamedTuple):
    """Shared memory: x (d,), worker and time (K,) of each arrival, their number (1,), times of start (M,)."""

    x: Any
    worker: Any
    time: Any
    count: Any
    start: Any


def record(
    workers: int = 4,
    steps: int = 5000,
    *,
    dimension: int = 400,
    batch: int = 256,
    rows: int = 2000,
    slow: int = 1,
    seed: int = 0,
    patience: float = 60.0,
    heavy: float = 0,
    heavy_cost: int = 10,
    heavy_shift: float = 0,
    noise: bool = False,
) -> Recording:
    """Run asynchronous SGD on least squares in ``workers`` processes and return who delivered when.

    F(x) = ||A x - b||^2 / (2 rows), with Gaussian A (``rows`` times ``dimension``) and noisy b, both made
    from ``seed``. A worker computes a gradient on ``batch`` rows drawn with replacement, takes the lock,
    applies it with the constant stepsize 1 / (workers * largest squared row norm) (our choice), numbers the
    arrival and copies the new x, all before it lets go of the lock: versions and delays are exact. All
    workers hold x_0 before any starts. The last worker computes every gradient ``slow`` times over. ``seed``
    fixes the data and the rows each worker draws; the order of arrivals is the machine's and does not repeat.

    Work can depend on the rows: the share ``heavy`` of them has residuals ten times as large, and a batch with such a
    row is gone through ``heavy_cost`` times, as an inner iteration waits for its slowest row; ``heavy_shift`` is how
    far their own solution lies from that of the others, a coordinate. With ``noise`` the trace holds ||xi||^2 and xi
    of each gradient, beyond dimension 8 a sketch: 8 random linear functions. A replay finds them when the run is over,
    so delays are as without; it needs the order and the seed, and must end at the x_K that the processes reached.

    The default sizes make a gradient of about 100 microseconds, much longer than the locked update, as in a real
    computation; ``batch=1`` makes the fastest server and the longest bursts.

    Raises RatecheckError when an argument is no size, a worker dies, or nothing arrives for ``patience``
    seconds (start included); no process and no shared memory is left behind. A script that calls this needs
    ``if __name__ == "__main__":``, as always when multiprocessing starts processes afresh ("spawn").
    """
    job = _Job(workers, steps, dimension, batch, rows, slow, seed, patience, heavy, heavy_cost, heavy_shift)
    _check(job)
    shared = _Shared(*(RawArray(t, n) for t, n in zip("dqdqd", (dimension, steps, steps, 1, workers), strict=True)))
    _run(job, shared)
    time = np.round(np.array(shared.time) - min(shared.start), 6)
    first, last = _objective(job, np.zeros(dimension)), _objective(job, np.array(shared.x))
    trace = Trace(workers, np.array(shared.worker, dtype=np.int64), time, _words(job, first, last))
    return Recording(_with_noise(job, trace, np.array(shared.x)) if noise else trace, first, last, float(time[-1]))


def _words(job: _Job, first: float, last: float) -> str:
    slower = f", last worker {job.slow} times slower" if job.slow > 1 else ""
    heavy = f", {job.heavies} heavy rows (cost {job.heavy_cost}, shift {job.heavy_shift:g})" if job.heavy else ""
    return (
        f"recorded from {job.workers} worker processes that share memory: SGD on least squares, "
        f"{job.rows} rows, dimension {job.dimension}, batch {job.batch}{slower}{heavy}, "
        f"F(x_0) = {first:.4g}, F(x_K) = {last:.4g}; times are seconds since the common start"
    )


def _check(job: _Job) -> None:
    for name, (low, high) in _RANGES.items():
        value = getattr(job, name)
        if not isinstance(value, (int, float) if name in _FRACTIONS else int) or not low <= value <= high:
            raise RatecheckError(f"recording a trace: {name} must be a number from {low} to {high}, not {value!r}.")
    if max(job.rows, job.batch) * job.dimension > _ENTRIES:
        raise RatecheckError(
            f"recording a trace: rows x dimension and batch x dimension must be at most {_ENTRIES}; "
            f"here they are {job.rows * job.dimension} and {job.batch * job.dimension}."
        )


def _run(job: _Job, shared: _Shared) -> None:
    context = multiprocessing.get_context("spawn")
    lock, barrier = context.Lock(), context.Barrier(job.workers)
    processes: list[SpawnProcess] = []
    try:
        with _one_thread():
            for me in range(job.workers):
                process = context.Process(target=_work, args=(me, job, shared, lock, barrier), daemon=True)
                process.start()
                processes.append(process)
        _watch(processes, job, shared.count)
    except OSError as error:
        raise RatecheckError(f"recording a trace: a worker process cannot be started ({error.strerror}).") from error
    finally:
        for process in processes:
            process.kill()  # harmless once it has ended; nothing in a worker needs to be put in order
        for process in processes:
            process.join()
            process.close()


def _watch(processes: list[SpawnProcess], job: _Job, count: Any) -> None:
    """Wait until all workers ended; raise RatecheckError as soon as one dies or none delivers any more."""
    seen, since = 0, monotonic()
    alive = list(processes)
    while alive:
        wait([process.sentinel for process in alive], timeout=min(job.patience, 0.5))
        for me, process in enumerate(processes):
            if process.exitcode:
                script = '; a script must call record() under if __name__ == "__main__"'
                raise RatecheckError(
                    f"recording a trace: worker {me} died (exit code {process.exitcode}) after {count[0]} of "
                    f"{job.steps} steps{script * (process.exitcode == 1)}."
                )
        alive = [process for process in alive if process.is_alive()]
        if count[0] != seen:
            seen, since = count[0], monotonic()
        elif alive and monotonic() - since > job.patience:
            break
    if count[0] < job.steps:
        raise RatecheckError(
            f"recording a trace: no arrival for {job.patience:g} s after {count[0]} of {job.steps} steps; "
            "the machine is overloaded or a worker is stuck, so use fewer workers or more patience."
        )


def _work(me: int, job: _Job, shared: _Shared, lock: Lock, barrier: Barrier) -> None:
    """Be worker ``me``: the loop of one process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # on Ctrl-C the parent stops us
    parent = multiprocessing.parent_process()
    a, b, gamma = _data(job)
    draw = np.random.default_rng([job.seed, 1 + me])
    x = np.frombuffer(shared.x)
    mine = x.copy()  # x_0, before anybody may change it
    repeats = job.slow if me == job.workers - 1 else 1
    try:
        barrier.wait(job.patience)
    except threading.BrokenBarrierError:
        raise SystemExit(_GIVEN_UP) from None  # somebody is missing
    shared.start[me] = perf_counter()
    while True:
        sample = draw.integers(job.rows, size=job.batch)
        cost = job.heavy_cost if sample.min() < job.heavies else 1
        for _ in range(repeats * cost):
            chosen = a[sample]
            step = (chosen @ mine - b[sample]) @ chosen
        step *= gamma / job.batch
        if not lock.acquire(timeout=job.patience):
            raise SystemExit(_GIVEN_UP)  # the holder is gone, and maybe the parent too: do not wait for ever
        try:
            k = shared.count[0]
            if k == job.steps:
                return
            if k % 1000 == 0 and parent is not None and not parent.is_alive():
                raise SystemExit(_GIVEN_UP)
            x -= step
            mine[:] = x
            shared.worker[k] = me
            shared.time[k] = perf_counter()
            shared.count[0] = k + 1
        finally:
            lock.release()


def _data(job: _Job) -> tuple[Floats, Floats, float]:
    """Return A (rows, d), its rows of mean squared norm 1, b (rows,) and the stepsize: the same in every process."""
    draw = np.random.default_rng([job.seed, 0])
    a = draw.standard_normal((job.rows, job.dimension)) / np.sqrt(job.dimension)
    truth = draw.standard_normal(job.dimension)
    error = draw.standard_normal(job.rows) / 10
    n = job.heavies
    error[:n] = 10 * error[:n] + job.heavy_shift * a[:n] @ draw.standard_normal(job.dimension)
    return a, a @ truth + error, float(1 / (job.workers * np.square(a).sum(axis=1).max()))


def _with_noise(job: _Job, trace: Trace, end: Floats) -> Trace:
    """Return the trace with the noise of each gradient, found by running SGD again in the order of arrivals."""
    a, b, gamma = _data(job)
    small = job.dimension <= job.rows  # then A^T A is no larger than A
    square, right = (a.T @ a if small else a), a.T @ b
    parts = min(job.dimension, _PARTS)
    sketch = np.random.default_rng([job.seed, 0, 1]).standard_normal((parts, job.dimension)) / np.sqrt(parts)
    sketch = np.eye(parts) if parts == job.dimension else sketch
    draws = [np.random.default_rng([job.seed, 1 + m]) for m in range(job.workers)]
    x, noise_sq, noise = np.zeros(job.dimension), np.zeros(trace.steps), np.zeros((trace.steps, parts))
    held = [x] * job.workers
    for k, m in enumerate(trace.worker.tolist()):
        chosen, at = a[sample := draws[m].integers(job.rows, size=job.batch)], held[m]
        gradient = (chosen @ at - b[sample]) @ chosen / job.batch
        xi = gradient - ((square @ at if small else square.T @ (square @ at)) - right) / job.rows
        noise_sq[k], noise[k] = xi @ xi, sketch @ xi
        x = held[m] = x - gamma * gradient
    if not np.allclose(x, end, rtol=1e-6, atol=1e-9):  # only roundings differ
        raise RatecheckError("recording a trace: the run cannot be repeated from its order; record again.")
    short = np.vectorize(lambda v: float(f"{v:.7g}"), otypes=[np.float64])  # digits for a file
    return replace(trace, noise_sq=short(noise_sq), noise=short(noise))


def _objective(job: _Job, x: Floats) -> float:
    a, b, _ = _data(job)
    return float(np.square(a @ x - b).mean() / 2)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let processes that start in this block use one thread for linear algebra each."""
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
