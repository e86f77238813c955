"""Which samples an iterate depends on: an induction for one sample, for all M and K, and all small arrival orders.

The induction needs three things of a method. A sample is drawn when its gradient is handed out, at a point that is
there already. The server changes at deliveries alone, as a function of what it has and of the gradient delivered. A
worker is handed what the server has. What the function is plays no part: where nothing depends on the sample, it makes
nothing that does. That the engine and a method's kernel are so is enumerated: the kernel runs on coefficient rows over
all arrival orders of small cases (``engine.replay``), and a sample with a nonzero coefficient is not independent.

``Rows`` are what is asked, by name:

x                 x_k has no sample of a hand-out at x_k or later: nothing is delivered at the step it is handed out.
virtual           xhat_k, a sum over hand-outs before x_k with given stepsizes, has none of them either.
x in flight       x_k has no sample that is in flight at k.
points in flight  no point that another gradient in flight at k was taken at has one.
x applied         x_k has no sample that was applied: false, and refuted.

What the point of a gradient depends on goes with the gradient: each is a function of its point and its sample.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from ratecheck.checks.exact import stepsizes
from ratecheck.checks.steps import Refused, Undone
from ratecheck.checks.steps.machines import Machine, fresh, more, new, step
from ratecheck.core import shelf
from ratecheck.core.identity import View
from ratecheck.engine.orders import arrival_orders
from ratecheck.engine.replay import replay_rows
from ratecheck.engine.schedule import from_order

#: the cases (M, K) that are enumerated
CASES = ((1, 3), (2, 4), (3, 4))

#: how much of one sample the server, and points handed out since, have; how much xhat has; 1 once it is applied, else 0
held, virtual_, back = sp.symbols("held virtual back", nonnegative=True)
#: From the hand-out on, ``step`` counts from it. Another gradient's delivery makes something of what there is, its
#: point included: 0 stays 0 (``more`` is any number). While it is in flight (back = 0) nobody has the sample
_IN_FLIGHT = Machine({held: 0, back: 0}, {held: (1 + more) * held}, {held: (1 + more) * held + new, back: 1},
                     zero=((1 - back) * held,), factors=(1 + more,))  # fmt: skip
#: fresh: 1 at the step of its hand-out, 0 later; it is applied one step later at the earliest
_LATER = Machine({back: 0, fresh: 1}, {fresh: 0}, {fresh: 0, back: 1},
                 zero=(fresh * back,), positive=(back * (step - 1),))  # fmt: skip
#: xhat gains at each step what was handed out at the step before: the gradient itself, or others that may have it
_GAIN = {virtual_: virtual_ + new, fresh: 0}
_VIRTUAL = Machine({virtual_: 0, fresh: 1}, _GAIN, _GAIN, zero=(fresh * virtual_,))


@dataclass(frozen=True)
class Rows:
    """What is asked of an iterate: in words, and the machines that establish it (none: it is false)."""

    words: str
    machines: tuple[Machine, ...] = ()


ROWS = {
    "x": Rows("x_k does not depend on it", (_IN_FLIGHT, _LATER)),
    "virtual": Rows("xhat_k does not depend on it", (_VIRTUAL,)),
    "x in flight": Rows("x_k does not depend on what is in flight", (_IN_FLIGHT,)),
    "points in flight": Rows("no point of a gradient in flight depends on what is in flight", (_IN_FLIGHT,)),
    "x applied": Rows("x_k does not depend on what was applied"),
}


def established(method: str, scheduler: str, rows: str) -> str:
    """Return in words why these rows have no sample that is asked for. Raises Refused when one has, Undone else."""
    found = dependence(method, scheduler, rows)
    if found:
        raise Refused(f"not independent: {found}")
    asked = ROWS[rows]
    if not asked.machines:
        raise Undone(f"no induction says that {asked.words}")
    for machine in asked.machines:
        if machine.fault():
            raise Refused(f"the induction for {asked.words!r} fails: {machine.fault()}")
    orders = ", ".join(f"({a},{b})" for a, b in CASES)
    return f"{asked.words} (induction for each sample; all orders of (M,K) = {orders})"


@lru_cache(maxsize=64)
def dependence(method: str, scheduler: str, rows: str) -> str:
    """Return an arrival order in which the iterate has a nonzero coefficient of the sample, '' when there is none."""
    if rows == "points in flight":
        return _between_flights(method, scheduler)
    for workers, steps in CASES:
        for order, view, made, source in _views(method, scheduler, workers, steps):
            flying = set(range(made)) - set(source)
            row = view.virtual if rows == "virtual" else view.x
            looks = shelf.METHODS.get(method).queries  # a sample has an entry for each point it is looked at in
            handouts = (len(row) - 2) // looks
            later = range(made, handouts)
            asked = {"x": later, "virtual": later, "x in flight": flying, "x applied": source}[rows]
            for hand_out in asked:
                found = next((c for c in row[1 + hand_out :: handouts][:looks] if c != 0), None)
                if found is not None:
                    return (
                        f"with M = {workers} and arrivals {list(order)}, the iterate after delivery {view.step} has "
                        f"hand-out {hand_out} with coefficient {found}"
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
                looks = shelf.METHODS.get(method).queries
                for other in flying:
                    if any(point[1 + other :: (len(point) - 2) // looks][:looks]):
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
