"""What problem files share: reading parameters, spectra, starts, kernels of a dense quadratic form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ratecheck.core.part import number
from ratecheck.core.problem import Vector


def positive(par: Mapping[str, Any], name: str) -> float:
    """Return the parameter as a positive finite float. Raises ValueError, or PartError for no number."""
    value = number(par[name], name)
    if not 0 < value < np.inf:
        raise ValueError(f"{name} must be positive, not {value:g}")
    return value


def whole(par: Mapping[str, Any], name: str) -> int:
    """Return the parameter as a positive integer. Raises ValueError, or PartError for no number."""
    value = positive(par, name)
    if value != int(value):
        raise ValueError(f"{name} must be a whole number, not {value:g}")
    return int(value)


def spectrum(par: Mapping[str, Any]) -> Vector:
    """Return eigenvalues (d,): the list ``spectrum``, or ``dimension`` of them log-spaced over ``condition``.

    The log-spaced ones go from ``smoothness / condition`` up to ``smoothness``, both exactly. Raises
    ValueError for a negative entry or an empty list.
    """
    if par["spectrum"] is not None:
        given = np.array([number(v, "spectrum") for v in par["spectrum"]])
        if given.size == 0 or not (np.all(given >= 0) and 0 < given.max() < np.inf):
            raise ValueError("spectrum must list numbers >= 0, at least one of them positive")
        return given
    dimension, top, condition = (
        whole(par, "dimension"),
        positive(par, "smoothness"),
        positive(par, "condition"),
    )
    if condition < 1:
        raise ValueError(f"condition must be at least 1, not {condition:g}")
    return np.geomspace(top / condition, top, dimension) if dimension > 1 else np.array([top])


def diagonal(dimension: int, length: float) -> Vector:
    """Return the vector (d,) of this norm with all coordinates equal."""
    return np.full(dimension, length / np.sqrt(dimension))


def shares(workers: int) -> Vector:
    """Return how far each worker's objective is off their mean (M + 1,): the mean itself first, worker m at m + 1.

    +1 and -1 in turn; the last three of an odd number +1, -1/2, -1/2; one worker 0. The sum is 0 exactly.
    """
    found = np.zeros(workers + 1)
    found[1:] = np.where(np.arange(workers) % 2 == 0, 1.0, -1.0)
    if workers % 2:
        found[-3:] = [1.0, -0.5, -0.5] if workers > 1 else [0.0, 0.0]
    return found


def curvature(values: Vector) -> tuple[dict[str, float], frozenset[str]]:
    """Return the constants L and mu (if positive) and the class words of a quadratic of eigenvalues (d,)."""
    words = {"convex", "smooth", "differentiable"}
    constants = {"L": float(values.max())}
    if values.min() > 0:
        constants["mu"] = float(values.min())
        words.add("strongly-convex")
    return constants, frozenset(words)


def form_gradient(dimension: int, matrix: Any, centre: Any, x: Any, out: Any) -> None:
    """Write A (x - c) into ``out`` (d R,), with a flat symmetric A (d d,) and the centre c (d,). A kernel."""
    replicates = x.shape[0] // dimension
    for i in range(out.shape[0]):
        out[i] = 0
    for j in range(dimension):
        row, y = matrix[j * dimension :], x[j * replicates :]
        if replicates == 1:
            shift = y[0] - centre[j]
            for i in range(dimension):
                out[i] += row[i] * shift
        else:
            for i in range(dimension):
                into, a, c = out[i * replicates :], row[i], centre[j]
                for r in range(replicates):
                    into[r] += a * (y[r] - c)


def form_value(dimension: int, matrix: Any, centre: Any, x: Any, out: Any) -> None:
    """Write <x - c, A (x - c)> / 2 of each replicate into ``out`` (R,); see ``form_gradient``. A kernel."""
    replicates = out.shape[0]
    for r in range(replicates):
        out[r] = 0
    for i in range(dimension):
        row, y, b = matrix[i * dimension :], x[i * replicates :], centre[i]
        if replicates < 8:  # too few for a vector of them
            for r in range(replicates):
                image = row[0] * (x[r] - centre[0])
                for j in range(1, dimension):
                    image += row[j] * (x[j * replicates + r] - centre[j])
                out[r] += (y[r] - b) * image / 2
        else:
            for j in range(dimension):
                z, a, c = x[j * replicates :], row[j], centre[j]
                for r in range(replicates):
                    out[r] += a * (y[r] - b) * (z[r] - c) / 2
