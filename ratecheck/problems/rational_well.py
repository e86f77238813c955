"""Rational well: smooth and not convex, with known constants, in rational arithmetic.

    F(x) = L/2 sum_i w(x_i),    w(t) = t^2 / (1 + t^2)

Minimiser 0 (the only stationary point), F* = 0. With w' = 2t/(1 + t^2)^2 and w'' = (2 - 6t^2)/(1 + t^2)^3 we
have -1/2 <= w'' <= 2: the smoothness is L, attained at 0. F curves downwards beyond |t| = 1/sqrt(3), where
|w'| is largest, 3 sqrt(3)/8: G = L sqrt(d) 3 sqrt(3)/16. The start has norm ``radius`` and equal coordinates.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ratecheck.core.problem import Instance, Problem
from ratecheck.core.problem_tools import diagonal, positive, whole


def make(par: Mapping[str, Any], constants: Mapping[str, Any], key: np.uint64) -> Instance:
    d, smooth = whole(par, "dimension"), positive(par, "smoothness")
    declared = {"L": smooth, "G": smooth * float(np.sqrt(3 * d)) * 3 / 16}
    words, start = frozenset({"smooth", "differentiable", "lipschitz"}), diagonal(d, positive(par, "radius"))
    return Instance(np.array([smooth]), start, np.zeros(d), 0.0, declared, words)


def mean_gradient(x: Any, worker: Any, data: Any, out: Any) -> None:
    smooth = data[0]
    for i in range(x.shape[0]):
        q = x[i] * x[i] + 1
        out[i] = smooth * x[i] / (q * q)


def value(x: Any, data: Any, out: Any) -> None:
    smooth, replicates = data[0], out.shape[0]
    for r in range(replicates):
        out[r] = 0
    if replicates < 8:  # too few for a vector of them
        for r in range(replicates):
            total = out[r]
            for i in range(r, x.shape[0], replicates):
                total += smooth * well(x[i] * x[i]) / 2
            out[r] = total
    else:
        for i in range(0, x.shape[0], replicates):
            y = x[i:]
            for r in range(replicates):
                out[r] += smooth * well(y[r] * y[r]) / 2


def well(square: Any) -> Any:
    """Return w(t) for ``square`` = t^2."""
    return square / (square + 1)


PAR = {"dimension": 4, "smoothness": 1, "radius": 4}
PROBLEM = Problem("rational_well", make, mean_gradient, value, par=PAR, exact=True)
