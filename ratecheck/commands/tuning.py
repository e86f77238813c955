"""Tuning: of cells that differ in one constant the best is chosen on half of the runs and measured on the other half.

The least of several measured means is too low, by more the more there are (the winner's curse). What is chosen on runs
of its own is measured without that error: the mean over the other half is unbiased for the constant chosen. Each half
has its turn, and the mean of the two is reported.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ratecheck.checks.statistics.slopes import Points, line
from ratecheck.core import shelf
from ratecheck.core.claim import Claim
from ratecheck.core.part import number
from ratecheck.engine.build import Built
from ratecheck.errors import ScenarioError

#: confidence of the intervals of exponents
LEVEL = 0.95
#: what the points of one series share, beside M or K
SERIES = ("problem", "noise", "delays", "method", "output")


def tuned(built: Sequence[Built], errors: Sequence[Any], name: str, claims: Sequence[str]) -> list[dict[str, Any]]:
    """Return one row for each group of cells that differ in constant ``name`` alone; ``errors`` (n,) of each cell.

    ``floor`` is the largest bound among those of the lower bounds ``claims`` that apply. Raises ScenarioError for a
    cell that does not declare the constant.
    """
    groups: dict[str, list[int]] = {}
    for i, one in enumerate(built):
        if name not in one.cell.constants:
            raise ScenarioError(f"simulation.tuned = {name!r}, and no such constant is declared for {one.cell.label}.")
        others = {n: v for n, v in one.cell.constants.items() if n != name}
        groups.setdefault(replace(one.cell, constants=others).digest, []).append(i)
    bounds = [c for c in map(shelf.claim, claims) if c.kind == "lower"]
    return [_row([built[i] for i in group], [errors[i] for i in group], name, bounds) for group in groups.values()]


def _row(group: Sequence[Built], errors: Sequence[Any], name: str, bounds: Sequence[Claim]) -> dict[str, Any]:
    tried = [number(b.cell.constants[name], name) for b in group]
    best, kept = held_out(np.array(errors, dtype=float))
    with np.errstate(all="ignore"):
        mean, se = float(kept.mean()), float(kept.std(ddof=1) / math.sqrt(len(kept))) if len(kept) > 1 else 0.0
    one, found = group[best[0]], sorted({tried[i] for i in best})
    cell, edges = one.cell, {min(tried), max(tried)} if len(tried) > 1 else set()
    return {
        "method": one.method.name, "problem": cell.problem.label, "noise": cell.noise.label,
        "delays": cell.delays.label, "output": cell.output or "R1", "policy": one.policy, "M": cell.M, "K": cell.K,
        name: found, "edge": bool(edges & {*found}), "tried": len(tried),
        "n": len(kept), "mean": mean, "se": se, "unit": _unit(one.constants), "stale": _stale(one.constants),
        "floor": _floor(one, bounds),
    }  # fmt: skip


def held_out(errors: Any) -> tuple[list[int], Any]:
    """Return the settings chosen on each half of the runs, and the errors of these on the other half.

    ``errors`` is (settings, n); every other run belongs to one half. A single run, one without noise, is both.
    """
    halves = [errors[:, ::2], errors[:, 1::2]] if errors.shape[1] > 1 else [errors, errors]
    best = [chosen(half) for half in halves]
    kept = np.concatenate([half[i] for half, i in zip(reversed(halves), best, strict=True)])
    return best, kept[: errors.shape[1]]


def chosen(errors: Any) -> int:
    """Return which of the settings has the least mean error; ``errors`` (settings, n), not finite where it diverged."""
    with np.errstate(all="ignore"):
        means = errors.mean(axis=1)
    return int(np.argmin(np.where(np.isfinite(means), means, np.inf)))


def _unit(constants: Mapping[str, Any]) -> float:
    """Return sigma B/sqrt(K), what noise costs if delays do not look at it, up to a constant; without noise 1."""
    return constants["sigma"] * constants["B"] / math.sqrt(constants["K"]) if constants["sigma"] else 1.0


def _stale(constants: Mapping[str, Any]) -> float:
    """Return M L B^2/K, what stale gradients cost, up to a constant, over the unit; 0 where no L is known."""
    smoothness = constants["L"] or 0.0
    return float(constants["M"] * smoothness * constants["B"] ** 2 / constants["K"] / _unit(constants))


def _floor(one: Built, bounds: Sequence[Claim]) -> float | None:
    output = one.cell.output or "R1"
    held = [c for c in bounds if output in c.outputs and not c.failing(one.facts)]
    return max((c.outputs[output].bound.rhs.value(one.constants) for c in held), default=None)


def exponents(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the exponent of the error in M (one intercept for each K) and in K (one for each M) of every series.

    Least squares on logarithms with an interval that holds sampling error and lack of fit (``statistics.slopes``); of
    series with three points at least, and one more than intercepts and slope take. Where delays do not look, cells in
    which stale gradients cost more than noise are left out: there errors grow with M whatever delays depend on.
    """
    found = []
    for series in dict.fromkeys(tuple(r[n] for n in SERIES) for r in rows):
        own = [r for r in rows if tuple(r[n] for n in SERIES) == series and 0 < r["mean"] < math.inf]
        own = [r for r in own if r["policy"] != "independent" or r["stale"] <= 1]
        for variable, other in (("M", "K"), ("K", "M")):
            lines = [[r for r in own if r[other] == v] for v in dict.fromkeys(r[other] for r in own)]
            points = _points([of for of in lines if len(of) > 1], variable)
            if points is None:
                continue
            slope, low, high = line(points, LEVEL)
            found.append({**dict(zip(SERIES, series, strict=True)), "variable": variable, "slope": slope, "low": low,
                          "high": high, "points": len(points.x)})  # fmt: skip
    return found


def _points(lines: Sequence[Sequence[Mapping[str, Any]]], variable: str) -> Points | None:
    rows = [r for one in lines for r in one]
    if len(rows) < len(lines) + 2:
        return None
    relative = np.array([r["se"] / r["mean"] for r in rows]) ** 2
    return Points(
        np.log([float(r[variable]) for r in rows]),
        np.log([r["mean"] for r in rows]) + relative / 2,
        relative,
        np.array([float(r["n"]) for r in rows]),
        np.repeat(np.arange(len(lines)), [len(one) for one in lines]),
    )
