"""Pseudo-Huber loss: convex, smooth and Lipschitz without a kink, with known constants.

    F(x) = L sum_i c^2 (sqrt(1 + (x_i/c)^2) - 1)

Minimiser 0, F* = 0. It is quadratic near 0 and linear far from it, as the Huber loss, with c for its kink: the second
derivative L/(1 + t^2)^(3/2), t = x_i/c, is at most L, at 0, and the slope L c t/sqrt(1 + t^2) below L c, so
G = L c sqrt(d). The start has norm ``radius`` and equal coordinates.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ratecheck.core.problem import Instance, Problem
from ratecheck.core.problem_tools import diagonal, positive, whole


def make(par: Mapping[str, Any], constants: Mapping[str, Any], key: np.uint64) -> Instance:
    d, smooth, kink = whole(par, "dimension"), positive(par, "smoothness"), positive(par, "kink")
    declared = {"L": smooth, "G": smooth * kink * float(np.sqrt(d))}
    words = frozenset({"convex", "smooth", "differentiable", "lipschitz"})
    return Instance(np.array([smooth, kink]), diagonal(d, positive(par, "radius")), np.zeros(d), 0.0, declared, words)


def mean_gradient(x: Any, worker: Any, data: Any, out: Any) -> None:
    smooth, kink = data[0], data[1]
    for i in range(x.shape[0]):
        t = x[i] / kink
        out[i] = smooth * x[i] / math.sqrt(1 + t * t)


def loss(t: float) -> float:
    """Return sqrt(1 + t^2) - 1 without cancellation."""
    return t * t / (1 + math.sqrt(1 + t * t))


def value(x: Any, data: Any, out: Any) -> None:
    smooth, kink, replicates = data[0], data[1], out.shape[0]
    for r in range(replicates):
        total = 0.0
        for i in range(r, x.shape[0], replicates):
            total += smooth * kink * kink * loss(x[i] / kink)
        out[r] = total


PAR = {"dimension": 4, "smoothness": 1, "kink": 1, "radius": 4}
PROBLEM = Problem("pseudo_huber", make, mean_gradient, value, par=PAR)
