"""Least squares with sampled rows, on data it makes.

    F(x) = 1/(2n) sum_j (<a_j, x> - b_j)^2 = F* + 1/2 <x - x*, H (x - x*)>,    H = A^T A / n

Rows a_j have independent normal coordinates of variance log-spaced from 1/``condition`` to 1; b_j = <a_j, w>
plus ``label_noise`` times a standard normal, |w| = ``radius``; the start is 0. A gradient takes ``batch``
rows. L and mu are the extreme eigenvalues of H, x* and F* those of ``numpy.linalg.lstsq``. No sigma: the
variance of row sampling grows with |x|^2. Data: d, n, F*, H (d d), x* (d), A (n d), b (n).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ratecheck.core.keys import normals
from ratecheck.core.problem import Instance, Problem
from ratecheck.core.problem_tools import curvature, form_gradient, form_value, positive, whole


def make(par: Mapping[str, Any], constants: Mapping[str, Any], key: np.uint64) -> Instance:
    n, d, batch = whole(par, "rows"), whole(par, "dimension"), whole(par, "batch")
    if n < d:
        raise ValueError(f"needs at least as many rows ({n}) as dimensions ({d})")
    drawn = normals(key, n * d + d + n)
    a = drawn[: n * d].reshape(n, d) * np.geomspace(positive(par, "condition"), 1, d) ** -0.5
    truth = drawn[n * d : n * d + d] * (positive(par, "radius") / np.linalg.norm(drawn[n * d : n * d + d]))
    b = a @ truth + positive(par, "label_noise") * drawn[n * d + d :]
    minimiser = np.asarray(np.linalg.lstsq(a, b)[0], dtype=np.float64)
    minimum = float(np.square(a @ minimiser - b).mean() / 2)
    hessian = a.T @ a / n
    hessian = (hessian + hessian.T) / 2
    declared, words = curvature(np.linalg.eigvalsh(hessian).astype(np.float64))
    data = np.concatenate([[float(d), float(n), minimum], hessian.ravel(), minimiser, a.ravel(), b])
    return Instance(data, np.zeros(d), minimiser, minimum, declared, words, rows=n, batch=batch)


def mean_gradient(x: Any, worker: Any, data: Any, out: Any) -> None:
    d = int(data[0])
    form_gradient(d, data[3:], data[3 + d * d :], x, out)


def value(x: Any, data: Any, out: Any) -> None:
    d = int(data[0])
    form_value(d, data[3:], data[3 + d * d :], x, out)
    for r in range(out.shape[0]):
        out[r] += data[2]


def gradient(x: Any, worker: Any, sample: Any, data: Any, out: Any) -> None:
    d, n = int(data[0]), int(data[1])
    replicates = x.shape[0] // d
    batch = sample.shape[0] // replicates
    rows = data[3 + d * d + d :]
    labels = rows[n * d :]
    for i in range(out.shape[0]):
        out[i] = 0
    for r in range(replicates):
        point, into = x[r:], out[r:]
        for s in range(r * batch, (r + 1) * batch):
            row = rows[sample[s] * d :]
            residual = -labels[sample[s]]
            for i in range(d):
                residual += row[i] * point[i * replicates]
            for i in range(d):
                into[i * replicates] += row[i] * residual / batch


PAR = {"rows": 200, "dimension": 8, "condition": 10, "batch": 1, "label_noise": "1/2", "radius": 1}
PROBLEM = Problem("least_squares", make, mean_gradient, value, gradient=gradient, par=PAR, exact=True)
