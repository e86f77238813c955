"""Least squares with sampled rows, on data it makes.

    F(x) = 1/(2n) sum_j (<a_j, x> - b_j)^2 = F* + 1/2 <x - x*, H (x - x*)>,    H = A^T A / n

Rows a_j have independent normal coordinates of variance log-spaced from 1/``condition`` to 1; b_j = <a_j, w>
plus ``label_noise`` times a standard normal, |w| = ``radius``; the start is 0. A gradient takes ``batch``
rows. L and mu are the extreme eigenvalues of H, x* and F* those of ``numpy.linalg.lstsq``. No sigma: the
variance of row sampling grows with |x|^2. Data and kernels: ``core.least_squares``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ratecheck.core.keys import normals
from ratecheck.core.least_squares import gradient, instance, mean_gradient, value
from ratecheck.core.problem import Instance, Problem
from ratecheck.core.problem_tools import positive, whole


def make(par: Mapping[str, Any], constants: Mapping[str, Any], key: np.uint64) -> Instance:
    n, d, batch = whole(par, "rows"), whole(par, "dimension"), whole(par, "batch")
    if n < d:
        raise ValueError(f"needs at least as many rows ({n}) as dimensions ({d})")
    drawn = normals(key, n * d + d + n)
    a = drawn[: n * d].reshape(n, d) * np.geomspace(positive(par, "condition"), 1, d) ** -0.5
    truth = drawn[n * d : n * d + d] * (positive(par, "radius") / np.linalg.norm(drawn[n * d : n * d + d]))
    b = a @ truth + positive(par, "label_noise") * drawn[n * d + d :]
    minimiser = np.asarray(np.linalg.lstsq(a, b)[0], dtype=np.float64)
    return instance(a, b, minimiser, batch)


PAR = {"rows": 200, "dimension": 8, "condition": 10, "batch": 1, "label_noise": "1/2", "radius": 1}
PROBLEM = Problem("least_squares", make, mean_gradient, value, gradient=gradient, par=PAR, exact=True)
