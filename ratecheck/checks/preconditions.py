"""What a claim assumes is measured where it can be, not believed: a cell's constants against its objective."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from ratecheck.checks.bench import Bench
from ratecheck.checks.challenge_laws import challenge_delays, challenge_noise
from ratecheck.core import shelf
from ratecheck.core.delays import Delays
from ratecheck.core.keys import wrapping
from ratecheck.core.noise import Noise
from ratecheck.engine.build import Built
from ratecheck.engine.compile import is_users, seal
from ratecheck.engine.sweep import try_out

#: the observed constants have rounding taken off already; this covers the declared number's own last digit
SLACK = 1e-12
#: a solver's minimiser may have a squared gradient this far from zero, relative to (L B)^2
SLOPE = 1e-16


def contradiction(built: Built) -> str | None:
    """Return a sentence when the objective contradicts a constant or a class that the cell declares, else None.

    Looked at: B, L as the largest curvature met, mu as the smallest, G as the steepest gradient, sigma of row sampling
    as the largest deviation, convexity at midpoints. What is met can contradict a declaration and never confirm it.
    """
    try_out(built)
    problem = replace(
        built.problem,
        mean_gradient=seal("mean_gradient", built.problem.mean_gradient),
        value=seal("value", built.problem.value),
    )
    layout = built.problem.layout
    data = layout(built.instance.data, 1) if layout else built.instance.data
    with wrapping():
        bench = Bench(problem, replace(built.instance, data=data))
        seen, star = bench.observed, built.instance.minimiser
        excess = abs(bench.value(star) - built.instance.minimum) - bench.value_rounding(star)
        slope = float(np.linalg.norm(bench.gradient(star)))
    declared, classes = built.constants, built.instance.classes
    if excess > 0:
        return f"declared minimum {built.instance.minimum:g}, but F at the minimiser is {bench.value(star):.6g}"
    steep = declared.get("L") is not None and slope**2 > SLOPE * (declared["L"] * declared["B"]) ** 2
    if steep and "smooth" in classes:
        return f"the declared minimiser is none: the gradient there has norm {slope:.6g}"
    away = float(np.linalg.norm(built.instance.start - built.instance.minimiser))
    if declared["B"] < away * (1 - SLACK):
        return f"declared B = {declared['B']:g}, but the start is {away:.6g} away from the minimiser"
    if declared.get("G") is not None and "lipschitz" in classes and seen["G"] > declared["G"] * (1 + SLACK):
        return f"declared G = {declared['G']:g}, but a gradient of norm {seen['G']:.6g} was met"
    if declared.get("L") is not None and "smooth" in classes and seen["L"] > declared["L"] * (1 + SLACK):
        return f"declared L = {declared['L']:g}, but the curvature met is {seen['L']:.6g}: the theorem needs a true L"
    if declared.get("mu") and "strongly-convex" in classes and seen["mu"] < declared["mu"] * (1 - SLACK):
        return f"declared mu = {declared['mu']:g}, but the curvature met is only {seen['mu']:.6g}"
    if "sigma" in seen and declared.get("sigma") is not None and seen["sigma"] > declared["sigma"] * (1 + SLACK):
        return f"declared sigma = {declared['sigma']:g}, but sampled rows deviate by {seen['sigma']:.6g}"
    if "convex" in classes and seen["concave"] > 0:
        return f"the problem is declared convex, but F exceeds a chord by {seen['concave']:.3g}"
    return None


def unlawful(built: Built) -> str | None:
    """Return a sentence when a user's noise or delays contradict what they declare (those of the shelf are tested).

    A noise must have mean 0 and variance 1 in each coordinate, or the theorem is blamed for its excess.
    """
    delays = shelf.DELAYS.get(built.cell.delays.name)
    faults: list[str] = []
    if is_users(built.noise.fill) or is_users(built.noise.draw):
        faults += _noise(built.noise, tuple(built.cell.noise.par.items()))
    if is_users(delays.duration) or is_users(delays.order):
        faults += _delays(delays, tuple(built.cell.delays.par.items()))
    return faults[0].rstrip(".") if faults else None


@lru_cache(maxsize=64)
def _noise(noise: Noise, par: tuple[tuple[str, Any], ...]) -> list[str]:
    return challenge_noise(noise, dict(par))


@lru_cache(maxsize=64)
def _delays(delays: Delays, par: tuple[tuple[str, Any], ...]) -> list[str]:
    return challenge_delays(delays, dict(par))
