"""What one inequality says after some runs of one cell: means, evidence both ways, a verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ratecheck.checks.kappa import kappa_of
from ratecheck.checks.question import Asked, State
from ratecheck.checks.statistics import betting
from ratecheck.core.claim import Inequality
from ratecheck.core.verdict import Verdict
from ratecheck.engine.build import Built

Floats = npt.NDArray[np.float64]

#: relative rounding allowed when a deterministic run is compared with its bound, per step: 64 units of roundoff
ROUNDING_PER_STEP = 64 * 2.0**-53
#: second moment of error/bound that HOLDS HERE assumes where none is declared by the user and none is proven
KAPPA = 4.0
#: the number that a diverged run counts with; unlike the largest float it can be squared, summed and divided
HUGE = 1e150


def left_side(inequality: Inequality, built: Built, numbers: Mapping[str, Any]) -> Floats:
    """Return the left side of an inequality on each run (n,), HUGE where a run has no smaller number."""
    lhs = np.atleast_1d(inequality.lhs.table({**built.constants, **numbers}))
    return np.asarray(np.fmin(lhs, HUGE))


def resolution(inequality: Inequality, built: Built) -> float:
    """Return the left side at a point that a run in float64 cannot tell from the minimiser: what is below says nothing.

    The coordinates of such a point are wrong by ``ROUNDING_PER_STEP`` a step of their size, or of the minimiser's. L
    and G are those of the objective: what a cell declares with room does not widen it.
    """
    start, minimiser = (np.linalg.norm(at) for at in (built.instance.start, built.instance.minimiser))
    e = ROUNDING_PER_STEP * built.cell.K * float(np.fmax(start, minimiser))
    smooth, slope = (built.instance.constants.get(n) or 0.0 for n in ("L", "G"))
    gap = smooth * e * e if smooth else slope * e
    apart = {"output_gap": gap, "mean_gap": gap, "virtual_gap": gap, "last_gap": gap, "virtual_sq": e * e,
             "last_sq": e * e, "mean_gradient_sq": (smooth * e) ** 2}  # fmt: skip
    return float(inequality.lhs.value({**built.constants, **apart}))


def weigh(asked: Asked, built: Built, name: str, inequality: Inequality, lhs: Floats,
          trivial: float | None, threshold: float) -> dict[str, Any]:  # fmt: skip
    """Return the inequality's means, evidence and verdict; ``lhs`` is its left side on each run (n,).

    ``threshold`` is the log of the e-value at which an inequality is REFUTED, with all tests of the claim in mind;
    HOLDS HERE is claimed at the claim's own alpha, for all cells must reach it. A claim of kind "lower" swaps the two
    tests: it is refuted by evidence that the mean is below the bound, which needs the declared second moment.
    """
    rhs = inequality.rhs.value(built.constants)
    n = len(lhs)
    mean = float(lhs.mean())
    error = float(lhs.std(ddof=1) / math.sqrt(n)) if n > 1 else 0.0
    found: dict[str, Any] = {"lhs": mean, "se": error, "rhs": rhs, "ratio": over(mean, rhs), "n": n}
    upper = asked.claim.kind == "upper"
    vacuous = upper and name != "master" and trivial is not None and rhs >= trivial
    ratios = np.array([over(max(float(one), 0.0), rhs) for one in lhs])
    if built.noisy:
        verdict = _from_evidence(asked, built, name, ratios, threshold, found)
    else:
        verdict = _from_one_run(float(ratios[0]) if upper else 2 - float(ratios[0]), built.cell.K)
        if verdict is Verdict.REFUTED and upper and mean <= resolution(inequality, built):
            verdict = Verdict.NOT_REFUTED
    if vacuous and verdict is not Verdict.REFUTED:
        verdict = Verdict.VACUOUS
    return {**found, "verdict": verdict}


def over(lhs: float, rhs: float) -> float:
    """Return lhs / rhs; a bound that is not positive is broken by anything positive."""
    if rhs > 0:
        return min(lhs / rhs, HUGE)
    return HUGE if lhs > 0 else 0.0


def _from_one_run(ratio: float, steps: int) -> Verdict:
    room = ROUNDING_PER_STEP * steps
    if ratio > 1 + room:
        return Verdict.REFUTED
    return Verdict.EXACT if ratio < 1 - room else Verdict.NOT_REFUTED


def _from_evidence(asked: Asked, built: Built, name: str, ratios: Floats, threshold: float,
                   found: dict[str, Any]) -> Verdict:  # fmt: skip
    """Put both e-values and kappa into ``found`` and return the verdict they allow."""
    given = asked.settings.kappa
    # under --force assumptions may fail, and a proof with them
    declared = given or (KAPPA if asked.force else None)
    kappa, source = (declared, "declared") if declared else kappa_of(asked.claim, built, KAPPA, name)
    above = betting.gains_against_at_most_one(ratios).sum(axis=-1)
    below = betting.gains_against_at_least_one(ratios, kappa).sum(axis=-1)
    moments, upper = second_moment(built), asked.claim.kind == "upper"
    bets = above if upper else below
    against, support = (float(betting.mixed(logs)) for logs in ((above, below) if upper else (below, above)))
    found |= {
        "kappa": kappa, "kappa_from": source,
        "log10_e": against / math.log(10), "log10_e_holds": support / math.log(10),
        "log10_threshold": threshold / math.log(10),
    }  # fmt: skip
    if upper:
        found["detectable"] = betting.detectable_factor(ratios, threshold)
    if upper or moments:  # else there is no evidence against the claim for a ledger to multiply
        found["log10_bets"] = (bets / math.log(10)).tolist()
    if against >= threshold and (upper or moments):
        return Verdict.REFUTED
    if support >= math.log(1 / asked.alpha) and (not upper or moments):
        return Verdict.HOLDS_HERE
    return Verdict.NOT_REFUTED


def why_not_more(asked: Asked, built: Built, state: State) -> str:
    """Return why a cell stays NOT REFUTED after its last look."""
    if not second_moment(built):
        return "HOLDS HERE is refused: the second moment of the error is infinite, or not declared, under this noise"
    kappa = state.inequalities["bound"]["kappa"]
    needed, runs = betting.runs_needed(kappa, asked.alpha), state.runs
    if runs < needed:
        few = "one run in a cell: no variance estimate" if runs == 1 else f"{runs} runs"
        return f"{few}; no test can claim HOLDS HERE with fewer than {needed} at kappa = {kappa:g}"
    return f"the mean is too close to the bound for {runs} runs"


def second_moment(built: Built) -> bool:
    """True when the squared error can have a finite mean: the noise has a finite fourth moment (or samples rows)."""
    if built.noise.fill is None:
        return True
    if built.noise.fourth_moment is None:
        return False
    par = dict(zip(built.noise.par, built.noise_par.tolist(), strict=False))
    return math.isfinite(built.noise.fourth_moment(par))
