"""Diagonal quadratic with a given spectrum.

    F(x) = 1/2 sum_i a_i x_i^2,    minimiser 0,  F* = 0,  L = max_i a_i,  mu = min_i a_i

The spectrum is a list, or log-spaced from ``smoothness / condition`` to ``smoothness``. The start has norm
``radius`` and equal coordinates. With additive noise the expected error is known exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ratecheck.core.problem import Instance, Problem, Vector
from ratecheck.core.problem_tools import curvature, diagonal, positive, spectrum


def make(par: Mapping[str, Any], constants: Mapping[str, Any], key: np.uint64) -> Instance:
    values = spectrum(par)
    declared, words = curvature(values)
    start = diagonal(values.size, positive(par, "radius"))
    return Instance(values, start, np.zeros(values.size), 0.0, declared, words)


def layout(data: Vector, replicates: int) -> Vector:
    return np.repeat(data, replicates)


def mean_gradient(x: Any, worker: Any, data: Any, out: Any) -> None:
    for i in range(x.shape[0]):
        out[i] = data[i] * x[i]


def value(x: Any, data: Any, out: Any) -> None:
    replicates = out.shape[0]
    for r in range(replicates):
        out[r] = 0
    if replicates < 8:  # too few for a vector of them
        for r in range(replicates):
            total = out[r]
            for i in range(r, x.shape[0], replicates):
                total += data[i] * x[i] * x[i] / 2
            out[r] = total
    else:
        for i in range(0, x.shape[0], replicates):
            a, y = data[i:], x[i:]
            for r in range(replicates):
                out[r] += a[r] * y[r] * y[r] / 2


PAR = {"dimension": 16, "condition": 10_000, "smoothness": 1, "spectrum": None, "radius": 1}
PROBLEM = Problem("quadratic", make, mean_gradient, value, layout=layout, par=PAR, exact=True)
