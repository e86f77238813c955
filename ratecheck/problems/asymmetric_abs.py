"""Asymmetric absolute value: convex and Lipschitz, not smooth.

    F(x) = sum_i phi(x_i) / sqrt(d),    phi(t) = right t for t >= 0,  -left t for t < 0

Minimiser 0, F* = 0, G = max(left, right). At 0 the subgradient 0 is taken. The start has norm ``radius`` and
equal positive coordinates. The class of Theorem 1 of Mishchenko, Bach, Even and Woodworth (2022,
arXiv:2206.07638); gradients in flight make the model swing across the kink. Data: the two slopes over
sqrt(d).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ratecheck.core.problem import Instance, Problem
from ratecheck.core.problem_tools import diagonal, positive, whole


def make(par: Mapping[str, Any], constants: Mapping[str, Any], key: np.uint64) -> Instance:
    d = whole(par, "dimension")
    slopes = np.array([positive(par, "left"), positive(par, "right")])
    start = diagonal(d, positive(par, "radius"))
    words = frozenset({"convex", "lipschitz"})
    return Instance(slopes / np.sqrt(d), start, np.zeros(d), 0.0, {"G": float(slopes.max())}, words)


def mean_gradient(x: Any, worker: Any, data: Any, out: Any) -> None:
    left, right = data[0], data[1]
    for i in range(x.shape[0]):
        t = x[i]
        g = right - right  # zero, of the kind of number in use
        if t > 0:
            g = right
        if t < 0:
            g = -left
        out[i] = g


def value(x: Any, data: Any, out: Any) -> None:
    left, right, replicates = data[0], data[1], out.shape[0]
    for r in range(replicates):
        out[r] = 0
    if replicates < 8:  # too few for a vector of them
        for r in range(replicates):
            total = out[r]
            for i in range(r, x.shape[0], replicates):
                total += max(right * x[i], -left * x[i])
            out[r] = total
    else:
        for i in range(0, x.shape[0], replicates):
            y = x[i:]
            for r in range(replicates):
                out[r] += max(right * y[r], -left * y[r])


PAR = {"left": 1, "right": "1/2", "dimension": 1, "radius": 1}
PROBLEM = Problem("asymmetric_abs", make, mean_gradient, value, par=PAR, exact=True)
