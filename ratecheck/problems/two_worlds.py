"""Two worlds that cannot be told apart while rare samples are in flight: an instance for lower bounds.

    world A: minimiser -R,   world B: minimiser +R,   both start at 0;   "both": x_1 in world A and x_2 in world B
    quadratic:  F(x) = L/2 sum_j (x_j - c_j)^2, L = b/R        linear:  F(x) = b sum_j |x_j - c_j|

Of all rows of data the part p = (M - 1)/(K + M - 1) is *flagged*. Rows without a flag have the same gradient h in both
worlds, L x, or b times the mean of the signs of x - R and x + R, which is 0 between the minimisers. Flagged rows have h
+ (F' - h)/p, so that the mean is F'. With b = sigma sqrt((M - 1)/K) the variance is sigma^2 in each world (linear:
between the minimisers, and 0 elsewhere). Where ``bound`` is given, no noise of one world is longer (linear: between the
minimisers): b is at most ``bound`` (M - 1)/K, and sigma^2 is then at least the variance. The noise of a row is the same
at every point (linear: between the minimisers): sigma_L = 0 in quadratic worlds. M and K are those of the
cell, or ``workers`` and ``deliveries``; ``sigma`` and ``radius`` R are of one world, so "both" declares sigma sqrt(2)
and starts sqrt(2) R from its minimiser. The two worlds of "both" share their flags: what a method that treats
coordinates alike does in each is one run of it.

For noise ``rows`` and delays ``held_back``, which keep flagged gradients beyond the end. Le Cam's two-point method; for
Dahan, Reshef, Goldstein & Levy (2026, arXiv:2605.02043), ours. The sum of both worlds is at most twice the worse one.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import gcd, sqrt
from typing import Any

import numpy as np

from ratecheck.core.problem import Instance, Problem
from ratecheck.core.problem_tools import positive, whole

#: minimisers, in units of R, by the name of the world
CENTRES = {"A": (-1.0,), "B": (1.0,), "both": (-1.0, 1.0)}
SHAPES = ("quadratic", "linear")


def make(par: Mapping[str, Any], constants: Mapping[str, Any], key: np.uint64) -> Instance:
    for name, known in (("world", tuple(CENTRES)), ("shape", SHAPES)):
        if par[name] not in known:
            raise ValueError(f"{name} is one of {', '.join(known)}, not {par[name]!r}")
    workers = constants["M"] if par["workers"] is None else whole(par, "workers")
    steps = constants["K"] if par["deliveries"] is None else whole(par, "deliveries")
    if workers < 2:
        raise ValueError(f"{'M' if par['workers'] is None else 'workers'} must be at least 2: one worker hides nothing")
    radius, sigma, common = positive(par, "radius"), positive(par, "sigma"), gcd(workers - 1, steps)
    flagged, rows = (workers - 1) // common, (steps + workers - 1) // common
    slope, linear = sigma * sqrt((workers - 1) / steps), par["shape"] == "linear"
    kind, longest = "", None if par["bound"] is None else positive(par, "bound")
    if longest is not None:
        slope, kind = min(slope, longest * (workers - 1) / steps), " with bounded noise"
    centre = radius * np.array(CENTRES[par["world"]])
    d = centre.size
    declared = {"sigma": sigma * sqrt(d)} | ({} if longest is None else {"sigma_inf": longest * sqrt(d)})
    if linear:
        declared |= {"G": slope * rows / flagged * sqrt(d)}
        words = {"convex", "lipschitz"}
    else:
        declared |= {"L": slope / radius, "mu": slope / radius, "sigma_L": 0.0}
        words = {"convex", "smooth", "differentiable", "strongly-convex"}
    data = np.array([float(linear), slope if linear else slope / radius, radius, flagged, rows, d, *centre])
    words.add(("two worlds" if d > 1 else "one world of two") + kind)
    return Instance(data, np.zeros(d), centre, 0.0, declared, frozenset(words), rows=rows)


def sign(t: Any, one: Any) -> Any:
    """Return the sign of t: -1, 0 or 1, of the kind of number in use."""
    found = one - one
    if t > 0:
        found = one
    if t < 0:
        found = -one
    return found


def mean_gradient(x: Any, worker: Any, data: Any, out: Any) -> None:
    scale, one = data[1], data[3] / data[3]
    replicates = x.shape[0] // int(data[5])
    for i in range(x.shape[0]):
        away = x[i] - data[6 + i // replicates]
        if data[0] > 0:
            away = sign(away, one)
        out[i] = scale * away


def gradient(x: Any, worker: Any, sample: Any, data: Any, out: Any) -> None:
    scale, radius, flagged, rows, one = data[1], data[2], data[3], data[4], data[3] / data[3]
    replicates = x.shape[0] // int(data[5])
    batch = sample.shape[0] // replicates
    for i in range(x.shape[0]):
        r = i % replicates
        rare = one - one
        for j in range(batch):
            if sample[r * batch + j] < flagged:
                rare += one / batch
        common, away = x[i], x[i] - data[6 + i // replicates]
        if data[0] > 0:
            common, away = (sign(x[i] - radius, one) + sign(x[i] + radius, one)) / 2, sign(away, one)
        out[i] = scale * (common + rare * (away - common) * rows / flagged)


def value(x: Any, data: Any, out: Any) -> None:
    scale, replicates = data[1], out.shape[0]
    for r in range(replicates):
        out[r] = 0
    for i in range(x.shape[0]):
        away = x[i] - data[6 + i // replicates]
        if data[0] > 0:
            out[i % replicates] += scale * abs(away)
        else:
            out[i % replicates] += scale * away * away / 2


PAR = {
    "world": "both", "shape": "quadratic", "radius": 1, "sigma": 1, "bound": None, "workers": None, "deliveries": None,
}  # fmt: skip
PROBLEM = Problem("two_worlds", make, mean_gradient, value, gradient=gradient, par=PAR, exact=True)
