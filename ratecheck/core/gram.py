"""Gram algebra: named vectors with scalar coefficients, their inner products as symbols, in exact arithmetic.

Vectors live in the space of square-integrable random vectors, and ``Ip(a, b)`` stands for E<a, b>. That is an inner
product, so every rule for inner products holds for it, as long as the coefficients are numbers: fixed before the
samples are drawn. Function values are scalars and stand for their expectations.
A finite sum is ``sympy.Sum``, of vectors or of numbers; its index runs over a range that may be symbolic.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy as sp

from ratecheck.core.symbols import K, M, excess, tau_cap
from ratecheck.errors import PartError


class Vec(sp.Function):  # type: ignore[misc]
    """A named vector, ``Vec(name, *indices)``; the name is a Symbol."""

    @property
    def name(self) -> str:
        """The name without indices."""
        return str(self.args[0])

    def _sympystr(self, printer: Any) -> str:
        indices = ", ".join(printer.doprint(a) for a in self.args[1:])
        return f"{self.name}({indices})" if indices else self.name


class Ip(sp.Function):  # type: ignore[misc]
    """E<a, b> of two named vectors; symmetric."""

    is_real = True

    @classmethod
    def eval(cls, a: Any, b: Any) -> Any:
        """Put the arguments into a fixed order."""
        return None if sp.default_sort_key(a) <= sp.default_sort_key(b) else cls(b, a)

    def _eval_is_nonnegative(self) -> bool | None:
        return True if self.args[0] == self.args[1] and isinstance(self.args[0], Vec) else None

    def _sympystr(self, printer: Any) -> str:
        a, b = (printer.doprint(x) for x in self.args)
        return f"|{a}|^2" if a == b else f"<{a},{b}>"


def vector(name: str) -> Callable[..., sp.Expr]:
    """Return the maker of a named vector, which takes the indices."""
    return lambda *indices: Vec(sp.Symbol(name), *indices)


def linear(expr: Any) -> list[tuple[sp.Expr, sp.Expr]]:
    """Return a combination of vectors as pairs (coefficient, Vec or Sum of vectors). Raises PartError if it is none."""
    pairs = []
    for term in sp.Add.make_args(sp.expand(expr)):
        if term == 0:
            continue
        heads = [f for f in sp.Mul.make_args(term) if f.has(Vec) and not isinstance(f, Ip)]
        if len(heads) != 1 or not isinstance(heads[0], Vec | sp.Sum):
            raise PartError(f"{expr} is no linear combination of vectors: look at {term}.")
        pairs.append((term / heads[0], heads[0]))
    return pairs


def inner(left: Any, right: Any) -> sp.Expr:
    """Return E<left, right> of two combinations of vectors, multiplied out. Raises PartError for Sum times Sum."""
    return sp.Add(*(a * b * _pair(x, y) for a, x in linear(left) for b, y in linear(right)))


def square(of: Any) -> sp.Expr:
    """Return E||of||^2 multiplied out."""
    return inner(of, of)


def _pair(x: Any, y: Any) -> sp.Expr:
    if isinstance(x, sp.Sum) and isinstance(y, sp.Sum):
        raise PartError(f"the product of two sums {x} and {y}: name one of them.")
    if isinstance(x, sp.Sum) and y.free_symbols & set(x.variables):
        raise PartError(f"the product of {x} with {y}: its {x.variables[0]} is another one than that of the sum.")
    if isinstance(x, sp.Sum):
        return sp.Sum(inner(x.function, y), *x.limits)
    return _pair(y, x) if isinstance(y, sp.Sum) else Ip(x, y)


def rewrite(expr: Any, equations: Mapping[Any, Any]) -> sp.Expr:
    """Replace vectors in inner products by what they equal, all at once, and multiply out."""

    def put(vec: Any) -> Any:
        return equations.get(vec, vec)

    return expr.replace(lambda e: isinstance(e, Ip), lambda e: inner(put(e.args[0]), put(e.args[1])))


def normal(expr: Any) -> sp.Expr:
    """Return the normal form: expanded, with every sum split into its terms and freed of constant factors.

    Two expressions with the same normal form are equal. The same index letter must be used for the same range.
    """
    return sp.expand(sp.expand(expr).replace(lambda e: isinstance(e, sp.Sum), _split))


def _split(total: sp.Sum) -> sp.Expr:
    expr = total.function
    for limit in total.limits:  # from the inside out
        expr = _over(expr, limit)
    return expr


def _over(expr: sp.Expr, limit: tuple[sp.Symbol, Any, Any]) -> sp.Expr:
    index, low, high = limit
    parts = []
    for term in sp.Add.make_args(sp.expand(expr)):
        outer, inside = term.as_independent(index, as_Add=False)
        parts.append(outer * (high - low + 1 if inside == 1 else 0 if inside == 0 else sp.Sum(inside, limit)))
    return sp.Add(*parts)


def monomial(expr: Any) -> sp.Expr:
    """Return a product of powers with one power a base, its exponent in partial fractions of the excess of a moment.

    ``normal`` does not see that a^(2 + e) a^(-e (1 + e)/(2 + e)) is a power of a^(1/(2 + e)); it sees it of these.
    """
    whole = sp.expand_power_base(sp.S.Zero + expr)
    return sp.Mul(*(base ** sp.apart(sp.together(to), excess) for base, to in whole.as_powers_dict().items()))


def advance(expr: Any, n: sp.Symbol) -> sp.Expr:
    """Return ``expr`` at n + 1 with every sum up to n written as itself plus its next term."""

    def one(total: sp.Sum) -> sp.Expr:
        index, low, high = total.limits[-1]
        if high != n or len(total.limits) > 1:
            return total.subs(n, n + 1)
        return sp.Sum(total.function, (index, low, n)) + total.function.subs(index, n + 1)

    held = {s: sp.Dummy() for s in expr.atoms(sp.Sum)}
    moved = expr.xreplace(held).subs(n, n + 1)
    return moved.xreplace({dummy: one(s) for s, dummy in held.items()})


def manifest(expr: Any) -> bool:
    """True when every term of the expanded expression is a product of nonnegative things with a factor >= 0.

    Nonnegative are positive symbols, functions declared so, E||v||^2, even powers, exponentials, logarithms of e or
    more, and sums of such terms from 1 to a number that is at least 0.
    """
    return all(_term(term) for term in sp.Add.make_args(normal(expr)))


def _term(term: sp.Expr) -> bool:
    return all(_factor(f) for f in sp.Mul.make_args(term))


def _factor(factor: sp.Expr) -> bool:
    if isinstance(factor, sp.Sum):
        return manifest(factor.function) and all(low == 1 for _, low, _ in factor.limits)
    return bool(plain(factor).is_nonnegative)


def plain(expr: Any) -> sp.Expr:
    """Return it with a positive letter for every log(e + x), x >= 0: sympy does not see that they are at least 1."""
    whole = sp.S.Zero + expr
    known = (a for a in whole.atoms(sp.log) if (a.args[0] - sp.E).is_nonnegative)
    return whole.xreplace({a: sp.Dummy(str(a), positive=True) for a in known})


def slack_form(expr: Any, at_least: Mapping[sp.Symbol, sp.Expr] | None = None) -> tuple[bool, str]:
    """Return whether the expression is nonnegative in slack form, and the polynomial that shows it.

    M >= 1 and K >= 1 become M = 1 + m, K = 1 + k with m, k >= 0; ``at_least={K: M}`` makes it K = M + k. A cap on
    delays is at least 1, too: tau_cap = 1 + t. Then the numerator and the denominator over a common one must have no
    negative coefficient.
    """
    expr = normal(expr)
    if manifest(expr):
        return True, str(expr)
    m, rest, late = (sp.Dummy(name, nonnegative=True) for name in ("m", "k'", "t'"))
    lower = (at_least or {}).get(K, sp.Integer(1))
    shifted = expr.subs(K, lower + rest).subs({M: 1 + m, tau_cap: 1 + late}, simultaneous=True)
    top, bottom = (sp.expand(part) for part in sp.fraction(sp.together(shifted)))
    if top == 0:
        return True, ""
    said = (part.xreplace({x: sp.Symbol(x.name) for x in (m, rest, late)}) for part in (top, bottom))
    words = "({})/({}) with M = 1 + m, K = {} + k'".format(*said, lower)
    return manifest(top) and manifest(bottom) and bool(bottom.subs({m: 0, rest: 0, late: 0}).is_positive), words
