"""The rate, judged by the slack: whether measured/bound stays level in K and in M, by branch of the stepsize.

Fitting exponents to a sum of terms misleads, because a stepsize that is a minimum makes the error a maximum of terms,
not a sum. The slack against the explicit bound is level when the rate is right, in each branch of that minimum.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from ratecheck.core.verdict import Rate

#: joint confidence of all slopes of one claim
CONFIDENCE = 0.99
#: smallest span of K and of M that identifies a slope, and fewest points of a series
SPAN = {"K": 8.0, "M": 4.0}
POINTS = 3
#: floor of the relative error of a point: deterministic cells have no sampling error, and lie on no exact power law
FLOOR = 1e-3


def series_of(cells: Sequence[Mapping[str, Any]], variable: str) -> dict[tuple[str, ...], list[Mapping[str, Any]]]:
    """Group cells that differ in ``variable`` only, within one branch of the stepsize."""
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = defaultdict(list)
    other = "M" if variable == "K" else "K"
    for cell in cells:
        fixed = ("problem", "noise", "delays", other, "sigma", "output", "branch")
        key = tuple(str(cell[name]) for name in fixed)
        groups[key].append(cell)
    return groups


def slope(
    series: Sequence[Sequence[Mapping[str, Any]]], variable: str, level: float
) -> tuple[float, float, float] | None:
    """Return (slope, low, high) of log slack on log ``variable``: weighted least squares, one intercept a series.

    Errors are those of the means, enlarged by the lack of fit when that is larger; ``level`` is the confidence.
    """
    x, y, w = [], [], []
    for one in series:
        lx = np.log([c[variable] for c in one])
        ly = np.log([c["inequalities"]["bound"]["ratio"] for c in one])
        error = np.array([c["inequalities"]["bound"]["se"] / c["inequalities"]["bound"]["lhs"] for c in one])
        weight = 1 / (np.square(error) + FLOOR**2)
        x.append(lx - np.average(lx, weights=weight))
        y.append(ly - np.average(ly, weights=weight))
        w.append(weight)
    if not x:
        return None
    xs, ys, ws = np.concatenate(x), np.concatenate(y), np.concatenate(w)
    spread = float((ws * xs * xs).sum())
    freedom = len(xs) - len(series) - 1
    if freedom < 1 or spread <= 0:
        return None
    estimate = float((ws * xs * ys).sum()) / spread
    lack = float((ws * np.square(ys - estimate * xs)).sum()) / freedom
    half = float(stats.t.ppf((1 + level) / 2, freedom)) * math.sqrt(max(1.0, lack) / spread)
    return estimate, estimate - half, estimate + half


def verdict_of(low: float, high: float, margin: float) -> Rate:
    """Return the verdict on one slope of the slack, whose predicted value is 0."""
    if low > margin:
        return Rate.SLOWER
    if high < -margin:
        return Rate.FASTER
    if -margin <= low and high <= margin:
        return Rate.MATCHES
    return Rate.NOT_SLOWER if high <= margin else Rate.INCONCLUSIVE


def judge(cells: Sequence[Mapping[str, Any]], margin: float) -> dict[str, Any]:
    """Return the slopes by problem, branch and variable, and the verdict over all of them.

    SLOWER if any slope is, over all delay models or for one of them alone; MATCHES if in every branch seen some
    problem's slope matches (an easy problem may be faster: an upper bound is not contradicted by that); else the
    weakest of what is left.
    """
    usable = [
        c for c in cells if "inequalities" in c and c["inequalities"]["bound"]["lhs"] > 0 and c["verdict"] != "VACUOUS"
    ]
    slopes = _slopes(usable, margin, ("problem", "branch"))
    # one slow delay model must not hide among many level ones: each is asked again, with an error budget of its own
    alone = _slopes(usable, margin, ("problem", "branch", "delays"))
    slopes += [s for s in alone if s["verdict"] == "SLOWER"]
    return {
        "verdict": str(_overall(slopes)),
        "margin": margin,
        "confidence": CONFIDENCE,
        "slopes": slopes,
        "fits": fits(usable),
    }


def _slopes(cells: Sequence[Mapping[str, Any]], margin: float, kind: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return one slope for each variable and each ``kind`` of cell whose series identify it, jointly at CONFIDENCE."""
    questions = []
    for variable in ("K", "M"):
        by_kind: dict[tuple[str, ...], list[list[Mapping[str, Any]]]] = defaultdict(list)
        for one in series_of(cells, variable).values():
            values = [c[variable] for c in one]
            if len(set(values)) >= POINTS and max(values) >= SPAN[variable] * min(values):
                by_kind[tuple(one[0][name] for name in kind)].append(one)
        questions += [(variable, names, series) for names, series in sorted(by_kind.items())]
    level = 1 - (1 - CONFIDENCE) / max(1, len(questions))
    slopes = []
    for variable, (problem, branch, *delays), series in questions:
        found = slope(series, variable, level)
        if found is not None:
            slopes.append({
                "regime": branch, "variable": variable, "problem": ", ".join([problem, *delays]), "slope": found[0],
                "low": found[1], "high": found[2], "verdict": str(verdict_of(found[1], found[2], margin)),
                "cells": sum(map(len, series)),
            })  # fmt: skip
    return slopes


def _overall(slopes: Sequence[Mapping[str, Any]]) -> Rate:
    words = {s["verdict"] for s in slopes}
    if not slopes:
        return Rate.UNIDENTIFIED
    if "SLOWER" in words:
        return Rate.SLOWER
    regimes = {(s["regime"], s["variable"]) for s in slopes}
    matched = {(s["regime"], s["variable"]) for s in slopes if s["verdict"] == "MATCHES"}
    if regimes == matched:
        return Rate.MATCHES
    if words == {"FASTER"}:
        return Rate.FASTER
    return Rate.INCONCLUSIVE if "INCONCLUSIVE" in words else Rate.NOT_SLOWER


def fits(cells: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return straight lines log10 lhs = intercept + slope log10 K for the series the rate plot draws."""
    lines = []
    for one in series_of(cells, "K").values():
        if len({c["K"] for c in one}) >= POINTS:
            lk = np.log10([c["K"] for c in one])
            gradient, intercept = np.polyfit(lk, np.log10([c["inequalities"]["bound"]["lhs"] for c in one]), 1)
            first = one[0]
            label = (
                f"{first['problem']} | {first['noise']} | {first['delays']} | M={first['M']} | sigma={first['sigma']}"
            )
            lines.append({
                "series": label, "output": first["output"], "regime": first["branch"], "M": first["M"],
                "intercept": float(intercept),
                "slope": float(gradient), "K": [min(c["K"] for c in one), max(c["K"] for c in one)],
            })  # fmt: skip
    return lines
