"""What least-squares problems share, whatever their rows are: the instance from rows and labels, and the kernels.

    F(x) = 1/(2n) sum_j (<a_j, x> - b_j)^2 = F* + 1/2 <x - x*, H (x - x*)>,    H = A^T A / n

Data: d, n, F*, H (d d), x* (d), A (n d), b (n).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ratecheck.core.problem import Instance, Vector
from ratecheck.core.problem_tools import curvature, form_gradient, form_value

#: what rounding may take off an eigenvalue, relatively
ROUNDED = 2.0**-40


def hessian_of(a: Vector) -> Vector:
    """Return H = A^T A / n (d, d) of rows A (n, d), symmetric to the last bit."""
    hessian: Vector = a.T @ a / len(a)
    return (hessian + hessian.T) / 2


def instance(a: Vector, b: Vector, minimiser: Vector, batch: int) -> Instance:
    """Return the instance of rows A (n, d) and labels b (n,) from the start 0; a gradient takes ``batch`` rows.

    L and mu are the extreme eigenvalues of H. No sigma: the variance of row sampling grows with |x|^2. From x to y a
    row's gradient changes by <a, y - x> a, so that sigma_L^2 is the largest eigenvalue of mean |a|^2 a a^T - H^2, over
    ``batch``.
    """
    n, d = a.shape
    hessian = hessian_of(a)
    minimum = float(np.square(a @ minimiser - b).mean() / 2)
    declared, words = curvature(np.linalg.eigvalsh(hessian).astype(np.float64))
    spread = (a * np.square(a).sum(axis=1)[:, None]).T @ a / n - hessian @ hessian
    widest = float(np.linalg.eigvalsh((spread + spread.T) / 2)[-1])
    declared["sigma_L"] = float(np.sqrt(max(0.0, widest) / batch)) * (1 + ROUNDED)
    data = np.concatenate([[float(d), float(n), minimum], hessian.ravel(), minimiser, a.ravel(), b])
    return Instance(data, np.zeros(d), minimiser, minimum, declared, words, rows=n, batch=batch)


def mean_gradient(x: Any, worker: Any, data: Any, out: Any) -> None:
    """Write H (x - x*) of each replicate into ``out`` (D,). A kernel."""
    d = int(data[0])
    form_gradient(d, data[3:], data[3 + d * d :], x, out)


def value(x: Any, data: Any, out: Any) -> None:
    """Write F of each replicate into ``out`` (R,). A kernel."""
    d = int(data[0])
    form_value(d, data[3:], data[3 + d * d :], x, out)
    for r in range(out.shape[0]):
        out[r] += data[2]


def gradient(x: Any, worker: Any, sample: Any, data: Any, out: Any) -> None:
    """Write the mean gradient of the sampled rows, ``sample`` (R batch,), of each replicate into ``out``. A kernel."""
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
            share = residual / batch
            for i in range(d):
                into[i * replicates] += row[i] * share
