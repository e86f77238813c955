"""Enumeration of arrival orders: how many there are, that none is missing, and when workers may lose their names."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

from ratecheck.core.method import Method
from ratecheck.core.scheduler import Scheduler
from ratecheck.core.shelf import METHODS, SCHEDULERS
from ratecheck.engine.orders import arrival_orders
from ratecheck.engine.schedule import from_order
from ratecheck.errors import CapabilityError

ASYNC, BARRIER = SCHEDULERS.get("async"), SCHEDULERS.get("barrier")
Order = tuple[int, ...]


def orders(scheduler: Scheduler, workers: int, steps: int, labelled: bool) -> list[Order]:
    return list(arrival_orders(scheduler, workers, steps, labelled=labelled))


def partitions(steps: int, blocks: int) -> int:
    """Return S(K, j), the ways to split K steps among j nameless workers that all arrive (recurrence of Stirling)."""
    if steps == 0 or blocks == 0:
        return int(steps == blocks)
    return blocks * partitions(steps - 1, blocks) + partitions(steps - 1, blocks - 1)


ASYNC_CASES = [(1, 1), (1, 6), (2, 1), (2, 7), (3, 5), (4, 4), (4, 6), (6, 4)]


@pytest.mark.parametrize(("workers", "steps"), ASYNC_CASES)
def test_asynchronous_orders_are_all_words(workers, steps):
    found = orders(ASYNC, workers, steps, True)
    assert len(found) == workers**steps
    assert set(found) == set(itertools.product(range(workers), repeat=steps))


@pytest.mark.parametrize(("workers", "steps"), ASYNC_CASES)
def test_nameless_asynchronous_orders_are_restricted_growth_strings(workers, steps):
    found = orders(ASYNC, workers, steps, False)
    assert len(found) == sum(partitions(steps, j) for j in range(1, workers + 1))
    assert len(set(found)) == len(found)
    for order in found:
        assert all(m <= max(order[:i], default=-1) + 1 for i, m in enumerate(order))


@pytest.mark.parametrize(("workers", "rounds"), [(1, 4), (2, 3), (3, 2), (4, 1)])
def test_barrier_orders_are_permutations_round_by_round(workers, rounds):
    found = orders(BARRIER, workers, workers * rounds, True)
    assert len(set(found)) == len(found) == math.factorial(workers) ** rounds
    every = set(itertools.permutations(range(workers)))
    for order in found:
        assert all(order[i : i + workers] in every for i in range(0, len(order), workers))
    assert orders(BARRIER, workers, workers * rounds, False) == [tuple(range(workers)) * rounds]


@pytest.mark.parametrize(("workers", "steps"), [(2, 3), (3, 4)])
def test_barrier_orders_may_end_within_a_round(workers, steps):
    whole, rest = divmod(steps, workers)
    expected = math.factorial(workers) ** whole * math.perm(workers, rest)
    assert len(orders(BARRIER, workers, steps, True)) == expected


def delays_and_slots(scheduler: Scheduler, workers: int, order: Order) -> tuple[list[int], list[int]]:
    """Return what a method that does not see workers can tell an order by: delays, and which hand-out arrives."""
    schedule = from_order(scheduler, workers, np.array(order))
    return schedule.delay.tolist(), schedule.made_at[schedule.source].tolist()


@pytest.mark.parametrize(
    ("scheduler", "workers", "steps"),
    [(ASYNC, 2, 5), (ASYNC, 3, 5), (ASYNC, 4, 5), (ASYNC, 5, 4), (BARRIER, 2, 6), (BARRIER, 3, 6)],
)
def test_representatives_stand_for_all_orders(scheduler, workers, steps):
    """Relabelling the workers (anew in every round of a barrier) turns the representatives into all orders.

    An order and its representative have the same delays and apply gradients of the same versions.
    """
    labelled = set(orders(scheduler, workers, steps, True))
    reached: set[Order] = set()
    period = scheduler.period(workers) if scheduler.every else steps
    for order in orders(scheduler, workers, steps, False):
        signature = delays_and_slots(scheduler, workers, order)
        for names in itertools.product(itertools.permutations(range(workers)), repeat=steps // period):
            other = tuple(names[i // period][m] for i, m in enumerate(order))
            assert delays_and_slots(scheduler, workers, other) == signature
            reached.add(other)
    assert reached == labelled


@pytest.mark.parametrize(("scheduler", "workers", "steps"), [(ASYNC, 3, 4), (BARRIER, 3, 5), (BARRIER, 2, 4)])
def test_every_order_is_a_schedule_and_no_other_is(scheduler, workers, steps):
    """The schedule kernel takes exactly the enumerated orders; it was written without them."""
    found = set(orders(scheduler, workers, steps, True))
    for order in itertools.product(range(workers), repeat=steps):
        try:
            made = from_order(scheduler, workers, np.array(order))
        except CapabilityError:
            assert order not in found
        else:
            assert order in found
            assert made.worker.tolist() == list(order)


def twice(state: Any, workers: Any, worker: Any, delay: Any, handed: Any) -> int:
    """Count every other delivery only: the state is part of the enumeration and must not leak between branches."""
    state[0] += 1
    handed[0], handed[1] = 1, worker
    return int(state[0] % 2 == 0)


def test_a_scheduler_with_memory_is_enumerated_branch_by_branch():
    scheduler = Scheduler("twice", twice)
    assert len(orders(scheduler, 2, 5, True)) == 2**5
    nameless = orders(scheduler, 2, 3, False)
    assert (0, 0, 1) in nameless
    # after the uncounted first delivery worker 0 is handed x_0 again: both workers hold x_0 and are alike
    assert nameless == [(0, 0, 0), (0, 0, 1)]


# which methods see workers


def by_attribute(server: Any, a: Any) -> None:
    if a.worker == 0:
        server.x[0][0] -= a.gamma * a.grad[0][0]


def helper(a: Any) -> int:
    return int(a.worker)


def by_helper(server: Any, a: Any) -> None:
    if helper(a) == 0:
        server.x[0][0] -= a.gamma * a.grad[0][0]


def by_index(server: Any, a: Any) -> None:
    if a[0] == 0:
        server.x[0][0] -= a.gamma * a.grad[0][0]


def by_unpacking(server: Any, a: Any) -> None:
    worker, _, gamma, _, grad = a
    if worker == 0:
        server.x[0][0] -= gamma * grad[0][0]


def blind(server: Any, a: Any) -> None:
    for i in range(server.x.shape[1]):
        server.x[0][i] -= a.gamma * a.grad[0][i] / server.workers


def query_blind(server: Any, worker: Any, gamma: Any, out: Any) -> None:
    for i in range(out.shape[1]):
        out[0, i] = server.x[0, i]


def query_by_worker(server: Any, worker: Any, gamma: Any, out: Any) -> None:
    for i in range(out.shape[1]):
        out[0, i] = server.x[0, i] * worker


@pytest.mark.parametrize("receive", [by_attribute, by_helper, by_index, by_unpacking])
def test_a_method_that_can_see_workers_is_known(receive):
    """Else its orders would be counted up to names, and the ones on which it is wrong left out."""
    assert Method("m", receive).sees_workers


def test_a_method_that_cannot_see_workers_is_known():
    assert not Method("m", blind).sees_workers
    assert not Method("m", blind, query=query_blind).sees_workers
    assert Method("m", blind, query=query_by_worker).sees_workers
    assert Method("m", blind, mine=("own",)).sees_workers
    assert Method("m", blind, tally=("seen",)).sees_workers
    assert not METHODS.get("async_sgd").sees_workers
    assert not METHODS.get("minibatch_sgd").sees_workers
