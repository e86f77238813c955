"""Methods on paired runs: who is told apart, and how often wrongly."""

import numpy as np
import pytest
from scipy import stats

from ratecheck.checks.statistics.paired import compare, signed_rank
from ratecheck.commands.ordering import few

RNG = np.random.default_rng(11)


def test_twenty_of_twenty_is_told_apart_and_noise_is_not():
    base = RNG.normal(size=20)
    runs = {"worse": base + 1 + RNG.uniform(size=20), "best": base, "same": base + RNG.permutation([1e-3, -1e-3] * 10)}
    found = {(r["better"], r["worse"]): r for r in compare({"one": runs}, 1e-3)["one"]}
    clear = found["best", "worse"]
    assert (clear["wins"], clear["seeds"], clear["apart"]) == (20, 20, True)
    assert clear["p"] == 2**-19  # both tails, all signs alike
    assert clear["difference"] == pytest.approx((runs["worse"] - base).mean())
    (tie,) = [r for (a, b), r in found.items() if {a, b} == {"best", "same"}]
    assert not tie["apart"]


def test_equal_runs_are_no_difference():
    (row,) = compare({0: {"a": np.ones(20), "b": np.ones(20)}}, 0.5)[0]
    assert (row["wins"], row["difference"], row["p"], row["apart"]) == (0, 0.0, 1.0, False)


def test_a_run_that_diverged_is_worse_than_any_other():
    fine = RNG.uniform(size=12)
    gone = fine - 0.01
    gone[:3] = np.nan
    (row,) = compare({0: {"gone": gone, "fine": fine}}, 0.05)[0]
    assert (row["better"], row["worse"], row["wins"], row["difference"]) == ("fine", "gone", 3, np.inf)
    both = compare({0: {"a": np.full(8, np.nan), "b": np.full(8, np.inf)}}, 0.05)[0][0]
    assert (both["wins"], both["p"], both["apart"]) == (0, 1.0, False)


def test_p_values_are_those_of_scipy_and_few_pairs_say_nothing():
    difference = RNG.normal(0.3, 1, 15)
    assert signed_rank(difference) == stats.wilcoxon(difference).pvalue
    assert signed_rank(np.append(difference, [0, 0])) == signed_rank(difference)
    assert signed_rank(np.ones(5)) == 1.0
    assert signed_rank(np.arange(1.0, 7.0)) == 2**-5


def test_holm_shares_the_level_among_all_pairs_of_all_groups():
    """20 signs alike have p = 2^-19: apart among 500 comparisons at 1e-3, and not among 1000."""
    shift = np.linspace(1, 2, 20)
    for groups, apart in ((500, True), (1000, False)):
        found = compare({i: {"a": np.zeros(20), "b": shift} for i in range(groups)}, 1e-3)
        assert {row["apart"] for rows in found.values() for row in rows} == {apart}
    # step down: once the clear ones are out, the next needs alpha over those that are left
    clear = {i: {"a": np.zeros(20), "b": shift} for i in range(9)}
    weak = np.where(np.arange(20) < 3, -shift / 10, shift)
    p = signed_rank(weak)
    found = compare({**clear, "weak": {"a": np.zeros(20), "b": weak}}, 1.01 * p)
    assert found["weak"][0]["apart"]
    assert not compare({**clear, "weak": {"a": np.zeros(20), "b": weak}}, 0.99 * p)["weak"][0]["apart"]


@pytest.mark.statistical
def test_exchangeable_methods_are_seldom_told_apart():
    """At alpha = 0.05, 400 comparisons of 6 pairs each: more than 41 false alarms have probability below 1e-5."""
    alarms = 0
    for _ in range(400):
        shared = RNG.normal(size=12)
        runs = {name: shared + 0.3 * RNG.standard_t(2, 12) for name in "abcd"}
        alarms += any(row["apart"] for row in compare({0: runs}, 0.05)[0])
    assert stats.binom.sf(41, 400, 0.05) < 1e-5
    assert alarms <= 41


@pytest.mark.parametrize(("seeds", "alpha", "pairs", "needed"), [
    (10, 1e-3, 1, 11), (11, 1e-3, 1, None), (12, 1e-3, 3, 13), (5, 0.5, 1, 6), (6, 0.5, 1, None), (12, 0.05, 28, None),
])  # fmt: skip
def test_too_few_seeds_are_said_to_be(seeds, alpha, pairs, needed):
    """So many pairs of methods of which one is better on all seeds: apart exactly where nothing is said."""
    said = few(seeds, alpha, pairs)
    assert (needed is None) is (said == [])
    assert needed is None or f"it takes {needed} at least" in said[0]
    shift = np.linspace(1, 2, seeds)
    found = compare({i: {"a": np.zeros(seeds), "b": shift} for i in range(pairs)}, alpha)
    assert {row["apart"] for rows in found.values() for row in rows} == {needed is None}
