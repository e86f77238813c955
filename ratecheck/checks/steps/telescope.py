"""Steps of kind telescope: induction over a sum; base and step are both checked."""

import sympy as sp

from ratecheck.checks.steps import Context, Outcome, Undone, certificate
from ratecheck.checks.steps.rule import is_free
from ratecheck.core.gram import advance, normal
from ratecheck.core.proof import Fact, Telescope
from ratecheck.core.setting import i
from ratecheck.core.symbols import k


def discharge(step: Telescope, context: Context) -> Outcome:
    """Check the base, then the change from n to n + 1 by the certificate at k = n + 1. Raises Undone otherwise."""
    low, high = context.setting.ranges[k]
    if step.n != sp.Symbol(str(step.n), nonnegative=True) or not is_free(step.n, context) or step.n in context.letters:
        raise Undone(f"{step.n} is no free letter for a nonnegative number")
    if step.says.expr.has(k) and k in step.says.expr.free_symbols:
        raise Undone("it is about one k already")
    if any(total.function.has(step.n) for total in step.says.expr.atoms(sp.Sum)):
        raise Undone(f"{step.n} is inside a sum, not its end alone")
    earlier = step.end == k - 1 and context.setting.ranges.get(i) == (low, k - 1) and not step.says.expr.has(i)
    if (step.end != high and not earlier) or step.base != low - 1:
        raise Undone(f"the induction runs from {step.base} to {step.end}, and k from {low} to {high}")
    empty = {total: sp.S.Zero for total in step.says.expr.atoms(sp.Sum) if total.limits == ((k, low, step.n),)}
    base = normal(step.says.expr.xreplace(empty).subs(step.n, step.base))
    certificate.check(Fact(sp.S.Zero, base, step.says.equality), (), context)
    change = normal(advance(step.says.expr, step.n) - step.says.expr)
    if any(high.has(step.n) for total in change.atoms(sp.Sum) for _, _, high in total.limits):
        raise Undone(f"its change still has a sum up to {step.n}: {change}")
    shifted = Fact(sp.S.Zero, change.subs(step.n, k - 1) * (-1 if step.says.equality else 1), step.says.equality)
    slack = certificate.check(shifted, step.by, context, keeps={k})
    sides = (_of_earlier(side, step.n) if earlier else side for side in (step.says.left, step.says.right))
    left, right = (side.subs(step.n, step.end) for side in sides)
    done = Fact(left, right, step.says.equality)
    return Outcome(done, f"induction: holds at {step.base}, and its change is a sum of products", slack)


def _of_earlier(side: sp.Expr, n: sp.Symbol) -> sp.Expr:
    """Return it with i for the index of every sum over k; k itself is free after that."""
    if any(total.limits[0] != (k, 1, n) for total in side.atoms(sp.Sum) if k in total.variables):
        raise Undone(f"it has a sum over k that does not end at {n}")
    return side.xreplace({k: i})
