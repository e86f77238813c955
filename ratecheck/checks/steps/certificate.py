"""Certificates: a fact is a sum of products of nonnegative things. The one rule that most steps rest on.

Denominators must be positive: plainly, or because an earlier fact says that a positive number is at most it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sympy as sp

from ratecheck.checks.steps import Context, Undone
from ratecheck.core.gram import manifest, normal, plain, slack_form
from ratecheck.core.proof import Fact, Power, Square, Total
from ratecheck.core.symbols import sigma, zeta


def check(
    fact: Fact, products: Sequence[Sequence[Any]], context: Context, at_case: bool = False,
    put: Mapping[Any, Any] | None = None,
) -> str:  # fmt: skip
    """Return what is given away, in words ('' if nothing). Raises Undone when the products do not add up to the fact.

    For an equality every product must contain an equality and nothing may be left over. ``at_case``: in a case of a
    stepsize rule sigma is not 0 where its branch exists. ``put``: letters, and what they are in this case.
    """
    values = [product_of(p, context, at_case) for p in products]
    whole = (fact.expr - sp.Add(*(value for value, _, _ in values))).xreplace(dict(put or {}))
    rest = normal(whole)
    if fact.equality:
        if rest != 0 or not all(exact for _, exact, _ in values):
            raise Undone(f"the two sides differ by {rest}")
        return ""
    fine, words = (True, "") if rest == 0 else slack_form(rest, context.at_least)
    if not fine:
        fine, words = _cleared(whole, context) or (fine, words)
    if not fine:
        raise Undone(f"what is left over is not nonnegative in slack form: {words}")
    dropped = [str(normal(value)) for value, _, given in values if not given]
    return " + ".join([*dropped, *([words] if words else [])])


def divides_by_positive(expr: sp.Expr, noisy: bool = False, context: Context | None = None) -> bool:
    """True when every denominator is positive; zeta may be 0, and sigma unless the case has it (``noisy``).

    Inside log(e + x/sigma^2) sigma is not 0: see ``Context.noise_may_vanish`` for the claim without noise.
    """
    bases = [p.base for p in plain(expr).atoms(sp.Pow) if p.exp.is_nonnegative is not True]
    inside = [p.base for a in expr.atoms(sp.log) for p in a.args[0].atoms(sp.Pow) if p.exp.is_nonnegative is not True]
    if any(base.has(sigma) for base in inside) and not (context and context.noise_may_vanish):
        return False
    if any(base.has(zeta) for base in (*bases, *inside)) or not (noisy or not any(base.has(sigma) for base in bases)):
        return False
    return all(positive(base, context) for base in (*bases, *inside))


def positive(base: sp.Expr, context: Context | None) -> bool:
    """True for a positive expression, or one of which an earlier fact says: positive <= base, whatever the rule."""
    if base.is_positive:
        return True
    known = (o.fact for o in context.done.values() if not o.tags) if context else ()
    return any(not f.equality and plain(f.left).is_positive and normal(f.right - base) == 0 for f in known)


def _veiled(expr: sp.Expr, context: Context) -> sp.Expr:
    """Return it with a positive letter for every power of a base that is known to be positive."""
    unknown = (p for p in expr.atoms(sp.Pow) if p.base.is_positive is not True and p.exp.is_real)
    powers = [p for p in unknown if positive(p.base, context)]
    return expr.xreplace({p: sp.Dummy(str(p), positive=True) for p in powers})


def _cleared(rest: sp.Expr, context: Context) -> tuple[bool, str] | None:
    """Multiply by the common denominator where it is a product of positive things; None when it is not.

    ``rest`` comes as it was written: multiplied out, its denominators would be no such products. In the meantime
    a^-r is one letter, and a^r its inverse, where r is no number.
    """
    letters: dict[Any, sp.Dummy] = {}
    veil = {}
    for power in rest.atoms(sp.Pow):
        if power.exp.is_real and not power.exp.is_number and positive(power.base, context):
            down = power.exp.could_extract_minus_sign()
            letter = letters.setdefault(power if down else 1 / power, sp.Dummy(positive=True))
            veil[power] = letter if down else 1 / letter
    lifted = {letter: power for power, letter in letters.items()}
    top, bottom = (part.xreplace(lifted) for part in sp.fraction(sp.together(rest.xreplace(veil))))
    factors = [f.base if isinstance(f, sp.Pow) else f for f in sp.Mul.make_args(bottom)]
    if bottom == 1 or not all(positive(f, context) for f in factors):
        return None
    top = _veiled(normal(top), context)
    return (True, "") if top == 0 else slack_form(top, context.at_least)


def product_of(factors: Sequence[Any], context: Context, at_case: bool = False) -> tuple[sp.Expr, bool, bool]:
    """Return the value of a product, whether it is zero by an equality, and whether a fact is in it.

    Raises Undone when a factor is not known to be nonnegative and no equality excuses it.
    """
    values, exact, given, doubtful = [], False, False, []
    for factor in factors:
        if isinstance(factor, str):
            fact = context.fact(factor)
            exact, given = exact or fact.equality, True
            values.append(fact.expr)
        elif isinstance(factor, Total):
            inside, zero, has = product_of(factor.factors, context, at_case)
            exact, given = exact or zero, given or has
            values.append(context.total(inside, factor.index))
        elif isinstance(factor, Square):
            values.append(factor.expr)
        elif isinstance(factor, Power):
            values.append(_real(factor.of) ** 2)
        else:
            values.append(sp.S.Zero + factor)
            if not divides_by_positive(values[-1], at_case, context):
                raise Undone(f"the factor {factor} divides by something that may be 0")
            veiled = _veiled(values[-1], context)
            if not manifest(veiled) and not slack_form(veiled, context.at_least)[0]:
                doubtful.append(factor)
    if doubtful and not exact:
        raise Undone(f"the factor {doubtful[0]} is not known to be nonnegative")
    return sp.Mul(*values), exact, given


def _real(of: Any) -> sp.Expr:
    number: sp.Expr = sp.S.Zero + of
    if number.is_real is not True:
        raise Undone(f"{of} is not known to be a real number")
    return number
