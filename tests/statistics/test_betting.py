"""The statistics are tested as mathematics: expectations by enumeration, error rates against binomial bounds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from ratecheck.api import check
from ratecheck.checks import betting, rates
from ratecheck.checks.betting import (
    BETS,
    HOLD_BETS,
    HOLD_ROOTS,
    against_at_least_one,
    against_at_most_one,
    runs_needed,
)
from ratecheck.core.scenario import Scenario
from ratecheck.core.verdict import Rate, Verdict

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
        bets = len(HOLD_BETS) * len(HOLD_ROOTS)
        assert 40 * most - math.log(bets) - 0.1 < found < 40 * most
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


# error probabilities under peeking


def paths(logs: np.ndarray) -> np.ndarray:
    """Return log e after each run (repetitions, runs) from the logarithms of the factors (bets, repetitions, runs)."""
    sums = np.cumsum(logs, axis=2)
    top = sums.max(axis=0)
    return top + np.log(np.exp(sums - top).mean(axis=0))


def against_paths(ratios: np.ndarray) -> np.ndarray:
    return paths(np.log1p(BETS[:, None, None] * (ratios[None] - 1)))


def support_paths(ratios: np.ndarray, kappa: float) -> np.ndarray:
    factors = []
    for bet, root in itertools.product(HOLD_BETS, kappa * HOLD_ROOTS):
        h = np.where(ratios < root, (1 - ratios / root) ** 2, 0) / (1 - 2 / root + kappa / root**2)
        factors.append(np.log1p(bet * (h - 1)))
    return paths(np.array(factors))


def test_paths_are_the_product_functions():
    ratios = np.random.default_rng(0).exponential(size=(5, 60))
    against, support = against_paths(ratios), support_paths(ratios, 4.0)
    for i, n in itertools.product(range(5), (1, 2, 17, 60)):
        assert against[i, n - 1] == pytest.approx(against_at_most_one(ratios[i, :n]), abs=ROUNDING)
        assert support[i, n - 1] == pytest.approx(against_at_least_one(ratios[i, :n], 4.0), abs=ROUNDING)


#: laws of mean 1: (draw, E R^2)
BOUNDARY: dict[str, tuple[Callable[[Any, Any], Any], float]] = {
    "exponential": (lambda rng, size: rng.exponential(size=size), 2.0),
    "gamma, shape 4": (lambda rng, size: rng.gamma(4, 1 / 4, size), 1.25),
    "chi square, 1 degree": (lambda rng, size: rng.chisquare(1, size), 3.0),
    "lognormal, s = 1/2": (lambda rng, size: rng.lognormal(-1 / 8, 1 / 2, size), math.exp(1 / 4)),
    "0 or 4": (lambda rng, size: 4.0 * (rng.random(size) < 1 / 4), 4.0),
    "0 or 50": (lambda rng, size: 50.0 * (rng.random(size) < 1 / 50), 50.0),
}
REPETITIONS, RUNS, ALPHA = 4000, 200, 0.05


def allowed(repetitions: int, probability: float) -> int:
    """Return the count that a binomial of this probability exceeds with probability at most ALARM."""
    return int(stats.binom.isf(ALARM, repetitions, probability))


@pytest.mark.statistical
@pytest.mark.parametrize("law", BOUNDARY)
def test_false_alarms_under_peeking_at_every_run(law):
    """On the boundary at most alpha of all sequences ever reach 1/alpha (Ville); one fails with probability 1e-6."""
    draw, second = BOUNDARY[law]
    ratios = draw(np.random.default_rng(20_220_615), (REPETITIONS, RUNS))
    ever = against_paths(ratios).max(axis=1) >= math.log(1 / ALPHA)
    assert ever.sum() <= allowed(REPETITIONS, ALPHA)
    held = support_paths(ratios, max(second, 1.1)).max(axis=1) >= math.log(1 / ALPHA)
    assert held.sum() <= allowed(REPETITIONS, ALPHA)


@pytest.mark.statistical
def test_a_test_that_may_not_be_peeked_at_is_caught():
    """Teeth: Student's t at level alpha, looked at after every run, alarms far more often than allowed."""
    ratios = BOUNDARY["gamma, shape 4"][0](np.random.default_rng(1), (REPETITIONS, RUNS))
    n = np.arange(1, RUNS + 1)
    mean = np.cumsum(ratios, axis=1) / n
    var = np.maximum(np.cumsum(ratios**2, axis=1) / n - mean**2, 1e-12) * n / np.maximum(n - 1, 1)
    t = (mean - 1) / np.sqrt(var / n)
    alarms = (t[:, 4:] > stats.t.ppf(1 - ALPHA, n[4:] - 1)).any(axis=1)
    assert alarms.sum() > allowed(REPETITIONS, ALPHA)


@pytest.mark.statistical
@pytest.mark.parametrize("law", ["exponential", "gamma, shape 4", "lognormal, s = 1/2"])
def test_three_times_the_bound_is_found_in_35_runs(law):
    """Most sequences of a mean of 3 are refuted at alpha = 1e-3 within 35 runs.

    If that had probability 1/2 only, the count would pass the threshold with probability 1e-6 at most.
    """
    ratios = 3 * BOUNDARY[law][0](np.random.default_rng(3), (REPETITIONS, 35))
    found = (against_paths(ratios).max(axis=1) >= math.log(1 / 1e-3)).sum()
    assert found > allowed(REPETITIONS, 1 / 2)


@pytest.mark.statistical
def test_a_third_of_the_bound_is_claimed_in_64_runs():
    ratios = 0.3 * BOUNDARY["exponential"][0](np.random.default_rng(4), (REPETITIONS, 64))
    found = (support_paths(ratios, 4.0).max(axis=1) >= math.log(1 / ALPHA)).sum()
    assert found > allowed(REPETITIONS, 1 / 2)


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


# rates


def cells(slack: Callable[[int, int], float], *, workers: Sequence[int] = (1, 4, 16),
          steps: Sequence[int] = (256, 1024, 4096, 16_384), error: float = 0.02, seed: int = 0,
          problems: Sequence[str] = ("p", "q"), branch: str = "cap") -> list[dict[str, Any]]:  # fmt: skip
    """Return synthetic cells whose ratio measured/bound is ``slack(M, K)`` with relative errors of this size."""
    rng, found = np.random.default_rng(seed), []
    for problem, m, k in itertools.product(problems, workers, steps):
        right = 3.0 * m / k
        level = slack(m, k) * (2 if problem == "q" else 1)
        ratio = level * math.exp(error * rng.standard_normal())
        bound = {"lhs": ratio * right, "rhs": right, "ratio": ratio, "se": error * ratio * right}
        found.append({
            "problem": problem, "noise": "gaussian", "delays": "fixed", "M": m, "K": k, "sigma": 1, "output": "R1",
            "branch": branch, "verdict": "HOLDS HERE", "inequalities": {"bound": bound},
        })  # fmt: skip
    return found


def verdict(found: Sequence[Mapping[str, Any]], margin: float = 0.1) -> Rate:
    return Rate(rates.judge(found, margin)["verdict"])


def flat(m: int, k: int) -> float:
    return 0.02


@pytest.mark.statistical
def test_a_level_slack_matches():
    """Wrong with probability 1 % by design (the confidence of all slopes together); the seed is fixed."""
    report = rates.judge(cells(flat), 0.1)
    assert report["verdict"] == "MATCHES"
    assert {(s["variable"], s["problem"]) for s in report["slopes"]} == set(itertools.product("KM", "pq"))
    assert all(s["low"] <= s["slope"] <= s["high"] for s in report["slopes"])


RATES = {
    "K^0.3 slower": (lambda m, k: 0.02 * k**0.3, Rate.SLOWER),
    "sqrt(M) slower": (lambda m, k: 0.02 * m**0.5, Rate.SLOWER),
    "faster in both": (lambda m, k: 0.02 * k**-0.3 * m**-0.4, Rate.FASTER),
    "a constant off": (lambda m, k: 7.0, Rate.MATCHES),
}


@pytest.mark.statistical
@pytest.mark.parametrize("name", RATES)
def test_slopes_of_the_slack_are_judged(name):
    slack, right = RATES[name]
    assert verdict(cells(slack)) is right


def test_one_slow_branch_is_enough():
    report = [*cells(flat), *cells(lambda m, k: 0.02 * k**0.3, branch="noise")]
    assert verdict(report) is Rate.SLOWER
    assert verdict([*cells(flat), *cells(lambda m, k: 0.02 * k**-0.3, branch="noise")]) is Rate.NOT_SLOWER


def test_an_easy_problem_may_be_faster():
    """An upper bound is not contradicted by a problem that is easier than it: some problem has to match."""
    report = [*cells(flat, problems=("hard",)), *cells(lambda m, k: k**-0.5, problems=("easy",))]
    assert verdict(report) is Rate.MATCHES


@pytest.mark.parametrize(
    "grid",
    [
        {"steps": (256, 512, 1024), "workers": (4, 8)},  # K by 4 and M by 2 only
        {"steps": (256, 16_384), "workers": (1, 16)},  # two points make no series
    ],
)
def test_short_spans_identify_nothing(grid):
    assert verdict(cells(lambda m, k: k**0.3, **grid)) is Rate.UNIDENTIFIED
    assert verdict([]) is Rate.UNIDENTIFIED


def test_wide_errors_are_inconclusive():
    assert verdict(cells(flat, error=1.0)) is Rate.INCONCLUSIVE


def test_vacuous_and_empty_cells_are_left_out():
    bad = [{**c, "verdict": "VACUOUS"} for c in cells(lambda m, k: k**0.5, branch="noise")]
    nothing = [{n: v for n, v in c.items() if n != "inequalities"} for c in cells(flat)]
    assert verdict([*cells(flat), *bad, *nothing]) is Rate.MATCHES


@pytest.mark.parametrize("variable", ["K", "M"])
@pytest.mark.parametrize(("error", "share"), [(0.0, 0.0), (0.03, 1.0), (0.3, 0.2)])
def test_slopes_are_weighted_least_squares_with_one_intercept_a_series(variable, error, share):
    """The oracle is statsmodels: WLS on log slack, a dummy for each series, the same weights and quantile.

    With ``share`` 0.2 of the true errors declared, the lack of fit widens the interval; with more it does not.
    """
    found = cells(lambda m, k: 0.02 * k**0.07 * m**-0.1, error=max(error, 1e-6), seed=4)
    for i, cell in enumerate(found):
        cell["inequalities"]["bound"]["se"] *= (1 + i % 3) * share
    series = list(rates.series_of(found, variable).values())
    got = rates.slope(series, variable, 0.95)
    rows = [(i, c) for i, one in enumerate(series) for c in one]
    x = np.zeros((len(rows), 1 + len(series)))
    for n, (i, cell) in enumerate(rows):
        x[n, 0], x[n, 1 + i] = math.log(cell[variable]), 1.0
    bounds = [c["inequalities"]["bound"] for _, c in rows]
    y = np.log([b["ratio"] for b in bounds])
    weights = 1 / (np.square([b["se"] / b["lhs"] for b in bounds]) + rates.FLOOR**2)
    fit = sm.WLS(y, x, weights=weights).fit()
    assert (fit.scale > 1) == (share == 0.2)
    half = stats.t.ppf(0.975, fit.df_resid) * fit.bse[0] * math.sqrt(max(1, fit.scale) / fit.scale)
    assert got is not None
    assert got == pytest.approx((fit.params[0], fit.params[0] - half, fit.params[0] + half), rel=1e-8, abs=1e-8)


@pytest.mark.statistical
def test_slopes_cover_what_made_them():
    """95 % intervals of 400 data sets: misses beyond a binomial bound of false-alarm probability 1e-6 fail."""
    misses = 0
    for seed in range(400):
        found = cells(lambda m, k: 0.02 * k**0.15, seed=seed, problems=("p",))
        got = rates.slope(list(rates.series_of(found, "K").values()), "K", 0.95)
        assert got is not None
        misses += not got[1] <= 0.15 <= got[2]
    assert misses <= allowed(400, 0.05)


def test_words_of_one_slope():
    words = {(0.11, 0.2): Rate.SLOWER, (-0.2, -0.11): Rate.FASTER, (-0.05, 0.1): Rate.MATCHES,
             (-0.3, 0.05): Rate.NOT_SLOWER, (-0.05, 0.2): Rate.INCONCLUSIVE}  # fmt: skip
    for (low, high), word in words.items():
        assert rates.verdict_of(low, high, 0.1) is word


def test_fits_are_straight_lines_through_their_points():
    lines = rates.fits(cells(lambda m, k: 0.02 * k**0.25, error=1e-9, problems=("p",)))
    assert len(lines) == 3
    for line in lines:
        assert line["slope"] == pytest.approx(-0.75, abs=1e-7)
        assert line["K"] == [256, 16_384]
        assert line["intercept"] == pytest.approx(math.log10(0.02 * 3 * line["M"]), abs=1e-6)


def test_one_slow_delay_model_does_not_hide_among_level_ones():
    def cell(steps: int, delays: str, ratio: float) -> dict[str, Any]:
        bound = {"lhs": ratio, "ratio": ratio, "se": ratio * 1e-3}
        place = {"problem": "p", "noise": "n", "delays": delays, "M": 4, "K": steps, "sigma": 1.0, "output": "R1"}
        return {**place, "branch": "cap", "verdict": "HOLDS HERE", "inequalities": {"bound": bound}}

    def grid(slow: float) -> list[dict[str, Any]]:
        powers = [slow, *[0.0] * 11]
        steps = (256, 1024, 4096, 16384)
        return [cell(k, f"d{i}", 0.1 * (k / 256) ** p) for i, p in enumerate(powers) for k in steps]

    assert rates.judge(grid(0.3), 0.1)["verdict"] == "SLOWER"
    assert rates.judge(grid(0.0), 0.1)["verdict"] == "MATCHES"
