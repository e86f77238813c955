"""Huber loss with a chosen kink: quadratic near the minimiser, linear far from it.

    F(x) = L sum_i h_c(x_i),    h_c(t) = t^2/2 for |t| <= c,  c |t| - c^2/2 beyond

Minimiser 0, F* = 0, L = ``smoothness``, G = L c sqrt(d). The start has norm ``radius`` and equal coordinates.
In one dimension with L = 1, the value ``kink = "B_over_W"`` of a scenario (W the sum of the output weights) makes
noiseless SGD walk down the linear part and reach the minimiser only at its last step. That is hard for averaged
iterates; ours, after the worst case of gradient descent in Drori and Teboulle (2014, arXiv:1206.3209).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ratecheck.core.problem import Instance, Problem
from ratecheck.core.problem_tools import diagonal, positive, whole


def make(par: Mapping[str, Any], constants: Mapping[str, Any], key: np.uint64) -> Instance:
    d, smooth, radius = whole(par, "dimension"), positive(par, "smoothness"), positive(par, "radius")
    kink = positive(par, "kink")
    declared = {"L": smooth, "G": smooth * kink * float(np.sqrt(d))}
    words = frozenset({"convex", "smooth", "differentiable", "lipschitz"})
    return Instance(np.array([smooth, kink]), diagonal(d, radius), np.zeros(d), 0.0, declared, words)


def mean_gradient(x: Any, worker: Any, data: Any, out: Any) -> None:
    smooth, kink = data[0], data[1]
    for i in range(x.shape[0]):
        t = x[i]
        if t > kink:
            t = kink
        if t < -kink:
            t = -kink
        out[i] = smooth * t


def loss(t: Any, kink: Any) -> Any:
    """Return h_c(t)."""
    size = abs(t)
    if size > kink:
        return kink * size - kink * kink / 2
    return size * size / 2


def value(x: Any, data: Any, out: Any) -> None:
    smooth, kink, replicates = data[0], data[1], out.shape[0]
    for r in range(replicates):
        out[r] = 0
    if replicates < 8:  # too few for a vector of them
        for r in range(replicates):
            total = out[r]
            for i in range(r, x.shape[0], replicates):
                total += smooth * loss(x[i], kink)
            out[r] = total
    else:
        for i in range(0, x.shape[0], replicates):
            y = x[i:]
            for r in range(replicates):
                out[r] += smooth * loss(y[r], kink)


PAR = {"kink": "1/10", "dimension": 1, "smoothness": 1, "radius": 1}
PROBLEM = Problem("huber", make, mean_gradient, value, par=PAR, exact=True)
