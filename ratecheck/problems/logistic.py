"""Logistic regression with sampled rows and an optional quadratic penalty, on data it makes.

    F(x) = 1/n sum_j log(1 + exp(-<c_j, x>)) + l2/2 |x|^2,    c_j = y_j a_j

Rows a_j are standard normal over sqrt(d), labels y_j = +-1 drawn from the model with weights of norm
``radius``, the start is 0 and a gradient takes ``batch`` rows, with replacement.

- L = l2 + largest eigenvalue of A^T A / (4n): the logistic function has slope at most 1/4, attained at 0.
- mu = l2 (declared when positive).
- G = max_j |a_j| (only without penalty): a row's gradient is -s c_j, 0 < s < 1; it bounds batches and F too.
- sigma^2 = mean_j |a_j|^2 / batch: the penalty has no variance, that of one row is at most the mean of
  |s_j c_j|^2 <= |a_j|^2, and that of a mean of ``batch`` independent rows is ``batch`` times smaller.
- sigma_L^2 = largest eigenvalue of mean_j |a_j|^2 a_j a_j^T / (16 batch): from x to y a row's gradient changes by
  r_j <a_j, y - x> a_j, |r_j| <= 1/4, and the variance of these is at most the mean of their squares.

The minimiser is found by Newton's method down to the rounding of the gradient. Data: d, n, l2, c (n d).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ratecheck.core.keys import normals, uniform, word
from ratecheck.core.part import number
from ratecheck.core.problem import Instance, Problem, Vector
from ratecheck.core.problem_tools import positive, whole


def make(par: Mapping[str, Any], constants: Mapping[str, Any], key: np.uint64) -> Instance:
    n, d, batch = whole(par, "rows"), whole(par, "dimension"), whole(par, "batch")
    l2 = number(par["l2"], "l2")
    if not 0 <= l2 < np.inf:
        raise ValueError(f"l2 must be a number >= 0, not {l2:g}")
    drawn = normals(key, n * d + d)
    a, truth = drawn[: n * d].reshape(n, d) / np.sqrt(d), drawn[n * d :]
    margin = a @ truth * (positive(par, "radius") / np.linalg.norm(truth))
    coin = uniform(word(key, np.arange(2 * drawn.size, 2 * drawn.size + n, dtype=np.uint64)))
    c = a * np.where(coin * (1 + np.exp(-margin)) < 1, 1.0, -1.0)[:, None]
    minimiser = newton(c, l2)
    squares = np.square(a).sum(axis=1)
    top = float(np.linalg.eigvalsh(a.T @ a / (4 * n))[-1])
    widest = float(np.linalg.eigvalsh((a * squares[:, None]).T @ a / (16 * n))[-1])
    declared = {"L": top + l2, "sigma": math.sqrt(squares.mean() / batch), "sigma_L": math.sqrt(widest / batch)}
    declared |= {"mu": l2} if l2 > 0 else {"G": math.sqrt(squares.max())}
    words = frozenset({"convex", "smooth", "differentiable", "strongly-convex" if l2 > 0 else "lipschitz"})
    data, minimum = np.concatenate([[float(d), float(n), l2], c.ravel()]), np.empty(1)
    value(minimiser, data, minimum)
    return Instance(data, np.zeros(d), minimiser, float(minimum[0]), declared, words, rows=n, batch=batch)


def newton(c: Vector, l2: float) -> Vector:
    """Return the minimiser (d,) for signed rows ``c`` (n, d). Raises ValueError when none is in reach."""
    n, d = c.shape
    x = np.zeros(d)
    for _ in range(200):
        if l2 == 0 and (n <= d or np.all(c @ x > 0)):
            raise ValueError("the classes can be separated, so F has no minimiser; give l2 > 0 or more rows")
        s = 1 / (1 + np.exp(np.clip(c @ x, -700, 700)))
        gradient = l2 * x - s @ c / n
        if np.linalg.norm(gradient) <= 1e-15 * np.abs(c).max():
            break
        step = np.linalg.solve((c.T * (s * (1 - s))) @ c / n + l2 * np.eye(d), gradient)
        decrement = math.sqrt(max(0.0, float(step @ gradient)))
        x = x - step / (1 + decrement) if decrement > 0.1 else x - step
    return x


def slope(margin: float) -> float:
    """Return 1 / (1 + exp(margin)) without overflow."""
    e = math.exp(-abs(margin))
    return e / (1 + e) if margin > 0 else 1 / (1 + e)


def mean_gradient(x: Any, worker: Any, data: Any, out: Any) -> None:
    d, n, l2 = int(data[0]), int(data[1]), data[2]
    replicates = x.shape[0] // d
    for i in range(out.shape[0]):
        out[i] = l2 * x[i]
    for r in range(replicates):
        point, into = x[r:], out[r:]
        for j in range(n):
            descend(d, data[3 + j * d :], point, replicates, n, into)


def gradient(x: Any, worker: Any, sample: Any, data: Any, out: Any) -> None:
    d, l2 = int(data[0]), data[2]
    replicates = x.shape[0] // d
    batch = sample.shape[0] // replicates
    for i in range(out.shape[0]):
        out[i] = l2 * x[i]
    for r in range(replicates):
        point, into = x[r:], out[r:]
        for s in range(r * batch, (r + 1) * batch):
            descend(d, data[3 + sample[s] * d :], point, replicates, batch, into)


def descend(d: int, row: Any, point: Any, stride: int, share: int, into: Any) -> None:
    """Add the gradient of one row's loss over ``share`` to a vector with coordinates ``stride`` apart."""
    margin = row[0] * point[0]
    for i in range(1, d):
        margin += row[i] * point[i * stride]
    weight = slope(margin) / share
    for i in range(d):
        into[i * stride] -= weight * row[i]


def value(x: Any, data: Any, out: Any) -> None:
    d, n, l2 = int(data[0]), int(data[1]), data[2]
    replicates = out.shape[0]
    for r in range(replicates):
        point = x[r:]
        total = 0.0
        for j in range(n):
            row = data[3 + j * d :]
            margin = row[0] * point[0]
            for i in range(1, d):
                margin += row[i] * point[i * replicates]
            total += max(-margin, 0.0) + math.log1p(math.exp(-abs(margin)))
        square = 0.0
        for i in range(d):
            square += point[i * replicates] * point[i * replicates]
        out[r] = total / n + l2 * square / 2


PAR = {"rows": 100, "dimension": 6, "batch": 1, "l2": 0, "radius": 2}
PROBLEM = Problem("logistic", make, mean_gradient, value, gradient=gradient, par=PAR)
