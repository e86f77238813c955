"""Certificates: a fact is a sum of products of nonnegative things. The one rule that most steps rest on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from ratecheck.checks.steps import Context, Undone
from ratecheck.core.gram import manifest, normal, slack_form
from ratecheck.core.proof import Fact, Power, Square, Total
from ratecheck.core.symbols import sigma


def check(fact: Fact, products: Sequence[Sequence[Any]], context: Context, at_case: bool = False) -> str:
    """Return what is given away, in words ('' if nothing). Raises Undone when the products do not add up to the fact.

    For an equality every product must contain an equality and nothing may be left over. ``at_case``: in a case of a
    stepsize rule sigma is not 0 where its branch exists.
    """
    values = [product_of(p, context, at_case) for p in products]
    rest = normal(fact.expr - sp.Add(*(value for value, _, _ in values)))
    if fact.equality:
        if rest != 0 or not all(exact for _, exact, _ in values):
            raise Undone(f"the two sides differ by {rest}")
        return ""
    fine, words = (True, "") if rest == 0 else slack_form(rest, context.at_least)
    if not fine:
        raise Undone(f"what is left over is not nonnegative in slack form: {words}")
    dropped = [str(normal(value)) for value, _, given in values if not given]
    return " + ".join([*dropped, *([words] if words else [])])


def divides_by_positive(expr: sp.Expr, noisy: bool = False) -> bool:
    """True when every denominator is positive; sigma may be 0, unless the case has it for one (``noisy``)."""
    bases = [p.base for p in expr.atoms(sp.Pow) if p.exp.is_nonnegative is not True]
    return all(base.is_positive and (noisy or not base.has(sigma)) for base in bases)


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
            if not divides_by_positive(values[-1], at_case):
                raise Undone(f"the factor {factor} divides by something that may be 0")
            if not manifest(factor) and not slack_form(factor, context.at_least)[0]:
                doubtful.append(factor)
    if doubtful and not exact:
        raise Undone(f"the factor {doubtful[0]} is not known to be nonnegative")
    return sp.Mul(*values), exact, given


def _real(of: Any) -> sp.Expr:
    number: sp.Expr = sp.S.Zero + of
    if number.is_real is not True:
        raise Undone(f"{of} is not known to be a real number")
    return number
