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
growing windows  with weights w(k) <= exp(r) w(k - 1), the same with A(k) w(k) for A(k), and on the right with
            exp(r (t0(m) - 1)) w(0) b0(m) and exp(r (t(k) - 1)) w(k) b(k): a weight grows over t - 1 steps at most.
handed out  sum_j b(k, j) <= sum_m b0(m) + sum_{i<k} b(i), b >= 0: they are different hand-outs made before k.
earlier     sum_{i<k} b(i) <= sum_k b(k), b >= 0.
unused      used(k, j) = 0: no gradient in flight at k has been applied.
arrived     p <= M.
later       sum_k again(k) tau(k) <= p (K - p): per worker, last arrival minus first; both differ between workers.
number of later  sum_k again(k) = K - p.
later weights  sum_k again(k) gamma(k) <= sum_k ghat(k): those deliveries answer different hand-outs at x_1, x_2, ..
largest     p <= tau_max: first arrivals have their step for a delay.
first arrivals  under R1 or R0, sum_m ghat0(m)^power <= K c^power where ghat0 <= c: K deliveries, K first ones at most.
first delivery  gamma(1) <= sum_m ghat0(m): it is of an initial gradient.
longest     t(k) <= tau_closed; under R1 or R0, ghat0(m) t0(m) <= tau_closed ghat0(m): a definition.
tau_closed  1 <= tau_closed: it is a delay.

Those of methods with momentum are in ``ordered``, ``sequences``, ``late`` and ``flights``; of degenerate cases and of
the barrier in ``degenerate``; of noise in flight in ``in_flight``, ``powers`` and, under a cap on delays, ``lately``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from ratecheck.checks.steps import (
    BY_RULE,
    Context,
    Outcome,
    Refused,
    Undone,
    averages,
    committed,
    degenerate,
    flights,
    in_flight,
    late,
    lately,
    ordered,
    powers,
    sequences,
)
from ratecheck.checks.steps.enumerated import ENUMERATED
from ratecheck.checks.steps.machines import MACHINES
from ratecheck.core import shelf
from ratecheck.core.gram import manifest, normal
from ratecheck.core.proof import Counting, Fact, eq, le
from ratecheck.core.schedule import Schedule
from ratecheck.core.setting import again, applied, e, g_0, ghat, i, j, m, p, t, t_0, t_flying, tau, used
from ratecheck.core.symbols import K, M, k, tau_closed, tau_max
from ratecheck.engine.orders import arrival_orders
from ratecheck.engine.schedule import from_order

#: the cases enumerated
CASES = ((1, 4), (2, 5), (3, 5), (4, 4))
#: under another scheduler than async: the cases of lemmas about it
BARRIER = ((1, 4), (2, 6), (3, 6))


@lru_cache(maxsize=64)
def established(lemma: str) -> str:
    """Check a lemma's machines and enumerate small cases; return how many orders. Raises Refused when it fails."""
    more = (averages, committed, ordered, sequences, flights, powers, in_flight, degenerate, late, lately)
    machines = {**MACHINES, **{n: found for one in more for n, found in one.MACHINES.items()}}[lemma]
    enumerated = {**ENUMERATED, **{n: found for one in more for n, found in one.ENUMERATED.items()}}[lemma]
    for machine in machines:
        if machine.fault():
            raise Refused(f"the induction for {lemma!r} fails: {machine.fault()}")
    fault, orders = _on_all_orders(enumerated, degenerate.SCHEDULERS.get(lemma, "async"))
    if fault:
        raise Refused(f"{lemma!r} fails with {fault}")
    how = "induction for each worker" if machines else "by definition"
    return f"{how}; {orders:,} arrival orders enumerated"


@lru_cache(maxsize=64)
def _on_all_orders(holds: Callable[[Schedule], bool], scheduler: str) -> tuple[str, int]:
    """Return the first order of the cases where it fails, in words, and how many were looked at."""
    desk, orders = shelf.SCHEDULERS.get(scheduler), 0
    for workers, steps in CASES if scheduler == "async" else BARRIER:
        for order in arrival_orders(desk, workers, steps, labelled=True):
            orders += 1
            if not holds(from_order(desk, workers, np.array(order, dtype=np.int64))):
                return f"M = {workers} and arrivals {list(order)}", orders
    return "", orders


def discharge(step: Counting, context: Context) -> Outcome:
    """Return the lemma's fact with the step's parameters. Raises Refused when it is false, Undone when unknown."""
    if step.lemma not in STATEMENTS or context.setting.scheduler != degenerate.SCHEDULERS.get(step.lemma, "async"):
        raise Undone(f"no counting lemma {step.lemma!r} for {context.setting.name}; there are: {', '.join(STATEMENTS)}")
    how = established(step.lemma)
    fact, tags = STATEMENTS[step.lemma](_Parameters(step.given), context)
    return Outcome(fact, how, tags=tags)


class _Parameters(dict[str, Any]):
    """The parameters of a lemma; one that is not given is Undone."""

    def __missing__(self, name: str) -> Any:
        raise Undone(f"the lemma takes a parameter {name!r}, which is not given")


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
    names = ("gradients in flight", "noise in flight")
    if not context.setting.equations.keys() >= set(names):
        raise Undone(f"what {context.setting.name} has in flight is not the distance to its virtual iterate")
    parts = (context.setting.equations[name][1] for name in names)
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
    if weight.has(i, j, m) or cap.has(i, j, m):
        raise Undone(f"{weight} and {cap} may not be about one of the indices that the lemma sums over")
    others, first = _attribute(attribute, context)
    initial = sp.Sum((t_0(m) - 1) * first, (m, 1, M))
    if given.get("before"):
        left = sp.Sum((weight * others).xreplace({k: i}), (i, 1, k - 1))
        later = sp.Sum(((t(k) - 1) * attribute).xreplace({k: i}), (i, 1, k - 1))
    else:
        left, later = context.total(weight * others, k), context.total((t(k) - 1) * attribute, k)
    return le(left, cap * (initial + later)), frozenset()


def _say_growing_windows(given: Mapping[str, Any], context: Context) -> tuple[Fact, frozenset[str]]:
    """The parameters of windows; ``rate``: r >= 0, and ``grows``: the name of the fact 1 <= exp(r) factor(k)."""
    rate, premise, growth = given["rate"], context.fact(given["grows"]), context.setting.growth
    if growth is None or not context.positive_weights:
        raise Undone("no positive weights grow in the setting")
    if premise.equality or normal(premise.expr - (sp.exp(rate) * growth.factor - 1)) != 0:
        raise Undone(f"{given['grows']!r} does not say that a weight grows by exp({rate}) a step at most")
    if not manifest(rate) or any(rate.has(index) for index in context.setting.ranges):
        raise Undone(f"{rate} is not manifestly one nonnegative number")
    _, tags = _say_windows(_Parameters(given, before=False), context)  # the other premises
    weight, cap, attribute, w = given["weight"], given["cap"], given["attribute"], growth.letter
    others, first = _attribute(attribute, context)
    initial = sp.Sum((t_0(m) - 1) * sp.exp(rate * (t_0(m) - 1)) * w.subs(k, 0) * first, (m, 1, M))
    later = context.total((t(k) - 1) * sp.exp(rate * (t(k) - 1)) * w * attribute, k)
    return le(context.total(weight * w * others, k), cap * (initial + later)), tags


def _attribute(attribute: Any, context: Context) -> tuple[sp.Expr, sp.Expr]:
    """Return its sum over what the others have in flight at k, and its value for an initial hand-out."""
    flying, first = context.setting.flying, context.setting.initial
    if attribute.xreplace({letter: sp.Dummy() for letter in flying}).has(k) or attribute.has(i, j, m):
        raise Undone("the attribute of a hand-out may use its stepsize, gradient and noise")
    others = sp.Sum(attribute.subs(flying, simultaneous=True), (j, 1, M - 1))
    initial = attribute.subs(first, simultaneous=True)
    if initial.has(k):
        raise Undone(f"the setting does not say what {attribute} is of an initial hand-out")
    return others, initial


def _say_windows_before(given: Mapping[str, Any], context: Context) -> tuple[Fact, frozenset[str]]:
    """The parameters of windows."""
    return _say_windows(_Parameters(given, before=True), context)


def _say_handed_out(given: Mapping[str, Any], context: Context) -> tuple[Fact, frozenset[str]]:
    """``attribute``: b(k) of a hand-out."""
    attribute = given["attribute"]
    if not manifest(attribute):
        raise Undone(f"{attribute} is not manifestly nonnegative")
    others, first = _attribute(attribute, context)
    earlier = sp.Sum(attribute.xreplace({k: i}), (i, 1, k - 1))
    return le(others, sp.Sum(first, (m, 1, M)) + earlier), frozenset()


def _say_first_arrivals(given: Mapping[str, Any], context: Context) -> tuple[Fact, frozenset[str]]:
    """``power``, ``cap``: c, ``below``: the name of the fact ghat0(m) <= c, ``output``: the output rule."""
    power, cap, below = given["power"], given["cap"], context.fact(given["below"])
    if below.equality or normal(below.expr - (cap - g_0(m))) != 0 or cap.has(m):
        raise Undone(f"{given['below']!r} does not say that every {g_0(m)} is at most the number {cap}")
    if not (isinstance(power, int) and power > 0):
        raise Undone("first arrivals takes a positive whole power")
    return le(sp.Sum(g_0(m) ** power, (m, 1, M)), K * cap**power), _closed_with_0(given.get("output", ""))


def _closed_with_0(rule: str) -> frozenset[str]:
    """Tags of a fact that needs stepsize 0 for initial gradients in flight at K; under RL they have another."""
    if rule not in ("R1", "R0", "uniform"):
        raise Undone(f"the output rule {rule!r} does not close initial gradients in flight with 0")
    return frozenset({rule, BY_RULE})


def _say_longest(given: Mapping[str, Any], context: Context) -> tuple[Fact, frozenset[str]]:
    """``of``: t(k), or t0(m) with ``output``, the output rule."""
    if given["of"] == t(k):
        return le(t(k), tau_closed), frozenset()
    if given["of"] != t_0(m):
        raise Undone(f"{given['of']} is no closed delay of a hand-out")
    return le(g_0(m) * t_0(m), tau_closed * g_0(m)), _closed_with_0(given.get("output", ""))


def _say_earlier(given: Mapping[str, Any], context: Context) -> tuple[Fact, frozenset[str]]:
    """``attribute``: b(k), in any letters of step k."""
    attribute = given["attribute"]
    bound = {letter for total in attribute.atoms(sp.Sum) for letter in total.variables}
    if not manifest(attribute) or attribute.has(i) or k in bound:
        raise Undone(f"{attribute} is not manifestly nonnegative, or is about other steps")
    return le(sp.Sum(attribute.xreplace({k: i}), (i, 1, k - 1)), sp.Sum(attribute, (k, 1, K))), frozenset()


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
    "growing windows": _say_growing_windows,
    "handed out": _say_handed_out,
    "earlier": _say_earlier,
    "unused": _plain(eq(used(k, j), 0)),
    "arrived": _plain(le(p, M)),
    "later": _plain(le(sp.Sum(again(k) * tau(k), (k, 1, K)), p * (K - p))),
    "number of later": _plain(eq(sp.Sum(again(k), (k, 1, K)), K - p)),
    "later weights": _plain(le(sp.Sum(again(k) * applied(k), (k, 1, K)), sp.Sum(ghat(k), (k, 1, K)))),
    "largest": _plain(le(p, tau_max)),
    "first arrivals": _say_first_arrivals,
    "first delivery": _plain(le(applied(sp.Integer(1)), sp.Sum(g_0(m), (m, 1, M)))),
    "longest": _say_longest,
    "tau_closed": _plain(le(1, tau_closed)),
    **ordered.STATEMENTS,
    **sequences.STATEMENTS,
    **flights.STATEMENTS,
    **powers.STATEMENTS,
    **averages.STATEMENTS,
    **committed.STATEMENTS,
    **in_flight.STATEMENTS,
    **degenerate.STATEMENTS,
    **late.STATEMENTS,
    **lately.STATEMENTS,
}
