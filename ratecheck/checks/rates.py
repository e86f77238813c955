"""The rate, judged by the slack: whether measured/bound stays level in K and in M, by branch of the stepsize.

Fitting exponents to a sum of terms misleads, because a stepsize that is a minimum makes the error a maximum of terms,
not a sum. The slack against the explicit bound is level when the rate is right, in each branch of that minimum.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from scipy import optimize

from ratecheck.checks.statistics.slopes import Points, line, points_of
from ratecheck.core.verdict import Rate

Row = Mapping[str, Any]

#: joint confidence of all slopes of one claim
CONFIDENCE = 0.99
#: smallest span of K, of M and of sigma that identifies a slope, and fewest points of a series
SPAN = {"K": 8.0, "M": 4.0, "sigma": 4.0}
#: what every branch must be seen in; a slope in sigma is judged where the grid has one
NEEDED = ("K", "M")
POINTS = 3
#: a projected crossing further away than this many times the range is a note, no warning
FAR = 1e3
#: what makes one question of a slope
POOLED = ("problem", "branch")
ALONE = ("problem", "branch", "delays")


class Question(NamedTuple):
    """One slope that is asked for: of the slack in ``variable``, over ``series`` of cells of one ``kind``."""

    variable: str
    kind: tuple[str, ...]
    series: list[list[Row]]


def usable(cells: Sequence[Row]) -> list[Row]:
    """Return the cells with a finite bound above zero that says something, and a measured error above zero."""
    found = []
    for cell in cells:
        bound = cell.get("inequalities", {}).get("bound")
        if bound and bound["lhs"] > 0 and 0 < bound["rhs"] < math.inf and cell["verdict"] != "VACUOUS":
            found += [cell] if math.isfinite(bound["ratio"]) and math.isfinite(bound["se"]) else []
    return found


def series_of(cells: Sequence[Row], variable: str) -> dict[tuple[str, ...], list[Row]]:
    """Group cells that differ in ``variable`` only, within one branch of the stepsize."""
    groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    fixed = ("problem", "noise", "delays", *(v for v in ("M", "K", "sigma") if v != variable), "output", "branch")
    for cell in cells:
        if cell[variable]:  # without noise there is no logarithm of sigma
            groups[tuple(str(cell[name]) for name in fixed)].append(cell)
    return groups


def verdict_of(low: float, high: float, margin: float) -> Rate:
    """Return the verdict on one slope of the slack, whose predicted value is 0."""
    if low > margin:
        return Rate.SLOWER
    if high < -margin:
        return Rate.FASTER
    if -margin <= low and high <= margin:
        return Rate.MATCHES
    return Rate.NOT_SLOWER if high <= margin else Rate.INCONCLUSIVE


def judge(cells: Sequence[Row], margin: float, branches: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the slopes by problem, branch and variable, the verdict over all of them, and its reason as a sentence.

    SLOWER if any slope is, over all delay models or for one of them alone; UNIDENTIFIED if one of ``branches``, those
    that the stepsize can take and what makes each active, is not seen with enough span in K and in M; INCONCLUSIVE if
    some slope is; MATCHES if in every branch some problem's slope matches (an easy problem may be faster: an upper
    bound is not contradicted by that); else FASTER or NOT SLOWER. Intervals hold jointly at CONFIDENCE.
    """
    known = usable(cells)
    slopes = _slopes(known, margin, POOLED)
    # one slow delay model must not hide among many level ones: each is asked again, with an error budget of its own
    slopes += [s for s in _slopes(known, margin, ALONE) if s["verdict"] == "SLOWER"]
    verdict, reason = _overall(slopes, _unseen(cells, known, slopes, branches or {}), margin)
    return {
        "verdict": str(verdict),
        "reason": reason,
        "margin": margin,
        "confidence": CONFIDENCE,
        "slopes": slopes,
        "fits": fits(known),
    }


def gains(cells: Sequence[Row], margin: float) -> dict[str, float]:
    """Return by digest what doubling the runs of a cell takes off the variance of the widest slope it belongs to.

    Only slopes count whose half width by sampling error alone exceeds half the margin; 0 for cells in none of them. The
    rule looks at widths and never at slopes, so that spending runs by it favours no verdict.
    """
    known = usable(cells)
    found = dict.fromkeys((c["digest"] for c in cells), 0.0)
    widest = dict.fromkeys(found, 0.0)
    asked = list(_questions(known, POOLED))
    for question in asked:
        points = points_of(question.series, question.variable)
        half = points.half(_level(asked))
        if half <= margin / 2:
            continue
        for i, cell in enumerate(c for one in question.series for c in one):
            if half > widest[cell["digest"]]:
                widest[cell["digest"]] = half
                found[cell["digest"]] = points.variance() - points.doubled(i).variance()
    return found


def fits(cells: Sequence[Row]) -> list[dict[str, Any]]:
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


def _questions(cells: Sequence[Row], kind: tuple[str, ...]) -> Iterator[Question]:
    """Yield the slopes that the series of each ``kind`` of cell identify."""
    for variable, span in SPAN.items():
        by_kind: dict[tuple[str, ...], list[list[Row]]] = defaultdict(list)
        for one in series_of(cells, variable).values():
            values = [c[variable] for c in one]
            if len(set(values)) >= POINTS and max(values) >= span * min(values):
                by_kind[tuple(one[0][name] for name in kind)].append(one)
        for names, series in sorted(by_kind.items()):
            yield Question(variable, names, series)


def _level(asked: Sequence[Question]) -> float:
    return 1 - (1 - CONFIDENCE) / max(1, len(asked))


def _slopes(cells: Sequence[Row], margin: float, kind: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the slopes of one ``kind``, jointly at CONFIDENCE."""
    asked, fitted = list(_questions(cells, kind)), _fitted(cells)
    found = []
    for variable, (problem, branch, *delays), series in asked:
        points = points_of(series, variable)
        slope, low, high = line(points, _level(asked))
        one: dict[str, Any] = {
            "regime": branch, "variable": variable, "problem": ", ".join([problem, *delays]), "slope": slope,
            "low": low, "high": high, "sampling": points.half(_level(asked)), "cells": len(points.x),
            "verdict": str(verdict_of(low, high, margin)),
        }  # fmt: skip
        if one["verdict"] == "SLOWER" and _explained(series, points, fitted, _level(asked), margin):
            one |= {"verdict": str(Rate.INCONCLUSIVE), "mixed": True}
        if one["verdict"] == "SLOWER":
            crossing, last = _crossing(points, slope)
            one |= {"crossing": crossing, "far": crossing > FAR * last}
        found.append(one)
    return found


def _explained(series: Sequence[Sequence[Row]], points: Points, fitted: Mapping[str, float], level: float,
               margin: float) -> bool:  # fmt: skip
    """Return whether the sum of the bound's terms that fits best (``_fitted``) explains a trend of the slack.

    Where two terms of a bound are felt and the error has another share of each, the slack moves from one share to the
    other though both terms are right. What is left of the trend is judged as the slack is.
    """
    cells = [c for one in series for c in one]
    if not all(fitted.get(c["digest"], 0.0) > 0 for c in cells):
        return False
    shares = np.array([c["inequalities"]["bound"]["rhs"] / fitted[c["digest"]] for c in cells])
    return line(replace(points, y=points.y + np.log(shares)), level)[1] <= margin


def _fitted(cells: Sequence[Row]) -> dict[str, float]:
    """Return by digest the sum of the bound's terms that describes the errors of a problem best, over all its cells.

    Each term has a coefficient of at least 0, the same in every cell, by least squares of sum/error - 1.
    """
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for c in cells:
        if c.get("terms"):
            groups[c["problem"], c["output"]].append(c)
    found: dict[str, float] = {}
    for group in groups.values():
        terms = np.array([list(c["terms"].values()) for c in group])
        error = np.array([c["inequalities"]["bound"]["lhs"] for c in group])
        if not np.isfinite(terms / error[:, None]).all():
            continue  # no least squares for those
        sums = terms @ optimize.lsq_linear(terms / error[:, None], np.ones(len(group)), bounds=(0, np.inf)).x
        found |= {c["digest"]: float(one) for c, one in zip(group, sums, strict=True)}
    return found


def _crossing(points: Points, slope: float) -> tuple[float, float]:
    """Return where the bound would fail if the trend went on, and the end of the range.

    The nearest of all series, from the measured slack at the end of each; at most 1e300, so that it is a number.
    """
    ends = [max(np.flatnonzero(points.series == i), key=lambda n: points.x[n]) for i in np.unique(points.series)]
    logs = [points.x[n] - min(0.0, points.y[n]) / slope for n in ends]
    return math.exp(min([*logs, math.log(1e300)])), math.exp(points.x.max())


def _unseen(cells: Sequence[Row], known: Sequence[Row], slopes: Sequence[Row], branches: Mapping[str, str]) -> str:
    """Return a sentence on what cannot be seen and what to do, empty when every branch has its slopes."""
    for branch, more in branches.items():
        if not any(c["branch"] == branch for c in known):
            if any(c.get("branch") == branch for c in cells):
                return f"the branch '{branch}' is active only where the bound says nothing: add a larger K"
            return (
                f"the branch '{branch}' of the stepsize is never the smallest, so its term of the bound cannot be "
                f"seen: add {more} (ratecheck plan designs such a grid)"
            )
    for branch in branches or sorted({c["branch"] for c in known} if not slopes else ()):
        for variable in NEEDED:
            if not any(s["regime"] == branch and s["variable"] == variable for s in slopes):
                return (
                    f"in the branch '{branch}' no series of cells has {POINTS} values of {variable} that span a factor "
                    f"of {SPAN[variable]:g}: add values of {variable} where the branch is active (ratecheck plan "
                    "designs such a grid)"
                )
    return "" if slopes else "no cell measures an error where the bound says something: add a larger K"


def _overall(slopes: Sequence[Row], unseen: str, margin: float) -> tuple[Rate, str]:
    words = {s["verdict"] for s in slopes}
    if "SLOWER" in words:
        return Rate.SLOWER, _trend([s for s in slopes if s["verdict"] == "SLOWER"])
    if unseen:
        return Rate.UNIDENTIFIED, unseen
    if "INCONCLUSIVE" not in words:
        regimes = {(s["regime"], s["variable"]) for s in slopes}
        matched = {(s["regime"], s["variable"]) for s in slopes if s["verdict"] == "MATCHES"}
        if regimes == matched:
            return Rate.MATCHES, ""
        return (Rate.FASTER if words == {"FASTER"} else Rate.NOT_SLOWER), ""
    wide = max((s for s in slopes if s["verdict"] == "INCONCLUSIVE"), key=lambda s: s["high"] - s["low"])
    if wide.get("mixed"):
        why = "a sum of the bound's terms explains it: add cells where one term is most of the bound"
        return Rate.INCONCLUSIVE, f"{_named(wide)} is between {wide['low']:.3g} and {wide['high']:.3g}, and {why}"
    advice = f"add values of {wide['variable']}, since cells differ by more than their sampling errors"
    if wide["sampling"] > margin / 2:
        advice = "more runs narrow it"
    return Rate.INCONCLUSIVE, f"{_named(wide)} is between {wide['low']:.3g} and {wide['high']:.3g}: {advice}"


def _named(slope: Row) -> str:
    return f"the slope in {slope['variable']} of the branch '{slope['regime']}' on {slope['problem']}"


def _trend(slower: Sequence[Row]) -> str:
    """Return a sentence on the SLOWER slope whose crossing is nearest; only a note when that is far away."""
    near = min(slower, key=lambda s: (s["far"], s["crossing"]))
    end = f"the bound would fail at {near['variable']} ~ {near['crossing']:.2g} if the trend went on"
    if near["far"]:
        end = f"a note only, since {end}, more than {FAR:g} times the range"
    return f"{_named(near)} is {near['slope']:.3g}, at least {near['low']:.3g}; {end}"
