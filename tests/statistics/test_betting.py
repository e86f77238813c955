"""The statistics are tested as mathematics: expectations by enumeration, error rates against binomial bounds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ratecheck.api import check
from ratecheck.checks.statistics import betting
from ratecheck.checks.statistics.betting import (
    BETS,
    HOLD_BET,
    HOLD_ROOTS,
    against_at_least_one,
    against_at_most_one,
    gains_against_at_least_one,
    gains_against_at_most_one,
    mixed,
    runs_needed,
)
from ratecheck.core.scenario import Scenario
from ratecheck.core.verdict import Verdict

#: false-alarm probability of each statistical test here
ALARM = 1e-6
#: a sum of n <= 300 logarithms and an exponential are off by at most this, relatively: 300 * 2^-52 * 40, 40 > |logs|
ROUNDING = 1e-11


def expectation(law: Sequence[tuple[float, float]], runs: int, evidence: Callable[[Any], float]) -> float:
    """Return E exp(evidence) over all sequences of ``runs`` values of a law of (value, probability)."""
    total = 0.0
    for sequence in itertools.product(law, repeat=runs):
        weight = math.prod(p for _, p in sequence)
        total += weight * math.exp(evidence(np.array([v for v, _ in sequence])))
    return total


# against E[R] <= 1

MEAN_ONE = [
    [(0.0, 0.5), (2.0, 0.5)],
    [(0.0, 0.96), (25.0, 0.04)],
    [(0.9, 0.75), (1.3, 0.25)],
    [(0.0, 0.5), (0.5, 0.25), (3.5, 0.25)],
    [(1.0, 1.0)],
]


@pytest.mark.parametrize("law", MEAN_ONE)
@pytest.mark.parametrize("runs", [1, 2, 5])
def test_evidence_against_at_most_one_has_expectation_one(law, runs):
    """At the boundary the process is a martingale: the expectation is 1, neither more (false) nor less (weak)."""
    assert sum(v * p for v, p in law) == pytest.approx(1, rel=1e-15)
    assert expectation(law, runs, against_at_most_one) == pytest.approx(1, rel=ROUNDING)


@pytest.mark.parametrize("law", MEAN_ONE)
def test_a_smaller_mean_gives_less(law):
    smaller = [(0.9 * v, p) for v, p in law]
    assert expectation(smaller, 4, against_at_most_one) < 1 - 0.01


def test_a_larger_mean_gives_more():
    for law in MEAN_ONE:
        assert expectation([(1.2 * v, p) for v, p in law], 4, against_at_most_one) > 1.01


# against E[R] >= 1


def laws(kappa: float, count: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return random laws (values, probabilities) on three points with E R >= 1 and E R^2 <= kappa."""
    rng, found = np.random.default_rng(seed), []
    while len(found) < count:
        p = rng.dirichlet(np.full(3, 0.6))
        values = rng.choice([0.0, 1.0, rng.uniform(0, 4 * kappa), kappa], 3) * rng.uniform(0, 2, 3)
        mean = float(p @ values)
        if mean > 0:
            values = values * rng.choice([1.0, 1.0, 1.2]) / mean  # most of them on the boundary
            if p @ values >= 1 and p @ values**2 <= kappa:
                found.append((values, p))
    return found


@pytest.mark.parametrize("kappa", [1.3, 2.0, 4.0, 50.0])
def test_the_second_moment_variable_has_mean_at_most_one(kappa):
    """One run: E e is linear in E h, so this is E h <= 1 for every bet; exact expectations, no sampling."""
    largest = 0.0
    for values, p in laws(kappa, 3000, seed=int(kappa)):
        evidence = [math.exp(against_at_least_one(np.array([v]), kappa)) for v in values.tolist()]
        mean = float(p @ evidence)
        assert mean <= 1 + ROUNDING
        largest = max(largest, mean)
    assert largest > 0.95


@pytest.mark.parametrize("kappa", [2.0, 4.0, 10.0])
def test_the_extremal_law_attains_one(kappa):
    """0 or kappa with mean 1: every bet is fair, over any number of runs."""
    law = [(0.0, 1 - 1 / kappa), (kappa, 1 / kappa)]
    for runs in (1, 3, 8):
        found = expectation(law, runs, lambda r: against_at_least_one(r, kappa))
        assert found == pytest.approx(1, rel=ROUNDING)


@pytest.mark.parametrize("kappa", [2.0, 4.0])
def test_several_runs_have_mean_at_most_one(kappa):
    for values, p in laws(kappa, 60, seed=9):
        law = list(zip(values.tolist(), p.tolist(), strict=True))
        assert expectation(law, 4, lambda r: against_at_least_one(r, kappa)) <= 1 + ROUNDING


def test_a_second_moment_above_kappa_breaks_the_promise():
    """Teeth: kappa is an assumption, and a law that violates it gives evidence where there is none."""
    law = [(0.0, 0.9), (10.0, 0.1)]  # mean 1, second moment 10
    assert expectation(law, 10, lambda r: against_at_least_one(r, 4.0)) > 1.5
    assert expectation(law, 4, lambda r: against_at_least_one(r, 10.0)) <= 1 + ROUNDING


def test_evidence_for_small_errors_grows_and_for_none_stays():
    """n runs of R = 0 approach n log(kappa / (kappa - 1)), the most that any test can have; R >= kappa costs."""
    for kappa in (2.0, 4.0):
        most = math.log(kappa / (kappa - 1))
        found = against_at_least_one(np.zeros(40), kappa)
        share = HOLD_ROOTS.tolist().count(1.0) / len(HOLD_ROOTS)  # of the capital on the best root
        bet = math.log1p(HOLD_BET / (kappa - 1))  # what its bet gains at R = 0
        assert 40 * bet + math.log(share) - ROUNDING < found < 40 * bet < 40 * most < 40 * bet * 1.02
        assert against_at_least_one(np.full(10, 2 * kappa), kappa) < 0
        last = kappa * HOLD_ROOTS.max()
        assert against_at_least_one(np.full(10, 1e300), kappa) == against_at_least_one(np.full(10, last), kappa)


# how many runs


@pytest.mark.parametrize("kappa", [1.5, 2.0, 4.0, 10.0, 50.0])
def test_runs_needed_by_brute_force(kappa):
    """The first n with (1 - 1/kappa)^n <= alpha, in exact arithmetic; powers of two are the ties."""
    keep = 1 - 1 / Fraction(kappa)
    for alpha in [0.05, 1e-3, 1e-6, 0.3, *(2.0**-n for n in range(1, 60))]:
        n = 1
        while keep**n > Fraction(alpha):
            n += 1
        assert runs_needed(kappa, alpha) == n


@pytest.mark.parametrize("kappa", [2.0, 4.0, 10.0])
def test_no_claim_with_fewer_runs_than_needed(kappa):
    """Even runs without any error do not reach 1/alpha earlier: the evidence never beats the impossibility bound."""
    for alpha in (0.05, 1e-3):
        needed = runs_needed(kappa, alpha)
        assert against_at_least_one(np.zeros(needed - 1), kappa) < math.log(1 / alpha)
        assert against_at_least_one(np.zeros(2 * needed), kappa) > math.log(1 / alpha)


# many sequences, every run


def test_the_evidence_is_a_mean_of_products_after_every_run():
    """Written out in plain Python; the e-values after each run, and those of many sequences at once, are the same."""
    ratios = np.random.default_rng(0).exponential(size=(5, 60))
    ratios[0, 3], ratios[1, 7], kappa = 0.0, 40.0, 4.0
    above = mixed(np.cumsum(gains_against_at_most_one(ratios), axis=-1))
    below = mixed(np.cumsum(gains_against_at_least_one(ratios, kappa), axis=-1))
    roots = [kappa * float(a) for a in HOLD_ROOTS]
    for i, n in itertools.product(range(5), (1, 2, 17, 60)):
        runs = ratios[i, :n].tolist()
        wins = [math.prod(1 + float(bet) * (r - 1) for r in runs) for bet in BETS]
        hs = [[(1 - r / a) ** 2 * (r < a) / (1 - 2 / a + kappa / a**2) for r in runs] for a in roots]
        holds = [math.prod(1 + HOLD_BET * (h - 1) for h in one) for one in hs]
        expected = math.log(sum(wins) / len(wins)), math.log(sum(holds) / len(holds))
        assert (above[i, n - 1], below[i, n - 1]) == pytest.approx(expected, abs=ROUNDING)
        one = ratios[i, :n]
        assert (against_at_most_one(one), against_at_least_one(one, kappa)) == pytest.approx(expected, abs=ROUNDING)


def allowed(repetitions: int, probability: float) -> int:
    """Return the count that a binomial of this probability exceeds with probability at most ALARM."""
    return int(stats.binom.isf(ALARM, repetitions, probability))


def test_detectable_factor_is_where_these_runs_would_refute():
    ratios, threshold = np.random.default_rng(5).exponential(size=40) / 10, math.log(1e4)
    factor = betting.detectable_factor(ratios, threshold)
    assert against_at_most_one(ratios * factor) >= threshold
    assert against_at_most_one(ratios * factor / 1.002) < threshold
    assert betting.detectable_factor(np.zeros(8), threshold) == math.inf


def numbers(data: Any) -> list[float]:
    if isinstance(data, Mapping):
        return [n for v in data.values() for n in numbers(v)]
    if isinstance(data, list | tuple):
        return [n for v in data for n in numbers(v)]
    return [data] if isinstance(data, float) else []


@pytest.mark.parametrize("steps", [20, 300, 3000])
def test_a_diverged_cell_is_told_in_finite_numbers(steps):
    """A stepsize of 40 / L: beyond 1e308 the ratios stay numbers, their squares too, and nothing warns."""
    grid = {"problem": {"name": "quadratic", "dimension": 2}, "delays": "exponential", "M": 2, "K": steps,
            "sigma": [1, 0], "stepsize": "constant", "constants": {"stepsize": 40.0}}  # fmt: skip
    scenario = Scenario.model_validate({"title": "diverges", "grid": [grid], "monte_carlo": {"replicates": 8}})
    result = check("mishchenko2022.theorem3_convex", scenario, evidence="monte-carlo")[0]
    assert result.verdict is Verdict.DIVERGED
    assert len(numbers(result.as_json())) > 20
    assert all(map(math.isfinite, numbers(result.as_json())))
