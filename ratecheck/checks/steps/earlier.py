"""Steps of kind earlier: a fact that holds at every step k holds at i < k."""

import sympy as sp

from ratecheck.checks.steps import Context, Outcome, Undone
from ratecheck.core.proof import Earlier, Fact
from ratecheck.core.setting import i
from ratecheck.core.symbols import k


def discharge(step: Earlier, context: Context) -> Outcome:
    """Return the fact with i in place of k. Raises Undone when it is not about one k, or about earlier steps already.

    k runs over 1..K and i over 1..k-1, so every i is a k.
    """
    fact, range_of = context.fact(step.of), context.setting.ranges
    bound = {limit[0] for total in fact.expr.atoms(sp.Sum) for limit in total.limits}
    if i not in range_of or range_of[i] != (range_of[k][0], k - 1):
        raise Undone("the setting has no index for earlier steps")
    if k in bound or k not in fact.expr.free_symbols:
        raise Undone(f"{step.of!r} is not about one k")
    if fact.expr.has(i):
        raise Undone(f"{step.of!r} is about earlier steps already")
    left, right = (side.xreplace({k: i}) for side in (fact.left, fact.right))
    return Outcome(Fact(left, right, fact.equality), f"{step.of!r} at an earlier step")
