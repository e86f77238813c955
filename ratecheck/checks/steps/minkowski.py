"""Steps of kind minkowski: a sum of gradients is no longer than the sum of its weights times what each can be.

||sum c_i gamma_i g_i|| <= (sum c_i) cap G on every run, where G bounds each stochastic gradient. So nothing is asked of
the delays: the weights may depend on the samples, as long as their sum is at most the number of an earlier fact.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from ratecheck.checks.steps import Context, Outcome, Undone
from ratecheck.checks.steps.cauchy import weighed
from ratecheck.checks.steps.counting import established
from ratecheck.core.gram import normal, square
from ratecheck.core.proof import Minkowski, le
from ratecheck.core.setting import g_0, ghat, i, m
from ratecheck.core.symbols import G, k


def discharge(step: Minkowski, context: Context) -> Outcome:
    """Return E||of||^2 <= (cap G times the bound on the weights)^2. Raises Undone when a premise says another thing."""
    atom, value = context.setting.equations.get(step.by, (None, None))
    if not context.assumes("finite G"):
        raise Undone("the claim does not assume: finite G")
    if atom != step.of:
        raise Undone(f"equation {step.by!r} of the setting does not say what {step.of} is")
    each = weighed(value, step.weights)
    most, cap = context.fact(step.total), _cap(step, context)
    whole = sp.Add(*(sp.Sum(weight, limits) for weight, _, limits in each))
    if most.equality or normal(most.left - whole) != 0 or any(most.right.has(x) for x in context.setting.ranges):
        raise Undone(f"{step.total!r} does not bound the sum of the weights by a number")
    factors = {_factor(vector, context) for _, vector, _ in each}
    if len(factors) != 1:
        raise Undone(f"the terms of {step.by!r} are not gradients with their stepsizes, all times one number")
    by = (
        f", by: {step.by} ({established(context.setting.lemmas[step.by])})" if step.by in context.setting.lemmas else ""
    )
    fact = le(square(atom), (factors.pop() * cap * most.right * G) ** 2)
    return Outcome(fact, f"the triangle inequality, on every run{by}")


def _cap(step: Minkowski, context: Context) -> sp.Expr:
    """Return the number that the facts ``steps`` say the stepsizes are at most: initial ones, and those of x_k."""
    facts = [context.fact(name) for name in step.steps]
    if [fact.left for fact in facts] != [g_0(m), ghat(k)] or len({fact.right for fact in facts}) != 1:
        raise Undone(f"{', '.join(step.steps)} do not say that {g_0(m)} and {ghat(k)} are at most one number")
    cap: sp.Expr = facts[0].right
    if any(cap.has(index) for index in context.setting.ranges):
        raise Undone(f"{cap} is not one number")
    return cap


def _factor(vector: Any, context: Context) -> sp.Expr:
    """Return the number by which the vector is a stochastic gradient with its stepsize. Raises Undone otherwise."""
    first, later = context.setting.points["x_0"], context.setting.points["x_k"]
    initial = g_0(m) * (first.gradient + first.noise)
    applied = (ghat(k) * (later.gradient + later.noise)).xreplace({k: i})
    for gradient in (initial, applied):
        ratio: sp.Expr = vector / gradient
        if ratio.is_positive and not any(ratio.has(index) for index in context.setting.ranges):
            return ratio
    raise Undone(f"{vector} is no stochastic gradient with its stepsize, times a number")
