"""The rate verdict: slopes against statsmodels, intervals and words against laws with known answers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from ratecheck.checks import rates, synthetic
from ratecheck.checks.statistics import slopes
from ratecheck.core.verdict import Rate

#: false-alarm probability of each statistical test here
ALARM = 1e-6
#: an oracle that solves the same equations by other routes: 1e-15 times condition numbers below 1e6
AGREE = 1e-8
#: the solver of the variance between cells stops at 1e-6 of FLOOR^2, which is at least that part of any variance
SOLVED = 1e-5
RUNS = 64


def allowed(repetitions: int, probability: float) -> int:
    """Return the count that a binomial of this probability exceeds with probability at most ALARM."""
    return int(stats.binom.isf(ALARM, repetitions, probability))


def cells(slack: Callable[[int, int], float], *, workers: Sequence[int] = (1, 4, 16),
          steps: Sequence[int] = (256, 1024, 4096, 16_384), error: float = 0.02, declared: float | None = None,
          seed: int = 0, problems: Sequence[str] = ("p", "q"), branch: str = "cap", sigma: float = 1.0,
          delays: str = "fixed") -> list[dict[str, Any]]:  # fmt: skip
    """Return cells whose ratio measured/bound is ``slack(M, K)`` with relative errors of this size, or as declared."""
    rng, found = np.random.default_rng(seed), []
    for problem, m, k in itertools.product(problems, workers, steps):
        right = 3.0 * m / k
        level = slack(m, k) * (2 if problem == "q" else 1)
        ratio = level * math.exp(error * rng.standard_normal())
        se = (error if declared is None else declared) * ratio * right
        found.append({
            "digest": f"{problem}-{m}-{k}-{branch}-{sigma}-{delays}", "problem": problem, "noise": "gaussian",
            "delays": delays, "M": m, "K": k, "sigma": sigma, "output": "R1", "branch": branch, "n": RUNS,
            "verdict": "HOLDS HERE",
            "inequalities": {"bound": {"lhs": ratio * right, "rhs": right, "ratio": ratio, "se": se}},
        })  # fmt: skip
    return found


def flat(m: int, k: int) -> float:
    return 0.02


def judged(found: Sequence[Mapping[str, Any]], branches: Sequence[str] = ()) -> tuple[Rate, str]:
    report = rates.judge(found, 0.1, branches)
    return Rate(report["verdict"]), report["reason"]


def verdict(found: Sequence[Mapping[str, Any]], branches: Sequence[str] = ()) -> Rate:
    return judged(found, branches)[0]


# words


@pytest.mark.statistical
def test_a_level_slack_matches():
    """Wrong with probability 1 % by design (the confidence of all slopes together); the seed is fixed."""
    report = rates.judge(cells(flat), 0.1)
    assert report["verdict"] == "MATCHES"
    assert not report["reason"]
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


def test_wide_errors_are_inconclusive_and_say_whether_more_runs_help():
    word, reason = judged(cells(flat, error=1.0))
    assert word is Rate.INCONCLUSIVE
    assert reason.endswith("more runs narrow it")
    word, reason = judged(cells(flat, error=1.0, declared=1e-3))
    assert word is Rate.INCONCLUSIVE
    assert "add values of" in reason


def test_vacuous_and_empty_cells_are_left_out():
    bad = [{**c, "verdict": "VACUOUS"} for c in cells(lambda m, k: k**0.5, branch="noise")]
    nothing = [{n: v for n, v in c.items() if n not in ("inequalities", "branch")} for c in cells(flat)]
    assert verdict([*cells(flat), *bad, *nothing]) is Rate.MATCHES


def test_words_of_one_slope():
    words = {(0.11, 0.2): Rate.SLOWER, (-0.2, -0.11): Rate.FASTER, (-0.05, 0.1): Rate.MATCHES,
             (-0.3, 0.05): Rate.NOT_SLOWER, (-0.05, 0.2): Rate.INCONCLUSIVE}  # fmt: skip
    for (low, high), word in words.items():
        assert rates.verdict_of(low, high, 0.1) is word


# every branch has to be seen


CAP = {"cap": synthetic.BRANCHES["cap"]}


@pytest.mark.parametrize(
    ("grid", "missing"),
    [
        ({"steps": (256, 512, 1024), "workers": (4, 8)}, "K"),  # K by 4 and M by 2 only
        ({"steps": (256, 16_384), "workers": (1, 16)}, "K"),  # two points make no series
        ({"workers": (4, 8)}, "M"),
    ],
)
def test_short_spans_identify_nothing(grid, missing):
    for branches in ({}, CAP):
        word, reason = judged(cells(flat, **grid), branches)
        if missing == "M" and not branches:
            assert word is Rate.MATCHES  # nobody asked for the branch: what is seen is judged
        else:
            assert word is Rate.UNIDENTIFIED
            assert f"values of {missing}" in reason
    assert judged([])[0] is Rate.UNIDENTIFIED
    assert judged([], CAP)[0] is Rate.UNIDENTIFIED


def test_a_branch_that_is_never_seen_is_not_matched():
    branches = synthetic.BRANCHES
    word, reason = judged(cells(flat), branches)
    assert word is Rate.UNIDENTIFIED
    assert "'noise'" in reason
    assert "larger sigma" in reason
    assert "smaller sigma" in judged(cells(flat, branch="noise"), branches)[1]
    vacuous = [{**c, "verdict": "VACUOUS"} for c in cells(flat, branch="noise")]
    assert "larger K" in judged([*cells(flat), *vacuous], branches)[1]
    assert verdict([*cells(flat), *cells(flat, branch="noise")], branches) is Rate.MATCHES


def test_a_slow_branch_is_told_though_another_is_not_seen():
    assert verdict(cells(lambda m, k: k**0.3), synthetic.BRANCHES) is Rate.SLOWER
    assert verdict(cells(lambda m, k: k**-0.3 / m), synthetic.BRANCHES) is Rate.UNIDENTIFIED


@pytest.mark.parametrize(("power", "word"), [(0.0, Rate.INCONCLUSIVE), (1.0, Rate.SLOWER)])
def test_a_slack_that_moves_from_one_share_to_another_is_not_slower(power, word):
    """Error 0.15 of a term of M/K and 0.05 of one of 1/sqrt(K): the slack rises with M though both terms are right.

    Without the terms it is called SLOWER. With M^2 for M no sum of the terms explains it.
    """
    found = cells(flat, error=0.0, workers=(2, 4, 8), steps=(1024, 2048, 4096))
    for c in found:
        c["terms"] = {"optimisation": c["M"] / c["K"], "noise": 0.15 / math.sqrt(c["K"])}
        left = 0.15 * c["terms"]["optimisation"] * c["M"] ** power + 0.05 * c["terms"]["noise"]
        right = sum(c["terms"].values())
        c["inequalities"] = {"bound": {"lhs": left, "rhs": right, "ratio": left / right, "se": 0.0}}
    without = [{n: v for n, v in c.items() if n != "terms"} for c in found]
    assert verdict(without) is Rate.SLOWER
    said, reason = judged(found)
    assert said is word
    assert ("a sum of the bound's terms explains it" in reason) == (power == 0)


# the trend


def test_the_crossing_is_where_the_trend_meets_the_bound():
    """Without errors: slack 0.02 (K/256)^0.3 is 1 at K = 256 * 50^(10/3); on problem q, twice that, at half of it."""
    found = rates.judge(cells(lambda m, k: 0.02 * (k / 256) ** 0.3, error=0.0), 0.1)
    nearest = {s["problem"]: s for s in found["slopes"] if s["verdict"] == "SLOWER"}
    assert nearest["p"]["crossing"] == pytest.approx(256 * 50 ** (10 / 3), rel=AGREE)
    assert nearest["q"]["crossing"] == pytest.approx(256 * 25 ** (10 / 3), rel=AGREE)
    assert nearest["p"]["far"]  # beyond 1000 times the largest K, 16,384
    assert not nearest["q"]["far"]
    assert "note" not in found["reason"]
    assert "K ~ 1.2e+07" in found["reason"]


def test_a_far_crossing_is_a_note():
    found = rates.judge(cells(lambda m, k: 1e-4 * (k / 256) ** 0.3, error=0.0), 0.1)
    assert found["verdict"] == "SLOWER"
    assert all(s["far"] for s in found["slopes"] if s["verdict"] == "SLOWER")
    assert "a note only" in found["reason"]
    tiny = rates.judge(cells(lambda m, k: 1e-300 * k**0.2, error=0.0), 0.1)
    assert all(math.isfinite(s["crossing"]) for s in tiny["slopes"] if s["verdict"] == "SLOWER")


def test_a_bound_that_fails_already_is_crossed_at_the_end_of_the_range():
    found = rates.judge(cells(lambda m, k: 3 * k**0.3, error=0.0), 0.1)
    slow = [s for s in found["slopes"] if s["verdict"] == "SLOWER"]
    assert slow
    assert all(s["crossing"] == pytest.approx(16_384) and not s["far"] for s in slow)


# slopes


def wls(points: slopes.Points, between: float) -> Any:
    design = np.column_stack([points.x, *(points.series == i for i in range(points.series.max() + 1))]).astype(float)
    return sm.WLS(points.y, design, weights=1 / (points.variance_of + between)).fit()


@pytest.mark.parametrize("variable", ["K", "M"])
@pytest.mark.parametrize(("error", "share"), [(0.0, 0.0), (0.03, 1.5), (0.3, 0.2)])
def test_slopes_are_weighted_least_squares_with_one_intercept_a_series(variable, error, share):
    """The oracle is statsmodels: WLS on log slack, a dummy for each series, one variance between cells for all.

    With ``share`` 0.2 of the true errors declared there is a variance between cells; with more there is none.
    """
    found = cells(lambda m, k: 0.02 * k**0.07 * m**-0.1, error=max(error, 1e-6), seed=4)
    for i, cell in enumerate(found):
        cell["inequalities"]["bound"]["se"] *= (1 + i % 3) * share
    points = slopes.points_of(list(rates.series_of(found, variable).values()), variable)
    got = slopes.line(points, 0.95)
    between = slopes._between(points)
    fit = wls(points, between)
    assert (between > slopes.FLOOR**2) == (share == 0.2)
    if share == 0.2:
        assert fit.scale == pytest.approx(1, rel=SOLVED)
    else:
        assert fit.scale < 1
    # n - 1 degrees of freedom for each cell's sampling error, combined by Satterthwaite; or those of the residuals
    exog, weights = fit.model.exog, fit.model.weights
    x = exog[:, 0] - sm.WLS(exog[:, 0], exog[:, 1:], weights=weights).fit().fittedvalues
    parts = (weights * x) ** 2 * points.variance_of
    freedom = parts.sum() ** 2 / (parts**2 / (RUNS - 1)).sum() if share else math.inf
    wide = max(stats.t.ppf(0.975, freedom), stats.t.ppf(0.975, fit.df_resid) * math.sqrt(fit.scale))
    half = wide * fit.bse[0] / math.sqrt(fit.scale)
    assert got == pytest.approx((fit.params[0], fit.params[0] - half, fit.params[0] + half), rel=AGREE, abs=AGREE)


@pytest.mark.statistical
@pytest.mark.parametrize("declared", [1.0, 0.1])
def test_slopes_cover_what_made_them(declared):
    """95 % intervals of 400 data sets: misses beyond a binomial bound of false-alarm probability 1e-6 fail.

    So it is when cells differ by ten times their declared sampling error.
    """
    misses = 0
    for seed in range(400):
        found = cells(lambda m, k: 0.02 * k**0.15, seed=seed, problems=("p",), declared=0.02 * declared)
        _, low, high = slopes.line(slopes.points_of(list(rates.series_of(found, "K").values()), "K"), 0.95)
        misses += not low <= 0.15 <= high
    assert misses <= allowed(400, 0.05)


@pytest.mark.statistical
def test_sampling_errors_alone_would_not_cover():
    """Teeth of the test above: without the variance between cells most intervals miss."""
    misses = 0
    for seed in range(400):
        found = cells(lambda m, k: 0.02 * k**0.15, seed=seed, problems=("p",), declared=0.002)
        points = slopes.points_of(list(rates.series_of(found, "K").values()), "K")
        misses += abs(slopes.line(points, 0.95)[0] - 0.15) > points.half(0.95)
    assert misses > allowed(400, 0.05)


@pytest.mark.statistical
def test_the_logarithm_of_a_mean_is_put_right():
    """Few runs give a low logarithm; 4,000 means of 8 exponentials: 5 standard errors, alarm probability 6e-7.

    What is left is of the next order: less than 1/n^2 = 1/64, since E log of a gamma(8) mean is -1/16 - 1/768 and the
    variance that is put back is estimated low by 1/(n + 1) of itself.
    """
    runs = np.random.default_rng(8).exponential(size=(4000, 8))
    mean, se = runs.mean(axis=1), runs.std(axis=1, ddof=1) / math.sqrt(8)
    bounds = [{"lhs": m, "ratio": m, "se": e} for m, e in zip(mean.tolist(), se.tolist(), strict=True)]
    points = slopes.points_of([[{"K": 1, "n": 8, "inequalities": {"bound": b}} for b in bounds]], "K")
    spread = 5 * float(points.y.std()) / math.sqrt(4000)
    assert abs(points.y.mean()) < spread + 1 / 64
    assert abs(np.log(mean).mean()) > spread + 1 / 64


def test_cells_without_sampling_error_do_not_outvote_the_others():
    """Level cells without noise, noisy ones that drift by K^0.3: no match, though the former are 20 times as exact."""
    exact = cells(flat, error=0.0, sigma=0.0, problems=("p",))
    control = cells(flat, sigma=1.0, problems=("p",))
    assert verdict([*exact, *control]) is Rate.MATCHES
    assert verdict([*exact, *cells(lambda m, k: 0.02 * k**0.3, problems=("p",))]) is not Rate.MATCHES


def test_one_slow_delay_model_does_not_hide_among_level_ones():
    def grid(slow: float) -> list[dict[str, Any]]:
        powers = [slow, *[0.0] * 11]
        return [
            c for i, p in enumerate(powers)
            for c in cells(lambda m, k, p=p: 0.1 * (k / 256) ** p, workers=(4,), problems=("p",), seed=i,
                           error=1e-3, delays=f"d{i}")
        ]  # fmt: skip

    assert verdict(grid(0.3)) is Rate.SLOWER
    assert verdict(grid(0.0)) is Rate.MATCHES


def test_fits_are_straight_lines_through_their_points():
    lines = rates.fits(cells(lambda m, k: 0.02 * k**0.25, error=1e-9, problems=("p",)))
    assert len(lines) == 3
    for line in lines:
        assert line["slope"] == pytest.approx(-0.75, abs=1e-7)
        assert line["K"] == [256, 16_384]
        assert line["intercept"] == pytest.approx(math.log10(0.02 * 3 * line["M"]), abs=1e-6)


# where more runs help


def test_gains_are_what_doubling_takes_off_the_variance():
    """The oracle is statsmodels on the widest slope, here that in M of the branch, with the cell's runs doubled."""
    found = cells(flat, error=0.3, seed=2, problems=("p",))
    got = rates.gains(found, 0.1)
    series = list(rates.series_of(found, "M").values())
    points = slopes.points_of(series, "M")
    floor = slopes.FLOOR**2

    def variance(p: slopes.Points) -> float:
        fit = wls(p, floor)
        return float(fit.bse[0] ** 2 / fit.scale)

    for i, cell in enumerate(c for one in series for c in one):
        again = {**cell, "inequalities": {"bound": dict(cell["inequalities"]["bound"])}}
        again["inequalities"]["bound"]["se"] /= math.sqrt(2)
        changed = [[again if c is cell else c for c in one] for one in series]
        after = slopes.points_of(changed, "M")
        assert got[cell["digest"]] == pytest.approx(variance(points) - variance(after), rel=1e-6), i
        assert (got[cell["digest"]] > 0) == (cell["M"] != 4)  # the middle of a series says nothing of its slope


def test_gains_look_at_widths_only():
    noisy = cells(flat, error=0.3, seed=2)
    drift = cells(lambda m, k: 0.5 * k**0.4 / m, error=0.3, seed=2)
    assert rates.gains(drift, 0.1) == pytest.approx(rates.gains(noisy, 0.1), rel=AGREE)
    assert set(rates.gains(cells(flat, error=1e-3), 0.1).values()) == {0.0}
    assert set(rates.gains(cells(flat, error=0.5, declared=1e-3), 0.1).values()) == {0.0}  # more runs do not help
    assert rates.gains([], 0.1) == {}


# synthetic laws


@pytest.mark.statistical
def test_the_true_law_matches_on_the_planned_grid():
    """If that had probability 95 % at a coefficient of variation of 0.5 and 80 runs, the count passes but for 1e-6."""
    cases = 200
    found = synthetic.study(synthetic.TRUE, "planned", 0.5, 80, cases)
    assert cases - found["MATCHES"] <= allowed(cases, 0.05)


@pytest.mark.statistical
@pytest.mark.parametrize("grid", synthetic.GRIDS)
def test_wrong_laws_never_match(grid):
    for law, (variation, runs) in itertools.product(synthetic.WRONG, [(0.5, 80), (1.5, 20)]):
        assert synthetic.study(law, grid, variation, runs, 5)["MATCHES"] == 0, law


def test_bad_grids_identify_nothing():
    for grid in ("narrow", "noisy"):
        assert synthetic.study(synthetic.TRUE, grid, 0.5, 80, 10) == {"UNIDENTIFIED": 10}


@pytest.mark.statistical
def test_without_branches_a_wrong_law_matches():
    """Teeth: on the noisy grid M/sqrt(K) cannot be told from the truth, and only the branch never seen says so."""
    cells = synthetic.cells_of("noisy")
    errors = synthetic.means(cells, synthetic.LAWS["M/sqrt(K)"])[:, None] * synthetic.factors(
        np.random.default_rng(1), 0.5, (len(cells), 400)
    )
    rows = synthetic.rows(cells, errors)
    assert rates.judge(rows, 0.5)["verdict"] == "MATCHES"
    assert rates.judge(rows, 0.5, synthetic.BRANCHES)["verdict"] == "UNIDENTIFIED"


@pytest.mark.statistical
@pytest.mark.parametrize("sign", [1, -1])
def test_at_the_margin_a_match_is_as_rare_as_promised(sign):
    """Slack K^(+-0.1): each of 200 experiments says MATCHES with probability 1 % at most, the joint confidence."""
    law = synthetic.Law(lambda m, k: (k / 4096) ** (0.1 * sign), lambda m, k: (k / 4096) ** (0.1 * sign))
    cells = synthetic.cells_of("good")
    mean = synthetic.means(cells, law)[:, None]
    wrong = 0
    for case in range(200):
        errors = mean * synthetic.factors(np.random.default_rng([5, case]), 0.5, (len(cells), 80))
        wrong += rates.judge(synthetic.rows(cells, errors), 0.1)["verdict"] in ("MATCHES", "SLOWER", "FASTER")
    assert wrong <= allowed(200, 1 - rates.CONFIDENCE)


@pytest.mark.parametrize("variation", [0.5, 1.0, 1.5])
def test_factors_have_the_declared_moments(variation):
    """Of 200,000 factors; five standard errors of the mean, and a tenth for the deviation of the heavy lognormal."""
    found = synthetic.factors(np.random.default_rng(0), variation, (200_000,))
    assert found.mean() == pytest.approx(1, abs=5 * variation / math.sqrt(200_000))
    assert found.std() == pytest.approx(variation, rel=0.1)


def test_an_undecided_problem_keeps_another_from_matching():
    """One problem obeys the law and is measured well; the other grows with K, and its spread of 4 hides that."""
    said = synthetic.study(synthetic.TRUE, "planned", 0.4, 80, 40, beside=("M/sqrt(K)", 4.0))
    assert said["MATCHES"] == 0
    control = synthetic.study(synthetic.TRUE, "planned", 0.4, 80, 10, beside=(synthetic.TRUE, 0.4))
    assert control["MATCHES"] == 10
    easy = synthetic.study(synthetic.TRUE, "planned", 0.4, 80, 10, beside=("faster by (M K)^(1/4)", 0.4))
    assert easy["MATCHES"] == 10, "a problem that is faster contradicts no upper bound"


def test_a_wrong_power_of_sigma_is_slower():
    cells = [c for c in synthetic.cells_of("noisy") if c["branch"] == "noise"]
    wrong = np.array([sum(c["terms"].values()) * c["sigma"] ** 0.5 for c in cells])
    factors = synthetic.factors(np.random.default_rng(1), 0.3, (len(cells), 40))
    slopes = rates.judge(synthetic.rows(cells, 0.1 * wrong[:, None] * factors), 0.1)["slopes"]
    assert {s["verdict"] for s in slopes if s["variable"] == "sigma"} == {"SLOWER"}
    right = np.array([sum(c["terms"].values()) for c in cells])
    slopes = rates.judge(synthetic.rows(cells, 0.1 * right[:, None] * factors), 0.1)["slopes"]
    assert {s["verdict"] for s in slopes if s["variable"] == "sigma"} == {"MATCHES"}


@pytest.mark.parametrize("rhs", [math.inf, -1.0, 0.0])
def test_a_bound_that_is_no_positive_number_tells_no_rate(rhs):
    found = [
        {**c, "terms": {"all": rhs}, "inequalities": {"bound": {**c["inequalities"]["bound"], "rhs": rhs}}}
        for c in cells(flat)
    ]
    assert verdict(found) is Rate.UNIDENTIFIED
    assert verdict(cells(flat)) is not Rate.UNIDENTIFIED, "the control"


def test_terms_that_are_no_numbers_have_no_best_sum():
    rising = cells(lambda m, k: 0.02 * (k / 256) ** 0.3, error=0.0)
    told = verdict(rising)
    assert verdict([{**c, "terms": {"one": math.inf, "other": math.nan}} for c in rising]) is told
