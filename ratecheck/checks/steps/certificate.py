"""Certificates: a fact is a sum of products of nonnegative things. The one rule that most steps rest on.

Denominators must be positive: plainly, or because an earlier fact says that a positive number is at most it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

import sympy as sp

from ratecheck.checks.steps import Context, Undone
from ratecheck.core.gram import linear, manifest, normal, plain, slack_form
from ratecheck.core.proof import Fact, Power, Square, Total
from ratecheck.core.symbols import sigma, zeta


def check(
    fact: Fact, products: Sequence[Sequence[Any]], context: Context, at_case: bool = False,
    put: Mapping[Any, Any] | None = None, keeps: Set[Any] = frozenset(),
) -> str:  # fmt: skip
    """Return what is given away, in words ('' if nothing). Raises Undone when the products do not add up to the fact.

    For an equality every product must contain an equality and nothing may be left over. ``at_case``: in a case of a
    stepsize rule sigma is not 0 where its branch exists. ``put``: letters, and what they are in this case. ``keeps``:
    indices that the step is about, whatever is left of them in ``fact``.
    """
    lost = set().union(*(_about(p, context) for p in products)) - _free(fact.expr, context.may_lack) - keeps
    if lost:
        index = min(lost, key=str)
        raise Undone(f"there may be no {index}: a fact about each {index} says something of others in a Total over it")
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
    gone = {x: d for x, d in context.may_vanish.items() if x not in (sigma, zeta)} if context else {}  # see above
    if base.xreplace(gone).is_positive:
        return True
    facts = (o.fact for o in context.done.values() if not o.tags) if context else ()
    known = (f for f in facts if not f.equality and plain(f.left).xreplace(gone).is_positive
             and not (context and _free(f.expr, context.may_lack) - base.free_symbols))  # fmt: skip
    return any(normal(f.right - base) == 0 for f in known)


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


def require_kept(names: Sequence[str], fact: Fact, context: Context) -> None:
    """Raise Undone when facts about each of no things are made one that has no such index: see ``check``."""
    about = set().union(*(_free(context.fact(name).expr, context.may_lack) for name in names))
    if lost := about - _free(fact.expr, context.may_lack):
        raise Undone(f"there may be no {min(lost, key=str)}, and the facts are about each")


def _free(expr: sp.Expr, indices: Set[Any]) -> set[Any]:
    """Return which of the indices the expression is about, multiplied out."""
    return normal(expr).free_symbols & indices if expr.free_symbols & indices else set()


def _about(factors: Sequence[Any], context: Context) -> set[Any]:
    """Return the indices that may have an empty range and are free in the facts of a product, outside of totals."""
    found: set[Any] = set()
    for factor in factors:
        if isinstance(factor, Total):
            found |= _about(factor.factors, context) - {factor.index}
        elif isinstance(factor, str):
            found |= _free(context.fact(factor).expr, context.may_lack)
    return found


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
            ranges = context.setting.ranges
            for other in _free(inside, {x for x, limits in ranges.items() if sp.Tuple(*limits).has(factor.index)}):
                raise Undone(f"not every {other} is there for all {factor.index}: no Total over {factor.index}")
            values.append(context.total(inside, factor.index))
        elif isinstance(factor, Square):
            values.append(_norm(factor, context, at_case))
        elif isinstance(factor, Power):
            values.append(_real(factor.of, context, at_case) ** 2)
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


def _norm(of: Square, context: Context, at_case: bool) -> sp.Expr:
    """Return a squared norm, which is nonnegative for real coefficients."""
    for coefficient, _ in linear(of.of):
        _real(coefficient, context, at_case)
    return of.expr


def _real(of: Any, context: Context, at_case: bool) -> sp.Expr:
    number: sp.Expr = sp.S.Zero + of
    if number.is_real is not True:
        raise Undone(f"{of} is not known to be a real number")
    if not divides_by_positive(number, at_case, context):
        raise Undone(f"the factor {of} divides by something that may be 0")
    return number
