"""Steps of kind expectation: a sample's noise has mean zero given everything that does not depend on the sample.

What depends on what is read off the algorithm: its kernel runs on coefficient rows over all small arrival orders
(``engine.replay``), and a sample that has a nonzero coefficient in an iterate is not independent of it. Through the
stepsizes and through who arrives, iterates also depend on the schedule; there the claim's delay policy decides.

- fresh (the sample of the hand-out at x_k): no x_k has it; xhat_k has it only through final stepsizes that depend on
  the schedule after k. Those are numbers if delays are independent of samples, or if the stepsize is constant and
  initial gradients in flight are closed freely: with the same constant.
- flying (a sample in flight at k): no x_k has it, but that it is in flight at k says something about it unless delays
  are independent of samples. No point that another gradient in flight at k was taken at has it, either: so the noise
  in flight, a sum, is orthogonal to the sum of the means, and its terms are orthogonal to each other.
- initial: x_0 and grad F(x_0) are there before any sample; their sum N0 has stepsizes for weights.
- noise kept: a sum over hand-outs, with weights from the schedule; the sample of each is fresh to the points before
  it and to its own, so that the terms are orthogonal to each other.
- fresh noise of a barrier's round: all of it arrives in the round, whatever the order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from ratecheck.checks.exact import stepsizes
from ratecheck.checks.steps import FREELY, Context, Outcome, Refused, Undone
from ratecheck.core import shelf
from ratecheck.core.gram import Ip, linear
from ratecheck.core.identity import View
from ratecheck.core.proof import Expectation, eq, le
from ratecheck.core.setting import g_0, i, m
from ratecheck.core.symbols import OF_SCHEDULE, M, k, sigma, tau
from ratecheck.engine.orders import arrival_orders
from ratecheck.engine.replay import replay_rows
from ratecheck.engine.schedule import from_order

#: (role of the noise, role of the other vector): which rows must not have the sample, and what else it takes
ZERO = {
    ("fresh", "model"): ("x", "nothing"),
    ("fresh", "virtual"): ("virtual", "fixed stepsizes"),
    ("fresh noise", "model"): ("x", "nothing"),
    ("flying", "model"): ("x in flight", "independence"),
    ("initial", "start"): ("", "nothing"),
    ("initial noise", "start"): ("", "fixed stepsizes"),
    ("applied", "model"): ("x applied", "independence"),
    ("noise in flight", "means in flight"): ("points in flight", "independence"),
}
#: what the order of arrivals decides of a stepsize
OF_ORDER = {tau.name, k.name, *OF_SCHEDULE}
CASES = ((1, 3), (2, 4), (3, 4))
WORDS = {
    "x": "x_k does not depend on it",
    "virtual": "xhat_k does not depend on it",
    "x in flight": "x_k does not depend on what is in flight",
    "x applied": "x_k does not depend on what was applied",
    "points in flight": "no point of a gradient in flight depends on what is in flight",
    "": "it is drawn after",
}


def discharge(step: Expectation, context: Context) -> Outcome:
    """Return E<of, against> = 0, or the bound on the variance. Raises Refused when independence is not given."""
    role = _role(step.of, context)
    if step.against is None:
        return _variance(step, role, context)
    other = _role(step.against, context)
    if (role, other) not in ZERO:
        raise Undone(f"nothing is known of {step.of} ({role}) against {step.against} ({other})")
    rows, needs = ZERO[role, other]
    method, scheduler = context.claim.method, context.setting.scheduler
    found = dependence(method, scheduler, rows) if rows else None
    if found:
        raise Refused(f"{step.of} and {step.against} are not independent: {found}")
    tags = _granted(step, needs, context)
    orders = ", ".join(f"({a},{b})" for a, b in CASES)
    how = f"{WORDS[rows]}" + (f" (all orders of (M,K) = {orders})" if rows else "") + f"; of the delays: {needs}"
    return Outcome(eq(Ip(step.of, step.against), 0), how, tags=tags)


def _role(vec: Any, context: Context) -> str:
    """Return the role of a vector with exactly these indices: n(k) is fresh at k, and not against u(k + 1)."""
    return context.setting.roles.get(vec, "unknown")


def _granted(step: Expectation, needs: str, context: Context) -> frozenset[str]:
    """Return the tags under which what is needed of the delays is granted; raises Refused when it is not."""
    if needs == "nothing" or context.claim.policy == "independent":
        return frozenset()
    if needs == "fixed stepsizes" and not any(OF_ORDER & set(f.names) for f in context.stepsize.branches.values()):
        return frozenset({FREELY})
    why = {
        "independence": "that it is in flight at k tells about it",
        "fixed stepsizes": "final stepsizes are fixed by the schedule after it is drawn",
    }[needs]
    raise Refused(
        f"E<{step.of}, {step.against}> = 0 needs delays independent of the samples, and the claim covers "
        f"{context.claim.policy} ones: {why}"
    )


def _variance(step: Expectation, role: str, context: Context) -> Outcome:
    """E||n||^2 <= sigma^2; for a sum of independent samples with fixed weights, sigma^2 times the squared weights."""
    if not context.assumes("finite sigma"):
        raise Undone("the claim does not assume: finite sigma")
    if role in ("fresh", "flying", "initial"):
        return Outcome(le(Ip(step.of, step.of), sigma**2), "bounded variance")
    if role == "initial noise":
        tags = _granted(step, "fixed stepsizes", context)
        weights = sp.Sum(g_0(m) ** 2, (m, 1, M))
        return Outcome(le(Ip(step.of, step.of), sigma**2 * weights), "the initial samples are independent", tags=tags)
    if role == "noise in flight":
        return _variance_in_flight(step, context)
    if role == "noise kept":
        return _variance_kept(step, context)
    if role == "fresh noise":
        return Outcome(le(Ip(step.of, step.of), sigma**2 / M), "the M samples of a round are independent")
    raise Undone(f"{step.of} ({role}) is no noise")


def _variance_in_flight(step: Expectation, context: Context) -> Outcome:
    """The terms of a sum of noises in flight are orthogonal: the point of neither depends on the other's sample."""
    sums = [value for atom, value in context.setting.equations.values() if atom == step.of]
    found = dependence(context.claim.method, context.setting.scheduler, "points in flight")
    if found or len(sums) != 1 or not isinstance(sums[0], sp.Sum):
        raise Refused(f"the terms of {step.of} are not independent: {found or 'the setting says no sum'}")
    tags = _granted(step, "independence", context)
    ((weight, noise),) = linear(sums[0].function)
    if _role(noise, context) != "flying":
        raise Undone(f"{noise} is no noise of one gradient in flight")
    total = sp.Sum(weight**2, *sums[0].limits)
    return Outcome(le(Ip(step.of, step.of), sigma**2 * total), "the samples in flight are independent", tags=tags)


def _variance_kept(step: Expectation, context: Context) -> Outcome:
    """The terms of a sum of noises of different hand-outs are orthogonal: no point depends on samples drawn later."""
    sums = [value for atom, value in context.setting.equations.values() if atom == step.of]
    found = dependence(context.claim.method, context.setting.scheduler, "x")
    if found or len(sums) != 1:
        raise Refused(f"the terms of {step.of} are not independent: {found or 'the setting says no sum'}")
    tags, whole, roles = _granted(step, "independence", context), sp.S.Zero, []
    for factor, total in linear(sums[0]):
        if not isinstance(total, sp.Sum):
            raise Undone(f"{total} is no sum of noises")
        ((weight, noise),) = linear(total.function)
        roles.append(_role(noise.xreplace({i: k}) if total.limits[0][0] == i else noise, context))
        whole += sp.Sum((factor * weight) ** 2, *total.limits)
    if roles != list(dict.fromkeys(roles)) or not set(roles) <= {"fresh", "initial"}:
        raise Undone(f"{step.of} is no sum of noises of different hand-outs: {', '.join(roles)}")
    return Outcome(le(Ip(step.of, step.of), sigma**2 * whole), "each sample is fresh to those before it", tags=tags)


@lru_cache(maxsize=64)
def dependence(method: str, scheduler: str, rows: str) -> str:
    """Return an arrival order in which the iterate has a nonzero coefficient of the sample, '' when there is none."""
    if rows == "points in flight":
        return _between_flights(method, scheduler)
    for workers, steps in CASES:
        for order, view, made, source in _views(method, scheduler, workers, steps):
            flying = set(range(made)) - set(source)
            row = view.virtual if rows == "virtual" else view.x
            asked = {
                "x": range(made, len(row) - 2),
                "virtual": range(made, len(row) - 2),
                "x in flight": flying,
                "x applied": source,
            }[rows]
            for hand_out in asked:
                if row[1 + hand_out] != 0:
                    return (
                        f"with M = {workers} and arrivals {list(order)}, the iterate after delivery {view.step} has "
                        f"hand-out {hand_out} with coefficient {row[1 + hand_out]}"
                    )
    return ""


def _between_flights(method: str, scheduler: str) -> str:
    """Return an order in which the point of a gradient in flight depends on a sample that is in flight beside it."""
    for workers, steps in CASES:
        points: list[Any] = []
        for order, view, made, source in _views(method, scheduler, workers, steps):
            points = [*points, view.x] if view.step > 1 else [view.x]
            flying = set(range(made)) - set(source)
            for one in (h for h in flying if h >= workers):  # the others were taken at x_0
                point = points[one - workers]  # hand-out M + i - 1 is made at x_i
                for other in flying:
                    if point[1 + other] != 0:
                        return (
                            f"with M = {workers} and arrivals {list(order)}, hand-outs {one} and {other} are in flight "
                            f"after delivery {view.step}, and the point of the first depends on the second"
                        )
    return ""


def _views(method: str, scheduler: str, workers: int, steps: int) -> Iterator[tuple[Any, View, int, list[int]]]:
    """Yield (order, view, hand-outs before this version, hand-outs delivered) after each delivery of each order."""
    rule, desk = shelf.METHODS.get(method), shelf.SCHEDULERS.get(scheduler)
    whole = desk.period(workers) * (-(-steps // desk.period(workers)))
    for order in arrival_orders(desk, workers, whole, labelled=rule.sees_workers):
        schedule = from_order(desk, workers, np.array(order, dtype=np.int64))
        gamma, gamma_hat = stepsizes(schedule)
        seen = _Seen()
        replay_rows(rule, schedule, gamma, gamma_hat, {"M": workers, "K": whole}, seen.look)
        for number, view in enumerate(seen.views, 1):
            yield order, view, int(schedule.offset[number]), [int(h) for h in schedule.source[:number]]


class _Seen:
    """Keeps copies of the states that a replay shows: their arrays are used again."""

    def __init__(self) -> None:
        self.views: list[View] = []

    def look(self, view: View) -> None:
        self.views.append(replace(view, x=view.x.copy(), virtual=view.virtual.copy()))
