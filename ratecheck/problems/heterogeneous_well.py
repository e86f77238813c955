"""Rational wells of different depth, one a worker: smooth and not convex, in rational arithmetic.

    F_m(x) = (1 + s_m) L/2 sum_i w(x_i),    w(t) = t^2 / (1 + t^2),    F = mean of F_m,    s_m = +-``contrast``

The last three of an odd number of workers have s_m = +, -1/2, -1/2 times ``contrast``; the s_m sum to 0. Minimiser 0,
F* = 0, smoothness of F L (at 0); |w'| is largest at 1/sqrt(3), 3 sqrt(3)/8. The dissimilarity zeta = ``contrast`` L
sqrt(d) 3 sqrt(3)/16 is met there alone: at the minimiser and far away all workers agree. The start has norm ``radius``
and equal coordinates. Data: d, L, 1 + s_m (1 + M, that of F first).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ratecheck.core.part import number
from ratecheck.core.problem import Instance, Problem
from ratecheck.core.problem_tools import diagonal, positive, shares, whole


def make(par: Mapping[str, Any], constants: Mapping[str, Any], key: np.uint64) -> Instance:
    d, smooth, contrast = whole(par, "dimension"), positive(par, "smoothness"), number(par["contrast"], "contrast")
    if not 0 <= contrast <= 1:
        raise ValueError(f"contrast must lie between 0 and 1, not {contrast:g}")
    off = contrast * shares(constants["M"])
    zeta = float(np.abs(off).max()) * smooth * float(np.sqrt(3 * d)) * 3 / 16
    words, start = frozenset({"smooth", "differentiable"}), diagonal(d, positive(par, "radius"))
    data = np.concatenate([[float(d), smooth], 1 + off])
    return Instance(data, start, np.zeros(d), 0.0, {"L": smooth, "zeta": zeta}, words)


def mean_gradient(x: Any, worker: Any, data: Any, out: Any) -> None:
    depth = data[1] * data[3 + worker]
    for i in range(x.shape[0]):
        q = x[i] * x[i] + 1
        out[i] = depth * x[i] / (q * q)


def value(x: Any, data: Any, out: Any) -> None:
    smooth, replicates = data[1], out.shape[0]
    for r in range(replicates):
        out[r] = 0
    for i in range(0, x.shape[0], replicates):
        y = x[i:]
        for r in range(replicates):
            square = y[r] * y[r]
            out[r] += smooth * square / (square + 1) / 2


PAR = {"dimension": 4, "smoothness": 1, "radius": 4, "contrast": "1/2"}
PROBLEM = Problem("heterogeneous_well", make, mean_gradient, value, par=PAR, exact=True, heterogeneous=True)
