"""Formula: one symbolic expression, its named terms, its numbers, its LaTeX and its dimensions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import sympy as sp

from ratecheck.core import symbols
from ratecheck.errors import FormulaError

Number = int | float | Fraction


@dataclass(frozen=True, init=False)
class Formula:
    """A sum of named terms, typed once and used by theory and simulation alike.

    ``Formula(optimisation=8*M*L*B**2/(3*K), noise=2*sigma*B/sqrt(K))``, or ``Formula(expr)`` for a single term
    called ``value``. Terms may be sympy expressions or plain numbers.
    """

    terms: Mapping[str, sp.Expr] = field(hash=False)

    def __init__(self, expr: Any = None, /, **terms: Any) -> None:
        if (expr is None) == (not terms):
            raise FormulaError("a Formula takes one expression, or named terms: Formula(noise=2*sigma*B/sqrt(K)).")
        named = {"value": expr} if expr is not None else terms
        for name, term in named.items():
            if isinstance(term, str):
                raise FormulaError(f"term {name!r} is text; write it with the symbols of ratecheck.core.symbols.")
        exact = {name: sp.nsimplify(term, rational=True) for name, term in named.items()}
        for name, term in exact.items():
            if term.has(sp.nan, sp.zoo, sp.oo, -sp.oo):
                raise FormulaError(f"term {name!r} is {term}; look for a division by zero.")
        object.__setattr__(self, "terms", exact)

    @property
    def expr(self) -> sp.Expr:
        """The whole expression: the sum of the terms."""
        return sp.Add(*self.terms.values())

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the constants it needs, sorted."""
        return tuple(sorted(s.name for s in self.expr.free_symbols))

    @cached_property
    def _compiled(self) -> Callable[..., Any]:
        arguments = [_by_name(self.expr)[n] for n in self.names]
        compiled: Callable[..., Any] = sp.lambdify(arguments, self.expr, "numpy")
        return compiled

    @cached_property
    def _parts(self) -> dict[str, Formula]:
        return {name: Formula(term) for name, term in self.terms.items()}

    def term_values(self, constants: Mapping[str, Any]) -> dict[str, float]:
        """Return the value of each named term in float64. Raises FormulaError for a missing constant."""
        return {name: part.value(constants) for name, part in self._parts.items()}

    def value(self, constants: Mapping[str, Any]) -> float:
        """Return the value in float64. Raises FormulaError for a missing constant."""
        return float(self.table(constants))

    def table(self, constants: Mapping[str, Any]) -> Any:
        """Return the value with constants that may be arrays (broadcast as numpy does).

        Where 0 times infinity arises from constants that are 0, it is the limit: sigma^2 log(1/sigma^2) is 0 at 0.
        """
        arguments = [np.asarray(v, dtype=float)[()] for v in self._values(constants)]
        with np.errstate(all="ignore"):
            found = np.asarray(self._compiled(*arguments), dtype=float)[()]
        zeros = self._zeros(constants)
        return self._limits(zeros).table(constants) if zeros and np.isnan(found).any() else found

    def exact(self, constants: Mapping[str, Any]) -> sp.Expr:
        """Return the exact value as a sympy number; floats among the constants are taken as the rationals they are."""
        expr: sp.Expr = self.expr.subs(_rationals(self.expr, constants, self._values(constants)))
        zeros = self._zeros(constants)
        return self._limits(zeros).exact(constants) if zeros and expr.has(sp.nan) else expr

    def reference(self, constants: Mapping[str, Any], digits: int = 40) -> sp.Float:
        """Return the value with ``digits`` correct digits: the reference that tests compare ``value`` with.

        Without exact powers where it can be: (1 - beta)^K as a fraction has millions of digits.
        """
        at = _rationals(self.expr, constants, self._values(constants))
        found = self.expr.evalf(digits, subs=at)
        return found if isinstance(found, sp.Float) else self.exact(constants).evalf(digits)

    def latex(self) -> str:
        """Return the expression in LaTeX, in the letters of the papers."""
        names = {s: symbols.LATEX[s.name] for s in self.expr.free_symbols if s.name in symbols.LATEX}
        return str(sp.latex(self.expr, symbol_names=names))

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def dimension_faults(self, expected: symbols.Unit) -> list[str]:
        """Return a sentence for every term that does not scale like ``F**f * x**x`` with ``expected = (f, x)``.

        Each symbol is rescaled by powers of two and each term must scale by the power its unit says, in exact or
        40-digit arithmetic; that also sees a wrong dimension inside sqrt, exp or log.
        """
        faults = []
        for name, term in self.terms.items():
            unknown = sorted(s.name for s in term.free_symbols if symbols.unit_of(s) is None)
            if unknown:
                faults.append(f"term {name!r} uses {', '.join(unknown)}, whose unit is not declared")
                continue
            for axis, power in (("F", expected[0]), ("x", expected[1])):
                if not _scales(term, axis == "x", power):
                    faults.append(f"term {name!r} = {term} does not scale like {axis}^{power}")
        return faults

    def _zeros(self, constants: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(n for n in self.names if isinstance(constants[n], Number) and constants[n] == 0)

    def _limits(self, zeros: tuple[str, ...]) -> Formula:
        """Return the formula with each term's limit as these constants vanish."""
        return Formula(**{name: _limit(term, zeros) for name, term in self.terms.items()})

    def _values(self, constants: Mapping[str, Any]) -> list[Any]:
        missing = [n for n in self.names if constants.get(n) is None]
        if missing:
            need = ", ".join(f"{n} ({symbols.meaning_of(n) or 'undeclared symbol'})" for n in missing)
            raise FormulaError(f"the formula {self.expr} needs {need}; declare it in the cell or the part.")
        return [constants[n] for n in self.names]


def _by_name(expr: sp.Expr) -> dict[str, sp.Symbol]:
    return {s.name: s for s in expr.free_symbols}


def _rationals(expr: sp.Expr, constants: Mapping[str, Any], _: list[Any]) -> dict[sp.Symbol, sp.Expr]:
    return {s: _rational(constants[s.name]) for s in expr.free_symbols}


def _rational(value: Any) -> sp.Expr:
    if isinstance(value, sp.Basic):
        return value
    fraction = value if isinstance(value, Fraction) else Fraction(value.item() if hasattr(value, "item") else value)
    return sp.Rational(fraction.numerator, fraction.denominator)


@lru_cache(maxsize=256)
def _limit(term: sp.Expr, zeros: tuple[str, ...]) -> sp.Expr:
    for s in sorted((s for s in term.free_symbols if s.name in zeros), key=str):
        term = sp.limit(term, s, 0, "+")
    return term


@lru_cache(maxsize=4096)
def _scales(term: sp.Expr, of_x: bool, power: int) -> bool:
    """True when rescaling one axis by 4 rescales the term by 4**power, at a fixed irrational-free point."""
    point = {s: sp.Rational(3 + 2 * i, 2 + i) for i, s in enumerate(sorted(term.free_symbols, key=str))}
    scaled = {s: v * sp.Integer(4) ** (symbols.unit_of(s) or (0, 0))[of_x] for s, v in point.items()}
    before, after = term.subs(point).evalf(40), term.subs(scaled).evalf(40)
    return bool(abs(after - before * sp.Integer(4) ** power) <= abs(after) * sp.Float("1e-30", 40))
