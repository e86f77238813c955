"""Dense quadratic: a given spectrum in a random basis, minimiser off zero.

    F(x) = 1/2 <x - x*, A (x - x*)>,    F* = 0,  L and mu the largest and smallest eigenvalue of A

A is the diagonal of the spectrum between d random Householder reflections ``I - 2 v v^T / |v|^2`` (v standard
normal, made by key), which keep the eigenvalues up to rounding. The start is 0, the minimiser a random point
of norm ``radius``. Data: d, A (d d), x* (d).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ratecheck.core.keys import normals
from ratecheck.core.problem import Instance, Problem
from ratecheck.core.problem_tools import curvature, form_gradient, form_value, positive, spectrum


def make(par: Mapping[str, Any], constants: Mapping[str, Any], key: np.uint64) -> Instance:
    values = spectrum(par)
    d = values.size
    drawn = normals(key, d * (d + 1)).reshape(d + 1, d)
    matrix = np.diag(values)
    for v in drawn[1:]:
        square, image = (v * v).sum(), (matrix * v).sum(axis=1)
        mixed = np.outer(v, image)
        matrix = matrix - 2 * (mixed + mixed.T) / square + 4 * np.outer(v, v) * (v * image).sum() / square**2
    minimiser = drawn[0] * (positive(par, "radius") / np.sqrt((drawn[0] * drawn[0]).sum()))
    declared, words = curvature(values)
    data = np.concatenate([[float(d)], matrix.ravel(), minimiser])
    return Instance(data, np.zeros(d), minimiser, 0.0, declared, words)


def mean_gradient(x: Any, worker: Any, data: Any, out: Any) -> None:
    d = int(data[0])
    form_gradient(d, data[1:], data[1 + d * d :], x, out)


def value(x: Any, data: Any, out: Any) -> None:
    d = int(data[0])
    form_value(d, data[1:], data[1 + d * d :], x, out)


PAR = {"dimension": 16, "condition": 10_000, "smoothness": 1, "spectrum": None, "radius": 1}
PROBLEM = Problem("dense_quadratic", make, mean_gradient, value, par=PAR, exact=True)
