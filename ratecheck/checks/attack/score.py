"""How near a cell comes to breaking a claim: left side over right side of each inequality that covers it.

Without sampling error where exact moments apply and are quick, or where there is no noise; else by the mean of a few
runs. A cell in which an assumption fails has no score.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ratecheck.checks import moments
from ratecheck.checks.question import inequalities_of, wanted_of
from ratecheck.checks.weigh import HUGE, ROUNDING_PER_STEP, left_side, over, resolution
from ratecheck.core.cell import Cell
from ratecheck.core.claim import Claim, Inequality
from ratecheck.core.verdict import Verdict
from ratecheck.engine.build import Built, build, of_block
from ratecheck.engine.sweep import simulate, width_of
from ratecheck.errors import RatecheckError

#: coefficients of exact moments that an evaluation may compute: some hundredths of a second
QUICK = 10_000_000
#: runs of an evaluation at least, and steps x coordinates x runs for which it makes more
RUNS, WORK = 3, 1_000_000
#: the inequality that a claim is about; the others are sharper, and true without it being so
BOUND = "bound"


@dataclass(frozen=True)
class Ratio:
    """One inequality in one cell: its mean left side over its right side, the standard error (0: none), how known.

    Of a claim of kind "lower" it is the right side over the left one, so that above 1 is broken for both kinds.
    ``shares`` are the parts of the right side that its terms are.
    """

    value: float
    error: float
    exact: bool
    refuted: bool
    shares: Mapping[str, float] = field(default_factory=dict)

    @property
    def sure(self) -> float:
        """The ratio less two standard errors, which luck cannot lift so easily; a quarter of it at least."""
        return max(self.value - 2 * self.error, self.value / 4)

    @property
    def broken(self) -> bool:
        """True when it looks broken: surely, or by more than two standard errors."""
        return self.refuted if self.exact else self.value - 2 * self.error > 1


@dataclass(frozen=True)
class Score:
    """The ratios of one cell, by inequality."""

    cell: Cell
    ratios: Mapping[str, Ratio]

    @property
    def broken(self) -> str:
        """The inequality that looks broken: the bound, or else the worst one; '' for none."""
        found = {n: r.value for n, r in self.ratios.items() if r.broken}
        return BOUND if BOUND in found else max(found, key=lambda n: found[n], default="")

    @property
    def near(self) -> float:
        """The largest ratio that is sampled and above 1, if no more is known of it than that; 0 for none."""
        return max((r.value for r in self.ratios.values() if not r.exact and r.value > 1), default=0.0)


def score(claim: Claim, cell: Cell, seed: int, runs: int = RUNS) -> Score | None:
    """Return the score of a cell from ``runs`` runs at least; None where the claim does not apply."""
    try:
        built = build(cell, seed, method=claim.method, scheduler=claim.scheduler, stepsize=claim.stepsize,
                      growth=claim.growth, failing=claim.failing)  # fmt: skip
        if claim.failing(built.facts) or BOUND not in inequalities_of(claim, built):
            return None
        with np.errstate(all="ignore"):
            return Score(cell, _quick(claim, built) or _sampled(claim, built, runs))
    except (RatecheckError, ArithmeticError):  # no claim, no cell, or a bound too large for a number
        return None


def _quick(claim: Claim, built: Built) -> dict[str, Ratio]:
    """Return the ratios by exact moments; empty where they do not apply or take long."""
    if not built.noisy or built.weighted.schedule.handouts * built.cell.K * built.instance.dimension > QUICK:
        return {}
    found = moments.decided(claim, built) or {}
    sides = inequalities_of(claim, built)
    return {n: _ratio(claim, one["lhs"], one["rhs"], 0.0, _shares(sides[n], built), exact=True,
                      refuted=one["verdict"] is Verdict.REFUTED)
            for n, one in found.items()}  # fmt: skip


def _sampled(claim: Claim, built: Built, runs: int) -> dict[str, Ratio]:
    wanted, width = wanted_of(claim), width_of(built)
    few = max(runs, min(width, WORK // (built.cell.K * built.instance.dimension)))
    blocks = -(-few // width) if built.noisy else 1
    parts = [simulate(of_block(built, i), i, min(width, few), wanted).measured for i in range(blocks)]
    numbers = {n: np.concatenate([p[n] for p in parts]) for n in wanted}
    found = {}
    for name, inequality in inequalities_of(claim, built).items():
        lhs, rhs = left_side(inequality, built, numbers), inequality.rhs.value(built.constants)
        spread = float(lhs.std(ddof=1)) / math.sqrt(lhs.size) if lhs.size > 1 else 0.0
        mean, exact = float(lhs.mean()), not built.noisy
        if exact and _upper(claim):
            rhs = max(rhs, resolution(inequality, built))
        refuted = exact and abs(mean - rhs) > ROUNDING_PER_STEP * built.cell.K * max(abs(mean), abs(rhs))
        found[name] = _ratio(claim, mean, rhs, spread, _shares(inequality, built), exact=exact,
                             refuted=refuted and (mean > rhs) == _upper(claim))  # fmt: skip
    return found


def _shares(inequality: Inequality, built: Built) -> dict[str, float]:
    values = inequality.rhs.term_values(built.constants)
    whole = sum(values.values())
    return {n: value / whole for n, value in values.items()} if 0 < whole < math.inf else {}


def _ratio(claim: Claim, lhs: float, rhs: float, error: float, shares: Mapping[str, float], *, exact: bool,
           refuted: bool) -> Ratio:  # fmt: skip
    left, right = (lhs, rhs) if _upper(claim) else (rhs, lhs)
    value = over(left, right) if math.isfinite(left) else HUGE
    relative = error / abs(lhs) if lhs else 0.0
    return Ratio(value, value * relative if math.isfinite(relative) else 0.0, exact, refuted, shares)


def _upper(claim: Claim) -> bool:
    return claim.kind == "upper"
