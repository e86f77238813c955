"""Steps of kind class: an inequality that characterises the class of functions, at named points.

Taylor, Hendrickx & Glineur (2017) show that the smooth convex one, for all pairs of points, is all there is to know.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ratecheck.checks.steps import Context, Outcome, Undone
from ratecheck.core.assumption import is_standard
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
    D,
    Delta,
    G,
    L,
    beta,
    excess,
    k,
    level,
    mean_gap,
    mu,
    output_gap,
    sigma_inf,
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


def bounded_noise(x: Point) -> Fact:
    """||n||^2 <= sigma_inf^2 on every run."""
    return le(square(x.noise), sigma_inf**2)


def power_mean(x: Point) -> Fact:
    """||n||^2 <= (2 a^(2-r) ||n||^r + (r - 2) a^2)/r for r = 2 + excess > 2 and any a > 0: weighted means."""
    r_ = 2 + excess
    return le(square(x.noise), (2 * level ** (-excess) * x.power + excess * level**2) / r_)


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


def diameter(x: Point, y: Point) -> Fact:
    """||x - y||^2 <= D^2 for two points of the set of diameter D."""
    return le(square(x.position - y.position), D**2)


def projection(x: Point, y: Point) -> Fact:
    """||P(v) - y||^2 <= ||v - y||^2 for a point y of the convex set: the angle at P(v) is obtuse. ``x``: P(v), at v."""
    return le(square(x.position - y.position), square(x.gradient - y.position))


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
    "bounded noise": (bounded_noise, ("finite sigma_inf",), 1),
    "power mean": (power_mean, ("excess > 0",), 1),
    "start": (start, ("finite B",), 1),
    "gap": (gap, ("finite Delta",), 1),
    "dissimilar": (dissimilar, ("finite zeta",), 1),
    "diameter": (diameter, ("finite D",), 2),
    "projection": (projection, ("finite D",), 2),
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
    "diameter": ("position",),
    "projection": ("position",),
    "bounded noise": ("noise",),
    "power mean": ("noise", "power"),
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
    if step.of == "bounded noise" and "noise sent" in context.setting.equations:  # it is not that of one sample
        missing += [] if context.assumes("additive noise") else ["additive noise"]
    if missing:
        raise Undone(f"the claim does not assume: {', '.join(missing)}")
    unknown = [p for p in step.at if p not in context.setting.points]
    if unknown or len(step.at) != count or (step.of in AT_START and step.at != ("x_0",)):
        raise Undone(f"{step.of!r} takes {count} points of the setting, not {step.at}")
    points = [context.setting.points[p] for p in step.at]
    if step.of in ("diameter", "projection"):
        points = _of_the_set(step, context, points)
    if any(getattr(point, part) is None for point in points for part in PARTS.get(step.of, WHOLE)):
        raise Undone(f"the setting does not give {step.at} all that {step.of!r} takes")
    fact: Fact = rule(*points)
    return Outcome(fact, f"{step.of} at {', '.join(step.at)}" if step.at else step.of)


def _of_the_set(step: Class, context: Context, points: list[Point]) -> list[Point]:
    """Return the points, all of the set; of a projection the first with the vector projected for its gradient."""
    outside = [p for p in step.at if p not in context.setting.inside]
    if outside:
        raise Undone(f"the setting does not say that {outside[0]} is in the set")
    if step.of == "diameter":
        return points
    if step.at[0] not in context.setting.projected:
        raise Undone(f"the setting does not say what {step.at[0]} is the projection of")
    return [replace(points[0], gradient=context.setting.projected[step.at[0]]), points[1]]


def _assumed(step: Class, context: Context) -> Outcome:
    """An inequality between constants that the claim assumes, by the assumption's name."""
    known = [a for a in context.claim.assumptions if (a.name,) == step.at and is_standard(a)]
    found = [a.says for a in known if a.says is not None]
    if not found:
        raise Undone(f"the claim assumes no inequality {', '.join(step.at)}")
    left, right, strict = found[0]
    if {s.name for s in (left - right).free_symbols} & {*MEASURED, *OF_SCHEDULE, k.name, tau.name}:
        raise Undone(f"{step.at[0]} is not between constants")
    left, right = context.setting.read(left), context.setting.read(right)
    if not right.xreplace(dict(context.may_vanish)).is_positive:
        raise Undone(f"{step.at[0]}: nothing says that {right} is positive, and {left} is a positive letter")
    return Outcome(le(short, right - left) if strict else le(left, right), f"assumed: {step.at[0]}")
