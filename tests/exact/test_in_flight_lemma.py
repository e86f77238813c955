"""The noise in flight, and what is back: worst cases against an oracle, known numbers, how tight, what is false."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from ratecheck.proofs.levy2026 import (
    _clocks,
    _flights,
    _policies,
    dividing_line,
    dividing_line_sharp,
    in_flight_delay_cap,
    in_flight_independent,
    in_flight_mean_zero,
    in_flight_moments,
    in_flight_variance,
)
from scipy.stats import binom

from ratecheck.checks import exact
from ratecheck.core import shelf
from ratecheck.core.identity import Counting

ASYNC = shelf.SCHEDULERS.get("async")
HALF, ZERO = Fraction(1, 2), Fraction(0)
SKEW = in_flight_variance.SKEW


# the programmes, against all deterministic policies: a choice for each thing that may have been seen


def runs(workers, deliveries, law, choices):
    """Yield (probability, what came back, what is left) for every sample; a policy is a dict that is filled in turn."""
    for samples in product(law, repeat=workers + deliveries - 1):
        flying, seen, came = list(enumerate(samples[:workers])), samples[:workers], []
        for t in range(deliveries):
            came.append(flying.pop(choices[seen]))
            if t + 1 < deliveries:
                fresh = (workers + t, samples[workers + t])
                flying, seen = [*flying, fresh], (*seen, choices[seen], fresh[1])
        yield np.prod([law[z] for z in samples], initial=Fraction(1)), came, flying


def histories(workers, deliveries, law):
    """Return everything that any policy may have seen before a choice."""
    found = [tuple(zs) for zs in product(law, repeat=workers)]
    last = found
    for _ in range(deliveries - 1):
        last = [(*seen, i, z) for seen in last for i in range(workers) for z in law]
        found += last
    return found


def best_of_all(workers, deliveries, law, value):
    """Return the largest expectation of ``value(came, left)`` over all deterministic policies."""
    seen = histories(workers, deliveries, law)
    return max(
        sum(chance * value(came, left) for chance, came, left in
            runs(workers, deliveries, law, dict(zip(seen, picks, strict=True))))
        for picks in product(range(workers), repeat=len(seen))
    )  # fmt: skip


def number(workers, i):
    """Return the model that sample i is of."""
    return max(1, i - workers + 2)


@pytest.mark.parametrize(("workers", "deliveries", "law"), [
    (2, 1, SKEW), (2, 2, SKEW), pytest.param(3, 1, _policies.SIGNS, marks=pytest.mark.slow)])  # fmt: skip
def test_the_programmes_find_the_best_of_all_policies(workers, deliveries, law):
    """On M = t = 2 there are 2^20 policies; those that differ only where they are not asked are tried once."""
    if deliveries == 2:  # second choices are made one by one: each history has its own
        tried = by_turns(law)
    else:
        tried = {
            "back": best_of_all(workers, deliveries, law, lambda came, left: sum(z for _, z in came) ** 2),
            "flying": best_of_all(workers, deliveries, law, lambda came, left: sum(z for _, z in left) ** 2),
        }
    assert _policies.largest_second_moment(workers, deliveries, law) == tried["back"]
    assert _flights.largest_in_flight(workers, deliveries, law, _flights.unit) == tried["flying"]


def by_turns(law):
    """Return the largest moments for M = t = 2 over all first choices (16) and, for each, all second ones (256)."""
    best = {"back": ZERO, "flying": ZERO}
    for first in product(range(2), repeat=len(law) ** 2):
        start = dict(zip(product(law, repeat=2), first, strict=True))
        later = [(*zs, i, z) for zs, i in start.items() for z in law]
        for second in product(range(2), repeat=len(later)):
            found = {"back": ZERO, "flying": ZERO}
            for chance, came, left in runs(2, 2, law, {**start, **dict(zip(later, second, strict=True))}):
                found["back"] += chance * sum(z for _, z in came) ** 2
                found["flying"] += chance * sum(z for _, z in left) ** 2
            best = {what: max(most, found[what]) for what, most in best.items()}
    return best


def test_the_programme_of_labels_is_the_other_one_where_labels_tell_all_and_t_where_they_tell_nothing():
    for workers, t in ((1, 3), (2, 4), (3, 3)):
        for law in (_policies.SIGNS, SKEW):
            labels = {(z, ZERO): chance for z, chance in law.items()}
            assert _policies.largest_when_seen(workers, t, labels) == _policies.largest_second_moment(workers, t, law)
        assert _policies.largest_when_seen(workers, t, {(ZERO, Fraction(3)): Fraction(1)}) == 3 * t


def test_weights_and_caps_of_the_programme():
    """A weight that is 1 at one model alone, and a cap that leaves no choice but first in, first out."""
    for workers, t in ((2, 3), (3, 3), (3, 4)):
        for k in range(2, t + 1):  # one noise may be left in flight: all can be kept
            most = _flights.largest_in_flight(workers, t, SKEW, lambda one, k=k: Fraction(one == k))
            assert most == _policies.variance(SKEW)
        assert _flights.largest_in_flight(workers, t, _policies.SIGNS, _flights.unit, t + workers) == (
            _flights.largest_in_flight(workers, t, _policies.SIGNS, _flights.unit))  # fmt: skip
    assert _flights.largest_in_flight(3, 5, _policies.SIGNS, _flights.unit, 3) == 2  # in turn: 2 noises of variance 1
    with pytest.raises(ValueError, match="no delays of 3 workers"):
        _flights.largest_in_flight(3, 5, _policies.SIGNS, _flights.unit, 2)


# known numbers


def test_the_worst_noise_in_flight():
    """Signs: 1 for two workers, whoever delivers; (M - 1)^2 at most, and all of it for three."""
    most = [[_flights.largest_in_flight(m, t, _policies.SIGNS, _flights.unit) for t in (1, 2, 3)] for m in (2, 3, 4)]
    assert most == [[1, 1, 1], [4, 4, 4], [6, Fraction(15, 2), Fraction(33, 4)]]


@pytest.mark.parametrize(("heavy", "light", "low", "high"), [(50, 1, 0.12, 0.53), (1, 50, 1.2, 1.9)])
def test_large_symmetric_noise_slow_or_fast(heavy, light, low, high):
    """E S^2/(t sigma^2): below 1 where large noise is slow, above 1, by (t + M - 1)/t at most, where it is fast."""
    for workers, t in ((2, 3), (3, 4), (4, 4)):
        jobs = _clocks.symmetric(Fraction(1, 4), heavy, light)
        square, squares = _clocks.moments(workers, t, jobs)
        var, told = _clocks.spread(jobs)
        ratio = float(square / (t * var))
        assert (square, told) == (squares, 0)
        assert low < ratio < min(high, (t + workers - 1) / t)


def test_of_both_a_clock_that_sees_signs_breaks_what_sizes_cannot():
    """The smaller is fast: products of noises that are back do not vanish."""
    jobs = {(Fraction(-1), 1): HALF, (Fraction(1), 50): HALF}
    square, squares = _clocks.moments(2, 4, jobs)
    assert (squares, _clocks.spread(jobs)) == (4, (1, 1))
    assert square > squares
    slack = dividing_line.room(square, 5, 1, *_clocks.spread(jobs))
    assert slack >= 0 > dividing_line.room(square * 4, 5, 1, *_clocks.spread(jobs))


# how tight: two values, the larger with probability p = (M - 1)/(t + M - 1), and slow


def one_sided_rms(workers, t):
    """Return the root mean square of what is back, for noise 1[rare] - p, and p. Binomial sums in float64."""
    draws = t + workers - 1
    p = (workers - 1) / draws
    rare = np.arange(draws + 1)
    back = np.maximum(rare - workers + 1, 0) - p * t
    return np.sqrt(np.sum(binom.pmf(rare, draws, p) * back**2)), p


MANY, LATE = np.array([5, 9, 17, 33, 65, 129]), 4096


@pytest.mark.parametrize(("r", "exponent"), [(2, 0.53), (3, 0.70), (4, 0.78), (8, 0.91), (np.inf, 1.03)])
def test_the_exponent_of_m_is_about_1_minus_1_over_r(r, exponent):
    """Fitted over M = 5..129 at t = 4096, in M - 1; never above sqrt(n) sigma + the lemma. Two decimals are pinned."""
    size, most = [], []
    for workers in MANY:
        rms, p = one_sided_rms(workers, LATE)
        draws, sigma = LATE + workers - 1, np.sqrt(p * (1 - p))
        moment = 1 - p if r == np.inf else ((1 - p) ** r * p + p**r * (1 - p)) ** (1 / r)
        size.append(rms / moment)
        lemma = (workers - 1) ** (1 - 1 / r) * draws ** (0 if r == np.inf else 1 / r)
        most.append((np.sqrt(draws) * sigma + lemma * moment) / moment)
    fitted = np.polyfit(np.log(MANY - 1), np.log(size), 1)[0]
    assert fitted == pytest.approx(exponent, abs=0.006)
    assert np.all(np.array(size) <= most)


def test_the_binomial_sums_are_those_of_the_enumeration():
    for workers, t in ((2, 3), (3, 4), (4, 3)):
        law = _policies.one_sided(workers, t)
        exactly = _policies.second_moment(workers, t, _policies.smallest, law)
        rms, p = one_sided_rms(workers, t)
        assert (rms / (1 - p)) ** 2 == pytest.approx(float(exactly), rel=1e-12)  # sums of 10 terms in float64


def test_a_factor_of_m_is_lost_where_durations_tell_all():
    """.73 to .90 times (M - 1) t sigma^2, and (M - 1)/2 t at least."""
    found = []
    for workers in (5, 9, 17, 33, 65):
        rms, p = one_sided_rms(workers, LATE)
        found.append(rms**2 / (p * (1 - p)) / ((workers - 1) * LATE))
    assert 0.72 < min(found) < max(found) < 0.91


# what is false


def caught(fact, cases):
    return any("fault" in exact.sweep_counting(fact, ASYNC, case) for case in cases)


def planted(name, slack):
    return Counting(name, slack, "a lie")


def test_with_1_for_m_minus_1_it_is_false():
    def one(workers, t):
        squares = workers + t - 1
        law = _policies.one_sided(workers, t)
        most = _flights.largest_in_flight(workers, t, law, _flights.unit)
        return squares * _policies.variance(law) - most

    fact = planted("one term", in_flight_variance.by_size(one))
    assert caught(fact, [(3, 1), (4, 2)])
    assert not caught(in_flight_variance.COUNTING[1], [(3, 1), (4, 2)])


def test_the_squares_of_what_is_back_do_not_bound_what_is_in_flight():
    """Only what was drawn does: with one rare large noise all of it is in flight."""

    def back_only(workers, t):
        law = _policies.one_sided(workers, t)
        most = _flights.largest_in_flight(workers, t, law, _flights.unit)
        return (workers - 1) * t * _policies.variance(law) - most

    assert caught(planted("back only", in_flight_variance.by_size(back_only)), [(2, 1), (3, 1), (4, 1)])


def test_both_readings_of_step_15_are_false():
    """E S^2 <= t sigma^2, 5/2 against 2; and E S^2 <= E sum of the squares that are back: .16 to .37 of t sigma^2."""
    assert _policies.second_moment(2, 2, _policies.smallest) == Fraction(5, 2)
    shares = []
    for workers in (2, 5, 17):
        draws = 256 + workers - 1
        p = (workers - 1) / draws
        rare = np.arange(draws + 1)
        chance, late = binom.pmf(rare, draws, p), np.maximum(rare - workers + 1, 0)
        squares = np.sum(chance * (late * (1 - p) ** 2 + (256 - late) * p**2))
        square = np.sum(chance * (late - p * 256) ** 2)
        shares.append(squares / (256 * p * (1 - p)))
        assert square > squares
    assert shares == pytest.approx([0.371, 0.21, 0.158], abs=0.006)


@pytest.mark.parametrize(
    ("claim", "says"),
    [(in_flight_variance, 0), (in_flight_moments, 0), (in_flight_moments, 1), (in_flight_delay_cap, 0)],
)
def test_it_is_not_so_loose_that_nothing_shows(claim, says):
    """In some small case the worst policy comes to a fifth of each bound, or more."""
    shares = []
    for workers, t in ((2, 1), (3, 1), (3, 2), (4, 3)):
        for law in in_flight_variance.laws(workers, t):
            most = _flights.largest_in_flight(workers, t, law, _flights.unit)
            var, draws = _policies.variance(law), workers + t - 1
            fourth = sum(c * z**4 for z, c in law.items())
            bound = {
                in_flight_variance: (workers - 1) * draws * var,
                in_flight_delay_cap: (workers - 1) * draws * var,
            }.get(claim)
            if claim is in_flight_moments:
                bound = ((workers - 1) ** 1.5 * (float(draws * fourth)) ** 0.5,
                         (workers - 1) ** 2 * max(map(abs, law)) ** 2)[says]  # fmt: skip
            shares.append(float(most) / float(bound))
    assert 0.2 < max(shares) <= 1


# independent delays, on orders


def test_under_independent_delays_noises_are_orthogonal_on_every_order():
    """And not where +1 is slow: the noise of a sample there has all earlier ones in it."""
    for fact in in_flight_independent.COUNTING:
        for case in ((1, 4), (2, 4), (3, 3)):
            assert "fault" not in exact.sweep_counting(fact, ASYNC, case)
    each, in_flight, back, flying = in_flight_independent.moments((0, 1, 0), (1, 2, 2), 2)
    assert len(set(each)) > 1  # variances that differ
    assert in_flight == each[flying[0]]
    assert back == sum(each) - each[flying[0]]


def test_sizes_seen_by_any_policy_cost_no_more_than_what_is_drawn():
    for workers, t in ((2, 4), (3, 4), (4, 3)):
        assert dividing_line_sharp.nothing_told(workers, t) >= 0
        assert in_flight_mean_zero.back(workers, t) >= 0
