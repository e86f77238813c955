"""The schedule kernel: who delivers when and who is handed work, by a clock, an explicit order or a rule that looks."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ratecheck.core.schedule import Floats, Ints


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
    until: Any


class Look(NamedTuple):
    """What delays see of the samples: factors on durations, or the noise that a rule is shown and its numbers."""

    stretch: Floats = np.zeros(0)
    noise: Floats = np.zeros((0, 1))
    memory: Floats = np.zeros(1)


class Desk(NamedTuple):
    """The state of the schedule kernel: a winner tree of workers by (time, worker), and their tasks in order."""

    tree: Any  # (2 P,) winner tree over P >= M leaves, P a power of two: tree[1] is the next worker to deliver
    ready: Any  # (P,) time at which a worker's oldest task is done (inf: it has none)
    due: Any  # (J,) time at which the task in a slot is done
    free: Any  # (M,) time at which a worker has done all its tasks
    ahead: Any  # (M,) duration of each worker's next task
    done: Any  # (M,) tasks begun by each worker
    first: Any  # (M,) oldest task in flight of each worker (-1: none), the head of a linked list
    last: Any  # (M,) newest task in flight of each worker
    after: Any  # (H,) the same worker's next task (-1: none)
    stretch: Any  # (H,) factor on the duration of each hand-out; empty: 1
    noise: Any  # (H, d) noise of each hand-out, for a rule that looks; no rows: there is none
    flying: Any  # (M, d) noise of each worker's oldest task in flight (nan: it has none)
    memory: Any  # (s,) the rule's own numbers
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


def show(desk: Any, stale: int) -> None:
    """Write the noise of the oldest tasks in flight where a rule sees it, of those workers whose task is a new one."""
    for i in range(-1, desk.handed[0]):
        m = stale if i < 0 else max(desk.handed[i + 1], -desk.handed[i + 1] - 1)
        if m >= 0:
            h = desk.first[m]
            for j in range(desk.noise.shape[1]):
                desk.flying[m, j] = desk.noise[h, j] if h >= 0 else np.nan


def simulate(decide: Any, duration: Any, pick: Any, order: Any, means: Any, par: Any, key: Any, tape: Tape, desk: Desk
             ) -> int:  # fmt: skip
    """Fill ``tape`` until it is full or ``order`` ends; return the number of deliveries made.

    With a non-empty ``order`` (workers in order of arrival) there are no times: the worker's oldest task arrives;
    ``-n - 1`` is returned when ``order[n]`` has nothing in flight. Where ``desk.noise`` has rows likewise: there the
    worker is ``pick(desk.flying, desk.memory, par)``. Else tasks take ``duration(key, worker, number, mean, par)``
    each, times ``desk.stretch``, one after the other per worker. ``-N - 2`` for N = the tape's length is returned when
    ``decide`` hands out to nobody there is, more than the slots hold, or stops work where ``tape.until`` has no room.
    """
    workers, stops = means.shape[0], tape.until.shape[0] > 0
    explicit, picks = order.shape[0] > 0, desk.noise.shape[0] > 0
    timed = not (explicit or picks)
    total = tape.worker.shape[0]
    fault = int(-total - 2)
    version, made, now = 0, 0, 0.0
    spare = desk.slots.shape[0]
    stale = -1  # the worker that delivered last: its matches are played when it is known whether it has a new task
    desk.handed[0] = workers
    for m in range(workers):
        desk.handed[m + 1] = m
        desk.ahead[m] = duration(key, m, 0, means[m], par)
    for n in range(total + 1):
        tape.offset[n] = made
        if not 0 <= desk.handed[0] <= min(desk.handed.shape[0] - 1, tape.to_worker.shape[0] - made):
            return fault
        for i in range(desk.handed[0]):
            m = desk.handed[i + 1]
            if m < -workers * stops or m >= workers:
                return fault
            if m < 0:  # all that the worker has is dropped
                m = -m - 1
                while desk.first[m] >= 0:
                    tape.until[desk.first[m]] = n
                    desk.slots[spare] = tape.to_job[desk.first[m]]
                    spare += 1
                    desk.first[m] = desk.after[desk.first[m]]
                desk.free[m] = now
            if spare == 0:
                return fault
            spare -= 1
            slot = desk.slots[spare]
            tape.to_worker[made], tape.to_job[made], tape.made_at[made] = m, slot, version
            if stops:
                tape.until[made] = -1
            if timed:
                length = desk.ahead[m]
                if desk.stretch.shape[0] > 0:
                    length *= desk.stretch[made]
                desk.free[m] = max(now, desk.free[m]) + length
                desk.due[slot] = desk.free[m]
                # the next duration is drawn now, so that the processor does it while the matches are played
                desk.done[m] += 1
                desk.ahead[m] = duration(key, m, desk.done[m], means[m], par)
            desk.after[made] = -1
            if desk.first[m] < 0:
                desk.first[m] = made
                desk.ready[m] = desk.due[slot]
                if m != stale and timed:
                    renew(desk.tree, desk.ready, m)
            else:
                desk.after[desk.last[m]] = made
            desk.last[m] = made
            made += 1
        tape.offset[n + 1] = made
        if stale >= 0 and timed:
            renew(desk.tree, desk.ready, stale)
        if n == total or (explicit and n == order.shape[0]):
            return n
        worker = desk.tree[1]
        if explicit:
            worker = order[n]
        elif picks:
            show(desk, stale)
            worker = pick(desk.flying, desk.memory, par)
        if worker < 0 or worker >= workers or desk.first[worker] < 0:
            return n if timed else -n - 1
        h = desk.first[worker]
        if timed:
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


def empty_tape(deliveries: int, handouts: int, *, stops: bool = False) -> Tape:
    """Return arrays for ``deliveries`` deliveries and ``handouts`` hand-outs, which a scheduler may stop or not."""
    sizes = (deliveries,) * 5 + (deliveries + 2,) + (handouts,) * 3 + (handouts * stops,)
    ints = [np.empty(size, dtype=np.int64) for size in sizes]
    return Tape._make((*ints[:5], np.empty(deliveries), *ints[5:]))


def empty_desk(workers: int, jobs: int, handouts: int, state: Ints, look: Look) -> Desk:
    """Return the initial state of the schedule kernel; ``state`` is the scheduler's own, ``look`` what delays see."""
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
                whole(workers, -1), np.empty(handouts, dtype=np.int64), look.stretch, look.noise,
                np.full((workers, look.noise.shape[1]), np.nan), look.memory, slots, state, handed)  # fmt: skip
