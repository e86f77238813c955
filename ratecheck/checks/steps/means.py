"""Where delays depend on samples: which numbers are random, and what may not be multiplied by them.

Inner products and squared norms stand for expectations. The fact of an ``Expectation`` step holds in expectation, and
not on every run: times a random number it says nothing, for E[tau |n|^2] is not E[tau] E|n|^2. So it may be multiplied
by constants of the class alone, and by stepsizes where these are one number (``FREELY``: no branch looks at the order
of arrivals, and initial gradients in flight count with the same number). Every other fact holds on every run. Under
independent delays all is said given the schedule, and nothing is asked here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from ratecheck.checks.steps import FREELY, MEAN, OF_ORDER, Context, Outcome, Refused, Undone
from ratecheck.core.gram import Ip
from ratecheck.core.proof import Power, Square, Step, Total
from ratecheck.core.setting import applied, g_0, g_flying, ghat, p
from ratecheck.core.setting_flight import lately, lately_0
from ratecheck.core.symbols import MEASURED, W, k

#: final stepsizes: numbers where the stepsize is constant and initial gradients are closed freely; so is their sum W
STEPSIZES = (ghat, g_0, g_flying, applied)
#: symbols that are decided by the order of arrivals, or measured on a run; the step k is a number
RANDOM = (OF_ORDER | {*MEASURED, p.name}) - {k.name}
#: functions of the index, K and the constants alone: numbers, whoever arrives
FIXED = (lately, lately_0)
#: kinds of steps that may use what holds in expectation: sums of products, a fact at an earlier step, sums of
#: variances, and what holds of root mean squares and of numbers
LINEAR = ("inequality", "scalar", "telescope", "earlier", "martingale", "triangle", "product", "smallest")


def tags_of(step: Step, outcome: Outcome, context: Context) -> frozenset[str]:
    """Return what a step depends on because the schedule is random. Raises Refused for a random multiplier."""
    if not context.random_schedule:
        return frozenset()
    used = [name for name in context.asked | set(step.uses) if MEAN in context.done[name].tags]
    if used and step.kind not in LINEAR:
        raise Undone(f"{used[0]!r} holds in expectation, and steps of kind {step.kind!r} are about every run")
    tags = {MEAN} if step.kind == "expectation" else set()
    if step.kind in ("triangle", "product", "smallest") and outcome.fact.expr.has(*STEPSIZES, W):
        tags.add(FREELY)
    if step.kind in ("expectation", "identity", "cauchy"):
        by = getattr(step, "by", ())
        equations = [context.setting.equations[name][1] for name in ((by,) if isinstance(by, str) else by)]
        if any((sp.S.Zero + value).has(*STEPSIZES) for value in (outcome.fact.expr, *equations)):
            tags.add(FREELY)
    for product in getattr(step, "by", ()) if used and step.kind != "earlier" else ():
        tags |= _of_product(list(_factors(product)), context)
    return frozenset(tags)


def _factors(product: tuple[Any, ...]) -> Iterator[Any]:
    for factor in product:
        yield from _factors(factor.factors) if isinstance(factor, Total) else (factor,)


def _of_product(factors: list[Any], context: Context) -> set[str]:
    """Return the tags of one product; what is multiplied by a fact in expectation must be a number."""
    means = [f for f in factors if isinstance(f, str) and MEAN in context.done[f].tags]
    if not means:
        return set()
    factors.remove(means[0])
    tags = set()
    for factor in factors:
        expr = sp.S.Zero + _value(factor, context)
        if is_random(expr, context):
            raise Refused(
                f"{expr} is random for {context.claim.policy} delays, and {means[0]!r} holds in expectation alone"
            )
        if expr.has(*STEPSIZES, W):
            tags.add(FREELY)
    return tags


def _value(factor: Any, context: Context) -> Any:
    if isinstance(factor, str):
        return context.done[factor].fact.expr
    return factor.of if isinstance(factor, Power) else factor.expr if isinstance(factor, Square) else factor


def is_random(expr: Any, context: Context) -> bool:
    """True when the order of arrivals, or a run, decides what it is, stepsizes apart."""
    fixed = [f for f in FIXED if str(f) in context.setting.letters]  # elsewhere they are free, and may be anything
    if expr.has(Ip) or any(f.func not in (*STEPSIZES, *fixed) for f in expr.atoms(AppliedUndef)):
        return True
    letters = {s for s in expr.free_symbols if s in context.letters}
    inside = {value for letter in letters for value in context.letters[letter].values()} - letters
    number = {W.name} if context.setting.growth is None else set()
    names = {s.name for s in expr.free_symbols}
    return bool(names & RANDOM - number) or any(is_random(sp.S.Zero + value, context) for value in inside)
