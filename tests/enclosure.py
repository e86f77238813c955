"""Enclosures: numbers that carry all values that rounding could give, to bound float runs of any kernel with no guess.

``+ - * /`` round outwards (by ``nextafter``), so an enclosure holds the exact result, the float64 result in any
rounding of the same operations, and the one with contracted multiply-adds. A kernel run on enclosures is a rounding
analysis of that kernel on those numbers. Comparisons are refused: a branch on numbers has no enclosure.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

Number = int | float | Fraction


class Enclosure:
    """A closed interval of reals with float endpoints."""

    __slots__ = ("high", "low")

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    @classmethod
    def of(cls, value: Any) -> Enclosure:
        """Return the smallest enclosure of a number; an enclosure is returned as it is."""
        if isinstance(value, Enclosure):
            return value
        near = float(value)
        if Fraction(near) == Fraction(value):
            return cls(near, near)
        return _outwards(near, near)

    @property
    def width(self) -> float:
        """The length of the interval."""
        return self.high - self.low

    def __contains__(self, value: Number) -> bool:
        return Fraction(self.low) <= Fraction(value) <= Fraction(self.high)

    def __add__(self, other: Any) -> Enclosure:
        b = Enclosure.of(other)
        return _outwards(self.low + b.low, self.high + b.high)

    def __neg__(self) -> Enclosure:
        return Enclosure(-self.high, -self.low)

    def __sub__(self, other: Any) -> Enclosure:
        return self + -Enclosure.of(other)

    def __mul__(self, other: Any) -> Enclosure:
        b = Enclosure.of(other)
        corners = [x * y for x in (self.low, self.high) for y in (b.low, b.high)]
        return _outwards(min(corners), max(corners))

    def __truediv__(self, other: Any) -> Enclosure:
        b = Enclosure.of(other)
        if b.low <= 0 <= b.high:
            raise ZeroDivisionError("a divisor may be zero")
        corners = [x / y for x in (self.low, self.high) for y in (b.low, b.high)]
        return _outwards(min(corners), max(corners))

    def __rsub__(self, other: Any) -> Enclosure:
        return Enclosure.of(other) - self

    def __rtruediv__(self, other: Any) -> Enclosure:
        return Enclosure.of(other) / self

    __radd__, __rmul__ = __add__, __mul__

    def __eq__(self, other: object) -> bool:
        raise TypeError("a branch on numbers has no enclosure")

    __lt__ = __le__ = __gt__ = __ge__ = __eq__  # type: ignore[assignment]
    __hash__ = None  # type: ignore[assignment]


def _outwards(low: float, high: float) -> Enclosure:
    return Enclosure(math.nextafter(low, -math.inf), math.nextafter(high, math.inf))
