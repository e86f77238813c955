"""Quadratics with the same curvature, and a minimiser of its own for each worker.

    F_m(x) = 1/2 sum_i a_i x_i^2 + <b_m, x>,    F = mean of F_m = 1/2 sum_i a_i x_i^2,    ||grad F_m - grad F|| = |b_m|

Minimiser of F 0, F* = 0, L = max_i a_i, mu = min_i a_i. Workers 0 and 1 pull along coordinate 0 in opposite
directions, |b_m| = ``zeta``, workers 2 and 3 along coordinate 1, and so on, round and round; the last three of an odd
number with ``zeta``, ``zeta``/2, ``zeta``/2. So zeta is the dissimilarity of Assumption 2 of Mishchenko, Bach, Even and
Woodworth (2022, arXiv:2206.07638), at every point. Where worker 0 alone delivers, SGD goes to its minimiser, and
||grad F||^2 there is zeta^2: their Theorem 4 is attained (ours). Spectrum and start are as in ``quadratic``, which is
the problem for ``zeta`` = 0. Data: d, the spectrum (d), 0 (d), b_m (M d).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ratecheck.core.part import number
from ratecheck.core.problem import Instance, Problem
from ratecheck.core.problem_tools import curvature, diagonal, positive, shares, spectrum


def make(par: Mapping[str, Any], constants: Mapping[str, Any], key: np.uint64) -> Instance:
    values, zeta, workers = spectrum(par), number(par["zeta"], "zeta"), constants["M"]
    if not 0 <= zeta < np.inf:
        raise ValueError(f"zeta must be a number >= 0, not {zeta:g}")
    along = np.minimum(np.arange(workers) // 2, max(0, workers // 2 - 1)) % values.size
    pull = np.zeros((workers + 1, values.size))
    pull[1 + np.arange(workers), along] = zeta * shares(workers)[1:]
    declared, words = curvature(values)
    declared["zeta"] = zeta if workers > 1 else 0.0
    start = diagonal(values.size, positive(par, "radius"))
    return Instance(
        np.concatenate([[float(values.size)], values, pull.ravel()]), start, np.zeros(values.size), 0.0, declared, words
    )


def mean_gradient(x: Any, worker: Any, data: Any, out: Any) -> None:
    d = int(data[0])
    values, pull, replicates = data[1:], data[1 + d + (worker + 1) * d :], x.shape[0] // d
    if replicates == 1:
        for i in range(d):
            out[i] = values[i] * x[i] + pull[i]
    else:
        for i in range(d):
            a, b, y, into = values[i], pull[i], x[i * replicates :], out[i * replicates :]
            for r in range(replicates):
                into[r] = a * y[r] + b


def value(x: Any, data: Any, out: Any) -> None:
    replicates, values = out.shape[0], data[1:]
    for r in range(replicates):
        out[r] = 0
    for i in range(x.shape[0] // replicates):
        a, y = values[i], x[i * replicates :]
        for r in range(replicates):
            out[r] += a * y[r] * y[r] / 2


PAR = {"dimension": 16, "condition": 10_000, "smoothness": 1, "spectrum": None, "radius": 1, "zeta": "1/2"}
PROBLEM = Problem(
    "heterogeneous_quadratic", make, mean_gradient, value, par=PAR, exact=True, heterogeneous=True
)  # fmt: skip
