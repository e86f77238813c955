"""The error rates of our verdicts, by simulation: what they promise, and that wrong procedures are seen to be wrong.

A count of alarms fails a test when a true false-alarm probability of alpha explains it with probability 1e-6 at most
(``calibration.limit``); a share that must be large fails when it would be passed with probability 1e-6 at 1/2.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from scipy import integrate, stats

from ratecheck.checks.statistics import calibration
from ratecheck.checks.statistics.betting import (
    BETS,
    HOLD_BET,
    HOLD_ROOTS,
    against_at_least_one,
    against_at_most_one,
    gains_against_at_least_one,
    gains_against_at_most_one,
    mixed,
)
from ratecheck.checks.statistics.calibration import (
    ALARM,
    FALSE_KAPPA,
    LAWS,
    MARGINS,
    TRUE_KAPPA,
    Floats,
    Law,
    extremal,
    holding,
    limit,
    refuting,
    student,
)

REPETITIONS, RUNS, ALPHA = 2000, 300, 0.05

pytestmark = pytest.mark.statistical


def exceeded(rows: list[calibration.Row]) -> list[str]:
    """Return the laws with more alarms than alpha explains."""
    assert all(row["repetitions"] == REPETITIONS for row in rows)
    return [row["law"] for row in rows if row["alarms"] > row["limit"]]


# the laws are what they say

MOMENTS = {
    "gamma, shape 4": stats.gamma(4, scale=1 / 4), "exponential": stats.expon(), "chi-square, 1 degree": stats.chi2(1),
    "lognormal, s = 0.5": stats.lognorm(0.5, scale=math.exp(-1 / 8)),
    "lognormal, s = 1.5": stats.lognorm(1.5, scale=math.exp(-9 / 8)),
    "Pareto, index 2.5": stats.pareto(2.5, scale=0.6),
    "bursts: 1 % has half the mean": stats.rv_discrete(values=([0, 1], [0.99, 0.01])),
}  # fmt: skip


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_a_boundary_law_has_mean_one_and_its_second_moment(law):
    """The moments by scipy (quadrature, good to 1e-9); that this law is drawn, by Kolmogorov and Smirnov."""
    drawn = law.draw(np.random.default_rng(3), (100, 50))
    assert drawn.shape == (100, 50)
    found = MOMENTS[law.name]
    if law.name.startswith("bursts"):
        values = np.array([0.5 / 0.99, 50.0])
        assert set(np.unique(drawn)) == set(values)
        large = int((drawn == 50).sum())
        assert stats.binomtest(large, drawn.size, 0.01).pvalue > ALARM
        mean, second = np.array([0.99, 0.01]) @ values, np.array([0.99, 0.01]) @ values**2
    else:
        assert stats.kstest(drawn.ravel(), found.cdf).pvalue > ALARM
        mean, second = found.mean(), found.moment(2)
    assert mean == pytest.approx(1, rel=1e-9)
    assert law.second == pytest.approx(second, rel=1e-9)


@pytest.mark.parametrize("name", MARGINS)
def test_margins_of_the_grid_have_mean_one(name):
    """A quadrature over the normal, good to 1e-8; neighbours of the grid have correlation 0.8 in the normals."""
    mean, _ = integrate.quad(lambda z: float(MARGINS[name](np.float64(z))) * stats.norm.pdf(z), -12, 12)
    assert mean == pytest.approx(1, abs=1e-7)


@pytest.mark.parametrize(("repetitions", "alpha"), [(4000, 0.05), (300, 0.05), (4000, 0.05 / 36)])
def test_the_limit_is_a_binomial_quantile(repetitions, alpha):
    most = limit(repetitions, alpha)
    assert stats.binom.sf(most, repetitions, alpha) <= ALARM < stats.binom.sf(most - 1, repetitions, alpha)


# REFUTED


def test_false_alarms_stay_below_alpha():
    rows = calibration.false_alarms(REPETITIONS, RUNS, [ALPHA, ALPHA / 36], seed=1)
    assert len(rows) == 2 * len(LAWS) == 14
    assert exceeded(rows) == []
    assert all(row["alarms"] > 0 for row in rows if row["alpha"] == ALPHA)  # a process that sleeps would pass too


def by_the_observed_mean(ratios: Floats) -> Floats:
    """Wrong: ratios divided by their own first mean, as if the bound were known up to a factor only."""
    return refuting(ratios / ratios[..., :8].mean(axis=-1, keepdims=True))


def best_bet(ratios: Floats) -> Floats:
    """Wrong: the best bet in hindsight instead of the mean of all."""
    return np.asarray(np.cumsum(gains_against_at_most_one(ratios), axis=-1).max(axis=0))


def without_losses(ratios: Floats) -> Floats:
    """Wrong: runs below the bound are forgotten."""
    return refuting(np.maximum(ratios, 1))


def restarted(ratios: Floats) -> Floats:
    """Wrong: a new beginning whenever the evidence is below 1, as CUSUM charts have it."""
    gains = gains_against_at_most_one(ratios)[2]
    found, level = np.empty_like(ratios), np.zeros(len(ratios))
    for i in range(ratios.shape[-1]):
        level = np.maximum(level, 0) + gains[:, i]
        found[:, i] = level
    return found


@pytest.mark.parametrize(
    "wrong", [by_the_observed_mean, best_bet, without_losses, restarted, partial(student, 1)],
    ids=["observed mean", "best bet", "without losses", "restarted", "student"],
)  # fmt: skip
def test_a_wrong_procedure_alarms_too_often(wrong):
    """Teeth: each is caught on one law at least. The control is the test above, on the same sequences."""
    assert exceeded(calibration.false_alarms(REPETITIONS, RUNS, [ALPHA], seed=1, process=wrong))


def test_a_larger_mean_is_no_boundary_law():
    """Teeth: a mean of 1.1 is told as too many alarms on the mild laws."""
    shifted = [Law(law.name, lambda rng, shape, law=law: 1.1 * law.draw(rng, shape), 0.0) for law in LAWS]
    rows = calibration.false_alarms(REPETITIONS, RUNS, [ALPHA], seed=1, laws=shifted)
    assert {"gamma, shape 4", "exponential"} <= set(exceeded(rows))


def test_power():
    """Twice the bound is refuted at the level of 36 cells in 256 runs, five times in 64: mostly, by the mild laws."""
    for factor, runs in ((2.0, 256), (5.0, 64)):
        rows = calibration.power(REPETITIONS, runs, ALPHA / 36, 1, factors=[factor], laws=LAWS[:4])
        for row in rows:
            assert row["decided"] + row["missed"] == REPETITIONS
            assert row["decided"] > REPETITIONS - limit(REPETITIONS, 1 / 2)
            assert 1 < row["runs"] <= row["runs_at_looks"] <= runs


#: mean runs until REFUTED at alpha 0.05/36 by the mean of nine bets (0.01 to 0.9), looking after every run
TO_BEAT = {
    "gamma, shape 4": {1.25: 84, 1.5: 34, 2: 17, 5: 6.5},
    "exponential": {1.25: 312, 1.5: 92, 2: 33, 5: 8.8},
    "chi-square, 1 degree": {1.5: 190, 2: 64, 5: 13},
}


@pytest.mark.parametrize("law", LAWS[:3], ids=lambda law: law.name)
def test_runs_until_refuted_are_few(law):
    """Not more than 5 % above what nine bets need, and 5 standard errors of the mean of 400 sequences."""
    for factor, most in TO_BEAT[law.name].items():
        (row,) = calibration.power(400, 1000, ALPHA / 36, 1, factors=[factor], laws=[law])
        assert row["runs"] <= most * (1.05 + 5 * 0.7 / math.sqrt(400))  # their times spread by 0.7 of the mean or less


@pytest.mark.parametrize("ratio", [1.2, 2.0])
def test_runs_are_counted(ratio):
    """Runs that are all alike: the first n at which the evidence suffices, and the first look from there on."""
    same = Law("all alike", lambda rng, shape: np.ones(shape), 1.0)
    needed = next(n for n in range(1, 200) if against_at_most_one(np.full(n, ratio)) >= math.log(1 / 1e-3))
    look = next(n for n in (8, 16, 32, 64, 128) if n >= needed)
    (row,) = calibration.power(10, 200, 1e-3, 1, factors=[ratio], laws=[same])
    assert (row["decided"], row["runs"], row["runs_at_looks"]) == (10, needed, look)
    (row,) = calibration.power(10, needed, 1e-3, 1, factors=[ratio], laws=[same])
    assert (row["decided"], row["runs"]) == (10, needed)
    (row,) = calibration.power(10, needed - 1, 1e-3, 1, factors=[ratio], laws=[same])
    assert (row["missed"], row["runs"]) == (10, needed - 1)


# HOLDS HERE


def test_false_holds_stay_below_alpha_when_kappa_is_true():
    rows = calibration.false_holds(REPETITIONS, RUNS, [ALPHA, ALPHA / 36], seed=1)
    assert len(rows) == 2 * len(TRUE_KAPPA) == 36
    assert exceeded(rows) == []
    extreme = [row for row in rows if row["law"].startswith("0 or") and row["alpha"] == ALPHA]
    assert all(row["alarms"] > REPETITIONS * ALPHA / 3 for row in extreme)  # there the process is nearly sharp


def test_a_false_kappa_is_seen():
    """Teeth: the assumption matters; bursts at kappa = 4 are called below the bound most of the time."""
    rows = calibration.false_holds(REPETITIONS, RUNS, [ALPHA], seed=1, cases=FALSE_KAPPA)
    assert exceeded(rows) == [law.name for law, _ in FALSE_KAPPA]


def without_kappa(kappa: float, ratios: Floats) -> Floats:
    """Wrong: bets on 1 - R with no second moment, clipped where they would be lost."""
    return np.cumsum(np.log(np.maximum(1 + 0.9 * (1 - np.minimum(ratios, 2)), 0.05)), axis=-1)


def too_large(kappa: float, ratios: Floats) -> Floats:
    """Wrong: h is normalised as if kappa were a tenth smaller."""
    roots = kappa * HOLD_ROOTS[:, None, None]
    h = np.square(1 - np.minimum(ratios, roots) / roots) / (1 - 2 / roots + 0.9 * kappa / roots**2)
    return mixed(np.cumsum(np.log1p(HOLD_BET * (h - 1)), axis=-1))


def best_root(kappa: float, ratios: Floats) -> Floats:
    """Wrong: the best root in hindsight."""
    return np.asarray(np.cumsum(gains_against_at_least_one(ratios, kappa), axis=-1).max(axis=0))


@pytest.mark.parametrize("wrong", [without_kappa, too_large, best_root, lambda kappa, r: student(-1, r)],
                         ids=["without kappa", "too large", "best root", "student"])  # fmt: skip
def test_a_wrong_holds_is_told(wrong):
    """Teeth: on the extremal laws, where a right process has nothing to spare, or on the skewed ones."""
    cases = [(extremal(4.0), 4.0), (extremal(10.0), 10.0), *TRUE_KAPPA[:7]]
    assert exceeded(calibration.false_holds(REPETITIONS, RUNS, [ALPHA], seed=1, cases=cases, process=wrong))


def test_hold_power():
    """At kappa = 4 and alpha = 0.05: R = 0.02 in 16 runs, R = 0.3 in 64, and R = 0.7 in 1000 mostly."""
    for mean, runs in ((0.02, 16), (0.3, 64), (0.7, 1000)):
        for row in calibration.hold_power(400, runs, ALPHA, 1, means=[mean]):
            assert row["decided"] > 400 - limit(400, 1 / 2), row


# families and nights


def test_a_grid_shares_alpha():
    right = calibration.family(600, 60, ALPHA, 1)
    assert max(right["any"], right["mean"]) <= limit(600, ALPHA)
    assert right["any"] <= right["mean"]  # one cell at 36/alpha lifts the mean to 1/alpha
    # teeth: each cell at alpha by itself
    wrong = calibration.family(600, 60, 36 * ALPHA * 0.99, 1)
    assert wrong["any"] > limit(600, ALPHA)


@pytest.mark.parametrize("law", MARGINS)
def test_one_cell_of_a_grid_is_found(law):
    found = calibration.family(400, 20, ALPHA, 1, factor=3, cells=[4], law=law)
    assert found["any"] > 400 - limit(400, 1 / 2)


def test_a_hundred_nights_share_alpha():
    """The ledger, alpha = 0.01 for all nights: no more alarms than explained, and a cell at 1.5 is found."""
    right = calibration.nights(100, 100, 4, 0.01, 1)
    assert right["alarms"] <= limit(100, 0.01)
    found = calibration.nights(40, 100, 4, 0.01, 1, factor=1.5)
    assert found["alarms"] > 40 - limit(40, 1 / 2)
    later = calibration.nights(40, 100, 4, 0.01, 1, factor=3, before=0.02, since=50)
    assert later["alarms"] - later["early"] > 40 - limit(40, 1 / 2)
    assert 50 < later["median"] < 70


@pytest.mark.parametrize(("night", "early"), [(1, 5), (7, 5), (8, 0), (20, 0)])
def test_an_alarm_before_the_fault_is_early(night, early):
    """Of 20 nights the fault begins with the eighth."""
    alarm = np.where(np.arange(1, 21)[:, None] == night, 9.0, -9.0)
    row = calibration.nights(5, 20, 1, 0.01, 1, factor=2, since=7, cells=1, evidence=lambda bets: alarm)
    assert (row["alarms"], row["early"], row["median"]) == (5, early, night)


def best_start(nights: Floats) -> Floats:
    """Wrong: the best first night in hindsight, instead of a mean over all."""
    level, found = np.zeros(nights.shape[1:]), np.empty(nights.shape[:2])
    for t, gained in enumerate(nights):
        level = np.maximum(level, 0) + gained
        found[t] = np.log10((10**level).mean(axis=-1))
    return found


def every_night_alone(nights: Floats) -> Floats:
    """Wrong: each night at alpha."""
    return np.asarray(np.log10((10**nights).mean(axis=-1)))


@pytest.mark.parametrize(("wrong", "cells", "runs"), [(best_start, 1, 4), (every_night_alone, 1, 16)])
def test_a_wrong_ledger_alarms_too_often(wrong: Callable[[Floats], Floats], cells: int, runs: int):
    """Teeth, with the control beside it."""
    assert calibration.nights(200, 100, runs, ALPHA, 1, cells=cells, evidence=wrong)["alarms"] > limit(200, ALPHA)
    assert calibration.nights(200, 100, runs, ALPHA, 1, cells=cells)["alarms"] <= limit(200, ALPHA)


# the study itself


def test_processes_are_the_functions_that_decide():
    """The last value of a path is the evidence that a check computes."""
    ratios = np.random.default_rng(0).exponential(size=(3, 50))
    for i, n in itertools.product(range(3), (1, 8, 50)):
        assert refuting(ratios)[i, n - 1] == pytest.approx(against_at_most_one(ratios[i, :n]), abs=1e-11)
        assert holding(4.0, ratios)[i, n - 1] == pytest.approx(against_at_least_one(ratios[i, :n], 4.0), abs=1e-11)


def test_student_is_scipys():
    ratios = np.random.default_rng(0).gamma(4, 1 / 4, (5, 30))
    for sign, alternative in ((1, "greater"), (-1, "less")):
        found = student(sign, ratios)
        assert np.isneginf(found[:, :7]).all()
        expected = stats.ttest_1samp(ratios[:, :20], 1, axis=1, alternative=alternative).pvalue
        assert np.exp(-found[:, 19]) == pytest.approx(expected, rel=1e-9)
    assert student(1, np.ones((1, 10)))[0, -1] == pytest.approx(math.log(2))


def test_sequences_do_not_depend_on_how_they_are_batched(monkeypatch):
    whole = calibration.false_alarms(300, 50, [0.3], seed=4)
    power = calibration.power(300, 50, 0.05, 4)
    monkeypatch.setattr(calibration, "CHUNK", 50 * 7)
    few = calibration.false_alarms(300, 50, [0.3], seed=4)
    assert [r["alarms"] for r in few] == pytest.approx([r["alarms"] for r in whole], abs=0)
    assert [r["runs"] for r in calibration.power(300, 50, 0.05, 4)] == pytest.approx([r["runs"] for r in power])
    assert whole != calibration.false_alarms(300, 50, [0.3], seed=5)


def test_every_bet_is_a_fraction():
    """A bet of 1 or more could lose everything, or owe."""
    assert ((BETS > 0) & (BETS < 1)).all()
    assert 0 < HOLD_BET < 1
