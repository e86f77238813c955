"""The momentum methods of Shi, Yang & Li (2024) against a plain oracle, their golden vectors and degenerate cases."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import sympy as sp

from ratecheck.core.method import Method
from ratecheck.core.shelf import METHODS, SCHEDULERS, STEPSIZES
from ratecheck.engine import loop
from ratecheck.engine.replay import objects, plan_of
from ratecheck.engine.schedule import from_order
from ratecheck.engine.state import allocate, begin, no_fill, no_query, parameters, switches
from tests import momentum_oracle as oracle

MOMENTUM = sorted(oracle.METHODS)
ASYNC, BARRIER = SCHEDULERS.get("async"), SCHEDULERS.get("barrier")
#: three arrival orders of three workers: uniform, one that never returns in time, bursts
ORDERS = (
    (0, 1, 2, 2, 0, 1, 1, 1, 0, 2, 0, 2),
    (0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 2, 0),
    (2, 2, 2, 1, 1, 1, 0, 0, 0, 2, 2, 1),
)
ROUNDS = ((0, 1, 2, 2, 0, 1, 1, 2, 0, 0, 1, 2), (2, 1, 0, 2, 1, 0, 0, 1, 2, 2, 0, 1))
#: curvatures of a quadratic, and its start
SPECTRUM, START = (Fraction(1, 9), Fraction(7, 10)), (Fraction(3), Fraction(-2, 7))


def pushed(worker: int, handout: int) -> Fraction:
    """Return what is added to a gradient, so that no two are alike."""
    return Fraction(worker + 1, 5 + handout)


def quadratic(w: Any, worker: int, version: int, handout: int) -> Any:
    return np.array([a * x + pushed(worker, handout) for a, x in zip(SPECTRUM, w, strict=True)])


def engine(method: Method, scheduler: Any, workers: int, order: Sequence[int], rates: Sequence[Any], beta: Any,
           gradient: oracle.Gradient = quadratic, start: Sequence[Any] = START) -> list[Any]:  # fmt: skip
    """Run the shelf's method through the engine's loop on Fractions; return all its vectors after each arrival."""
    schedule = from_order(scheduler, workers, np.array(order, dtype=np.int64))
    x0 = objects(start)
    state = allocate(method, schedule, x0, parameters(method, {"beta": beta}, exact=True), 1)
    hat = [Fraction(0)] * schedule.handouts
    for n, rate in enumerate(rates):
        hat[int(schedule.source[n])] = rate

    def compute(point: Any, worker: int, sample: Any, data: Any, out: Any) -> None:
        h = sample[0]
        out[:] = gradient(point, worker, int(schedule.made_at[h]), h)

    def draw(key: Any, h: int, rows: int, out: Any) -> None:
        out[0] = h

    plan = plan_of(schedule, list(rates), hat, [0] * (schedule.steps + 1), exact=True)
    begin(method, state, x0)
    seen = []
    for n in range(len(order)):
        loop.run(n, n + 1, method.receive, method.query or no_query, compute, no_fill, no_fill, no_fill, draw,
                 state.server, plan, state.flight, state.stream, switches(method, 1), None, None, 0, 0)  # fmt: skip
        seen.append(state.server.x.copy())
    return seen


def rates_of(name: str, steps: int) -> list[Fraction]:
    """Return rates: a constant one for SMEGA2, whose published form has the rate outside, else all different."""
    return [Fraction(2, 11) if name == "smega2" else Fraction(1 + n % 5, 20 + n) for n in range(steps)]


def compared(name: str, scheduler: Any, orders: Sequence[Sequence[int]], beta: Any) -> None:
    for order in orders:
        rates = rates_of(name, len(order))
        found = engine(METHODS.get(name), scheduler, 3, order, rates, beta)
        right = oracle.run(name, np.array(START), quadratic, rates, 3, order, beta, barrier=scheduler is BARRIER)
        for vectors, (w, u) in zip(found, right, strict=True):
            assert list(vectors[0]) == list(w)
            if "u" in METHODS.get(name).slots:
                assert list(vectors[METHODS.get(name).slots.index("u")]) == list(u)


@pytest.mark.parametrize("name", MOMENTUM)
@pytest.mark.parametrize("beta", [Fraction(0), Fraction(1, 2), Fraction(9, 10)])
def test_every_method_is_the_oracle(name, beta):
    compared(name, ASYNC, ORDERS, beta)


@pytest.mark.parametrize("name", MOMENTUM)
def test_every_method_is_the_oracle_under_the_barrier(name):
    compared(name, BARRIER, ROUNDS, Fraction(9, 10))


def test_golden_vectors():
    """Two workers, beta = 1/2, eta = 1, w_0 = 0, gradients 1 + i + 10 worker: (u, w) after each arrival by hand."""

    def numbered(w: Any, worker: int, version: int, handout: int) -> Any:
        return np.array([Fraction(1 + version + 10 * worker)])

    order = (0, 0, 1, 0, 1, 1)
    found = engine(METHODS.get("ormo"), ASYNC, 2, order, [Fraction(1)] * 6, Fraction(1, 2), numbered, [Fraction(0)])
    pairs = [(vectors[1][0], vectors[0][0]) for vectors in found]
    half = Fraction(1, 2)
    assert pairs == [(1, -1), (5 * half, -7 * half), (8, -20), (11 * half, -57 * half), (39 * half, -85 * half),
                     (103 * half / 2, -273 * half / 2)]  # fmt: skip


# degenerate cases


def last(name: str, scheduler: Any, workers: int, order: Sequence[int], beta: Any, scale: int = 1) -> Any:
    rates = [Fraction(1 + n % 5, 20 + n) * scale for n in range(len(order))]
    return [list(v[0]) for v in engine(METHODS.get(name), scheduler, workers, order, rates, beta)]


def test_one_worker_makes_them_all_sgd_with_momentum():
    """At a constant rate; the ablation too, for no gradient is late. SMEGA2 looks ahead: Nesterov's form."""
    order, beta, rates = [0] * 9, Fraction(9, 10), [Fraction(1, 7)] * 9
    runs = {n: [list(v[0]) for v in engine(METHODS.get(n), ASYNC, 1, order, rates, beta)] for n in MOMENTUM}
    ahead = runs.pop("smega2")
    assert {n for n in runs if runs[n] == runs["momentum_sgd"]} == set(runs)
    assert ahead != runs["momentum_sgd"]


def test_without_momentum_all_but_minibatches_are_asynchronous_sgd():
    for order in ORDERS:
        plain = last("async_sgd", ASYNC, 3, order, 0)
        for name in set(MOMENTUM) - {"minibatch_momentum"}:
            assert last(name, ASYNC, 3, order, Fraction(0)) == plain, name


def test_under_the_barrier_ormo_is_minibatch_momentum_with_the_rate_of_the_sum():
    for order in ROUNDS:
        sums = last("ormo", BARRIER, 3, order, Fraction(9, 10))
        means = last("minibatch_momentum", BARRIER, 3, order, Fraction(9, 10), scale=3)
        assert sums[2::3] == means[2::3]
        assert sums[0] != means[0], "within a round they differ"


def test_shifted_momentum_under_round_robin_is_heavy_ball_shifted_by_m_steps():
    """x_{k+1} = x_k + beta (x_{k+1-M} - x_{k-M}) - gamma g, for a constant rate, from the second round on."""
    workers, beta, rate = 3, Fraction(9, 10), Fraction(1, 7)
    order, gradients = [n % workers for n in range(12)], {}

    def noted(w: Any, worker: int, version: int, handout: int) -> Any:
        gradients[handout] = quadratic(w, worker, version, handout)
        return gradients[handout]

    found = engine(METHODS.get("shifted_momentum"), ASYNC, workers, order, [rate] * 12, beta, noted)
    x = [np.array(START), *(v[0] for v in found)]
    for k in range(workers, 12):
        assert list(x[k + 1]) == list(x[k] + beta * (x[k + 1 - workers] - x[k - workers]) - rate * gradients[k])


@pytest.mark.parametrize("order", ROUNDS)
def test_smega2_under_the_barrier_is_nesterov_in_minibatches(order):
    """w moves by the sum of a round: M m. So the look-ahead from w is beta M m, that is W - beta U with U = M m."""
    beta, rate = Fraction(9, 10), Fraction(2, 11)
    found = engine(METHODS.get("smega2"), BARRIER, 3, order, [rate] * 12, beta)
    w, big = np.array(START), 0 * np.array(START)
    handout = 0
    for n in range(4):
        batch = [quadratic(w - beta * big, m, 3 * n, handout + m) for m in range(3)]
        handout += 3
        big = beta * big + rate * sum(batch, 0 * big)
        w = w - big
        assert list(found[3 * n + 2][0]) == list(w)


def test_within_a_round_the_order_does_not_matter_at_a_constant_rate():
    rates, half = [Fraction(1, 7)] * 6, Fraction(1, 2)
    orders = [[*p, *q] for p in permutations(range(3)) for q in permutations(range(3))]
    ends = {tuple(engine(METHODS.get("ormo"), BARRIER, 3, order, rates, half)[-1][0]) for order in orders}
    assert len(ends) == 1


# stepsizes of OrMo-DA


def hypothesis(rule: Any, workers: int, beta: sp.Expr, eta: sp.Expr, taus: Sequence[int]) -> list[str]:
    """Say which parts of hypothesis H fail, with L = 3.

    H1: eta_t <= eta. H2: eta_t d <= (1 - beta)^2/(2L) at delay d, from 0. H3: eta_t = eta for d < 2M.
    """
    faults, constants = [], {"L": sp.Integer(3), "M": workers, "beta": beta, "stepsize": eta, "K": 10, "damping": 1}
    for tau in taus:
        rate, d = rule.exact(1, tau, constants), tau - 1
        if not 0 <= rate <= eta:
            faults.append(f"H1 at {d}")
        if rate * d > (1 - beta) ** 2 / 6:
            faults.append(f"H2 at {d}")
        if d < 2 * workers and rate != eta:
            faults.append(f"H3 at {d}")
    return faults


@pytest.mark.parametrize("name", ["ormo_delay_inverse", "ormo_delay_scaled"])
@pytest.mark.parametrize("beta", [sp.Integer(0), sp.Rational(1, 2), sp.Rational(99, 100)])
@pytest.mark.parametrize("workers", [1, 2, 7])
def test_both_rules_satisfy_hypothesis_h_up_to_its_largest_rate(name, beta, workers):
    rule, taus = STEPSIZES.get(name), [*range(1, 4 * workers + 4), 100, 10_000]
    largest = (1 - beta) ** 2 / (4 * workers * 3)
    for eta in (largest, largest / 3, largest / 1000):
        assert hypothesis(rule, workers, beta, eta, taus) == []


def test_beyond_its_largest_rate_hypothesis_h_fails():
    beta, workers = sp.Rational(1, 2), 2
    largest = (1 - beta) ** 2 / (4 * workers * 3)
    taus = range(1, 40)
    assert "H2 at 4" in hypothesis(STEPSIZES.get("ormo_delay_scaled"), workers, beta, largest * 101 / 100, taus)
    assert "H3 at 0" in hypothesis(STEPSIZES.get("ormo_delay_inverse"), workers, beta, largest * 101 / 100, taus)


def test_the_thresholds_are_delays_above_2m_counted_from_zero():
    """With M = 2 a delay of 4 counted from 0, tau = 5, is short, and 5 is long."""
    constants = {"L": 3.0, "M": 2, "beta": 0.5, "stepsize": 0.01, "K": 10, "damping": 2.0}
    taus = np.array([1, 4, 5, 6, 8])
    scaled = STEPSIZES.get("ormo_delay_scaled").table(taus, taus, constants)
    practical = STEPSIZES.get("ormo_delay_practical").table(taus, taus, constants)
    inverse = STEPSIZES.get("ormo_delay_inverse").table(taus, taus, {**constants, "stepsize": 0.25 / 24})
    assert scaled.tolist() == [0.01, 0.01, 0.01, 0.01 / (5 / 4), 0.01 / (7 / 4)]
    assert practical.tolist() == pytest.approx([0.01, 0.01, 0.01, 0.02 / 5, 0.02 / 7], rel=2**-51)
    assert inverse.tolist() == pytest.approx([0.25 / 24] * 3 + [0.25 / 30, 0.25 / 42], rel=2**-51)
