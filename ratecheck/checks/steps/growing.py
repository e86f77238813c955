"""Steps of kind growing: weights w(k) that grow, w(k - 1) = w(k) factor(k), w = 1 at the last k.

positive  an earlier fact says number <= factor(k) with number > 0, whatever the output rule: then w(k) > 0 for all k.
          Until this is said no fact may have w in it (``symbolic``), for the letter stands for a positive number.
product   factor(k) exp(rate(k)) <= 1 gives w(k - 1) exp(rate(k)) <= w(k), and by induction from the last k down
          w(0) exp(sum over k of rate(k)) <= 1.
power     where the factor is the same at every k, w(0) = factor^n for n steps.
"""

from __future__ import annotations

import sympy as sp

from ratecheck.checks.steps import Context, Outcome, Undone
from ratecheck.core.gram import normal
from ratecheck.core.proof import Growing, eq, le
from ratecheck.core.setting import Growth
from ratecheck.core.symbols import k


def discharge(step: Growing, context: Context) -> Outcome:
    """Return the fact about w. Raises Undone when the setting's weights do not grow, or the premise is another."""
    grows = context.setting.growth
    if grows is None:
        raise Undone(f"output weights do not grow in the setting of {context.setting.name}")
    if step.of not in FACTS:
        raise Undone(f"nothing is known of weights called {step.of!r}; there are: {', '.join(FACTS)}")
    return FACTS[step.of](step, context, grows)


def _positive(step: Growing, context: Context, grows: Growth) -> Outcome:
    premise = context.fact(step.by)
    least = normal(grows.factor - premise.expr)
    if premise.equality or not (least.is_Rational and least > 0):
        raise Undone(f"{step.by!r} does not say that {grows.factor} is at least a positive number")
    if context.done[step.by].tags:
        raise Undone(f"{step.by!r} holds under {', '.join(sorted(context.done[step.by].tags))} alone")
    context.positive_weights = True
    return Outcome(le(0, grows.letter), f"the factor {grows.factor} is at least {least}")


def _product(step: Growing, context: Context, grows: Growth) -> Outcome:
    premise = context.fact(step.by)
    if premise.equality or normal(premise.expr - (1 - grows.factor * sp.exp(step.rate))) != 0:
        raise Undone(f"{step.by!r} does not say that ({grows.factor}) exp({step.rate}) <= 1")
    if step.rate.is_real is not True or {x for x in context.setting.ranges if step.rate.has(x)} - {k}:
        raise Undone(f"{step.rate} is no real number of one step k")
    whole = sp.exp(normal(context.total(step.rate, k)))
    return Outcome(le(_first(context, grows) * whole, 1), "induction from the last step down")


def _power(step: Growing, context: Context, grows: Growth) -> Outcome:
    if any(grows.factor.has(index) for index in context.setting.ranges):
        raise Undone(f"the factor {grows.factor} is not the same at every step")
    low, high = context.setting.ranges[k]
    return Outcome(eq(_first(context, grows), grows.factor ** (high - low + 1)), "the factor is one number")


def _first(context: Context, grows: Growth) -> sp.Expr:
    """W before the first step."""
    first: sp.Expr = grows.letter.subs(k, context.setting.ranges[k][0] - 1)
    return first


FACTS = {"positive": _positive, "product": _product, "power": _power}
