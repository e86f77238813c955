"""What ordered momentum has in flight (``core.setting_ordered``), by powers r > 2 of the noises: on every run.

flights, power  ||z(k)||^2 <= (M - 1)/r (2 a^(2-r) c^(r-1) beta powers(k) + (r - 2) (M - 1) a^2), r = 2 + excess, for
           any two numbers a > 0 and c >= beta, where beta <= 1 and excess > 0. By Cauchy-Schwarz over the M - 1 in
           flight, and then for each u = w |n|, as weighted means are in order, u^2 = (a^(2-r) u^r)^(2/r) (a^2)^(1-2/r)
           <= (2 a^(2-r) u^r + (r - 2) a^2)/r. They are different hand-outs of models i <= k. Their weights are
           w = beta (1 - beta)^(k-i), over M at x_0, so w/c is at most 1, a power r >= 1 of it at most itself, and
           w^r <= c^(r-1) w. Those that are back count with 0 or more: with np(1) the mean over the M at x_0, the sum of
           all w |n|^r is beta powers(k). r may be any real number above 2.

powers(k) is the sum over i <= k of (1 - beta)^(k - i) np(i).
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
from ratecheck.core.gram import Ip, monomial, normal
from ratecheck.core.proof import Fact, le
from ratecheck.core.schedule import Schedule
from ratecheck.core.setting import z
from ratecheck.core.setting_ordered import powers
from ratecheck.core.symbols import MEASURED, OF_SCHEDULE, M, beta, excess, k, tau

#: powers that are tried on small orders, as fractions: w^r <= c^(r - 1) w is compared in whole powers
TRIED = ((5, 2), (3, 1), (4, 1), (9, 1))


def _power(schedule: Schedule) -> bool:
    """Of M - 1 workers, each weight in flight is at most its part of beta powers(k), and its powers, with c = beta."""
    made = schedule.made_at[: schedule.handouts].astype(int).tolist()
    for step in range(1, schedule.horizon + 1):
        flying = flying_at(schedule, step)
        if not len(flying) == len({int(schedule.to_worker[h]) for h in flying}) == schedule.workers - 1:
            return False
        for b in BETAS:
            weights = weights_at(schedule, step, b)
            for w, i in ((weights[h], made[h]) for h in flying):
                part = b * (1 - b) ** (step - 1 - i) / (1 if i else schedule.workers)
                if w > part or any(w**p > b ** (p - q) * part**q for p, q in TRIED):
                    return False
    return True


def _require_number(number: Any, context: Context) -> None:
    """Raise Undone when it is no positive number that the constants of the claim fix."""
    measured = {s.name for s in number.free_symbols} & {*MEASURED, *OF_SCHEDULE, k.name, tau.name}
    indices = any(number.has(index) for index in context.setting.ranges)
    if number.has(Ip, AppliedUndef) or measured or indices or number.free_symbols & set(context.letters):
        raise Undone(f"{number} is no number that the claim's constants fix")
    if not (number.xreplace(dict(context.may_vanish)).is_positive and divides_by_positive(1 / number, context=context)):
        raise Undone(f"{number} is not known to be positive")


def _say_power(given: Mapping[str, Any], context: Context) -> tuple[Fact, frozenset[str]]:
    """``below``: the name of the fact beta <= 1, ``size``: a, ``most``: c, ``above``: the name of the fact beta <= c.

    Without ``most`` c is beta.
    """
    below_1(given, context)
    if not context.assumes("excess > 0"):
        raise Undone("the claim does not assume: excess > 0")
    size, most = sp.S.Zero + given["size"], sp.S.Zero + given.get("most", beta)
    for number in (size, most):
        _require_number(number, context)
    if most != beta:
        above = context.fact(given["above"])
        if above.equality or normal(above.expr - (most - beta)) != 0:
            raise Undone(f"{given['above']!r} does not say that beta <= {most}")
    tail = monomial(size ** (-excess) * most ** (1 + excess))
    return le(
        Ip(z(k), z(k)), (M - 1) / (2 + excess) * (2 * tail * beta * powers(k) + excess * (M - 1) * size**2)
    ), frozenset()  # fmt: skip


MACHINES: dict[str, tuple[Any, ...]] = {"flights, power": (*OF_FLIGHTS["flights, bounded"], OF_FLIGHTS["flights"][1])}
ENUMERATED: dict[str, Callable[[Schedule], bool]] = {"flights, power": _power}
STATEMENTS: dict[str, Callable[[Mapping[str, Any], Context], tuple[Fact, frozenset[str]]]] = {
    "flights, power": _say_power,
}
