"""Schedules are made here: by a clock, by an explicit order of workers, or by a trace. One kernel makes them all."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ratecheck.core.delays import Delays
from ratecheck.core.schedule import Ints, Schedule, Weighted
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
    """The state of the schedule kernel: a winner tree of workers by (time, worker), and each worker's tasks in order."""

    tree: Any  # (2 P,) winner tree over P >= M leaves, P a power of two: tree[1] is the next worker to deliver
    ready: Any  # (P,) time at which a worker's oldest task is done (inf: it has none)
    due: Any  # (J,) time at which the task in a slot is done
    free: Any  # (M,) time at which a worker has done all its tasks
    ahead: Any  # (M,) duration of each worker's next task
    done: Any  # (M,) tasks begun by each worker
    first: Any  # (M,) oldest task in flight of each worker (-1: none), the head of a linked list
    last: Any  # (M,) newest task in flight of each worker
    after: Any  # (H,) the same worker's next task (-1: none)
    slots: Any  # (J,) stack of free job slots
    state: Any  # scheduler's memory
    handed: Any  # (J + 1,) scheduler's answer


def renew(tree: Any, ready: Any, worker: int) -> None:
    """Play the matches of ``worker`` again, from its leaf to the root: the earlier time wins, then the lower number.

    Only one of the two players of each match is new, so there is no branch to mispredict, only a choice.
    """
    winner, time = worker, ready[worker]
    node = tree.shape[0] // 2 + worker
    while node > 1:
        other = tree[node ^ 1]
        wins = (ready[other] < time) | ((ready[other] == time) & (other < winner))
        winner = other if wins else winner
        time = ready[other] if wins else time
        node = node // 2
        tree[node] = winner


def simulate(decide: Any, duration: Any, order: Any, means: Any, par: Any, key: Any, tape: Tape, desk: Desk) -> int:
    """Fill ``tape`` until it is full or ``order`` ends; return the number of deliveries made.

    With a non-empty ``order`` (workers in order of arrival) there are no times: the worker's oldest task arrives;
    ``-n - 1`` is returned when ``order[n]`` has nothing in flight. With an empty one, tasks take
    ``duration(key, worker, number, mean, par)`` each, one after the other per worker.
    """
    workers = means.shape[0]
    explicit = order.shape[0] > 0
    total = tape.worker.shape[0]
    version, made, now = 0, 0, 0.0
    spare = desk.slots.shape[0]
    stale = -1  # the worker that delivered last: its matches are played when it is known whether it has a new task
    desk.handed[0] = workers
    for m in range(workers):
        desk.handed[m + 1] = m
        desk.ahead[m] = duration(key, m, 0, means[m], par)
    for n in range(total + 1):
        tape.offset[n] = made
        for i in range(desk.handed[0]):
            m = desk.handed[i + 1]
            spare -= 1
            slot = desk.slots[spare]
            tape.to_worker[made], tape.to_job[made], tape.made_at[made] = m, slot, version
            if not explicit:
                desk.free[m] = max(now, desk.free[m]) + desk.ahead[m]
                desk.due[slot] = desk.free[m]
                # the next duration is drawn now, so that the processor does it while the matches are played
                desk.done[m] += 1
                desk.ahead[m] = duration(key, m, desk.done[m], means[m], par)
            desk.after[made] = -1
            if desk.first[m] < 0:
                desk.first[m] = made
                desk.ready[m] = desk.due[slot]
                if m != stale and not explicit:
                    renew(desk.tree, desk.ready, m)
            else:
                desk.after[desk.last[m]] = made
            desk.last[m] = made
            made += 1
        tape.offset[n + 1] = made
        if stale >= 0 and not explicit:
            renew(desk.tree, desk.ready, stale)
        if n == total or (explicit and n == order.shape[0]):
            return n
        worker = order[n] if explicit else desk.tree[1]
        if worker >= workers or desk.first[worker] < 0:
            return -n - 1 if explicit else n
        h = desk.first[worker]
        if not explicit:
            now = desk.ready[worker]
            tape.time[n] = now
        follower = desk.after[h]
        desk.first[worker] = follower
        desk.ready[worker] = desk.due[tape.to_job[follower]] if follower >= 0 else np.inf
        stale = worker
        tape.worker[n], tape.job[n], tape.stamp[n], tape.source[n] = worker, tape.to_job[h], tape.made_at[h], h
        tape.counted[n] = decide(desk.state, workers, worker, version + 1 - tape.made_at[h], desk.handed)
        version += tape.counted[n]
        desk.slots[spare] = tape.to_job[h]
        spare += 1
    return int(total)


def empty_tape(deliveries: int, handouts: int) -> Tape:
    """Return arrays for ``deliveries`` deliveries and ``handouts`` hand-outs."""
    sizes = (deliveries,) * 5 + (deliveries + 2,) + (handouts,) * 3
    ints = [np.empty(size, dtype=np.int64) for size in sizes]
    return Tape._make((*ints[:5], np.empty(deliveries), *ints[5:]))


def empty_desk(workers: int, jobs: int, handouts: int, memory: int) -> Desk:
    """Return the initial state of the schedule kernel."""
    leaves = 1 << (workers - 1).bit_length()
    tree = np.arange(-leaves, leaves, dtype=np.int64)
    for node in range(leaves - 1, 0, -1):
        tree[node] = tree[2 * node]

    def whole(size: int, value: int = 0) -> Ints:
        return np.full(size, value, dtype=np.int64)

    slots = np.arange(jobs - 1, -1, -1, dtype=np.int64)
    handed = whole(max(jobs, workers) + 1)
    return Desk(tree, np.full(leaves, np.inf), np.zeros(jobs), np.zeros(workers), np.zeros(workers),
                whole(workers), whole(workers, -1),
                whole(workers, -1), np.empty(handouts, dtype=np.int64), slots, whole(memory), handed)  # fmt: skip


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
