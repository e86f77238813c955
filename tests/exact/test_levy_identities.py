"""The identities about Dahan, Reshef, Goldstein & Levy (2026): exact on all arrival orders, and on floats."""

from __future__ import annotations

import heapq
from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from ratecheck.proofs.levy2026 import (
    _policies,
    bookkeeping,
    mu2_error,
    ordered_momentum,
    step15,
    step15_cross_term,
    worst_policy,
)
from ratecheck.proofs.levy2026._auxiliary import in_means, issued, late

from ratecheck.checks import exact, reproduce
from ratecheck.checks.measure import measure
from ratecheck.core import shelf
from ratecheck.core.cell import Cell
from ratecheck.core.identity import View
from ratecheck.core.part import Part
from ratecheck.core.verdict import Verdict
from ratecheck.core.witness import Witness
from ratecheck.engine.build import build
from ratecheck.engine.orders import arrival_orders
from ratecheck.engine.replay import replay_rows
from ratecheck.engine.schedule import from_order
from tests.exact.test_arrivals_methods import engine

ASYNC = shelf.SCHEDULERS.get("async")
OURS = [n for n in shelf.CLAIMS.names() if n.startswith("levy2026.") and not shelf.CLAIMS.get(n).outputs]
LEMMAS = [n for n in OURS if shelf.CLAIMS.get(n).identities]
#: base of the stepsizes, and beta: coefficients are fractions of integers below its square root
BASE = 2**80
ORDERS = [(m, t) for m in (1, 2, 3) for t in range(1, 7)]


def replayed(method, workers, order, visit):
    """Replay an order with stepsizes that are digits in base 2^80, and beta = 2^-80: a digit, too."""
    schedule = from_order(ASYNC, workers, np.array(order, dtype=np.int64))
    gamma = [Fraction(BASE) ** (2 * i + 2) for i in range(schedule.horizon)]
    later = [Fraction(BASE) ** (2 * (schedule.horizon + h) + 2) for h in range(schedule.handouts)]
    for i in range(schedule.horizon):
        later[int(schedule.source[i])] = gamma[i]
    constants = {"beta": Fraction(1, BASE), "M": workers, "K": len(order)}
    replay_rows(shelf.METHODS.get(method), schedule, gamma, later, constants, visit)


def failing(identities, method, workers, order, at=None):
    """Return which identities fail on an order, at any step or at the step ``at``."""
    found = set()

    def visit(view: View) -> None:
        if at in (None, view.step):
            found.update(i.name for i in identities if any(i.residual(view)))

    replayed(method, workers, order, visit)
    return found


@pytest.mark.parametrize("name", LEMMAS)
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_every_identity_is_exactly_zero_for_all_orders_stepsizes_and_beta(name, workers):
    """On all orders of T = 6 (three workers: 5), and with them of all shorter ones: every step is looked at."""
    exact_on_all_orders(name, workers, 6 if workers < 3 else 5)


@pytest.mark.slow
@pytest.mark.parametrize("name", LEMMAS)
def test_every_identity_is_exactly_zero_for_three_workers_and_six_steps(name):
    exact_on_all_orders(name, 3, 6)


def exact_on_all_orders(name, workers, steps):
    claim = shelf.CLAIMS.get(name)
    labelled = shelf.METHODS.get(claim.method).sees_workers
    for order in arrival_orders(ASYNC, workers, steps, labelled=labelled):
        assert failing(claim.identities, claim.method, workers, order) == set(), order


@pytest.mark.parametrize("name", OURS)
def test_the_claims_are_what_they_say(name):
    claim = shelf.claim(name)
    found = exact.check(name, claim, [(2, 4)], "test")
    assert found.verdict is (Verdict.EXACT if claim.expect == "holds" else Verdict.REFUTED)


@pytest.mark.parametrize(("workers", "steps"), [(1, 6), (2, 8), (3, 6), (4, 5), (5, 5)])
def test_counting_on_all_orders(workers, steps):
    for fact in bookkeeping.COUNTING:
        assert "fault" not in exact.sweep_counting(fact, ASYNC, (workers, steps))


# planted: the 98 orders of T = 4, M = 1, 2, 3; in 6 of them one worker delivers all, and then nothing is late


def all_orders():
    for workers in (1, 2, 3):
        for order in arrival_orders(ASYNC, workers, 4, labelled=True):
            yield workers, order


def caught(residual, method):
    """Return on how many of the 98 orders a residual is not zero at the end, and the orders on which it is."""
    identity = replace(mu2_error.IDENTITIES[0], residual=residual)
    hidden = [order for workers, order in all_orders() if not failing([identity], method, workers, order)]
    return 98 - len(hidden), hidden


def wrong_sign(view):
    """I6 with sbar_k - sbar_1."""
    return mu2_error.drift(view) + 2 * in_means(view, view.gamma * missing(view))


def dropped(view):
    """I6 without the drift."""
    return mu2_error.drift(view) + in_means(view, view.gamma * missing(view))


def missing(view):
    first = issued(view)[0]
    return sum((mu2_error.difference(first) - mu2_error.difference(f) for f in late(view)), 0 * view.x)


def test_planted_wrong_identities_are_caught_wherever_anything_is_late():
    one_for_all = {tuple([m] * 4) for m in range(3)}
    for residual in (wrong_sign, dropped):
        count, hidden = caught(residual, "async_mu2_sgd")
        assert (count, set(hidden)) == (92, one_for_all)
    assert caught(mu2_error.drift, "async_mu2_sgd")[0] == 0


def test_weights_of_arrivals_are_caught_wherever_anything_is_late():
    """Polyak momentum instead of ordered momentum, with the initial gradients in full: I1 fails on the same 92."""
    (bias, _) = shelf.CLAIMS.get("levy2026.ordered_momentum_initial_sum").identities
    assert caught(bias.residual, "polyak_momentum")[0] == 92
    assert caught(bias.residual, "ordered_momentum_initial_sum")[0] == 0
    assert caught(ordered_momentum.residual, "ordered_momentum")[0] == 0


@pytest.mark.parametrize(("lacking", "name"), [("M - 1 in T", "as many"), ("M - 2 in I10", "noise in flight")])
def test_planted_wrong_counts_are_caught(lacking, name, monkeypatch):
    """One gradient in flight fewer than there are: the first of each moment."""
    whole = bookkeeping.flights
    fact = next(f for f in bookkeeping.COUNTING if f.name == name)
    if name == "as many":
        monkeypatch.setattr(bookkeeping, "flights", lambda *a: ((t, f[1:], n) for t, f, n in whole(*a)))
    else:
        monkeypatch.setattr(bookkeeping, "flights", lambda *a: ((t, [*f, max(f) + 1], n) for t, f, n in whole(*a)))
    assert "fault" in exact.sweep_counting(fact, ASYNC, (3, 4))


# the error's second moments


def test_second_moments_when_delays_look_at_signs():
    half = Fraction(1, 2)
    assert [_policies.smallest_first(2, t) for t in range(1, 5)] == [1, 5 * half, 4, Fraction(43, 8)]
    assert [_policies.smallest_first(3, t) for t in range(1, 4)] == [1, 3, Fraction(21, 4)]
    for workers in (1, 2, 3, 4):
        for t in range(1, 6):
            enumerated = _policies.second_moment(workers, t, _policies.smallest)
            assert enumerated == _policies.smallest_first(workers, t)
            assert _policies.second_moment(workers, t, _policies.oldest) == t
            worst = _policies.largest_second_moment(workers, t)
            assert enumerated <= worst
            assert worst_policy.below(workers, t) >= 0
            assert (worst == t) == (workers == 1 or t == 1)


def every_policy(flying, arrived, fresh, left):
    """Return the largest expectation by trying everything: no state is merged."""
    if left == 0:
        return arrived * arrived
    best = Fraction(0)
    for i, z in enumerate(flying):
        rest = flying[:i] + flying[i + 1 :]
        if left == 1:
            found = (arrived + z) ** 2
        else:
            found = sum(c * every_policy((*rest, new), arrived + z, fresh, left - 1) for new, c in fresh.items())
        best = max(best, found)
    return best


def test_the_programme_finds_what_trying_everything_finds():
    uneven = {Fraction(-1, 2): Fraction(4, 5), Fraction(2): Fraction(1, 5)}
    for law in (_policies.SIGNS, uneven):
        for workers, t in ((1, 3), (2, 4), (3, 3)):
            starts = [((), Fraction(1))]
            for _ in range(workers):
                starts = [((*f, z), p * c) for f, p in starts for z, c in law.items()]
            tried = sum(p * every_policy(f, Fraction(0), law, t) for f, p in starts)
            assert _policies.largest_second_moment(workers, t, law) == tried


def test_known_values_of_the_worst_policy():
    """M = 2: 1, 3/2, 5/3, 7/4 times t. M = 4, t = 8: 3.52 times."""
    assert [_policies.largest_second_moment(2, t) / t for t in range(1, 5)] == [
        1, Fraction(3, 2), Fraction(5, 3), Fraction(7, 4)]  # fmt: skip
    assert float(_policies.largest_second_moment(4, 8) / 8) == pytest.approx(3.5234375, rel=2**-50)


def test_with_a_variance_alone_a_factor_of_m_is_lost():
    """Noise -a mostly, b rarely, mean 0, variance 1, p = (M-1)/(t+M-1): the rare is slow; (M-1)/2 t at least."""
    workers, t = 5, 5
    p = Fraction(workers - 1, t + workers - 1)
    odds = p / (1 - p)  # a^2, so that the variance is 1; scaled by b: values -odds b and b
    law = {-odds: 1 - p, Fraction(1): p}
    variance = sum(c * z * z for z, c in law.items())
    assert sum(c * z for z, c in law.items()) == 0
    found = _policies.largest_second_moment(workers, t, law) / variance
    assert found >= Fraction(workers - 1, 2) * t


# step (15)


def test_step_15_is_refuted_by_the_smallest_cases():
    first = exact.check("levy2026.step15", shelf.claim("levy2026.step15"), [(2, 2)], "test")
    assert "M = 2, K = 2: slack -1/2 < 0: noise +-1, +1 takes 2, -1 takes 1, ties by worker" in first.summary
    assert "E||eps||^2 = 5/2 > 2" in first.summary
    assert _policies.second_moment(2, 2, _policies.smallest) == Fraction(5, 2)
    assert _policies.second_moment(2, 2, _policies.oldest) == 2
    for found in (first, exact.check("x", shelf.claim("levy2026.step15_cross_term"), [(2, 2)], "test")):
        name = "levy2026.step15" if found is first else "levy2026.step15_cross_term"
        assert reproduce.witness(replace(Witness.from_json(found.witness, "test"), claim=name)).same


def test_the_witness_of_step_15_is_a_clock_and_no_order_and_says_what_came_of_it():
    found = exact.check("levy2026.step15", shelf.claim("levy2026.step15"), [(2, 2)], "test")
    one = Witness.from_json(found.witness, "test")
    assert "order" not in one.cell
    assert "order" not in found.summary
    assert (one.cell["M"], one.cell["K"]) == (2, 2)
    moved = replace(one, found={"fault": one.found["fault"].replace("5/2", "3")})
    assert not reproduce.witness(moved).same
    elsewhere = replace(one, cell={**one.cell, "K": 1})
    assert reproduce.witness(elsewhere).found == {}


def arrived(samples, workers, deliveries, clock):
    """Return the sum of what arrives, by a queue of (end, worker): +1 takes clock[1] and -1 clock[0]."""
    fresh, total = iter(samples), 0
    busy = []
    for m in range(workers):
        z = next(fresh)
        heapq.heappush(busy, (clock[z > 0], m, z))
    for _ in range(deliveries):
        end, m, z = heapq.heappop(busy)
        total += z
        new = next(fresh, -1)
        heapq.heappush(busy, (end + clock[new > 0], m, new))
    return total


def test_clocks_of_step_15_by_a_queue_of_events():
    for workers, t in ((1, 3), (2, 2), (2, 4), (3, 3)):
        for clock in step15.CLOCKS:
            signs = list(product((-1, 1), repeat=workers + t - 1))
            mean = Fraction(sum(arrived(one, workers, t, clock) ** 2 for one in signs), len(signs))
            assert step15.second_moment(workers, t, clock) == mean
            if clock == (1, 1) or workers == 1 or t == 1:
                assert mean == t, "nothing is chosen"
    assert [step15.second_moment(2, 2, clock) for clock in ((1, 2), (1, 3))] == [Fraction(5, 2), 3]
    assert step15.second_moment(2, 2, (2, 3)) == 2


def test_the_search_for_a_clock_takes_the_plainest_and_sees_nothing_where_delays_are_blind(monkeypatch):
    assert step15.CLOCKS[:5] == ((1, 1), (1, 2), (1, 3), (1, 4), (2, 3))
    assert step15.search(2, 2) == (Fraction(5, 2), (1, 2))
    assert step15.search(2, 1) == (1, (1, 1))
    assert all(step15.search(1, t)[0] == t for t in (1, 2, 3))
    claim = shelf.claim("levy2026.step15")
    monkeypatch.setattr(step15, "search", step15.search.__wrapped__)
    monkeypatch.setattr(step15, "CLOCKS", ((1, 1),))
    blind = exact.check("levy2026.step15", replace(claim, cases=((2, 4), (3, 3))), [], "test")
    assert blind.verdict is Verdict.EXACT, "first in, first out: exactly t"
    monkeypatch.setattr(step15, "CLOCKS", ((1, 1), (3, 4)))
    assert exact.check("x", replace(claim, cases=((2, 2),)), [], "test").verdict is Verdict.EXACT
    found = exact.check("x", replace(claim, cases=((3, 2),)), [], "test")
    assert "+1 takes 4, -1 takes 3" in found.summary


@pytest.mark.parametrize("eta", [Fraction(1), Fraction(1, 7), Fraction(3, 100)])
def test_the_cross_term_is_8_3_times_l_eta_sigma_squared(eta):
    error, noise, drift = step15_cross_term.second_moments((0, 1), (1, 2), 2, eta)
    assert (error - noise - drift, noise) == (Fraction(8, 3) * eta, 2)
    assert error <= 2 * noise + 2 * drift


def test_with_a_factor_2_it_holds_on_all_orders_and_without_a_cross_term_on_few():
    for workers, steps in ((1, 5), (2, 5), (3, 4)):
        equal = 0
        for order in arrival_orders(ASYNC, workers, steps, labelled=True):
            delay = [int(d) for d in from_order(ASYNC, workers, np.array(order, dtype=np.int64)).delay]
            error, noise, drift = step15_cross_term.second_moments(order, delay, workers)
            assert (noise, error <= 2 * noise + 2 * drift) == (steps, True)
            equal += error == noise + drift
        assert (equal == workers**steps) == (workers == 1)


def test_its_second_moments_are_those_of_the_engines_method():
    """f = x^2/2: one coordinate for each noise, and the unit noise of hand-out i along the i-th."""
    for workers, steps in ((1, 4), (2, 4), (3, 4)):
        count, eta = workers + steps, Fraction(1, 7)

        def noisy(point, worker, handout):
            return point + np.array([Fraction(i == handout) for i in range(len(point))])

        for order in arrival_orders(ASYNC, workers, steps, labelled=True):
            delay = [int(d) for d in from_order(ASYNC, workers, np.array(order, dtype=np.int64)).delay]
            method, start = shelf.METHODS.get("async_mu2_sgd"), [Fraction(0)] * count
            last = engine(method, order, [eta] * steps, workers, {"n": 0}, noisy, start)[-1]
            error = last[3] - steps * last[1]
            assert step15_cross_term.second_moments(order, delay, workers, eta)[0] == sum(error * error)


# on floats


def watched(name, sigma, workers=4, strict=True, delays="exponential"):
    """Return how far each identity of a claim is off in the first block of a cell."""
    claim = shelf.CLAIMS.get(name)
    cell = Cell(
        Part("quadratic", {"spectrum": [0.125, 0.3, 1.0], "radius": 2}), Part("gaussian"), Part(delays), workers, 400,
        sigma, "R1", constants={"stepsize": 2.0**-12, "beta": 0.03},
    )  # fmt: skip
    built = build(cell, 3, method=claim.method, scheduler="async", stepsize="constant")
    return measure(built, 0, 8, ("output_gap",), claim.identities, strict)["identities"]


IN_MEANS = {"drift", "telescoped", "one of each"}


@pytest.mark.parametrize("name", LEMMAS)
@pytest.mark.parametrize("workers", [1, 4, 16])
def test_residuals_on_floats_are_within_their_rounding(name, workers):
    for sigma in (0.0, 0.4):
        for strict in (True, False):
            found = watched(name, sigma, workers, strict)
            exact_ones = {i.name for i in shelf.CLAIMS.get(name).identities} - (IN_MEANS if sigma else set())
            assert exact_ones <= set(found)
            assert all(found[n]["ratio"] < 1 for n in exact_ones), found


def test_on_floats_too_a_wrong_identity_is_seen():
    identity = replace(mu2_error.IDENTITIES[2], residual=dropped)
    claim = shelf.CLAIMS.get("levy2026.mu2_error")
    cell = Cell(
        Part("quadratic", {"spectrum": [0.125, 0.3, 1.0], "radius": 2}), Part("none"), Part("exponential"), 4, 400,
        0.0, "R1", constants={"stepsize": 2.0**-12},
    )  # fmt: skip
    built = build(cell, 3, method=claim.method, scheduler="async", stepsize="constant")
    assert measure(built, 0, 8, ("output_gap",), [identity], True)["identities"]["drift"]["ratio"] > 1e6


# the anytime lemma, on runs


def test_the_anytime_lemma_on_fractions():
    """I11: (1 + .. + t) (f(x_t) - f(x)) <= sum of k <grad f(x_k), w_k - x>, for f = x^2/2 and several x; from I7."""

    def square(point, worker, handout):
        return np.array([point[0] + Fraction((-1) ** handout, 3)])

    rates = [Fraction(1, 3)] * 9
    for order in ((0, 1, 2, 2, 0, 1, 1, 1, 0), (2, 2, 2, 1, 1, 1, 0, 0, 0)):
        run = engine(shelf.METHODS.get("async_mu2_sgd"), order, rates, par={"n": 0}, of=square, start=[Fraction(2)])
        x, w = [Fraction(2), *(v[0][0] for v in run)], [Fraction(2), *(v[2][0] for v in run)]
        for other in (Fraction(0), Fraction(-5), Fraction(7, 3)):
            right = Fraction(0)
            for t in range(1, len(x) + 1):
                right += t * x[t - 1] * (w[t - 1] - other)
                slack = right - Fraction(t * (t + 1), 2) * (x[t - 1] ** 2 - other**2) / 2
                assert slack >= 0
                assert slack > 0 or (t == 1 and x[0] == other) or other == x[0]
