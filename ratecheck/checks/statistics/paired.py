"""Methods compared on paired runs: the same seeds, delays and samples for all, and a signed-rank test for each pair."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]
#: fewer pairs than this cannot be told apart at any usual level: six signs have a p-value of 1/32
FEWEST = 6


def compare(groups: Mapping[Any, Mapping[str, Floats]], alpha: float) -> dict[Any, list[dict[str, Any]]]:
    """Return one row for each pair of methods of each group: methods by name, with errors (n,) on the same seeds.

    A row has ``better`` and ``worse`` by the mean error, ``wins`` of ``seeds`` on which the better one is, the mean
    ``difference`` (inf where the worse one diverged), ``p`` of Wilcoxon's signed-rank test (two-sided) and ``apart``:
    whether the two are told apart when all pairs of all groups together may raise a false alarm with probability
    ``alpha`` (Holm 1979). The test takes differences of exchangeable methods to be symmetric about 0, as they are when
    names are given to the two at random. An error that is not finite counts as larger than every finite one.
    """
    found = {group: [_pair(runs, a, b) for a, b in itertools.combinations(runs, 2)] for group, runs in groups.items()}
    every = sorted((row for rows in found.values() for row in rows), key=lambda r: r["p"])
    holds = True
    for i, row in enumerate(every):
        holds = holds and row["p"] <= alpha / (len(every) - i)
        row["apart"] = holds
    return found


def _pair(runs: Mapping[str, Floats], a: str, b: str) -> dict[str, Any]:
    better, worse = sorted((a, b), key=lambda name: _mean(runs[name]))
    low, high = _ranked(runs[better], runs[worse])
    difference = high - low
    return {
        "better": better, "worse": worse, "seeds": len(difference), "wins": int((difference > 0).sum()),
        "difference": _mean(runs[worse]) - _mean(runs[better]) if np.isfinite(runs[better]).all() else math.nan,
        "p": signed_rank(difference),
    }  # fmt: skip


def _mean(errors: Floats) -> float:
    return float(errors.mean()) if np.isfinite(errors).all() else math.inf


def _ranked(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return both with what is not finite above everything that is; signs and ranks are all that is used."""
    every = np.concatenate([a, b])
    top = 2 * float(np.abs(every[np.isfinite(every)]).max(initial=1.0))
    return np.where(np.isfinite(a), a, top), np.where(np.isfinite(b), b, top)


def signed_rank(difference: Floats) -> float:
    """Return the two-sided p-value of Wilcoxon's signed-rank test, zeros left out; 1 for fewer than FEWEST others."""
    kept = difference[difference != 0]
    return 1.0 if kept.size < FEWEST else float(stats.wilcoxon(kept).pvalue)
