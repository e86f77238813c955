"""What a claim assumes is measured where it can be, not believed: a cell's constants against its objective."""

from __future__ import annotations

from dataclasses import replace

from ratecheck.checks.bench import Bench
from ratecheck.core.keys import wrapping
from ratecheck.engine.build import Built
from ratecheck.engine.compile import seal

#: the observed constants have rounding taken off already; this covers the declared number's own last digit
SLACK = 1e-12


def contradiction(built: Built) -> str | None:
    """Return a sentence when the objective contradicts a constant or a class that the cell declares, else None.

    Looked at: L as the largest curvature met, mu as the smallest, sigma of row sampling as the largest deviation,
    convexity at midpoints. What is met can contradict a declared constant and never confirm it.
    """
    problem = replace(
        built.problem,
        mean_gradient=seal("mean_gradient", built.problem.mean_gradient),
        value=seal("value", built.problem.value),
    )
    layout = built.problem.layout
    data = layout(built.instance.data, 1) if layout else built.instance.data
    with wrapping():
        seen = Bench(problem, replace(built.instance, data=data)).observed
    declared, classes = built.constants, built.instance.classes
    if declared.get("L") is not None and "smooth" in classes and seen["L"] > declared["L"] * (1 + SLACK):
        return f"declared L = {declared['L']:g}, but the curvature met is {seen['L']:.6g}: the theorem needs a true L"
    if declared.get("mu") and "strongly-convex" in classes and seen["mu"] < declared["mu"] * (1 - SLACK):
        return f"declared mu = {declared['mu']:g}, but the curvature met is only {seen['mu']:.6g}"
    if "sigma" in seen and declared.get("sigma") is not None and seen["sigma"] > declared["sigma"] * (1 + SLACK):
        return f"declared sigma = {declared['sigma']:g}, but sampled rows deviate by {seen['sigma']:.6g}"
    if "convex" in classes and seen["concave"] > 0:
        return f"the problem is declared convex, but F exceeds a chord by {seen['concave']:.3g}"
    return None
