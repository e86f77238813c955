"""Kappa: the bound on E[R^2], R = error/bound, that HOLDS HERE needs; proven where the claim's file has a proof.

A claim may bound the second moment of the left side of an inequality from the noise's declared fourth moment
(``core.claim.Inequality.second_moment``). Then HOLDS HERE rests on the theorem's own noise model; else on a number
declared by the user.
"""

from __future__ import annotations

import math

from ratecheck.core.claim import Claim
from ratecheck.engine.build import Built

#: never below this: a kappa under 1 says E[R] <= 1 by itself, and the verdict must come from the runs. At 2 the law
#: that is 0 or 2 with even chances is still to be told apart: at least 14 runs at alpha = 1e-4
LEAST = 2.0
#: relative room for the rounding of W and Q, sums of at most some 10^6 terms
ROUNDING = 2.0**-30


def kappa_of(claim: Claim, built: Built, declared: float, name: str = "bound") -> tuple[float, str]:
    """Return kappa of one inequality of the claim (bound, conditional, master) at a cell, and where it is from.

    That is "derived", or "declared" where no proof covers the cell.
    """
    proven = derived(claim, built, name)
    return (declared, "declared") if proven is None else (max(proven, LEAST), "derived")


def derived(claim: Claim, built: Built, name: str = "bound") -> float | None:
    """Return the proven bound on E[R^2], conditional on the cell's schedule; None without a proof, or if infinite.

    The proof covers the claim's own algorithm under its assumptions and additive noise with a fourth moment, on a
    schedule that does not look at the noise.
    """
    statement = claim.outputs.get(built.cell.output)
    inequality = statement.inequalities().get(name) if statement else None
    spread = noise_spread(built)
    if inequality is None or inequality.second_moment is None or spread is None or claim.failing(built.facts):
        return None
    if built.own_schedules or not _runs_its_own(claim, built):
        return None
    rhs = inequality.rhs.value(built.constants)
    square = inequality.second_moment.value({**built.constants, "noise_spread": spread})
    return square / rhs**2 * (1 + ROUNDING) if rhs > 0 and math.isfinite(square) else None


def noise_spread(built: Built) -> float | None:
    """Return Var||noise||^2 / sigma^4 for additive noise, None where it is not declared, or infinite.

    d independent coordinates of variance sigma^2/d with E z^4 = kurtosis at unit variance: (kurtosis - 1)/d.
    """
    noise = built.noise
    if noise.fill is None or noise.fourth_moment is None:
        return None
    kurtosis = noise.fourth_moment(dict(zip(noise.par, built.noise_par.tolist(), strict=False)))
    return (kurtosis - 1) / built.instance.dimension if math.isfinite(kurtosis) else None


def _runs_its_own(claim: Claim, built: Built) -> bool:
    """Return whether the cell runs the claim's method, scheduler and stepsize, and not others put in their place."""
    parts = ("method", "scheduler", "stepsize")
    return all(getattr(built.cell, part) in (None, getattr(claim, part)) for part in parts)
