"""Rivals of the theorem's law: who wins, when nobody does, and that naming a winner always would be wrong."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ratecheck.checks import rates, synthetic
from ratecheck.checks.statistics import rivals
from ratecheck.checks.statistics.coefficients import FloatArray
from ratecheck.checks.statistics.rivals import RIVAL, THEOREM, UNDECIDED

#: false-alarm probability of each statistical test here
ALARM = 1e-6
LAWS = {"tau_max/K, tau_max = M^2": "tau_max/K", "M/sqrt(K)": "M/sqrt(K)", "(M/K)^(2/3)": "(M/K)^(2/3)",
        "sqrt(M) sigma/sqrt(K)": "sqrt(M) sigma/sqrt(K)"}  # fmt: skip


def experiment(law: str, grid: str, seed: int, runs: int = 40) -> tuple[list[dict[str, Any]], dict[str, FloatArray]]:
    cells = synthetic.cells_of(grid)
    mean = synthetic.means(cells, synthetic.LAWS[law])[:, None]
    errors = mean * synthetic.factors(np.random.default_rng([9, seed]), 0.5, (len(cells), runs))
    return synthetic.rows(cells, errors), {c["digest"]: e for c, e in zip(cells, errors, strict=True)}


def words(law: str, grid: str, seed: int, verdict: str | None = None) -> dict[str, str]:
    rows, errors = experiment(law, grid, seed)
    said = verdict or rates.judge(rows, 0.1, synthetic.BRANCHES)["verdict"]
    return {e["rival"]: e["words"] for e in rivals.compare(rows, errors, said)}


def test_the_theorem_wins_on_a_good_grid_and_only_when_its_rate_matches():
    assert words(synthetic.TRUE, "good", 0, "MATCHES") == dict.fromkeys(LAWS.values(), THEOREM)
    for verdict in ("SLOWER", "INCONCLUSIVE", "UNIDENTIFIED", "NOT SLOWER", "FASTER"):
        assert set(words(synthetic.TRUE, "good", 0, verdict).values()) == {UNDECIDED}


@pytest.mark.parametrize("law", LAWS)
def test_the_true_rival_wins_and_only_when_the_rate_is_slower(law):
    assert words(law, "good", 1)[LAWS[law]] == RIVAL
    assert THEOREM not in words(law, "good", 1).values()
    for verdict in ("MATCHES", "INCONCLUSIVE", "UNIDENTIFIED", "NOT SLOWER", "FASTER"):
        assert RIVAL not in words(law, "good", 1, verdict).values()


@pytest.mark.statistical
def test_a_grid_past_the_crossover_decides_nothing_where_a_naive_choice_errs():
    """Where M/K is a small part of every cell, the larger likelihood names a wrong law of M and K in many cases.

    Each rival is a wrong law. With the gate open ("SLOWER"), 60 experiments: at most 1 % may name one by chance.
    """
    naive, named = Counter[str](), 0
    for seed in range(60):
        rows, errors = experiment(synthetic.TRUE, "noisy", seed, runs=10)
        found = rivals.compare(rows, errors, "SLOWER")
        naive.update(e["rival"] for e in found if e["t"] < 0)
        named += any(e["words"] == RIVAL for e in found)
    assert named <= stats.binom.isf(ALARM, 60, 1 - rivals.CONFIDENCE)
    assert naive.total() > 10


@pytest.mark.statistical
def test_t_is_a_paired_t_over_seeds():
    """The oracle is scipy: the differences of quasi-log-likelihoods, summed over cells, seed by seed."""
    rows, errors = experiment("M/sqrt(K)", "good", 2)
    used = [r for r in rows if r["verdict"] != "VACUOUS"]
    x = np.array([list(r["terms"].values()) for r in used])
    y = np.array([errors[r["digest"]] for r in used])
    by_name = {e["rival"]: e for e in rivals.compare(rows, errors, "SLOWER")}
    assert {e["level"] for e in by_name.values()} == {1 - (1 - rivals.CONFIDENCE) / 4}
    for law in rivals.RIVALS:
        other = x.copy()
        other[:, 1 if "sigma" in law.law else 0] *= [law.factor(r) for r in used]
        likelihoods = []
        for design in (x, other):
            mu = (design @ rivals.fit(design, y.mean(axis=1)))[:, None]
            likelihoods.append((-np.log(mu) - y / mu).sum(axis=0))
        assert by_name[law.law]["t"] == pytest.approx(stats.ttest_rel(*likelihoods).statistic, rel=1e-8)


# what is offered


def test_rivals_are_offered_for_terms_that_are_those_powers():
    rows, errors = experiment(synthetic.TRUE, "good", 3)
    for row in rows:  # another name and constant change nothing
        row["terms"] = {"drift": 7 * row["terms"]["optimisation"], "noise": row["terms"]["noise"]}
    found = {e["rival"]: e["term"] for e in rivals.compare(rows, errors, "MATCHES")}
    assert found == {r: "noise" if "sigma" in r else "drift" for r in LAWS.values()}
    for row in rows:
        row["terms"] = {**row["terms"], "drift": row["terms"]["drift"] ** 0.99}
    assert {e["rival"] for e in rivals.compare(rows, errors, "MATCHES")} == {"sqrt(M) sigma/sqrt(K)"}
    for row in rows:
        row["terms"] = {"constant": 1.0}
    assert rivals.compare(rows, errors, "MATCHES") == []
    assert rivals.compare([], {}, "MATCHES") == []


def test_a_problem_with_one_cell_hides_no_rival():
    rows, errors = experiment(synthetic.TRUE, "good", 5)
    rows[-1]["problem"] = "another"
    assert {e["rival"] for e in rivals.compare(rows, errors, "MATCHES")} == set(LAWS.values())
    assert rivals.compare(rows[-1:], errors, "MATCHES") == []


def test_laws_that_are_one_on_the_grid_are_undecided():
    """Delays of exactly M, as in turns: tau_max/K is M/K."""
    rows, errors = experiment(synthetic.TRUE, "good", 4)
    for row in rows:
        row["tau_max"] = row["M"]
    found = {e["rival"]: e for e in rivals.compare(rows, errors, "MATCHES")}
    assert (found["tau_max/K"]["words"], found["tau_max/K"]["t"]) == (UNDECIDED, None)
    assert found["M/sqrt(K)"]["words"] == THEOREM


def test_exact_cells_alone_decide_nothing():
    """t compares with the scatter of runs; without any it says nothing, though one law describes better."""
    cells = [c for c in synthetic.cells_of("good") if c["verdict"] != "VACUOUS"]
    mean = synthetic.means(cells, synthetic.LAWS["M/sqrt(K)"]).tolist()
    rows = [
        {**c, "n": 1, "inequalities": {"bound": {"lhs": m, "se": 0.0}}} for c, m in zip(cells, mean, strict=True)
    ]  # fmt: skip
    found = rivals.compare(rows, {}, "SLOWER")
    assert {(e["words"], e["t"]) for e in found} == {(UNDECIDED, None)}
