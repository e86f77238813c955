"""Ordered momentum, asynchronous mu^2-SGD, their repairs and the baselines against a plain oracle; special cases."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from ratecheck.core.method import Method
from ratecheck.core.shelf import METHODS, SCHEDULERS
from ratecheck.engine import loop
from ratecheck.engine.orders import arrival_orders
from ratecheck.engine.replay import objects, plan_of
from ratecheck.engine.schedule import from_order
from ratecheck.engine.state import allocate, begin, no_fill, no_query, parameters, switches
from tests import arrivals_oracle as oracle

ASYNC = SCHEDULERS.get("async")
NAMES = sorted(oracle.METHODS)
#: arrival orders of three workers: uniform, one that comes late, bursts, one that never comes back
ORDERS = (
    (0, 1, 2, 2, 0, 1, 1, 1, 0, 2, 0, 2),
    (0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 2, 0),
    (2, 2, 2, 1, 1, 1, 0, 0, 0, 2, 2, 1),
    (1, 2, 1, 1, 2, 2, 2, 1, 2, 1, 1, 2),
)
SPECTRUM, START = (Fraction(1, 9), Fraction(7, 10)), (Fraction(3), Fraction(-2, 7))
PAR = {"beta": Fraction(2, 7), "B": Fraction(1, 3), "threshold": Fraction(2), "batch": Fraction(2)}


def gradient(point: Any, worker: int, handout: int) -> Any:
    """Return a gradient whose curvature and shift are the hand-out's own: two samples differ at every two points."""
    own = Fraction(1, 50 + handout)
    return np.array([(a + own) * x + Fraction(worker + 1, 5 + handout) for a, x in zip(SPECTRUM, point, strict=True)])


def engine(method: Method, order: Sequence[int], rates: Sequence[Any], workers: int = 3, par: Any = None,
           of: Any = gradient, start: Sequence[Any] = START) -> list[Any]:  # fmt: skip
    """Run a method through the engine's loop on Fractions; return its vectors after each delivery."""
    schedule = from_order(ASYNC, workers, np.array(order, dtype=np.int64))
    x0 = objects(start)
    state = allocate(method, schedule, x0, parameters(method, par or PAR, exact=True), 1)

    def compute(point: Any, worker: int, sample: Any, data: Any, out: Any) -> None:
        out[:] = of(point, worker, sample[0])

    def draw(key: Any, h: int, rows: int, out: Any) -> None:
        out[0] = h

    plan = plan_of(schedule, list(rates), [Fraction(0)] * schedule.handouts, [0] * (schedule.steps + 1), exact=True)
    begin(method, state, x0)
    seen = []
    for n in range(len(order)):
        loop.run(n, n + 1, method.receive, method.query or no_query, compute, no_fill, no_fill, no_fill, draw,
                 state.server, plan, state.flight, state.stream, switches(method, 1), None, None, 0, 0)  # fmt: skip
        seen.append(state.server.x.copy())
    return seen


def rates_of(steps: int) -> list[Fraction]:
    return [Fraction(1 + n % 5, 20 + n) for n in range(steps)]


def models(name: str, order: Sequence[int], par: Any = None, **more: Any) -> list[list[Fraction]]:
    return [list(v[0]) for v in engine(METHODS.get(name), order, rates_of(len(order)), par=par, **more)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("order", ORDERS)
def test_every_method_is_the_oracle(name, order):
    right = oracle.run(name, np.array(START), gradient, rates_of(len(order)), 3, order, PAR)
    assert models(name, order) == [list(x) for x in right]


@pytest.mark.parametrize("name", NAMES)
def test_every_method_is_the_oracle_on_all_small_orders(name):
    for workers, steps in ((1, 4), (2, 5), (3, 4)):
        for order in arrival_orders(ASYNC, workers, steps, labelled=True):
            right = oracle.run(name, np.array(START), gradient, rates_of(steps), workers, order, PAR)
            assert models(name, order, workers=workers) == [list(x) for x in right], order


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_number_would_be_seen(name):
    """The control: the oracle with other numbers, or rates, is another method on these orders."""
    other = {n: v * 2 for n, v in PAR.items()} | {"B": Fraction(1, 4)}
    rates = rates_of(12) if METHODS.get(name).par else [2 * r for r in rates_of(12)]
    for order in ORDERS[:2]:
        wrong = oracle.run(name, np.array(START), gradient, rates, 3, order, other)
        assert models(name, order) != [list(x) for x in wrong]


def test_golden_vectors_of_ordered_momentum():
    """Two workers, beta = 1/2, eta = 1, x_1 = 0, gradients 1 + hand-out: (m, x) after each delivery, by hand.

    Hand-outs 0, 1 at x_1, then 2 at x_2, 3 at x_3. Order 0, 0, 1: 1 with weight 1/4, 3 at once with 1/2, 2 two late
    with 1/16.
    """

    def numbered(point: Any, worker: int, handout: int) -> Any:
        return np.array([Fraction(1 + handout)])

    par, rates, f = {"beta": Fraction(1, 2)}, [Fraction(1)] * 3, Fraction
    run = engine(METHODS.get("ordered_momentum"), (0, 0, 1), rates, 2, par, numbered, [f(0)])
    assert [(v[1][0], v[0][0]) for v in run] == [(f(1, 4), f(-1, 4)), (f(13, 8), f(-15, 8)), (f(15, 16), f(-45, 16))]
    run = engine(METHODS.get("ordered_momentum_initial_sum"), (0, 0, 1), rates, 2, par, numbered, [f(0)])
    assert [v[1][0] for v in run] == [f(1, 2), f(7, 4), f(9, 8)]
    run = engine(METHODS.get("ordered_momentum_in_order"), (1, 0, 1), rates, 2, par, numbered, [f(0)])
    assert [v[1][0] for v in run] == [0, f(1, 4), f(1, 8) + f(3, 4)], "0 waits for none, 2 for 0"


def test_golden_vectors_of_mu2_sgd():
    """One worker, f = x^2/2 without noise, eta = 1, x_1 = 1: q = 1, w = 0, x_2 = 1/3; q = 2/3, w = -2/3, x_3 = -1/6."""

    def square(point: Any, worker: int, handout: int) -> Any:
        return np.array([point[0]])

    f = Fraction
    run = engine(METHODS.get("async_mu2_sgd"), (0, 0), [f(1)] * 2, 1, {"none": 0}, square, [f(1)])
    assert [(v[0][0], v[2][0], v[3][0]) for v in run] == [(f(1, 3), 0, 1), (f(-1, 6), f(-2, 3), f(2, 3))]


# special cases


@pytest.mark.parametrize("order", ORDERS)
def test_relations_between_methods(order):
    never, one = {**PAR, "threshold": Fraction(100)}, {**PAR, "batch": Fraction(1), "beta": Fraction(0)}
    plain = models("async_sgd", order)
    assert models("delay_filtered_sgd", order, never) == plain
    assert models("ringmaster", order, never) == plain
    assert models("polyak_momentum", order, {"beta": Fraction(1)}) == plain
    still = {**PAR, "beta": Fraction(0)}
    assert models("async_minibatches", order, still) == models("rennala", order, still)
    assert models("rennala", order, one) == models("ringmaster", order, {"threshold": Fraction(1)})
    far = models("async_mu2_sgd_box", order, {"B": Fraction(10**6)})
    assert far == models("async_mu2_sgd", order)
    rates = [Fraction(1, 7)] * len(order)
    inside = engine(METHODS.get("naive_momentum"), order, [r * Fraction(2, 7) for r in rates], par={"beta": "5/7"})
    outside = engine(METHODS.get("polyak_momentum"), order, rates)
    assert [list(v[0]) for v in inside] == [list(v[0]) for v in outside]


def test_one_worker_has_no_delays():
    order = [0] * 9

    def alone(name: str) -> Any:
        return models(name, order, workers=1)

    momentum = alone("polyak_momentum")
    assert all(alone(n) == momentum for n in NAMES if n.startswith("ordered_momentum"))
    mu2 = alone("async_mu2_sgd")
    assert alone("naive_mu2_sgd") == mu2
    assert alone("async_mu2_sgd_in_order") == mu2
    assert alone("ringleader") == alone("async_sgd")


def test_the_projection_is_felt_and_keeps_w_in_the_box():
    run = engine(METHODS.get("async_mu2_sgd_box"), ORDERS[0], rates_of(12))
    gaps = [abs(w - x) for v in run for w, x in zip(v[2], START, strict=True)]
    assert max(gaps) == PAR["B"]
    assert min(gaps) < PAR["B"]


def test_in_order_nothing_moves_until_worker_0_is_back():
    for name in ("async_mu2_sgd_in_order", "ordered_momentum_in_order"):
        assert all(x == list(START) for x in models(name, ORDERS[3]))


def test_ringleader_has_the_mean_of_the_workers_objectives_for_direction():
    """Worker m's gradient is m + 1, always: whatever the order, each update moves by the mean, 2."""

    def own(point: Any, worker: int, handout: int) -> Any:
        return np.array([Fraction(worker + 1)])

    for order in ORDERS[:3]:
        run = engine(METHODS.get("ringleader"), order, [Fraction(1)] * 12, of=own, start=[Fraction(0)])
        x = [Fraction(0), *(v[0][0] for v in run)]
        steps = {b - a for a, b in pairwise(x)}
        assert steps == {0, -2}
    plain = engine(METHODS.get("async_sgd"), ORDERS[1], [Fraction(1)] * 12, of=own, start=[Fraction(0)])
    assert plain[-1][0][0] > -2 * 12, "worker 0 delivers most, and plain SGD follows it"


def test_in_means_of_samples_a_biased_second_gradient_is_seen():
    """Same sample at both points: with a shift of the sample's own, s_k has k - (k - 1) = 1 times it, not 2 k - 1."""

    def shifted(point: Any, worker: int, handout: int) -> Any:
        return np.array([Fraction(10) ** handout])

    run = engine(METHODS.get("async_mu2_sgd"), (0, 1, 1, 0), [Fraction(1)] * 4, 2, {"none": 0}, shifted, [Fraction(0)])
    assert run[-1][3][0] == 1 + 10 + 1000 + 100
