"""How often our own verdicts are wrong, and how many runs they need: both e-processes on laws with a known mean.

Ratios R are drawn from laws on the boundary of the claim, E[R] = 1, where every REFUTED and every HOLDS HERE is false,
with a look after every single run; then from laws above it and below it. The functions return plain rows, for
``ratecheck selftest`` and for the tables in docs/error-rates.md. Every e-process is an argument, so that wrong ones
can be shown to be caught.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from ratecheck.checks.statistics.betting import gains_against_at_least_one, gains_against_at_most_one, mixed
from ratecheck.core import ledger

Floats = npt.NDArray[np.float64]
#: log e after each run (..., n) from ratios (..., n)
Process = Callable[[Floats], Floats]
Row = dict[str, Any]

#: probability that a count of alarms passes ``limit`` though each has probability alpha
ALARM = 1e-6
#: ratios drawn at once; the arrays of a process are a few times as large
CHUNK = 2**18
#: looks of a check, which doubles the runs from the first of them on
FIRST_LOOK = 8


@dataclass(frozen=True)
class Law:
    """A law of R >= 0 with E[R] = 1: how to draw an array of it, and E[R^2]."""

    name: str
    draw: Callable[[np.random.Generator, tuple[int, ...]], Floats]
    second: float


def extremal(kappa: float) -> Law:
    """Return the law 0 or kappa, with E[R^2] = kappa: no test of E[R] >= 1 can be quicker on it than on R = 0."""
    return Law(f"0 or {kappa:g}", lambda rng, shape: np.where(rng.random(shape) < 1 / kappa, kappa, 0.0), kappa)


def _burst(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return np.where(rng.random(shape) < 0.01, 50.0, 0.5 / 0.99)


#: the boundary laws: from mild to a rare blow-up
LAWS = (
    Law("gamma, shape 4", lambda rng, shape: rng.gamma(4, 1 / 4, shape), 1.25),
    Law("exponential", lambda rng, shape: rng.exponential(size=shape), 2.0),
    Law("chi-square, 1 degree", lambda rng, shape: rng.chisquare(1, shape), 3.0),
    Law("lognormal, s = 0.5", lambda rng, shape: rng.lognormal(-1 / 8, 0.5, shape), math.exp(0.25)),
    Law("lognormal, s = 1.5", lambda rng, shape: rng.lognormal(-9 / 8, 1.5, shape), math.exp(2.25)),
    Law("Pareto, index 2.5", lambda rng, shape: 0.6 * (1 + rng.pareto(2.5, shape)), 1.8),
    Law("bursts: 1 % has half the mean", _burst, 25 + 0.25 / 0.99),
)

#: laws with a kappa that is true of them: exactly, with room, and the extremal ones
TRUE_KAPPA = (
    *[(law, law.second) for law in LAWS],
    *[(law, 2 * law.second) for law in LAWS],
    *[(extremal(kappa), kappa) for kappa in (2.0, 4.0, 10.0, 50.0)],
)
#: laws with a kappa that is false: HOLDS HERE is then promised nothing
FALSE_KAPPA = ((LAWS[2], 2.0), (LAWS[6], 4.0))

#: margins of dependent cells, made from standard normals
MARGINS: dict[str, Callable[[Floats], Floats]] = {
    "exponential": lambda z: np.asarray(-special.log_ndtr(-z)),
    "lognormal, CV 1.3": lambda z: np.asarray(np.exp(z * math.sqrt(math.log(2.69)) - math.log(2.69) / 2)),
}


def refuting(ratios: Floats) -> Floats:
    """Return log e of the evidence against E[R] <= 1 after each run."""
    return mixed(np.cumsum(gains_against_at_most_one(ratios), axis=-1))


def holding(kappa: float, ratios: Floats) -> Floats:
    """Return log e of the evidence against E[R] >= 1 after each run, under E[R^2] <= kappa."""
    return mixed(np.cumsum(gains_against_at_least_one(ratios, kappa), axis=-1))


def student(sign: int, ratios: Floats) -> Floats:
    """Return -log p of Student's t after each run, from the first look on: not an e-process, as peeking shows.

    ``sign`` 1: evidence against E[R] <= 1; -1: against E[R] >= 1.
    """
    n = np.arange(1, ratios.shape[-1] + 1)
    total, squares = np.cumsum(ratios, axis=-1), np.cumsum(ratios**2, axis=-1)
    spread = np.maximum(squares - total**2 / n, 0) / np.maximum(n - 1, 1)
    with np.errstate(divide="ignore", invalid="ignore"):  # runs that are all equal
        t = sign * (total / n - 1) / np.sqrt(spread / n)
    p = stats.t.sf(np.nan_to_num(t, nan=0.0), np.maximum(n - 1, 1))
    return np.where(n >= FIRST_LOOK, -np.log(np.maximum(p, 1e-300)), -np.inf)


def limit(repetitions: int, alpha: float) -> int:
    """Return the most alarms that a false-alarm probability of alpha explains: more have probability ALARM."""
    return int(stats.binom.isf(ALARM, repetitions, alpha))


def false_alarms(repetitions: int, runs: int, alphas: Sequence[float], seed: int, *, process: Process = refuting,
                 laws: Sequence[Law] = LAWS) -> list[Row]:  # fmt: skip
    """Return for each law and alpha how many sequences on the boundary are REFUTED at some run."""
    rows = []
    for law in laws:
        peaks = _peaks(law, 1.0, process, repetitions, runs, seed)
        rows += [_alarms(law, alpha, peaks, runs) for alpha in alphas]
    return rows


def false_holds(repetitions: int, runs: int, alphas: Sequence[float], seed: int, *,
                cases: Sequence[tuple[Law, float]] = TRUE_KAPPA,
                process: Callable[[float, Floats], Floats] = holding) -> list[Row]:  # fmt: skip
    """Return for each (law, kappa) and alpha how many sequences on the boundary get HOLDS HERE at some run."""
    rows = []
    for law, kappa in cases:
        peaks = _peaks(law, 1.0, partial(process, kappa), repetitions, runs, seed)
        rows += [{**_alarms(law, alpha, peaks, runs), "kappa": kappa} for alpha in alphas]
    return rows


def power(repetitions: int, runs: int, alpha: float, seed: int, *, factors: Sequence[float] = (1.25, 1.5, 2, 5),
          laws: Sequence[Law] = LAWS, process: Process = refuting) -> list[Row]:  # fmt: skip
    """Return for each law and factor how many sequences of mean ``factor`` are REFUTED, and after how many runs."""
    return [_decided(law, factor, process, repetitions, runs, alpha, seed) for law in laws for factor in factors]


def hold_power(repetitions: int, runs: int, alpha: float, seed: int, *, kappa: float = 4.0,
               means: Sequence[float] = (0.02, 0.3, 0.7), laws: Sequence[Law] = LAWS[:3]) -> list[Row]:  # fmt: skip
    """Return for each law and mean below 1 how many sequences get HOLDS HERE, and after how many runs."""
    found = [
        _decided(law, mean, partial(holding, kappa), repetitions, runs, alpha, seed) for law in laws for mean in means
    ]
    return [{**row, "kappa": kappa} for row in found]


def family(repetitions: int, runs: int, alpha: float, seed: int, *, factor: float = 1.0, cells: Sequence[int] = (),
           law: str = "exponential") -> Row:  # fmt: skip
    """Return how often a grid of 36 dependent cells has an alarm, ``cells`` of them having mean ``factor``.

    Four curves of nine K, with a correlation of 0.8 between neighbours (a Gaussian copula). ``any`` counts a cell that
    reaches 36/alpha, ``mean`` the mean of the e-values over cells that reaches 1/alpha, both at any run.
    """
    rng = np.random.default_rng([seed, *law.encode()])
    means = np.ones(36)
    means[list(cells)] = factor
    any_cell = of_mean = 0
    for count in _counts(repetitions, 36 * runs):
        fresh = rng.standard_normal((9, count, 4, runs))
        z = np.empty_like(fresh)
        z[0] = fresh[0]
        for k in range(1, 9):
            z[k] = 0.8 * z[k - 1] + 0.6 * fresh[k]
        ratios = MARGINS[law](np.moveaxis(z, 0, 2).reshape(count, 36, runs)) * means[:, None]
        logs = refuting(ratios)
        any_cell += int((logs.max(axis=(1, 2)) >= math.log(36 / alpha)).sum())
        of_mean += int((mixed(np.moveaxis(logs, 1, 0)).max(axis=-1) >= math.log(1 / alpha)).sum())
    return {"law": law, "factor": factor, "cells": len(cells), "alpha": alpha, "runs": runs,
            "repetitions": repetitions, "any": any_cell, "mean": of_mean}  # fmt: skip


def nights(repetitions: int, count: int, runs: int, alpha: float, seed: int, *, factor: float = 1.0,
           before: float = 1.0, since: int = 0, cells: int = 36,
           evidence: Callable[[Floats], Floats] = ledger.evidence) -> Row:  # fmt: skip
    """Return how often the ledger refutes a grid of exponential cells over ``count`` nights of ``runs`` fresh runs.

    All means are 1, but for one cell: ``before`` on the first ``since`` nights, ``factor`` from then on. alpha is that
    of all nights together. ``early`` counts alarms on the first ``since`` nights; ``median`` is the night of the alarm,
    ``count`` where there is none. ``evidence`` puts nights together, in log10.
    """
    rng = np.random.default_rng([seed, count, runs])
    level = np.where(np.arange(count) < since, before, factor)
    when = []
    for _ in range(repetitions):
        ratios = rng.exponential(size=(count, cells, runs))
        ratios[:, 0] *= level[:, None]
        bets = np.moveaxis(gains_against_at_most_one(ratios).sum(axis=-1), 0, -1) / math.log(10)
        grown = 10.0 ** evidence(bets)
        reached = np.flatnonzero(grown.mean(axis=1) >= 1 / alpha)
        when.append(int(reached[0]) + 1 if reached.size else 0)
    found = [w for w in when if w]
    return {"factor": factor, "since": since, "alpha": alpha, "nights": count, "runs": runs,
            "repetitions": repetitions, "alarms": len(found), "early": sum(w <= since for w in found),
            "median": float(np.median([w or count for w in when]))}  # fmt: skip


def _counts(repetitions: int, size: int) -> Iterator[int]:
    """Yield how many sequences of ``size`` ratios to draw at once, until there are ``repetitions``."""
    most = max(1, CHUNK // size)
    for done in range(0, repetitions, most):
        yield min(most, repetitions - done)


def _paths(law: Law, mean: float, process: Process, repetitions: int, runs: int, seed: int) -> Iterator[Floats]:
    rng = np.random.default_rng([seed, *law.name.encode()])
    for count in _counts(repetitions, runs):
        yield process(mean * law.draw(rng, (count, runs)))


def _peaks(law: Law, mean: float, process: Process, repetitions: int, runs: int, seed: int) -> Floats:
    """Return the largest log e of each sequence (repetitions,)."""
    return np.concatenate([p.max(axis=-1) for p in _paths(law, mean, process, repetitions, runs, seed)])


def _alarms(law: Law, alpha: float, peaks: Floats, runs: int) -> Row:
    alarms = int((peaks >= math.log(1 / alpha)).sum())
    return {"law": law.name, "alpha": alpha, "runs": runs, "repetitions": len(peaks), "alarms": alarms,
            "limit": limit(len(peaks), alpha)}  # fmt: skip


def _decided(law: Law, mean: float, process: Process, repetitions: int, runs: int, alpha: float, seed: int) -> Row:
    """Return how many sequences reach 1/alpha, after how many runs, and after how many at looks that double.

    Those that do not decide count with ``runs`` (>= FIRST_LOOK), the most there are.
    """
    looks = FIRST_LOOK * 2 ** np.arange(int(math.log2(runs / FIRST_LOOK)) + 1)
    first, look = [], []
    for logs in _paths(law, mean, process, repetitions, runs, seed):
        hit = logs >= math.log(1 / alpha)
        first.append(np.where(hit.any(axis=1), hit.argmax(axis=1) + 1, 0))
        seen = hit[:, looks - 1]
        look.append(np.where(seen.any(axis=1), looks[seen.argmax(axis=1)], runs))
    when = np.concatenate(first)
    return {
        "law": law.name, "mean": mean, "alpha": alpha, "repetitions": repetitions, "most": runs,
        "decided": int((when > 0).sum()), "missed": int((when == 0).sum()),
        "runs": float(np.where(when > 0, when, runs).mean()), "runs_at_looks": float(np.concatenate(look).mean()),
    }  # fmt: skip
