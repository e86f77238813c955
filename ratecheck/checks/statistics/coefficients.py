"""Coefficients of the bound's named terms in the measured error: gamma quasi-likelihood, errors clustered by run.

The error is regressed on the terms of the bound themselves, without an intercept: a coefficient of 0.1 says that the
error carries a tenth of that term. The variance grows like the square of the mean (gamma), the link is the identity,
coefficients are at least 0, and every cell has the same weight, whatever its number of runs is. A coefficient at 0 has
a one-sided interval, from 0 to the half width it would have if it were free.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

FloatArray = npt.NDArray[np.float64]
Row = Mapping[str, Any]

#: confidence of the interval of one coefficient
CONFIDENCE = 0.95
#: verdicts of cells that are left out
UNUSABLE = ("VACUOUS", "NOT APPLICABLE", "DIVERGED")
#: errors from here on are a divergence, whatever the verdict is; squares of what is computed stay finite below
LARGEST = 1e100
#: regressors whose smallest singular value, columns of length 1, is below this are one to half of the digits
COLLINEAR = 2.0**-26
#: relative size of a scoring step after which Newton's converge, most of the former, and of the latter: each doubles
#: the correct digits
NEAR, STEPS, POLISH = 1e-6, 500, 4
#: where a coefficient starts that the first least squares problem puts at 0, relative to the largest
START = 0.1


class Sample(NamedTuple):
    """Cells of one problem and output rule: rows, terms (cells, p), means (cells,), runs about their mean (n,) each.

    A cell that is known exactly has no runs: its deviations are empty.
    """

    rows: list[Row]
    names: tuple[str, ...]
    terms: FloatArray
    means: FloatArray
    deviations: list[FloatArray]

    @property
    def seeds(self) -> int:
        """The fewest runs of a sampled cell; 0 when every cell is known exactly."""
        return min((len(d) for d in self.deviations if len(d)), default=0)


def of(cells: Sequence[Row], errors: Mapping[str, FloatArray]) -> list[dict[str, Any]]:
    """Return an entry for each problem and output rule: value, standard error and interval of each term.

    ``errors`` has the runs (n,) of a cell by digest. A term that is 0 in every cell (noise, when sigma is) is left out.
    Where the terms cannot be told apart ``terms`` is empty and ``reason`` says why. ``seeds`` is the fewest runs of a
    sampled cell; 0 when all cells are known exactly, and the standard errors are 0.
    """
    found = []
    for (problem, output), sample in samples(cells, errors).items():
        reason = _unidentified(sample)
        found.append({
            "problem": problem, "output": output, "terms": {} if reason else _entries(sample), "reason": reason,
            "seeds": sample.seeds, "cells": len(sample.rows),
        })  # fmt: skip
    return found


def samples(cells: Sequence[Row], errors: Mapping[str, FloatArray]) -> dict[tuple[str, str], Sample]:
    """Group the usable cells by problem and output rule.

    Usable: the bound says something, its terms are finite and one is positive; errors are below LARGEST, none is
    negative and one is positive; the runs did not diverge.
    """
    groups: dict[tuple[str, str], list[tuple[Row, FloatArray]]] = defaultdict(list)
    for row in cells:
        values = _values(row, errors)
        if values is not None:
            groups[row["problem"], row["output"]].append((row, values))
    found = {}
    for key, members in sorted(groups.items()):
        everything = np.array([[float(v) for v in row["terms"].values()] for row, _ in members])
        seen: npt.NDArray[np.bool_] = np.any(everything > 0, axis=0)
        names = tuple(n for n, there in zip(members[0][0]["terms"], seen, strict=True) if there)
        deviations = [v - v.mean() if len(v) > 1 else v[:0] for _, v in members]
        means = np.array([v.mean() for _, v in members])
        found[key] = Sample([row for row, _ in members], names, everything[:, seen], means, deviations)
    return found


def _values(row: Row, errors: Mapping[str, FloatArray]) -> FloatArray | None:
    """Return the runs of a usable cell, one number if it is known exactly, and None if it is not usable."""
    if "terms" not in row or row["verdict"] in UNUSABLE:
        return None
    bound = row["inequalities"]["bound"]
    values = errors.get(row["digest"], np.empty(0))
    if len(values) == 1 and row["sigma"] and "by" not in bound:  # one noisy run: nobody knows its error
        return None
    if bound["se"] == 0:  # no noise, or moments: the same value in every run there could be
        values = np.array([bound["lhs"]])
    elif len(values) < 2:
        return None
    terms = [float(v) for v in row["terms"].values()]
    sound = all(map(math.isfinite, terms)) and min(terms) >= 0 < max(terms)
    if not (sound and values.size and values.min() >= 0 < values.max() < LARGEST):
        return None
    return values


def _unidentified(sample: Sample) -> str:
    """Return why these cells do not tell the terms apart; empty when they do."""
    cells, terms = sample.terms.shape
    if cells < terms:
        return f"{cells} cell{'s' * (cells > 1)} for {terms} terms: add cells"
    relative = sample.terms / sample.means[:, None]
    relative /= np.linalg.norm(relative, axis=0)
    if np.linalg.svd(relative, compute_uv=False)[-1] < COLLINEAR:
        return f"{' and '.join(sample.names)} are proportional on these cells: add values of K, M or sigma"
    return ""


def fit(terms: FloatArray, means: FloatArray) -> FloatArray:
    """Return the coefficients (p,), at least 0, that maximise the gamma quasi-likelihood of means (cells,).

    That is the sum over cells of -log(mu) - mean/mu with mu = terms @ coefficients. Scoring steps, each a least squares
    problem with coefficients at least 0, halved until the fit is no worse; then Newton's on those above 0.
    """
    found = optimize.nnls(terms / means[:, None], np.ones(len(means)))[0]
    found += START * found.max() * (found == 0)
    for _ in range(STEPS):
        mu = terms @ found
        step = optimize.nnls(terms / mu[:, None], means / mu)[0] - found
        while _far(terms @ step, mu) and _deviance(mu + terms @ step, means) > _deviance(mu, means):
            step /= 2
        found = found + step
        if not _far(terms @ step, mu):
            break
    for _ in range(POLISH):
        free = found > 0
        mu = terms @ found
        relative = terms[:, free] / mu[:, None]
        newton = np.linalg.lstsq(_observed(relative, means / mu), relative.T @ (means / mu - 1))[0]
        found[free] = np.maximum(0, found[free] + newton)
    return found


def _far(step: FloatArray, mu: FloatArray) -> bool:
    return float(np.abs(step / mu).max()) > NEAR


def _deviance(mu: FloatArray, means: FloatArray) -> float:
    if not (mu > 0).all():
        return math.inf
    return float((means / mu + np.log(mu)).sum())


def _observed(relative: FloatArray, ratio: FloatArray) -> FloatArray:
    """Return minus the second derivative (p, p) of the quasi-likelihood, from terms/mu and means/mu."""
    found: FloatArray = (relative * (2 * ratio - 1)[:, None]).T @ relative
    return found


def clustered(slopes: FloatArray, deviations: Sequence[FloatArray]) -> FloatArray:
    """Return the covariance (p, p) of the sum over cells of slopes (cells, p) times the cell's mean error.

    ``deviations`` are the runs of each cell about their mean, empty where there is nothing random. Run g of every cell
    is one cluster, so cells that share seeds may be correlated in any way. Deviations are from the cell's own mean, so
    a lack of fit is no variance, even where cells have different numbers of runs. A cell's n runs count n/(n - 1)
    times; with n runs in all cells that is the factor G/(G - 1) of CR1, its (N - 1)/(N - p) left out.
    """
    scores = np.zeros((max(map(len, deviations), default=0), slopes.shape[1]))
    for slope, runs in zip(slopes, deviations, strict=True):
        n = len(runs)
        if n:
            scores[:n] += np.outer(runs, slope) / math.sqrt(n * (n - 1))
    found: FloatArray = scores.T @ scores
    return found


def _entries(sample: Sample) -> dict[str, dict[str, float]]:
    """Return value, se, low and high of each term."""
    terms, means = sample.terms, sample.means
    values = fit(terms, means)
    mu, free = terms @ values, values > 0
    relative = terms / mu[:, None]
    errors = np.empty(len(values))
    # a coefficient at 0: as if its fit were right, since the second derivative need not be positive there
    errors[~free] = _errors(relative.T @ relative, relative, mu, sample)[~free]
    errors[free] = _errors(_observed(relative[:, free], means / mu), relative[:, free], mu, sample)
    half = errors * float(stats.t.ppf((1 + CONFIDENCE) / 2, max(1, sample.seeds - 1)))
    table = zip(sample.names, values.tolist(), errors.tolist(), half.tolist(), strict=True)
    return {name: {"value": v, "se": se, "low": max(0.0, v - h), "high": v + h} for name, v, se, h in table}


def _errors(information: FloatArray, relative: FloatArray, mu: FloatArray, sample: Sample) -> FloatArray:
    """Return standard errors (p,) by the sandwich: how the fit follows the cells' means, and how those scatter."""
    follows = np.linalg.solve(information, relative.T).T.astype(np.float64) / mu[:, None]
    found: FloatArray = np.sqrt(np.diag(clustered(follows, sample.deviations)))
    return found
