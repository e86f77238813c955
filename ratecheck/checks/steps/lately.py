"""What is in flight where every delay is at most tau_cap, a cap that the claim assumes: only what was drawn lately.

A hand-out of version v that is in flight after delivery k is back at k + 1 at the earliest, or closed at K + 1 > k: its
delay is at least k + 1 - v, so v >= k + 1 - tau_cap. It is in flight after its delay less 1 deliveries, at most
tau_cap - 1. (1 is no delay; the cap is on hand-outs at x_0 and on those that are not back by K, too: ``engine.build``
refuses a schedule with another.) Holds on every run, whatever the delays look at.

flights, lately  Ordered momentum (``core.setting_ordered``): sum_k E||z(k)||^2 <= (M - 1) beta^2 (tau_cap - 1) times
           sum_k E||n(k)||^2, for beta <= 1. Cauchy-Schwarz at each k over the M - 1 in flight; each hand-out is among
           them at most tau_cap - 1 times, with a weight of at most beta. The M at x_0 count (1/M)^2 each: together as
           much as their mean n(1), in expectation, for they are apart from each other and have mean 0.
lately     sum_j b(j) <= sum_m lately0(m) b0(m) + sum_k lately(k) b(k) after delivery K (``core.setting_flight``), b as
           in ``flight``: they are different hand-outs, each of them lately.
lately, few  sum_m lately0(m) + sum_k lately(k) <= tau_cap - 1 + M - 1: these k are at most tau_cap - 1 where x_0 is
           not among them; where it is, K <= tau_cap - 1, and they are K - 1 beside the M.
lately, 1  lately(k) <= 1 and lately0(m) <= 1: a definition.

The machine is that of the windows in which a hand-out is in flight: as many deliveries as its delay less 1. On all
small arrival orders the cap is the engine's largest delay, ``Schedule.oldest``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import sympy as sp

from ratecheck.checks.steps import MEAN, Context, Undone
from ratecheck.checks.steps.flights import BETAS, below_1, flying_at, weights_at
from ratecheck.checks.steps.flights import MACHINES as OF_FLIGHTS
from ratecheck.checks.steps.in_flight import IN_FLIGHT
from ratecheck.checks.steps.machines import MACHINES as OF_WORKERS
from ratecheck.core.gram import Ip, square
from ratecheck.core.proof import Fact, le
from ratecheck.core.schedule import Schedule
from ratecheck.core.setting import j, m, n, z
from ratecheck.core.setting_flight import FLIGHT, lately, lately_0, power
from ratecheck.core.symbols import K, M, beta, k, tau_cap

Said = tuple[Fact, frozenset[str]]


def _apart(s: Schedule, step: int) -> bool:
    """After a delivery M - 1 hand-outs of M - 1 workers are in flight."""
    flying = flying_at(s, step)
    return len(flying) == s.workers - 1 == len({int(s.to_worker[one]) for one in flying})


def _flights(s: Schedule) -> bool:
    """Each hand-out is in flight beside others at most ``oldest`` - 1 times, and the squares of its weights add up."""
    made = s.made_at[: s.handouts].astype(int).tolist()
    if not all(_apart(s, step) for step in range(1, s.horizon + 1)):
        return False
    for b in BETAS:
        squares = [Fraction(0)] * s.handouts
        for step in range(1, s.horizon + 1):
            weights = weights_at(s, step, b)
            for one in flying_at(s, step):
                squares[one] += weights[one] ** 2 * (1 if made[one] else s.workers**2)
        if any(of > (s.oldest - 1) * b**2 for of in squares):
            return False
    return True


def _lately(s: Schedule) -> bool:
    """What is in flight after each delivery is of one of the last versions that the cap leaves."""
    return all(
        _apart(s, step) and all(int(s.made_at[one]) >= step + 1 - s.oldest for one in flying_at(s, step))
        for step in range(1, s.horizon + 1)
    )  # fmt: skip


def _few(s: Schedule) -> bool:
    """Of all hand-outs so far few are of these versions, for each cap, not that of the schedule alone."""
    for step in range(1, s.horizon + 1):
        made = s.made_at[: int(s.offset[step])].astype(int).tolist()
        for cap in range(1, s.horizon + 3):
            if sum(v >= step + 1 - cap for v in made) > min(cap - 1, step) + s.workers - 1:
                return False
    return True


def _require_cap(context: Context) -> None:
    if not context.assumes("finite tau_cap"):
        raise Undone("the claim assumes no cap on delays")


def _require_flight(context: Context) -> None:
    if context.setting is not FLIGHT:
        raise Undone(f"{context.setting.name} has no letters for what was drawn lately")


def _say_flights(given: Mapping[str, Any], context: Context) -> Said:
    """``below``: the name of the fact beta <= 1."""
    below_1(given, context)
    _require_cap(context)
    whole, drawn = (sp.Sum(Ip(of, of), (k, 1, K)) for of in (z(k), n(k)))
    return le(whole, (M - 1) * beta**2 * (tau_cap - 1) * drawn), frozenset({MEAN})


def _say_lately(given: Mapping[str, Any], context: Context) -> Said:
    """``of``: the noise, or part of one, at x_k."""
    of = given.get("of")
    _require_flight(context)
    _require_cap(context)
    if of not in IN_FLIGHT:
        raise Undone(f"{of} is nothing that {context.setting.name} counts")
    first, here, of = (one if of == power(k) else square(one) for one in (*IN_FLIGHT[of], of))
    whole = sp.Sum(lately_0(m) * first, (m, 1, M)) + sp.Sum(lately(k) * of, (k, 1, K - 1))
    return le(sp.Sum(here, (j, 1, M - 1)), whole), frozenset()


def _say_few(given: Mapping[str, Any], context: Context) -> Said:
    _require_flight(context)
    _require_cap(context)
    many = sp.Sum(lately_0(m), (m, 1, M)) + sp.Sum(lately(k), (k, 1, K - 1))
    return le(many, tau_cap - 1 + M - 1), frozenset()


def _say_1(given: Mapping[str, Any], context: Context) -> Said:
    """``of``: lately(k) or lately0(m)."""
    _require_flight(context)
    if given.get("of") not in (lately(k), lately_0(m)):
        raise Undone(f"{given.get('of')} is not 0 or 1")
    return le(given["of"], 1), frozenset()


_WINDOW = OF_WORKERS["windows"]
MACHINES: dict[str, tuple[Any, ...]] = {
    "flights, lately": (*_WINDOW, *OF_FLIGHTS["flights, bounded"]),
    "lately": (*_WINDOW[:1], *OF_WORKERS["handed out"]),
    "lately, few": (),  # whole numbers between two numbers, see above
    "lately, 1": (),
}
ENUMERATED: dict[str, Callable[[Schedule], bool]] = {
    "flights, lately": _flights,
    "lately": _lately,
    "lately, few": _few,
    "lately, 1": lambda s: s.oldest >= 1,
}
STATEMENTS: dict[str, Callable[[Mapping[str, Any], Context], Said]] = {
    "flights, lately": _say_flights,
    "lately": _say_lately,
    "lately, few": _say_few,
    "lately, 1": _say_1,
}
