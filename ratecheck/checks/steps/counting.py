"""Steps of kind counting: lemmas about all schedules of asynchronous SGD, for any M and K.

Each lemma sums over workers, and a worker's part is proved by induction over the steps (``machines``). Besides, the
lemma is checked on the engine's schedules, over all arrival orders of small cases (``enumerated``); that ties the
machine's words to the engine's integers.

delays      sum_k tau(k) <= M K: the delays of one worker sum to the step of its last arrival.
at least 1  every delay is at least 1, closed ones too.
telescoped  sum_k tau(k) <= p K - p (p - 1)/2, p the number of workers that have arrived: their last arrivals differ.
closed      sum_k t(k) <= M K, t the delay of the gradient of x_k, closed at K + 1 while it is in flight.
closed by p sum_k t(k) <= p K.
in flight   e(k) = sum_j ghatf(k, j) (hf(k, j) + nf(k, j)): Lemma 1 of Mishchenko, Bach, Even & Woodworth (2022).
delivered   under R0 (weight 0 in flight) sums over hand-outs are sums over deliveries, for a function that is 0 at 0.
windows     sum_k A(k) sum_j b(k, j) <= c [sum_m (t0(m) - 1) b0(m) + sum_k (t(k) - 1) b(k)] where A(k) <= c and b >= 0:
            a hand-out is in flight, and its worker is not the one that arrives, at t - 1 steps.
windows before k  the same with sums over i < k, for every k: up to step k - 1 it is at most t - 1 steps.
handed out  sum_j b(k, j) <= sum_m b0(m) + sum_{i<k} b(i), b >= 0: they are different hand-outs made before k.
unused      used(k, j) = 0: no gradient in flight at k has been applied.
arrived     p <= M.
later       sum_k again(k) tau(k) <= p (K - p): per worker, last arrival minus first; both differ between workers.
number of later  sum_k again(k) = K - p.
later weights  sum_k again(k) gamma(k) <= sum_k ghat(k): those deliveries answer different hand-outs at x_1, x_2, ..
largest     p <= tau_max: first arrivals have their step for a delay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from ratecheck.checks.steps import Context, Outcome, Refused, Undone
from ratecheck.checks.steps.enumerated import ENUMERATED
from ratecheck.checks.steps.machines import MACHINES
from ratecheck.core import shelf
from ratecheck.core.gram import manifest, normal
from ratecheck.core.proof import Counting, Fact, eq, le
from ratecheck.core.setting import again, applied, e, g_0, ghat, i, j, m, p, t, t_0, t_flying, tau, used
from ratecheck.core.symbols import K, M, k, tau_max
from ratecheck.engine.orders import arrival_orders
from ratecheck.engine.schedule import from_order

#: the cases enumerated
CASES = ((1, 4), (2, 5), (3, 5), (4, 4))


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


def _say_at_least_1(given: Mapping[str, Any], context: Context) -> tuple[Fact, frozenset[str]]:
    """``of``: one of the delays."""
    if given["of"] not in (tau(k), t(k), t_0(m), t_flying(k, j)):
        raise Undone(f"{given['of']} is no delay")
    return le(1, given["of"]), frozenset()


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
    others, first = _attribute(attribute, context)
    initial = sp.Sum((t_0(m) - 1) * first, (m, 1, M))
    if given.get("before"):
        left = sp.Sum((weight * others).xreplace({k: i}), (i, 1, k - 1))
        later = sp.Sum(((t(k) - 1) * attribute).xreplace({k: i}), (i, 1, k - 1))
    else:
        left, later = sp.Sum(weight * others, (k, 1, K)), sp.Sum((t(k) - 1) * attribute, (k, 1, K))
    return le(left, cap * (initial + later)), frozenset()


def _attribute(attribute: Any, context: Context) -> tuple[sp.Expr, sp.Expr]:
    """Return its sum over what the others have in flight at k, and its value for an initial hand-out."""
    flying, first = context.setting.flying, context.setting.initial
    if attribute.xreplace({letter: sp.Dummy() for letter in flying}).has(k):
        raise Undone("the attribute of a hand-out may use its stepsize, gradient and noise")
    others = sp.Sum(attribute.subs(flying, simultaneous=True), (j, 1, M - 1))
    return others, attribute.subs(first, simultaneous=True)


def _say_windows_before(given: Mapping[str, Any], context: Context) -> tuple[Fact, frozenset[str]]:
    """The parameters of windows."""
    return _say_windows({**given, "before": True}, context)


def _say_handed_out(given: Mapping[str, Any], context: Context) -> tuple[Fact, frozenset[str]]:
    """``attribute``: b(k) of a hand-out."""
    attribute = given["attribute"]
    if not manifest(attribute):
        raise Undone(f"{attribute} is not manifestly nonnegative")
    others, first = _attribute(attribute, context)
    earlier = sp.Sum(attribute.xreplace({k: i}), (i, 1, k - 1))
    return le(others, sp.Sum(first, (m, 1, M)) + earlier), frozenset()


def _plain(fact: Fact) -> Callable[[Mapping[str, Any], Context], tuple[Fact, frozenset[str]]]:
    """A lemma without parameters."""
    return lambda given, context: (fact, frozenset())


STATEMENTS: dict[str, Callable[[Mapping[str, Any], Context], tuple[Fact, frozenset[str]]]] = {
    "delays": _say_delays,
    "at least 1": _say_at_least_1,
    "closed": _say_closed,
    "telescoped": _say_telescoped,
    "closed by p": _say_closed_by_p,
    "in flight": _say_in_flight,
    "delivered": _say_delivered,
    "windows": _say_windows,
    "windows before k": _say_windows_before,
    "handed out": _say_handed_out,
    "unused": _plain(eq(used(k, j), 0)),
    "arrived": _plain(le(p, M)),
    "later": _plain(le(sp.Sum(again(k) * tau(k), (k, 1, K)), p * (K - p))),
    "number of later": _plain(eq(sp.Sum(again(k), (k, 1, K)), K - p)),
    "later weights": _plain(le(sp.Sum(again(k) * applied(k), (k, 1, K)), sp.Sum(ghat(k), (k, 1, K)))),
    "largest": _plain(le(p, tau_max)),
}
