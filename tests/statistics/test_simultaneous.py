"""Bands and the warning line over all cells at once, on planted runs."""

import numpy as np
import pytest
from scipy import stats

from ratecheck.checks.question import State
from ratecheck.checks.statistics import simultaneous
from ratecheck.checks.statistics.simultaneous import BAND, WARN
from ratecheck.core.cell import Cell
from ratecheck.core.part import Part

#: false-alarm probability of each statistical test here
ALARM = 1e-6
PARTS = (Part("huber"), Part("gaussian"), Part("exponential"))


def states(rng, means, runs, law):
    found = []
    for i, mean in enumerate(means):
        values = mean * law(rng, runs)
        state = State(Cell(*PARTS, 2, 64 + i, 1.0), runs=runs, sides={"bound": values})
        average, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(runs))
        state.inequalities = {"bound": {"lhs": average, "se": error, "rhs": 1.0, "ratio": average}}
        found.append(state)
    return found


def normal(rng, runs):
    return 1 + 0.3 * rng.normal(size=runs)


def skewed(rng, runs):
    return rng.exponential(size=runs)


@pytest.mark.statistical
@pytest.mark.parametrize(("law", "runs", "least"), [(normal, 40, BAND), (skewed, 60, 0.85), (normal, 8, BAND)])
def test_bands_hold_all_means_at_once(law, runs, least):
    """The share of data sets whose 12 bands all hold the true mean; a band of one cell's width would fail."""
    repetitions, rng = 200, np.random.default_rng(1)
    held = narrow = 0
    for _ in range(repetitions):
        cells = states(rng, np.ones(12), runs, law)
        simultaneous.put_bands(cells)
        one = [s.inequalities["bound"] for s in cells]
        held += all(b["low"] <= 1 <= b["high"] for b in one)
        narrow += all(abs(b["lhs"] - 1) <= stats.t.ppf((1 + BAND) / 2, runs - 1) * b["se"] for b in one)
    assert held >= stats.binom.ppf(ALARM, repetitions, least - 0.01)
    assert narrow < stats.binom.ppf(ALARM, repetitions, least - 0.01)


@pytest.mark.statistical
def test_the_warning_is_rare_where_all_means_are_on_the_bound_and_finds_a_faint_excess():
    repetitions, rng = 200, np.random.default_rng(2)
    false = found = 0
    for _ in range(repetitions):
        false += simultaneous.warning(states(rng, np.ones(12), 60, skewed)) is not None
        means = np.ones(12)
        means[7] = 1.75
        said = simultaneous.warning(states(rng, means, 60, skewed))
        found += said is not None and "K=71" in said["cell"]
    assert false <= stats.binom.isf(ALARM, repetitions, WARN)
    assert found >= 0.8 * repetitions


def test_cells_known_exactly_have_no_band_and_few_runs_take_student():
    rng = np.random.default_rng(3)
    (few,) = states(rng, [1.0], 8, normal)
    (known,) = states(rng, [1.0], 64, normal)
    known.inequalities["bound"] |= {"by": "moments", "se": 0.0}
    simultaneous.put_bands([few, known])
    one = few.inequalities["bound"]
    assert one["high"] - one["lhs"] == pytest.approx(stats.t.ppf((1 + BAND) / 2, 7) * one["se"], rel=1e-12)
    assert known.inequalities["bound"]["low"] == known.inequalities["bound"]["high"]
    assert simultaneous.warning([known]) is None


def test_the_same_data_give_the_same_band():
    def bands():
        cells = states(np.random.default_rng(4), np.ones(5), 32, skewed)
        simultaneous.put_bands(cells)
        return [s.inequalities["bound"]["high"] for s in cells]

    assert bands() == bands()


def test_two_valued_runs_give_a_band_without_warnings():
    """A resample in which all runs are equal has no error: its deviation is infinite, and the band Student's."""
    values = np.array([0.0] * 15 + [1.0])
    state = State(Cell(*PARTS, 2, 64, 1.0), runs=16, sides={"bound": values})
    error = float(values.std(ddof=1) / 4)
    state.inequalities = {"bound": {"lhs": 1 / 16, "se": error, "rhs": 1.0, "ratio": 1 / 16}}
    simultaneous.put_bands([state])
    one = state.inequalities["bound"]
    assert one["high"] - one["lhs"] == pytest.approx(stats.t.ppf((1 + BAND) / 2, 15) * error, rel=1e-12)
