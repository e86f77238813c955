"""All cells at once, approximately: bands around the means for plots, and a warning line. No verdict rests on these.

Max-t over seeds: whole seeds are drawn again with replacement, each cell's mean is studentised, and the largest of all
cells decides (Romano & Wolf 2005, "Exact and approximate stepdown methods for multiple hypothesis testing"). Cells with
few runs take Student's t with Sidak's level instead. Betting e-values decide; this line is quicker to see faint excess.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from ratecheck.checks.question import State

Floats = npt.NDArray[np.float64]

#: confidence of the band drawn around the measured means, jointly over all cells
BAND = 0.95
#: resampled sets of seeds
RESAMPLED = 999
#: fewest runs of a cell whose seeds are resampled
ENOUGH = 16
#: family-wise p-value below which a mean above its bound is worth a warning
WARN = 0.05


@dataclass(frozen=True)
class Spread:
    """Studentised deviations of the resampled means (RESAMPLED, cells), and the cells in that order."""

    cells: tuple[State, ...]
    t: Floats


def spread(states: Sequence[State], name: str) -> Spread:
    """Resample seeds: (resampled mean - mean) / resampled error for the cells whose inequality ``name`` was sampled."""
    by_runs: dict[int, list[State]] = defaultdict(list)
    for state in states:
        if state.runs >= ENOUGH and _sampled(state, name):
            by_runs[state.runs].append(state)
    cells: list[State] = []
    columns: list[Floats] = []
    for runs, group in sorted(by_runs.items()):
        # a fixed stream for each number of runs: the same data give the same band
        seeds = np.random.default_rng([RESAMPLED, runs]).multinomial(runs, np.full(runs, 1 / runs), RESAMPLED)
        values = np.stack([s.sides[name] for s in group], axis=1)
        centred = values - values.mean(axis=0)
        mean, square = seeds @ centred / runs, seeds @ centred**2 / runs
        error = np.sqrt(np.maximum(square - mean**2, 0.0) / (runs - 1))
        with np.errstate(divide="ignore", invalid="ignore"):
            columns.append(np.where(mean == 0, 0.0, mean / error))
        cells += group
    return Spread(tuple(cells), np.concatenate(columns, axis=1) if columns else np.zeros((RESAMPLED, 0)))


def put_bands(states: Sequence[State]) -> None:
    """Put a band (low, high) around each mean, jointly over all cells of one inequality."""
    for name in sorted({n for s in states for n in s.inequalities}):
        named = [s for s in states if name in s.inequalities]
        sampled = [s for s in named if _sampled(s, name)]
        resampled = spread(sampled, name)
        # the error of the band is shared among the cells
        miss = (1 - BAND) * len(resampled.cells) / max(1, len(sampled))
        largest = np.abs(resampled.t).max(axis=1, initial=0.0)
        wide = float(np.quantile(largest, 1 - miss, method="higher")) if resampled.cells else 0.0
        level = BAND ** (1 / max(1, len(sampled)))
        for state in named:
            one = state.inequalities[name]
            by_t = state not in resampled.cells or not math.isfinite(wide)
            times = float(stats.t.ppf((1 + level) / 2, state.runs - 1)) if by_t and state.runs > 1 else wide
            half = times * one["se"] if state in sampled else 0.0
            one["low"], one["high"] = one["lhs"] - half, one["lhs"] + half


def warning(states: Sequence[State]) -> dict[str, Any] | None:
    """Return the cell whose mean lies above its bound most clearly, with a family-wise p-value; None when none does."""
    resampled = spread(states, "bound")
    above = []
    largest = resampled.t.max(axis=1, initial=-math.inf)
    for state in resampled.cells:
        one = state.inequalities["bound"]
        if one["se"] > 0 and one["lhs"] > one["rhs"] and not state.verdict.negative:
            score = (one["lhs"] - one["rhs"]) / one["se"]
            p = (1 + int((largest >= score).sum())) / (1 + RESAMPLED)
            above.append((p, state.cell.label, one["ratio"]))
    p, label, ratio = min(above, default=(1.0, "", 1.0))
    return {"p": p, "cell": label, "ratio": ratio} if p <= WARN else None


def _sampled(state: State, name: str) -> bool:
    return state.runs > 1 and "by" not in state.inequalities.get(name, {"by": ""})
