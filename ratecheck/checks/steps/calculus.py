"""Steps of kind calculus: an inequality of one real variable, which a number is put into.

The difference f of the two sides is a sum of powers of x times exponentials of multiples of x, with rational
coefficients, so it has derivatives of every order on the whole line. f(x) >= 0 for x >= 0 when f(0) >= 0 and f' >= 0
there, which is asked of f' in the same way, until every term of a derivative is plainly nonnegative. For x <= 0 the
same is asked of f(-x). Nothing is looked up: 1 + x <= exp(x), and what follows from it, is derived here each time.
"""

from __future__ import annotations

import sympy as sp

from ratecheck.checks.steps import Context, Outcome, Refused, Undone
from ratecheck.checks.steps.certificate import divides_by_positive, positive
from ratecheck.core.gram import manifest, normal
from ratecheck.core.proof import Calculus, Fact

#: derivatives taken, at most
DEPTH = 12
#: where a step that does not follow is tried
POINTS = [sp.Rational(n, 8) for n in (-512, -64, -16, -8, -4, -1, 0, 1, 4, 8, 16, 64, 512)]
_s = sp.Symbol("s", nonnegative=True)


def discharge(step: Calculus, context: Context) -> Outcome:
    """Derive it for all x, then put ``at`` into it. Raises Refused with an x where it is false, Undone otherwise."""
    if step.says.equality or step.side not in ("both", "right"):
        raise Undone("it is about left <= right, for every x or for x >= 0 (side='right')")
    f = step.says.expr
    if not (_elementary(step.says.left, step.x) and _elementary(step.says.right, step.x)):
        raise Undone(f"{step.says} is not between sums of powers of {step.x} times exponentials of its multiples")
    taken = [_derivatives(f.subs(step.x, sign * _s)) for sign in ((1, -1) if step.side == "both" else (1,))]
    if None in taken:
        for x in POINTS:
            if (step.side == "both" or x >= 0) and f.subs(step.x, x) < 0:
                raise Refused(f"false at {step.x} = {x}")
        raise Undone(f"no {DEPTH} derivatives have a sign at 0 and beyond")
    at = sp.S.Zero + step.at
    if not _real(at, context) or not divides_by_positive(at, context=context):
        raise Undone(f"{at} is not known to be a real number")
    if step.side == "right" and not _nonnegative(at, step.by, context):
        raise Undone(f"nothing says that {at} is nonnegative")
    left, right = (_powers(side.subs(step.x, at)) for side in (step.says.left, step.says.right))
    return Outcome(Fact(left, right), f"{step.says} for every {step.x}: {max(map(int, taken))} derivatives")  # type: ignore[arg-type]


def _elementary(f: sp.Expr, x: sp.Symbol) -> bool:
    """True for a sum of rational c x^n exp(r x), n = 0, 1, .. and r rational."""
    for term in sp.Add.make_args(sp.expand(f)):
        for factor in sp.Mul.make_args(term):
            power = factor.is_Pow and factor.base == x and factor.exp.is_Integer and factor.exp > 0
            inside = isinstance(factor, sp.exp) and (factor.args[0] / x).is_Rational
            if not (factor.is_Rational or factor == x or power or inside):
                return False
    return True


def _derivatives(g: sp.Expr) -> int | None:
    """Return how many derivatives it takes to see that g(s) >= 0 for all s >= 0; None when it is not seen."""
    for order in range(DEPTH):
        g = normal(g)
        if manifest(g):
            return order
        if not g.subs(_s, 0) >= 0:
            return None
        g = sp.diff(g, _s)
    return None


def _real(at: sp.Expr, context: Context) -> bool:
    """True for a real number; a logarithm is one where what is in it is positive."""
    logs = {a: sp.Dummy(str(a), real=True) for a in at.atoms(sp.log) if positive(a.args[0], context)}
    return at.xreplace(logs).is_real is True


def _powers(expr: sp.Expr) -> sp.Expr:
    """Return it with a^r for exp(r log(a)), as it is written elsewhere."""
    found = {}
    for whole in expr.atoms(sp.exp):
        logs = [f for f in sp.Mul.make_args(whole.args[0]) if isinstance(f, sp.log)]
        if len(logs) == 1:
            found[whole] = logs[0].args[0] ** (whole.args[0] / logs[0])
    return expr.xreplace(found)


def _nonnegative(at: sp.Expr, by: str, context: Context) -> bool:
    if not by:
        return manifest(at)
    fact = context.fact(by)
    return normal(fact.expr - at) == 0 and not fact.equality
