"""Facts, and the factors that a certificate for one is made of.

A fact says that an expression is >= 0 (or = 0), for all values of the indices that are free in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from ratecheck.core.gram import square


@dataclass(frozen=True)
class Fact:
    """``left <= right``, or ``left == right`` when ``equality``, for all values of the indices free in it."""

    left: sp.Expr
    right: sp.Expr
    equality: bool = False

    @property
    def expr(self) -> sp.Expr:
        """What is >= 0: right - left; for an equality what is 0: left - right."""
        return self.left - self.right if self.equality else self.right - self.left

    def __str__(self) -> str:
        return f"{self.left} {'=' if self.equality else '<='} {self.right}"


def le(left: Any, right: Any) -> Fact:
    """Return the fact left <= right."""
    return Fact(sp.S.Zero + left, sp.S.Zero + right)


def eq(left: Any, right: Any) -> Fact:
    """Return the fact left = right."""
    return Fact(sp.S.Zero + left, sp.S.Zero + right, True)


@dataclass(frozen=True)
class Square:
    """The factor E||of||^2 of a certificate, ``of`` a combination of vectors."""

    of: Any

    @property
    def expr(self) -> sp.Expr:
        """E||of||^2 multiplied out."""
        return square(self.of)


@dataclass(frozen=True)
class Power:
    """The factor ``of**2`` of a certificate, ``of`` a real number."""

    of: Any


@dataclass(frozen=True)
class Total:
    """The factor "sum over ``index`` of the product of ``factors``" of a certificate; over the index's whole range."""

    index: sp.Symbol
    factors: tuple[Any, ...]


def total(index: sp.Symbol, *factors: Any) -> tuple[Total]:
    """Return one term of a certificate: the sum over ``index`` of a product."""
    return (Total(index, factors),)
