"""Steps of kind class: an inequality that characterises the class of functions, at named points.

Taylor, Hendrickx & Glineur (2017) show that the smooth convex one, for all pairs of points, is all there is to know.
"""

from __future__ import annotations

from typing import Any

from ratecheck.checks.steps import Context, Outcome, Undone
from ratecheck.core.gram import inner, square
from ratecheck.core.proof import Class, Fact, le
from ratecheck.core.setting import Point
from ratecheck.core.setting_ormo import gap as short
from ratecheck.core.setting_ormo import r
from ratecheck.core.symbols import (
    G_F,
    MEASURED,
    OF_SCHEDULE,
    B,
    Delta,
    G,
    L,
    beta,
    k,
    mean_gap,
    mu,
    output_gap,
    tau,
    zeta,
)


def convex(x: Point, y: Point) -> Fact:
    """F(y) >= F(x) + <grad F(x), y - x>."""
    return le(x.value + inner(x.gradient, y.position - x.position), y.value)


def smooth_convex(x: Point, y: Point) -> Fact:
    """F(y) >= F(x) + <grad F(x), y - x> + ||grad F(x) - grad F(y)||^2/(2L)."""
    bend = square(x.gradient - y.gradient) / (2 * L)
    return le(x.value + inner(x.gradient, y.position - x.position) + bend, y.value)


def strongly_convex(x: Point, y: Point) -> Fact:
    """F(y) >= F(x) + <grad F(x), y - x> + (mu/2) ||y - x||^2."""
    way = y.position - x.position
    return le(x.value + inner(x.gradient, way) + mu * square(way) / 2, y.value)


def condition() -> Fact:
    """Mu <= L: at two different points, (mu/2) ||y - x||^2 <= F(y) - F(x) - <grad F(x), y - x> <= (L/2) ||y - x||^2."""
    return le(mu, L)


def descent(x: Point, y: Point) -> Fact:
    """F(y) <= F(x) + <grad F(x), y - x> + (L/2) ||y - x||^2."""
    way = y.position - x.position
    return le(y.value, x.value + inner(x.gradient, way) + L * square(way) / 2)


def smooth(x: Point, y: Point) -> Fact:
    """||grad F(x) - grad F(y)||^2 <= L^2 ||x - y||^2."""
    return le(square(x.gradient - y.gradient), L**2 * square(x.position - y.position))


def slope(x: Point) -> Fact:
    """||grad F(x)||^2 <= 2 L (F(x) - F*): the descent inequality from x to x - grad F(x)/L, where F is at least F*."""
    return le(square(x.gradient), 2 * L * x.value)


def lipschitz(x: Point) -> Fact:
    """||g||^2 <= G^2 for a stochastic gradient at the point."""
    return le(square(x.gradient + x.noise), G**2)


def bounded(x: Point) -> Fact:
    """||grad F(x)||^2 <= G_F^2."""
    return le(square(x.gradient), G_F**2)


def start(x: Point) -> Fact:
    """||x_0 - x*||^2 <= B^2."""
    return le(square(x.position), B**2)


def gap(x: Point) -> Fact:
    """F(x_0) - F* <= Delta."""
    return le(x.value, Delta)


def dissimilar(x: Point) -> Fact:
    """||grad F_m(x) - grad F(x)||^2 <= zeta^2 for the worker m that is handed the point."""
    return le(square(x.own - x.gradient), zeta**2)


def momentum() -> Fact:
    """Beta >= 0, in the letter r = 1 - beta of ``core.setting_ormo``."""
    return le(r, 1)


def jensen() -> Fact:
    """F of a weighted mean is at most the weighted mean of F."""
    return le(output_gap, mean_gap)


#: the inequality, the assumptions it needs, the number of points
CLASSES: dict[str, tuple[Any, tuple[str, ...], int]] = {
    "convex": (convex, ("convex",), 2),
    "smooth convex": (smooth_convex, ("convex", "smooth", "finite L"), 2),
    "strongly convex": (strongly_convex, ("convex", "mu > 0"), 2),
    "condition": (condition, ("smooth", "finite L", "convex", "mu > 0"), 0),
    "descent": (descent, ("smooth", "finite L"), 2),
    "smooth": (smooth, ("smooth", "finite L"), 2),
    "slope": (slope, ("smooth", "finite L"), 1),
    "lipschitz": (lipschitz, ("finite G",), 1),
    "bounded": (bounded, ("finite G_F",), 1),
    "start": (start, ("finite B",), 1),
    "gap": (gap, ("finite Delta",), 1),
    "dissimilar": (dissimilar, ("finite zeta",), 1),
    "jensen": (jensen, ("convex",), 0),
    "momentum": (momentum, ("0 <= beta < 1",), 0),
}

WHOLE = ("position", "gradient", "value")
#: what a class inequality takes of a point, if not all but the noise
PARTS = {
    "lipschitz": ("gradient", "noise"),
    "start": ("position",),
    "gap": ("value",),
    "dissimilar": ("gradient", "own"),
    "smooth": ("position", "gradient"),
    "slope": ("gradient", "value"),
    "bounded": ("gradient",),
}
#: classes that are about the start alone
AT_START = frozenset({"start", "gap"})


def discharge(step: Class, context: Context) -> Outcome:
    """Instantiate the inequality. Raises Undone when the claim does not assume the class or a point is unknown."""
    if step.of == "assumed":
        return _assumed(step, context)
    if step.of == "momentum" and beta not in context.setting.reads:
        raise Undone(f"there is no momentum in the setting of {context.setting.name}")
    if step.of not in CLASSES:
        raise Undone(f"no class inequality {step.of!r}; there are: {', '.join(CLASSES)}")
    rule, needs, count = CLASSES[step.of]
    missing = [a for a in needs if not context.assumes(a)]
    if missing:
        raise Undone(f"the claim does not assume: {', '.join(missing)}")
    unknown = [p for p in step.at if p not in context.setting.points]
    if unknown or len(step.at) != count or (step.of in AT_START and step.at != ("x_0",)):
        raise Undone(f"{step.of!r} takes {count} points of the setting, not {step.at}")
    points = [context.setting.points[p] for p in step.at]
    if any(getattr(point, part) is None for point in points for part in PARTS.get(step.of, WHOLE)):
        raise Undone(f"the setting does not give {step.at} all that {step.of!r} takes")
    fact: Fact = rule(*points)
    return Outcome(fact, f"{step.of} at {', '.join(step.at)}" if step.at else step.of)


def _assumed(step: Class, context: Context) -> Outcome:
    """An inequality between constants that the claim assumes, by the assumption's name."""
    found = [a.says for a in context.claim.assumptions if (a.name,) == step.at and a.says is not None]
    if not found:
        raise Undone(f"the claim assumes no inequality {', '.join(step.at)}")
    left, right, strict = found[0]
    if {s.name for s in (left - right).free_symbols} & {*MEASURED, *OF_SCHEDULE, k.name, tau.name}:
        raise Undone(f"{step.at[0]} is not between constants")
    left, right = context.setting.read(left), context.setting.read(right)
    if not right.xreplace(dict(context.may_vanish)).is_positive:
        raise Undone(f"{step.at[0]}: nothing says that {right} is positive, and {left} is a positive letter")
    return Outcome(le(short, right - left) if strict else le(left, right), f"assumed: {step.at[0]}")
