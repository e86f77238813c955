"""Steps of kind counting: lemmas about all schedules of asynchronous SGD, for any M and K.

Each lemma sums over workers, and a worker's part is proved by induction over the steps: a Machine has its state, what
delivery and idleness do to it, and what stays true. Besides, the lemma is checked on the engine's schedules, over all
arrival orders of small cases; that ties the machine's words to the engine's integers.

delays      sum_k tau(k) <= M K: the delays of one worker sum to the step of its last arrival.
telescoped  sum_k tau(k) <= p K - p (p - 1)/2, p the number of workers that have arrived: their last arrivals differ.
closed      sum_k t(k) <= M K, t the delay of the gradient of x_k, closed at K + 1 while it is in flight.
closed by p sum_k t(k) <= p K.
in flight   e(k) = sum_j ghatf(k, j) (hf(k, j) + nf(k, j)): Lemma 1 of Mishchenko, Bach, Even & Woodworth (2022).
delivered   under R0 (weight 0 in flight) sums over hand-outs are sums over deliveries, for a function that is 0 at 0.
windows     sum_k A(k) sum_j b(k, j) <= c [sum_m (t0(m) - 1) b0(m) + sum_k (t(k) - 1) b(k)] where A(k) <= c and b >= 0:
            a hand-out is in flight, and its worker is not the one that arrives, at t - 1 steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from ratecheck.checks.steps import Context, Outcome, Refused, Undone
from ratecheck.core import shelf
from ratecheck.core.gram import manifest, normal
from ratecheck.core.proof import Counting, Fact, eq, le
from ratecheck.core.schedule import Schedule
from ratecheck.core.setting import applied, e, g_0, ghat, j, m, p, t, t_0, tau
from ratecheck.core.symbols import K, M, k
from ratecheck.engine.orders import arrival_orders
from ratecheck.engine.schedule import from_order

#: the cases enumerated
CASES = ((1, 4), (2, 5), (3, 5), (4, 4))


@dataclass(frozen=True)
class Machine:
    """One worker over the steps: ``start``, what ``idle`` and ``deliver`` make of the state, what is kept.

    Updates are in terms of the state before and of ``now``, the step they happen at (state letter ``step`` is the
    last step). ``zero`` expressions stay 0, ``positive`` ones stay >= 0; ``seen`` must be 0 at each delivery, in the
    state before it.
    """

    start: Mapping[Any, Any]
    idle: Mapping[Any, Any]
    deliver: Mapping[Any, Any]
    zero: tuple[Any, ...] = ()
    positive: tuple[Any, ...] = ()
    seen: tuple[Any, ...] = ()

    def fault(self) -> str:
        """Return what is not kept by which transition, '' when the induction goes through."""
        begin = {step: 0, **self.start}
        moves = {"idle": {step: now, **self.idle}, "delivery": {step: now, **self.deliver}}
        for kept, zero in [*((x, True) for x in self.zero), *((x, False) for x in self.positive)]:
            first = normal((kept + 0 * step).xreplace(_exprs(begin)))
            if not (first == 0 if zero else manifest(first)):
                return f"{kept} is {first} at the start"
            for name, move in moves.items():
                after = normal(kept.subs(move, simultaneous=True).subs(now, step + 1))
                change = normal(after - kept)
                if not (0 in (after, change) if zero else manifest(change)):
                    return f"{kept} changes by {change} at {name}"
        for watched in self.seen:
            value = normal(watched.subs(now, step + 1))
            known = [normal(value - c * z) for z in self.zero for c in (1, -1)]
            if value != 0 and 0 not in known:
                return f"{watched} is not 0 at a delivery"
        return ""


def _exprs(values: Mapping[Any, Any]) -> dict[Any, sp.Expr]:
    return {name: sp.S.Zero + value for name, value in values.items()}


step, now, since, total_, closed_, cap_, more, idle_, b_, new, fresh, horizon = sp.symbols(
    "step now since total closed cap more idle b new fresh horizon", nonnegative=True
)
made_, applied_, current = sp.symbols("made applied current")

_DELAYS = Machine({since: 0, total_: 0}, {}, {since: now, total_: total_ + now - since}, zero=(total_ - since,))
#: here a step takes the next smaller of the last arrivals: the (q + 1)-th largest of whole numbers <= K is <= K - q
_SMALLER = {total_: total_ + horizon - (now - 1) - more}
_DISTINCT = Machine({total_: 0}, _SMALLER, _SMALLER, positive=(step * horizon - step * (step - 1) / 2 - total_,))

#: since: the version that the gradient in flight was taken at (0 initially)
MACHINES: dict[str, tuple[Machine, ...]] = {
    "delays": (_DELAYS,),
    "telescoped": (_DELAYS, _DISTINCT),
    # fresh: 1 until the worker has arrived, then 0; the gradient of x_since counts as closed at step + 1
    "closed": (
        Machine({since: 0, closed_: 0, fresh: 1}, {},
                {since: now, closed_: closed_ + (1 - fresh) * (now - since), fresh: 0},
                positive=(step - closed_ - (1 - fresh) * (step + 1 - since),)),
    ),
    "closed by p": (
        Machine({since: 0, closed_: 0, fresh: 1}, {},
                {since: now, closed_: closed_ + (1 - fresh) * (now - since), fresh: 0},
                positive=((1 - fresh) * step - closed_ - (1 - fresh) * (step + 1 - since),)),
    ),
    "delivered": (
        Machine({made_: 0, applied_: 0}, {}, {made_: made_ + new, applied_: applied_ + new}, zero=(made_ - applied_,)),
    ),
    # idle counts the steps of the window so far; a delivery at `now` has delay now - since = idle + 1
    "windows": (
        Machine({since: 0, idle_: 0}, {idle_: idle_ + 1}, {idle_: 0, since: now}, zero=(step - since - idle_,),
                seen=(now - since - idle_ - 1,)),
        Machine({idle_: 0, closed_: 0, total_: 0}, {idle_: idle_ + 1, total_: total_ + (cap_ - more) * b_},
                {idle_: 0, b_: new, closed_: closed_ + cap_ * idle_ * b_},
                positive=(closed_ + cap_ * idle_ * b_ - total_,)),
    ),
    # Lemma 1: what a worker was handed minus what it delivered is what it has in flight, and nothing at its delivery
    "in flight": (
        Machine({made_: current, applied_: 0}, {},
                {applied_: applied_ + current, made_: made_ + new, current: new}, zero=(made_ - applied_ - current,),
                seen=(made_ - (applied_ + current),)),
    ),
}  # fmt: skip


def _sums(schedule: Schedule) -> dict[str, Any]:
    """Return for each hand-out the version it was made at, its closed delay, and whether it is delivered."""
    horizon, handouts = schedule.horizon, schedule.handouts
    made = schedule.made_at[:handouts].astype(int)
    end = np.full(handouts, horizon + 1)
    end[schedule.source[:horizon]] = np.arange(1, horizon + 1)
    return {"made": made, "closed": end - made, "end": end}


def _delays(s: Schedule) -> bool:
    return int(s.delay[: s.horizon].sum()) <= s.workers * s.horizon


def _closed(s: Schedule) -> bool:
    table = _sums(s)
    return int(table["closed"][table["made"] > 0].sum()) <= s.workers * s.horizon


def _arrived(s: Schedule) -> int:
    return len(set(s.worker[: s.horizon].tolist()))


def _telescoped(s: Schedule) -> bool:
    many = _arrived(s)
    return int(s.delay[: s.horizon].sum()) <= many * s.horizon - many * (many - 1) // 2


def _closed_by_p(s: Schedule) -> bool:
    table = _sums(s)
    return int(table["closed"][table["made"] > 0].sum()) <= _arrived(s) * s.horizon


def _delivered(s: Schedule) -> bool:
    return sorted(s.source[: s.horizon]) == list(np.flatnonzero(_sums(s)["end"] <= s.horizon))


def _windows(s: Schedule) -> bool:
    """At each k the other workers have M - 1 gradients in flight, and each hand-out is among them t - 1 times."""
    table, owner = _sums(s), s.to_worker[: s.handouts]
    count = np.zeros(s.handouts, dtype=int)
    for step_ in range(1, s.horizon + 1):
        flying = np.flatnonzero((table["made"] < step_) & (table["end"] > step_))
        if len(flying) != s.workers - 1 or s.worker[step_ - 1] in owner[flying]:
            return False
        count[flying] += 1
    return bool(np.all(count == table["closed"] - 1))


ENUMERATED: dict[str, Callable[[Schedule], bool]] = {
    "delays": _delays,
    "closed": _closed,
    "telescoped": _telescoped,
    "closed by p": _closed_by_p,
    "delivered": _delivered,
    "windows": _windows,
    "in flight": _windows,
}


@lru_cache(maxsize=64)
def established(lemma: str) -> str:
    """Check a lemma's machines and enumerate small cases; return how many orders. Raises Refused when it fails."""
    for machine in MACHINES[lemma]:
        if machine.fault():
            raise Refused(f"the induction for {lemma!r} fails: {machine.fault()}")
    desk, orders = shelf.SCHEDULERS.get("async"), 0
    for workers, steps in CASES:
        for order in arrival_orders(desk, workers, steps, labelled=True):
            orders += 1
            if not ENUMERATED[lemma](from_order(desk, workers, np.array(order, dtype=np.int64))):
                raise Refused(f"{lemma!r} fails with M = {workers} and arrivals {list(order)}")
    return f"induction for each worker; {orders:,} arrival orders enumerated"


def discharge(step: Counting, context: Context) -> Outcome:
    """Return the lemma's fact with the step's parameters. Raises Refused when it is false, Undone when unknown."""
    if step.lemma not in STATEMENTS or context.setting.scheduler != "async":
        raise Undone(f"no counting lemma {step.lemma!r} for {context.setting.name}; there are: {', '.join(STATEMENTS)}")
    how = established(step.lemma)
    fact, tags = STATEMENTS[step.lemma](step.given, context)
    return Outcome(fact, how, tags=tags)


def _say_delays(given: Mapping[str, Any], context: Context) -> tuple[Fact, frozenset[str]]:
    return le(sp.Sum(tau(k), (k, 1, K)), M * K), frozenset()


def _say_closed(given: Mapping[str, Any], context: Context) -> tuple[Fact, frozenset[str]]:
    return le(sp.Sum(t(k), (k, 1, K)), M * K), frozenset()


def _say_telescoped(given: Mapping[str, Any], context: Context) -> tuple[Fact, frozenset[str]]:
    return le(sp.Sum(tau(k), (k, 1, K)), p * K - p * (p - 1) / 2), frozenset()


def _say_closed_by_p(given: Mapping[str, Any], context: Context) -> tuple[Fact, frozenset[str]]:
    return le(sp.Sum(t(k), (k, 1, K)), p * K), frozenset()


def _say_in_flight(given: Mapping[str, Any], context: Context) -> tuple[Fact, frozenset[str]]:
    parts = (context.setting.equations[name][1] for name in ("gradients in flight", "noise in flight"))
    return eq(e(k), sp.Add(*parts)), frozenset()


def _say_delivered(given: Mapping[str, Any], context: Context) -> tuple[Fact, frozenset[str]]:
    """``power``: the function is g -> g**power."""
    power = given["power"]
    if not (isinstance(power, int) and power > 0):
        raise Undone("delivered takes a positive whole power")
    left = sp.Sum(g_0(m) ** power, (m, 1, M)) + sp.Sum(ghat(k) ** power, (k, 1, K))
    return eq(left, sp.Sum(applied(k) ** power, (k, 1, K))), frozenset({"R0"})


def _say_windows(given: Mapping[str, Any], context: Context) -> tuple[Fact, frozenset[str]]:
    """``weight``: A(k), ``cap``: c, ``below``: the name of the fact A(k) <= c, ``attribute``: b(k) of a hand-out."""
    weight, cap, attribute = given["weight"], given["cap"], given["attribute"]
    below = context.fact(given["below"])
    if below.equality or normal(below.expr - (cap - weight)) != 0:
        raise Undone(f"{given['below']!r} does not say {weight} <= {cap}")
    if not manifest(attribute) or not manifest(weight) or cap.has(k):
        raise Undone(f"{attribute} and {weight} must be manifestly nonnegative, and {cap} one number")
    flying, first = context.setting.flying, context.setting.initial
    if attribute.xreplace({letter: sp.Dummy() for letter in flying}).has(k):
        raise Undone("the attribute of a hand-out may use its stepsize, gradient and noise")
    left = sp.Sum(weight * sp.Sum(attribute.subs(flying, simultaneous=True), (j, 1, M - 1)), (k, 1, K))
    initial = sp.Sum((t_0(m) - 1) * attribute.subs(first, simultaneous=True), (m, 1, M))
    later = sp.Sum((t(k) - 1) * attribute, (k, 1, K))
    return le(left, cap * (initial + later)), frozenset()


STATEMENTS: dict[str, Callable[[Mapping[str, Any], Context], tuple[Fact, frozenset[str]]]] = {
    "delays": _say_delays,
    "closed": _say_closed,
    "telescoped": _say_telescoped,
    "closed by p": _say_closed_by_p,
    "in flight": _say_in_flight,
    "delivered": _say_delivered,
    "windows": _say_windows,
}
