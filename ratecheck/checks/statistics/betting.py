"""E-processes: evidence against E[R] <= 1 (any R >= 0) and against E[R] >= 1 (under a declared second moment).

Ville's inequality: a non-negative supermartingale that starts at 1 reaches 1/alpha with probability at most alpha, so
both may be looked at as often as one likes. See Waudby-Smith & Ramdas (2024), "Estimating means of bounded random
variables by betting", for the idea; the second-moment variable is ours. Each test spreads its capital over a few fixed
bets: the mean of e-processes is one. Few bets, because the best of b can be no more than b times their mean; which
ones was chosen by the runs they need (docs/error-rates.md), and no choice affects validity.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: fractions of the capital put on each run, averaged: the small ones for skewed errors and faint excess
BETS = np.array([0.05, 0.15, 0.35, 0.65, 0.99])
#: fraction for the test of "holds"
HOLD_BET = 0.99
#: where its variable vanishes, in units of kappa, averaged: larger ones for R nearer to 1. Half of the capital is on
#: 1, the best for R near 0, which is the usual case of a loose bound
HOLD_ROOTS = np.array([1.0, 1.0, 1.0, 2.0, 4.0, 8.0])


def gains_against_at_most_one(ratios: Floats) -> Floats:
    """Return the log of what each bet against E[R] <= 1 gains at each run: (bets, ..., n) for runs R >= 0 (..., n).

    A gain is 1 + lambda (R - 1): positive, with mean <= 1 under E[R] <= 1; no other assumption.
    """
    bets = BETS.reshape(-1, *[1] * ratios.ndim)
    return np.asarray(np.log1p(bets * (ratios - 1)))


def gains_against_at_least_one(ratios: Floats, kappa: float) -> Floats:
    """Return the log of what each bet against E[R] >= 1 gains at each run: (bets, ..., n) for runs R >= 0 (..., n).

    Assumes E[R^2] <= kappa, kappa > 1. For every root a >= kappa, h(R) = (1 - R/a)^2 / (1 - 2/a + kappa/a^2), and 0
    beyond a, has mean <= 1 when E[R] >= 1: E(1 - R/a)^2 = 1 - 2 E[R]/a + E[R^2]/a^2. A gain is 1 + c (h - 1). Without
    the 0 beyond a the mean is <= 1 too, but a huge R would then count as evidence for a small mean.
    """
    roots = kappa * HOLD_ROOTS.reshape(-1, *[1] * ratios.ndim)
    h = np.square(1 - np.minimum(ratios, roots) / roots) / (1 - 2 / roots + kappa / roots**2)
    return np.asarray(np.log1p(HOLD_BET * (h - 1)))


def mixed(logs: Floats) -> Floats:
    """Return the log of the mean over the first axis of exp(logs): what the capital spread over the bets became."""
    top = logs.max(axis=0)
    return np.asarray(top + np.log(np.exp(logs - top).mean(axis=0)))


def against_at_most_one(ratios: Floats) -> float:
    """Return log e of the evidence against E[R] <= 1 from runs R >= 0 (n,); no other assumption."""
    return float(mixed(gains_against_at_most_one(ratios).sum(axis=-1)))


def against_at_least_one(ratios: Floats, kappa: float) -> float:
    """Return log e of the evidence against E[R] >= 1 from runs R >= 0 (n,), assuming E[R^2] <= kappa (kappa > 1)."""
    return float(mixed(gains_against_at_least_one(ratios, kappa).sum(axis=-1)))


def runs_needed(kappa: float, alpha: float) -> int:
    """Return the smallest number of runs after which E[R] < 1 can be claimed at all, by any valid test.

    The law that is 0 with probability 1 - 1/kappa and kappa otherwise has E[R] = 1 and E[R^2] = kappa, and looks
    like R = 0 for n runs with probability (1 - 1/kappa)^n.
    """
    runs = math.ceil(math.log(1 / alpha) / -math.log1p(-1 / kappa))
    # the quotient of logarithms may round up past a whole number
    return runs - ((1 - 1 / kappa) ** (runs - 1) <= alpha)


def detectable_factor(ratios: Floats, log_threshold: float) -> float:
    """Return the factor by which the runs' errors would have to grow for these very runs to refute the claim.

    A description of the power of this sample (bisection to three digits), not a test. inf when no factor up to 1e6
    would do.
    """
    low, high = 1.0, 1e6
    if against_at_most_one(ratios * high) < log_threshold:
        return math.inf
    while high / low > 1.001:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if against_at_most_one(ratios * middle) >= log_threshold else (middle, high)
    return high
