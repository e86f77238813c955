"""Schedules are made here: by a clock, by an explicit order of workers, or by a trace. One kernel makes them all."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ratecheck.core.delays import Delays
from ratecheck.core.schedule import Schedule, Weighted
from ratecheck.core.scheduler import Scheduler
from ratecheck.core.stepsize import Stepsize
from ratecheck.errors import CapabilityError, PartError

#: deliveries simulated beyond the horizon, at most, until every gradient in flight is back (output rule RL)
CLOSING = 200


class Tape(NamedTuple):
    """The arrays the schedule kernel fills; see ``core.schedule.Schedule``."""

    worker: Any
    job: Any
    stamp: Any
    counted: Any
    source: Any
    time: Any
    offset: Any
    to_worker: Any
    to_job: Any
    made_at: Any


class Desk(NamedTuple):
    """The state of the schedule kernel: a heap of tasks by (time, worker, hand-out) and who is free when."""

    due: Any  # (J,) heap: finishing times
    task: Any  # (J,) heap: hand-out numbers
    free: Any  # (M,) time at which a worker is free
    done: Any  # (M,) tasks begun by each worker
    first: Any  # (M,) oldest task in flight of each worker (-1: none), the head of a linked list
    last: Any  # (M,) newest task in flight of each worker
    after: Any  # (H,) the same worker's next task (-1: none)
    slots: Any  # (J,) stack of free job slots
    state: Any  # scheduler's memory
    handed: Any  # (J + 1,) scheduler's answer


def earlier(due: float, h: int, other_due: float, other: int, owner: Any) -> bool:
    """Order of tasks in the heap: time, then worker, then hand-out number."""
    if due != other_due:
        return bool(due < other_due)
    return bool(owner[h] < owner[other] or (owner[h] == owner[other] and h < other))


def push(due: Any, task: Any, owner: Any, size: int, time: float, h: int) -> None:
    """Add a task to the binary heap of ``size`` entries: parents move down until the task fits."""
    i = size
    while i > 0:
        parent = (i - 1) // 2
        if not earlier(time, h, due[parent], task[parent], owner):
            break
        due[i], task[i] = due[parent], task[parent]
        i = parent
    due[i], task[i] = time, h


def settle(due: Any, task: Any, owner: Any, size: int, time: float, h: int) -> None:
    """Put a task in the place of the root of the heap of ``size`` entries: smaller children move up until it fits."""
    i = 0
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        if child + 1 < size and earlier(due[child + 1], task[child + 1], due[child], task[child], owner):
            child += 1
        if not earlier(due[child], task[child], time, h, owner):
            break
        due[i], task[i] = due[child], task[child]
        i = child
    due[i], task[i] = time, h


def simulate(decide: Any, duration: Any, order: Any, means: Any, par: Any, key: Any, tape: Tape, desk: Desk) -> int:
    """Fill ``tape`` until it is full or ``order`` ends; return the number of deliveries made.

    Returns ``-n - 1`` when ``order[n]`` is a worker with nothing in flight. With a non-empty
    ``order`` (workers in order of arrival) the heap is not used: the worker's oldest task arrives. With
    an empty one, tasks take ``duration(key, worker, number, mean, par)`` each, one after the other per worker.
    """
    workers = means.shape[0]
    explicit = order.shape[0] > 0
    total = tape.worker.shape[0]
    pending = 0
    version = 0
    made = 0
    now = 0.0
    handed = desk.handed
    handed[0] = workers
    for m in range(workers):
        handed[m + 1] = m
    jobs = desk.slots.shape[0]
    spare = jobs
    for n in range(total + 1):
        hole = n > 0 and not explicit
        tape.offset[n] = made
        for i in range(handed[0]):
            m = handed[i + 1]
            spare -= 1
            tape.to_worker[made], tape.to_job[made], tape.made_at[made] = m, desk.slots[spare], version
            if explicit:
                if desk.first[m] < 0:
                    desk.first[m] = made
                else:
                    desk.after[desk.last[m]] = made
                desk.last[m] = made
            else:
                begin = max(now, desk.free[m])
                desk.free[m] = begin + duration(key, m, desk.done[m], means[m], par)
                desk.done[m] += 1
                if hole:
                    settle(desk.due, desk.task, tape.to_worker, pending, desk.free[m], made)
                    hole = False
                else:
                    push(desk.due, desk.task, tape.to_worker, pending, desk.free[m], made)
                    pending += 1
            made += 1
        tape.offset[n + 1] = made
        if hole:
            pending -= 1
            settle(desk.due, desk.task, tape.to_worker, pending, desk.due[pending], desk.task[pending])
        if n == total or (explicit and n == order.shape[0]):
            return n
        if explicit:
            h = desk.first[order[n]]
            if h < 0:
                return -n - 1
            desk.first[order[n]] = desk.after[h]
        else:
            if pending == 0:
                return n
            h, now = desk.task[0], desk.due[0]
            tape.time[n] = now
        worker = tape.to_worker[h]
        tape.worker[n], tape.job[n], tape.stamp[n], tape.source[n] = worker, tape.to_job[h], tape.made_at[h], h
        tape.counted[n] = decide(desk.state, workers, worker, version + 1 - tape.made_at[h], handed)
        version += tape.counted[n]
        desk.slots[spare] = tape.to_job[h]
        spare += 1
    return int(total)


def empty_tape(deliveries: int, handouts: int) -> Tape:
    """Return arrays for ``deliveries`` deliveries and ``handouts`` hand-outs."""
    sizes = (deliveries,) * 5 + (deliveries + 2,) + (handouts,) * 3
    ints = [np.zeros(size, dtype=np.int64) for size in sizes]
    return Tape._make((*ints[:5], np.zeros(deliveries), *ints[5:]))


def empty_desk(workers: int, jobs: int, handouts: int, memory: int) -> Desk:
    """Return the initial state of the schedule kernel."""
    none = np.full(workers, -1, dtype=np.int64)
    slots = np.arange(jobs - 1, -1, -1, dtype=np.int64)
    return Desk(
        np.zeros(jobs), np.zeros(jobs, dtype=np.int64), np.zeros(workers), np.zeros(workers, dtype=np.int64),
        none, none.copy(), np.full(handouts, -1, dtype=np.int64), slots,
        np.zeros(memory, dtype=np.int64), np.zeros(max(jobs, workers) + 1, dtype=np.int64),
    )  # fmt: skip


def _no_duration(key: Any, worker: int, number: int, mean: float, par: Any) -> float:
    return mean


def from_order(scheduler: Scheduler, workers: int, order: npt.NDArray[np.int64]) -> Schedule:
    """Return the schedule in which workers deliver in this order (plain Python; for small cases and traces).

    Raises CapabilityError when a worker is to deliver that has nothing in flight.
    """
    return _record(simulate, scheduler.decide, _no_duration, scheduler, workers, order, np.ones(workers), np.zeros(1),
                   np.uint64(0), len(order), None)  # fmt: skip


def make(
    scheduler: Scheduler,
    delays: Delays,
    par: dict[str, Any],
    workers: int,
    steps: int,
    key: np.uint64,
    *,
    close: bool = False,
) -> Schedule:
    """Return a schedule with ``steps`` counted deliveries, made by the compiled kernel.

    ``par`` are the delays' merged parameters. ``close=True`` simulates on until every gradient in flight at the
    horizon is back (needs a clock). Raises CapabilityError when the scheduler needs durations and the delays have
    none, or when gradients stay out too long to close.
    """
    from ratecheck.engine import compile as numba_side

    if scheduler.needs_durations and not delays.is_clock:
        raise CapabilityError(
            f"scheduler {scheduler.name!r} needs durations, and delays {delays.name!r} are an order of arrivals only; "
            "use a clock such as 'exponential' or 'fixed'."
        )
    none = np.zeros(0, dtype=np.int64)
    numbers, means, order = delays.numbers(par) if delays.is_clock else np.zeros(1), np.ones(workers), none
    duration = _no_duration
    if delays.is_clock:
        means, duration = delays.means(workers, par), delays.duration or _no_duration
    kernel = numba_side.schedule_kernel(scheduler.decide, duration)
    total, limit = steps, CLOSING * steps
    while True:
        if delays.order is not None:
            order = np.asarray(delays.order(workers, total, par, key), dtype=np.int64)
            if order.shape[0] < total or order.min() < 0 or order.max() >= workers:
                raise PartError(f"delays {delays.name!r} gives no order of {total} arrivals of {workers} workers.")
        found = _record(kernel, None, None, scheduler, workers, order, means, numbers, key, total, steps)
        if found.steps >= steps and (found.closed or not close):
            return found
        if total >= limit or (close and not delays.is_clock):
            raise CapabilityError(
                f"after {total} deliveries of delays {delays.name!r} some gradients in flight at step {steps} "
                "are not back: output rule RL needs them; use R1 or R0."
            )
        total = min(2 * total, limit)


def _record(kernel: Any, decide: Any, duration: Any, scheduler: Scheduler, workers: int, order: Any, means: Any,
            numbers: Any, key: Any, total: int, steps: int | None) -> Schedule:  # fmt: skip
    handouts = workers + total * (workers if scheduler.every else 1)
    tape, desk = empty_tape(total, handouts), empty_desk(workers, workers, handouts, scheduler.memory)
    functions = () if decide is None else (decide, duration)
    made = int(kernel(*functions, np.asarray(order, dtype=np.int64), means, numbers, key, tape, desk))
    if made < 0:
        raise CapabilityError(
            f"in this order worker {order[-made - 1]} delivers as number {-made} with nothing in flight."
        )
    counted = np.cumsum(tape.counted[:made])
    horizon = made if steps is None else int(np.searchsorted(counted, steps)) + 1
    used = int(tape.offset[made + 1])
    return Schedule(
        workers,
        workers,
        tape.worker[:made],
        tape.job[:made],
        tape.stamp[:made],
        tape.counted[:made],
        tape.source[:made],
        tape.offset[: made + 2],
        tape.to_worker[:used],
        tape.to_job[:used],
        tape.made_at[:used],
        min(horizon, made),
        None if len(order) else tape.time[:made],
    )


def weigh(schedule: Schedule, stepsize: Stepsize, constants: dict[str, Any], output: str) -> Weighted:
    """Put stepsizes on a schedule under an output rule: R0 arrival-weighted, R1 horizon-closed, RL literal.

    R0: the weight of x_j is the stepsize its gradient was applied with, x_0 included, gradients in flight 0.
    R1: gradients in flight of x_i (i >= 1) are closed as if all came back at K + 1; initial ones in flight get 0.
    RL (as printed in Mishchenko et al. 2022): the true final stepsize; raises CapabilityError unless all return.
    """
    if output not in ("R0", "R1", "RL"):
        raise CapabilityError(f"unknown output rule {output!r}; there are R0, R1 and RL.")
    horizon, steps, handouts = schedule.horizon, schedule.steps, schedule.handouts
    reach = len(schedule.worker) if output == "RL" else horizon
    gamma = stepsize.table(schedule.version[:reach], schedule.delay[:reach], constants)
    made_at = schedule.made_at[:handouts]
    gamma_hat = np.zeros(len(schedule.made_at))
    gamma_hat[schedule.source[:reach]] = np.where(schedule.counted[:reach] > 0, gamma, 0.0)
    if output == "RL" and not schedule.closed:
        raise CapabilityError("output rule RL needs every gradient in flight to return, and this schedule ends before.")
    if output == "R1":
        flying = np.ones(handouts, dtype=bool)
        flying[schedule.source[:horizon]] = False
        flying &= made_at > 0
        late = steps + 1 - made_at[flying]
        gamma_hat[:handouts][flying] = stepsize.table(np.full_like(late, steps + 1), late, constants)
    gamma_hat = gamma_hat[:handouts]
    weight = np.bincount(made_at, weights=gamma_hat, minlength=steps + 1).astype(np.float64)
    if output != "R0":
        weight[0] = 0.0
    return Weighted(schedule, gamma[:horizon], gamma_hat, weight)
