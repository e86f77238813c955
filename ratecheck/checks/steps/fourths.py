"""What ordered momentum has in flight (``core.setting_ordered``), by the fourth powers of the noises: on every run.

flights, fourth  ||z(k)||^2 <= (M - 1)/2 (beta^4 fourths(k)/a + (M - 1) a), for any one number a > 0, where beta <= 1.
           Cauchy-Schwarz over the M - 1 in flight, then w^2 |n|^2 <= (w^4 |n|^4/a + a)/2 for each. They are different
           hand-outs of models i <= k, and w^4 <= beta^4 (1 - beta)^(k - i), for the fourth power of 1 - beta is at most
           itself. The M at x_0 count (1/M)^4 each, and fourth(1) is their mean: together at most that.

fourths(k) is the sum over i <= k of (1 - beta)^(k - i) fourth(i).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from ratecheck.checks.steps import Context, Undone
from ratecheck.checks.steps.certificate import divides_by_positive
from ratecheck.checks.steps.flights import BETAS, below_1, flying_at, weights_at
from ratecheck.checks.steps.flights import MACHINES as OF_FLIGHTS
from ratecheck.checks.steps.machines import Machine
from ratecheck.core.gram import Ip
from ratecheck.core.proof import Fact, le
from ratecheck.core.schedule import Schedule
from ratecheck.core.setting import z
from ratecheck.core.setting_ordered import fourths
from ratecheck.core.symbols import MEASURED, OF_SCHEDULE, M, beta, k, tau

#: numbers of one worker: over all hand-outs, and of the one in flight; what a delivery and an idle step make of them
all_, one, more, less, new = sp.symbols("all one more less new", nonnegative=True)
#: the fourth power of the weight in flight falls at least by the factor by which the sum over all hand-outs falls
_AMONG = Machine(
    {all_: one}, {all_: more * all_, one: more * (one - less)}, {all_: more * all_ + new, one: new},
    positive=(all_ - one,), factors=(more,),
)  # fmt: skip


def _fourth(schedule: Schedule) -> bool:
    """Of those in flight w^4 is at most beta^4 (1 - beta)^(k - i), over M at x_0; they are of M - 1 workers."""
    made = schedule.made_at[: schedule.handouts].astype(int).tolist()
    for step in range(1, schedule.horizon + 1):
        flying = flying_at(schedule, step)
        if not len(flying) == len({int(schedule.to_worker[h]) for h in flying}) == schedule.workers - 1:
            return False
        for b in BETAS:
            weights = weights_at(schedule, step, b)
            most = {h: b**4 * (1 - b) ** (step - 1 - made[h]) / (1 if made[h] else schedule.workers) for h in flying}
            if any(weights[h] ** 4 > most[h] for h in flying):
                return False
    return True


def _require_number(size: Any, context: Context) -> None:
    """Raise Undone when the size is no positive number that the constants of the claim fix."""
    measured = {s.name for s in size.free_symbols} & {*MEASURED, *OF_SCHEDULE, k.name, tau.name}
    indices = any(size.has(index) for index in context.setting.ranges)
    if size.has(Ip, AppliedUndef) or measured or indices or size.free_symbols & set(context.letters):
        raise Undone(f"{size} is no number that the claim's constants fix")
    if not (size.xreplace(dict(context.may_vanish)).is_positive and divides_by_positive(1 / size, context=context)):
        raise Undone(f"{size} is not known to be positive")


def _say_fourth(given: Mapping[str, Any], context: Context) -> tuple[Fact, frozenset[str]]:
    """``below``: the name of the fact beta <= 1, ``size``: a."""
    below_1(given, context)
    size = sp.S.Zero + given["size"]
    _require_number(size, context)
    return le(Ip(z(k), z(k)), (M - 1) / 2 * (beta**4 * fourths(k) / size + (M - 1) * size)), frozenset()


MACHINES: dict[str, tuple[Any, ...]] = {"flights, fourth": (*OF_FLIGHTS["flights, bounded"], _AMONG)}
ENUMERATED: dict[str, Callable[[Schedule], bool]] = {"flights, fourth": _fourth}
STATEMENTS: dict[str, Callable[[Mapping[str, Any], Context], tuple[Fact, frozenset[str]]]] = {
    "flights, fourth": _say_fourth,
}
