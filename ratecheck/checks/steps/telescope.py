"""Steps of kind telescope: induction over a sum; base and step are both checked."""

import sympy as sp

from ratecheck.checks.steps import Context, Outcome, Undone, certificate
from ratecheck.core.gram import advance, normal
from ratecheck.core.proof import Fact, Telescope
from ratecheck.core.symbols import k


def discharge(step: Telescope, context: Context) -> Outcome:
    """Check the base, then the change from n to n + 1 by the certificate at k = n + 1. Raises Undone otherwise."""
    low, high = context.setting.ranges[k]
    if step.says.expr.has(k) and k in step.says.expr.free_symbols:
        raise Undone("it is about one k already")
    if any(total.function.has(step.n) for total in step.says.expr.atoms(sp.Sum)):
        raise Undone(f"{step.n} is inside a sum, not its end alone")
    if step.end != high or step.base != low - 1:
        raise Undone(f"the induction runs from {step.base} to {step.end}, and k from {low} to {high}")
    base = normal(step.says.expr.subs(step.n, step.base).doit())
    certificate.check(Fact(sp.S.Zero, base, step.says.equality), (), context)
    change = normal(advance(step.says.expr, step.n) - step.says.expr)
    if any(high.has(step.n) for total in change.atoms(sp.Sum) for _, _, high in total.limits):
        raise Undone(f"its change still has a sum up to {step.n}: {change}")
    shifted = Fact(sp.S.Zero, change.subs(step.n, k - 1) * (-1 if step.says.equality else 1), step.says.equality)
    slack = certificate.check(shifted, step.by, context)
    left, right = (side.subs(step.n, step.end) for side in (step.says.left, step.says.right))
    done = Fact(left, right, step.says.equality)
    return Outcome(done, f"induction: holds at {step.base}, and its change is a sum of products", slack)
