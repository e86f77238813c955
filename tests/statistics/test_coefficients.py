"""Coefficients of the bound's terms: against statsmodels, and by how often the intervals hold."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import optimize, stats

from ratecheck.checks import synthetic
from ratecheck.checks.statistics import coefficients
from ratecheck.checks.statistics.coefficients import CONFIDENCE, FloatArray, fit

#: false-alarm probability of each statistical test here
ALARM = 1e-6
#: two solvers of the same equations, condition numbers below 1e6
AGREE = 1e-8
#: sandwich errors are too small by a few percent with few clusters: the coverage that is asked for at nominal 95 %
COVERAGE = 0.90

CELLS = [c for c in synthetic.cells_of("good") if c["verdict"] != "VACUOUS"]
TRUTH = synthetic.LAWS[synthetic.TRUE]
Runs = Sequence[FloatArray]

#: statsmodels warns of the identity link, and that it does not rescale a cluster covariance with weights; nor do we
OF_STATSMODELS = pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.ModelWarning")


def allowed(repetitions: int, probability: float) -> int:
    """Return the count that a binomial of this probability exceeds with probability at most ALARM."""
    return int(stats.binom.isf(ALARM, repetitions, probability))


def rows(runs: Runs, cells: Sequence[Mapping[str, Any]] = CELLS) -> list[dict[str, Any]]:
    """Return the cells as a run has them; one number means known exactly."""
    found = []
    for cell, values in zip(cells, runs, strict=True):
        se = float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 0.0
        bound = {"lhs": float(values.mean()), "se": se}
        found.append({**cell, "n": len(values), "inequalities": {"bound": bound}})
    return found


def of(runs: Runs, cells: Sequence[Mapping[str, Any]] = CELLS) -> list[dict[str, Any]]:
    errors = {c["digest"]: v for c, v in zip(cells, runs, strict=True)}
    return coefficients.of(rows(runs, cells), errors)


def drawn(seed: int, n: int, law: synthetic.Law = TRUTH, variation: float = 0.5, shared: float = 0.0) -> FloatArray:
    """Return errors (cells, n); ``shared`` is the part of the factor's logarithm that cells of one seed have in common.

    The factors are gamma, or lognormal with mean 1 when something is shared.
    """
    rng = np.random.default_rng([seed, n])
    mean = synthetic.means(CELLS, law)[:, None]
    if not shared:
        return mean * synthetic.factors(rng, variation, (len(CELLS), n))
    spread = math.sqrt(math.log1p(variation**2))
    z = math.sqrt(shared) * rng.standard_normal(n) + math.sqrt(1 - shared) * rng.standard_normal((len(CELLS), n))
    found: FloatArray = mean * np.exp(spread * z - spread**2 / 2)
    return found


def oracle(runs: Runs) -> Any:
    """Fit by statsmodels: GLM, gamma, identity, each run weighs 1/n of its cell, clusters are the numbers of runs."""
    lengths = [len(v) for v in runs]
    x = np.repeat([list(c["terms"].values()) for c in CELLS], lengths, axis=0)
    weights = np.repeat([1 / n for n in lengths], lengths)
    family = sm.families.Gamma(sm.families.links.Identity())
    model = sm.GLM(np.concatenate(list(runs)), x, family=family, var_weights=weights)
    groups = np.concatenate([np.arange(n) for n in lengths])
    return model.fit(start_params=[0.1, 0.1], tol=1e-15, maxiter=500, cov_type="cluster", cov_kwds={"groups": groups})


@OF_STATSMODELS
@pytest.mark.parametrize("law", [synthetic.TRUE, "M/sqrt(K)", "sqrt(M) sigma/sqrt(K)"])
@pytest.mark.parametrize("shared", [0.0, 0.6])
def test_values_and_errors_are_those_of_statsmodels(law, shared):
    """The same coefficients and cluster errors; statsmodels multiplies the variance by (N - 1)/(N - p) besides.

    The wrong laws fit badly, which tells the second derivative from its expectation.
    """
    runs = drawn(3, 20, synthetic.LAWS[law], shared=shared)
    (found,) = of(list(runs))
    theirs = oracle(list(runs))
    factor = math.sqrt((runs.size - 1) / (runs.size - 2))
    terms = found["terms"]
    assert list(terms) == ["optimisation", "noise"]
    assert [t["value"] for t in terms.values()] == pytest.approx(theirs.params, rel=AGREE)
    assert [t["se"] for t in terms.values()] == pytest.approx(theirs.bse / factor, rel=AGREE)
    quantile = stats.t.ppf((1 + CONFIDENCE) / 2, 19)
    for t in terms.values():
        assert (t["low"], t["high"]) == pytest.approx(
            (t["value"] - quantile * t["se"], t["value"] + quantile * t["se"]), rel=1e-12
        )
    assert (found["seeds"], found["cells"], found["reason"]) == (20, len(CELLS), "")


@OF_STATSMODELS
def test_cells_weigh_the_same_whatever_their_runs():
    runs = [v[: 8 << (i % 4)] for i, v in enumerate(drawn(4, 64))]
    (found,) = of(runs)
    assert [t["value"] for t in found["terms"].values()] == pytest.approx(oracle(runs).params, rel=AGREE)
    assert found["seeds"] == 8


@pytest.mark.statistical
@pytest.mark.parametrize("kind", ["independent", "shared seeds", "runs differ", "half are exact"])
def test_intervals_cover(kind):
    """150 experiments of 20 runs: misses beyond the binomial bound at 90 % coverage fail, with probability 1e-6."""
    misses = np.zeros(2)
    for seed in range(150):
        errors = drawn(seed, 20, shared=0.6 if kind == "shared seeds" else 0.0)
        runs = list(errors)
        if kind == "runs differ":
            runs = [
                np.concatenate([v, w]) if i % 2 else v
                for i, (v, w) in enumerate(zip(errors, drawn(seed, 60), strict=True))
            ]
        if kind == "half are exact":
            mean = synthetic.means(CELLS, TRUTH)
            runs = [v if i % 2 else mean[i : i + 1] for i, v in enumerate(errors)]
        (found,) = of(runs)
        misses += [not t["low"] <= synthetic.SLACK <= t["high"] for t in found["terms"].values()]
    assert (misses <= allowed(150, 1 - COVERAGE)).all()


@pytest.mark.statistical
def test_errors_without_clusters_are_too_small():
    """Teeth: with shared seeds, intervals from cells taken as independent miss far more often than allowed."""
    misses = np.zeros(2)
    for seed in range(150):
        runs = drawn(seed, 20, shared=0.6)
        x, means = np.array([list(c["terms"].values()) for c in CELLS]), runs.mean(axis=1)
        values = fit(x, means)
        mu = x @ values
        relative = x / mu[:, None]
        follows = np.linalg.solve(coefficients._observed(relative, means / mu), relative.T) / mu
        se = np.sqrt((follows**2) @ (runs.var(axis=1, ddof=1) / 20))
        misses += np.abs(values - synthetic.SLACK) > stats.t.ppf(0.975, 19) * se
    assert (misses > allowed(150, 1 - COVERAGE)).all()


@pytest.mark.statistical
def test_a_lack_of_fit_is_no_variance():
    """Another law and cells with 10 or 80 runs: the errors are those of repeated experiments, within a quarter.

    200 experiments know a standard deviation to 5 %. Deviations from the fit, not from the cell's mean, give more.
    """
    law = synthetic.LAWS["M/sqrt(K)"]
    values, errors = [], []
    for seed in range(200):
        runs = [v[: 10 if i % 2 else 80] for i, v in enumerate(drawn(seed, 80, law))]
        terms = of(runs)[0]["terms"].values()
        values.append([t["value"] for t in terms])
        errors.append([t["se"] for t in terms])
    scatter = np.std(values, axis=0, ddof=1)
    assert np.mean(errors, axis=0) == pytest.approx(scatter, rel=0.25)


# at least 0


def law_of(optimisation: float, noise: float) -> synthetic.Law:
    return synthetic.Law(lambda m, k: optimisation, lambda m, k: noise)


def test_the_fit_is_the_best_with_coefficients_at_least_zero():
    """The oracle is a bounded minimiser; the fit has no larger value, to rounding of some 400 units."""
    for seed, law in enumerate([TRUTH, law_of(0.3, 0), law_of(0, 1), synthetic.LAWS["M/sqrt(K)"]]):
        means = drawn(seed, 5, law, variation=1.5).mean(axis=1)
        keep = means > 0
        x, means = np.array([list(c["terms"].values()) for c in CELLS])[keep], means[keep]
        found = fit(x, means)
        assert (found >= 0).all()
        bounded = optimize.minimize(
            lambda b, x=x, y=means: float((y / (x @ b) + np.log(x @ b)).sum()), found + 0.01,
            bounds=[(1e-9, None)] * 2, method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-10},
        )  # fmt: skip
        mu = x @ found
        assert float((means / mu + np.log(mu)).sum()) <= bounded.fun + 1e-10
        assert found == pytest.approx(bounded.x, rel=1e-3, abs=1e-4)  # where the minimum is flat to rounding


@pytest.mark.statistical
def test_a_coefficient_at_zero_has_a_one_sided_interval():
    """A noise coefficient half a standard error above 0: many of 150 fits stop at 0, and the intervals cover it."""
    at_zero = misses = 0
    small = 2e-5
    for seed in range(150):
        terms = of(list(drawn(seed, 20, law_of(1.0, small / synthetic.SLACK))))[0]["terms"]
        noise = terms["noise"]
        at_zero += noise["value"] == 0
        misses += not noise["low"] <= small <= noise["high"]
        assert noise["low"] >= 0
        assert noise["high"] >= noise["value"] + 1.9 * noise["se"] > 0
    assert 15 < at_zero < 100
    assert misses <= allowed(150, 1 - COVERAGE)


@pytest.mark.parametrize("scale", [1e-90, 1e90])
def test_units_do_not_matter(scale):
    errors = drawn(8, 20)
    before, after = of(list(errors))[0]["terms"], of(list(errors * scale))[0]["terms"]
    for name, t in before.items():
        assert after[name] == pytest.approx({k: v * scale for k, v in t.items()}, rel=AGREE, abs=0)


# what is usable, what is identified


def test_exact_cells_have_no_error():
    mean = synthetic.means(CELLS, TRUTH)
    (found,) = of([mean[i : i + 1] for i in range(len(CELLS))])
    for t in found["terms"].values():
        assert t["value"] == pytest.approx(synthetic.SLACK, rel=AGREE)
        assert (t["se"], t["low"], t["high"]) == (0, t["value"], t["value"])
    assert found["seeds"] == 0


def test_moments_go_before_runs():
    """A cell decided exactly has runs too, which served other purposes: its value is the exact one."""
    mean = synthetic.means(CELLS, TRUTH)
    listed = rows([mean[i : i + 1] for i in range(len(CELLS))])
    (found,) = coefficients.of(listed, {c["digest"]: 7 * v for c, v in zip(CELLS, drawn(0, 8), strict=True)})
    assert found["terms"]["noise"]["value"] == pytest.approx(synthetic.SLACK, rel=AGREE)


WORDS = ("vacuous", "not applicable", "diverged")


@pytest.mark.parametrize("how", [*WORDS, "no terms", "negative", "infinite", "huge", "zero", "one run"])
def test_unusable_cells_are_left_out(how):
    errors = drawn(5, 20)
    listed, runs = rows(list(errors)), {c["digest"]: v for c, v in zip(CELLS, errors, strict=True)}
    before = coefficients.of(listed[1:], runs)
    bad, digest = listed[0], listed[0]["digest"]
    if how in WORDS:
        bad["verdict"] = how.upper()
        runs[digest] = 1e6 * runs[digest]
    elif how == "no terms":
        del bad["terms"]
    elif how == "one run":
        runs[digest] = runs[digest][:1]
    else:
        runs[digest] = runs[digest] * {"negative": -1.0, "infinite": math.inf, "huge": 1e150, "zero": 0.0}[how]
    assert coefficients.of(listed, runs) == before
    assert before[0]["cells"] == len(CELLS) - 1


def test_problems_and_outputs_are_apart():
    errors = drawn(6, 20)
    listed, runs = rows(list(errors)), {c["digest"]: v for c, v in zip(CELLS, errors, strict=True)}
    for row in listed[:40]:
        row["output"] = "RL"
    parts = [(p["output"], p["cells"]) for p in coefficients.of(listed, runs)]
    assert parts == [("R1", len(CELLS) - 40), ("RL", 40)]


def test_what_cannot_be_told_apart_is_said():
    chosen = [i for i, c in enumerate(CELLS) if c["sigma"] == 3 and c["K"] == 4096]  # M alone varies: identified
    fixed = [i for i, c in enumerate(CELLS) if c["sigma"] == 0]
    ratio = [i for i, c in enumerate(CELLS) if c["M"] == 8 and c["K"] == 4096 and c["sigma"] > 0][:1]
    errors = drawn(7, 20)

    def entry(picked: Sequence[int]) -> dict[str, Any]:
        (found,) = of([errors[i] for i in picked], [CELLS[i] for i in picked])
        return found

    assert list(entry(chosen)["terms"]) == ["optimisation", "noise"]
    assert list(entry(fixed)["terms"]) == ["optimisation"]  # noise is 0 in every cell
    assert entry(ratio)["terms"] == {}
    assert entry(ratio)["reason"] == "1 cell for 2 terms: add cells"
    same = [{**CELLS[i], "terms": {"a": (n + 1) * 2.0, "b": (n + 1) * 3.0}} for n, i in enumerate(chosen)]
    (found,) = of([errors[i] for i in chosen], same)
    assert found["terms"] == {}
    assert "a and b are proportional" in found["reason"]
    assert coefficients.of([], {}) == []
