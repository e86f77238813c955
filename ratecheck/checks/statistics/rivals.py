"""Do the data prefer another law? The bound's terms against rivals, by Vuong's test on runs, clustered by seed.

A rival replaces one term of the bound. Both laws are fitted by gamma quasi-likelihood; the difference of their
quasi-log-likelihoods, run by run, has a mean that a paired t test compares with 0 (Vuong 1989). An information
criterion would name a winner on any grid, also where none can be told. Even so the better of two laws may be wrong, so
words are said only where the trend of the slack agrees: the theorem's law wins only if the rate MATCHES, a rival only
if it is SLOWER.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from ratecheck.checks.statistics.coefficients import FloatArray, Row, Sample, clustered, fit, samples

#: joint confidence of all comparisons of one claim
CONFIDENCE = 0.99
#: a term follows its power of M and K when its multiple of it is the same in all cells, to this relative difference
SAME = 1e-9
#: two fits that differ by less than this, relatively, everywhere are one law on this grid
INDISTINCT = 1e-6

UNDECIDED = "undecided"
THEOREM = "the theorem's law describes better"
RIVAL = "the rival describes better"


class Rival(NamedTuple):
    """A rival: the power law that the bound's term must follow, a function of a row, and what it is multiplied by."""

    law: str
    instead: Callable[[Row], float]
    factor: Callable[[Row], float]


def _optimisation(row: Row) -> float:
    return float(row["M"] / row["K"])


def _noise(row: Row) -> float:
    return float((row["sigma"] or 0.0) / math.sqrt(row["K"]))  # rows may be sampled with no known sigma


RIVALS = (
    Rival("tau_max/K", _optimisation, lambda row: row["tau_max"] / row["M"]),
    Rival("M/sqrt(K)", _optimisation, lambda row: math.sqrt(row["K"])),
    Rival("(M/K)^(2/3)", _optimisation, lambda row: float((row["K"] / row["M"]) ** (1 / 3))),
    Rival("sqrt(M) sigma/sqrt(K)", _noise, lambda row: math.sqrt(row["M"])),
)


def compare(cells: Sequence[Row], errors: Mapping[str, FloatArray], rate_verdict: str) -> list[dict[str, Any]]:
    """Return an entry for each rival of a term of the bound: the two laws, what can be said, t and its level.

    A rival of M/K, or of sigma/sqrt(K), is offered where some term of the bound is a multiple of that in every cell.
    All problems and output rules are judged together, each with coefficients of its own. ``t`` is positive when the
    theorem's law describes better, and None when nothing is random or the laws are one on these cells; the words are
    "undecided" unless |t| passes ``level`` (two-sided, shared by the rivals offered) and ``rate_verdict`` agrees.
    """
    groups = list(samples(cells, errors).values())
    offered = [(rival, term) for rival in RIVALS if (term := _term(rival, groups))]
    level = 1 - (1 - CONFIDENCE) / max(1, len(offered))
    found = []
    for rival, term in offered:
        t, decided = _vuong(rival, term, groups, level)
        words = UNDECIDED
        if decided > 0 and rate_verdict == "MATCHES":
            words = THEOREM
        elif decided < 0 and rate_verdict == "SLOWER":
            words = RIVAL
        found.append({"rival": rival.law, "term": term, "words": words, "t": t, "level": level})
    return found


def _term(rival: Rival, groups: Sequence[Sample]) -> str:
    """Return the name of the term that is a multiple of the rival's power in every group that has it, or ''."""
    for name in dict.fromkeys(n for g in groups for n in g.names):
        pairs = [
            (g.terms[:, g.names.index(name)], np.array([rival.instead(r) for r in g.rows]))
            for g in groups
            if name in g.names
        ]
        if all(_multiple(term, power) for term, power in pairs) and any(np.ptp(p[p > 0]) > 0 for _, p in pairs):
            return name
    return ""


def _multiple(term: FloatArray, power: FloatArray) -> bool:
    """True when term = c power with one c > 0."""
    there = power > 0
    if not np.array_equal(there, term > 0):
        return False
    ratio = term[there] / power[there]
    return bool(ratio.max() <= ratio.min() * (1 + SAME))


def _vuong(rival: Rival, term: str, groups: Sequence[Sample], level: float) -> tuple[float | None, int]:
    """Return t and the sign of the law that is better (1 the theorem's, -1 the rival's, 0 undecided)."""
    having = [g for g in groups if term in g.names]
    fits = [(g, g.terms @ fit(g.terms, g.means), _rival_fit(rival, term, g)) for g in having]
    if all(np.abs(ours / theirs - 1).max() <= INDISTINCT for _, ours, theirs in fits):
        return None, 0
    # the quasi-log-likelihood of a run is -log(mu) - error/mu, which is linear in the error
    better = sum(float((np.log(q / p) + (1 / q - 1 / p) * g.means).sum()) for g, p, q in fits)
    slopes = np.concatenate([1 / q - 1 / p for _, p, q in fits])
    variance = float(clustered(slopes[:, None], [d for g in having for d in g.deviations])[0, 0])
    if variance == 0:
        return None, 0
    t = better / math.sqrt(variance)
    freedom = min(g.seeds for g in having if g.seeds) - 1
    return t, int(np.sign(t)) * (abs(t) > float(stats.t.ppf((1 + level) / 2, freedom)))


def _rival_fit(rival: Rival, term: str, group: Sample) -> FloatArray:
    """Return the fitted means (cells,) of the rival."""
    terms = group.terms.copy()
    terms[:, group.names.index(term)] *= [rival.factor(r) for r in group.rows]
    means: FloatArray = terms @ fit(terms, group.means)
    return means
