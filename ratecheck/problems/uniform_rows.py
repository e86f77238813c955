"""Least squares on uncentred uniform rows: the experiment of Mishchenko, Bach, Even & Woodworth (2022), Figure 1.

    F(x) = 1/(2n) sum_j (<a_j, x> - b_j)^2,    a_j uniform on [0, 1/sqrt(d)]^d,    b_j = <a_j, w> + label_noise z_j

w and z_j standard normal, the start is 0; a gradient takes ``batch`` rows. The rows are not centred, so that one
eigenvalue (about 1/4, the mean direction) is far above the others (about 1/(12 d)). The numbers are those of NumPy's
``default_rng(seed)`` after five draws; with ``seed`` = 42, 10,000 rows and 400 dimensions they are the very numbers of
the authors' program. Without ``seed`` the key of the problem is the seed. L and mu are the extreme eigenvalues of H =
A^T A / n; no sigma: the variance of row sampling grows with |x|^2. Data and kernels: ``core.least_squares``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from ratecheck.core.least_squares import gradient, hessian_of, instance, mean_gradient, value
from ratecheck.core.problem import Instance, Problem
from ratecheck.core.problem_tools import positive, whole


def make(par: Mapping[str, Any], constants: Mapping[str, Any], key: np.uint64) -> Instance:
    n, d, batch = whole(par, "rows"), whole(par, "dimension"), whole(par, "batch")
    if n < d:
        raise ValueError(f"needs at least as many rows ({n}) as dimensions ({d})")
    seed = int(key) if par["seed"] is None else whole(par, "seed")
    return _made(n, d, batch, positive(par, "label_noise"), seed)


@lru_cache(maxsize=2)
def _made(n: int, d: int, batch: int, label_noise: float, seed: int) -> Instance:
    """Make the instance once for all cells: at full size it is 33 MB."""
    rng = np.random.default_rng(seed)
    rng.choice(424242, size=5)  # the authors draw seeds for five runs here, and make one
    a = rng.uniform(0, 1, size=(n, d)) / np.sqrt(d)
    truth = rng.normal(0, 1, d)
    b = a @ truth + label_noise * rng.normal(0, 1, n)
    minimiser = truth + np.linalg.solve(hessian_of(a), a.T @ (b - a @ truth) / n)
    return instance(a, b, minimiser, batch)


PAR = {"rows": 200, "dimension": 8, "batch": 4, "label_noise": "1/100000", "seed": None}
PROBLEM = Problem("uniform_rows", make, mean_gradient, value, gradient=gradient, par=PAR, exact=True)
