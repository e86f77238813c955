"""E-processes: evidence against E[R] <= 1 (any R >= 0) and against E[R] >= 1 (under a declared second moment).

Ville's inequality: a non-negative supermartingale that starts at 1 reaches 1/alpha with probability at most alpha, so
both may be looked at as often as one likes. See Waudby-Smith & Ramdas (2024), "Estimating means of bounded random
variables by betting", for the idea; the second-moment variable is ours.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: fractions of the capital put on each run, averaged
BETS = np.array([0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9])
#: fractions for the test of "holds", averaged
HOLD_BETS = np.array([0.1, 0.25, 0.5, 0.75, 0.999])
#: where its variable vanishes, in units of kappa, averaged: 1 is best for R near 0, larger ones for R nearer to 1
HOLD_ROOTS = np.array([1.0, 2.0, 4.0, 8.0])


def against_at_most_one(ratios: Floats) -> float:
    """Return log e of the evidence against E[R] <= 1 from runs R >= 0 (n,); no other assumption.

    e = mean over lambda of prod (1 + lambda (R_i - 1)). Each factor is positive with mean <= 1 under E[R] <= 1.
    """
    logs = np.log1p(BETS[:, None] * (ratios[None, :] - 1)).sum(axis=1)
    return _log_mean_exp(logs)


def against_at_least_one(ratios: Floats, kappa: float) -> float:
    """Return log e of the evidence against E[R] >= 1 from runs R >= 0 (n,), assuming E[R^2] <= kappa.

    For every root a >= kappa, h(R) = (1 - R/a)^2 / (1 - 2/a + kappa/a^2), and 0 beyond a, has mean <= 1 when E[R] >= 1
    and E[R^2] <= kappa: E(1 - R/a)^2 = 1 - 2 E[R]/a + E[R^2]/a^2. Bets 1 + c (h - 1) are averaged over c and a.
    """
    roots = kappa * HOLD_ROOTS[:, None, None]
    h = np.square(1 - np.minimum(ratios, roots) / roots) / (1 - 2 / roots + kappa / roots**2)
    logs = np.log1p(HOLD_BETS[None, :, None] * (h - 1)).sum(axis=2)
    return _log_mean_exp(logs.ravel())


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


def _log_mean_exp(logs: Floats) -> float:
    top = float(logs.max())
    return top + math.log(float(np.exp(logs - top).mean()))
