"""Are all roots inside the unit circle? Decided in whole numbers, at one stepsize or at all up to one.

At one: the test of Schur and Cohn. A polynomial with first and last coefficients a and b has all roots inside if and
only if abs(b) < abs(a) and so has (a p(z) - b p*(z))/z, of one degree less, where p*(z) = z^n p(1/z).

On a range: the roots move continuously, so from stable to unstable one passes z = 1, z = -1, or a pair e^(+-i phi). At
such a pair p and p* vanish both, and so do p + p* and p - p*. Divided by their roots at 1 and -1 these are symmetric,
polynomials S and D in x = z + 1/z. So as long as p(1), p(-1) and the resultant of S and D, polynomials in the
stepsize, have no root, nothing passes. That they have none up to a number is seen by the rule of signs of Descartes,
in halves of the range where need be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise, zip_longest
from math import comb, gcd, lcm
from typing import Any

from sympy import ZZ
from sympy.polys.matrices import DomainMatrix

#: halvings of a range, at most: 2^-60 of it is far below the width of any enclosure
HALVINGS = 60

Whole = list[int]  #: coefficients of a polynomial, from the highest power (in z) or from the lowest (in the stepsize)


def characteristic(matrix: Any) -> list[Fraction]:
    """Return det(z - A), from z^n down, of a matrix (n, n) of Fractions."""
    size, below = len(matrix), lcm(*(v.denominator for v in matrix.flat))
    rows = [[ZZ(int(v * below)) for v in row] for row in matrix]
    found = DomainMatrix(rows, (size, size), ZZ).charpoly()
    return [Fraction(int(c), below**j) for j, c in enumerate(found)]


def inside(polynomial: Sequence[Fraction]) -> bool:
    """Return whether all roots have modulus below one; ``polynomial`` from the highest power down."""
    p = wholes(polynomial)
    while len(p) > 1:
        a, b = p[0], p[-1]
        if abs(b) >= abs(a):
            return False
        p = primitive([a * p[i] - b * p[-1 - i] for i in range(len(p) - 1)])
    return True


def wholes(numbers: Sequence[Fraction]) -> Whole:
    """Return the numbers times their common denominator."""
    below = lcm(*(v.denominator for v in numbers))
    return primitive([int(v * below) for v in numbers])


def primitive(numbers: Whole) -> Whole:
    """Return whole numbers divided by what they have in common."""
    common = gcd(*numbers)
    return [v // common for v in numbers] if common > 1 else numbers


def through(values: Sequence[Fraction]) -> list[Fraction]:
    """Return the polynomial, from the lowest power, that has these values at 1, 2, .., len(values)."""
    differences, row = [], list(values)
    for k in range(1, len(values) + 1):
        differences.append(row[0])
        row = [(b - a) / k for a, b in pairwise(row)]
    found: list[Fraction] = []
    for k in range(len(values), 0, -1):  # Horner: found * (x - k) + difference
        found = [a - k * b for a, b in zip_longest([Fraction(0), *found], found, fillvalue=Fraction(0))]
        found[0] += differences[k - 1]
    return found


class Family:
    """A characteristic polynomial whose coefficients are polynomials in the stepsize, of degree ``degree`` at most."""

    def __init__(self, at: Callable[[Fraction], Any], degree: int) -> None:
        seen = [characteristic(at(Fraction(k))) for k in range(1, degree + 2)]
        coefficients = [through(values) for values in zip(*seen, strict=True)]
        while not any(coefficients[-1]):
            coefficients.pop()  # a root at 0, whatever the stepsize
        below = lcm(*(v.denominator for c in coefficients for v in c))
        self.coefficients = [[int(v * below) for v in c] for c in coefficients]
        self.degree = degree

    def passages(self) -> list[Whole]:
        """Return the polynomials in the stepsize without whose roots no root z passes the unit circle."""
        points = range(1, self.degree * len(self.coefficients) + 2)
        values: list[list[Fraction]] = [[], [], []]
        for k in points:
            p = [sum(c * k**i for i, c in enumerate(of)) for of in self.coefficients]
            s, d = halves(p)
            found = (sum(p), sum(c * (-1) ** i for i, c in enumerate(p)), resultant(s, d))
            for one, value in zip(values, found, strict=True):
                one.append(Fraction(value))
        return [wholes(through(one)) for one in values]

    def stable_up_to(self, stepsize: Fraction) -> bool:
        """Return True when nothing passes the unit circle between 0 and ``stepsize``, it included."""
        return len(self.coefficients) == 1 or all(rootless(one, stepsize) for one in self.passages())


def halves(p: Whole) -> tuple[Whole, Whole]:
    """Return S and D, in x = z + 1/z from the highest power, of p + p* and p - p* without their roots at 1 and -1."""
    n = len(p) - 1
    s = [a + b for a, b in zip(p, reversed(p), strict=True)]
    d = divided([a - b for a, b in zip(p, reversed(p), strict=True)], 1)
    if n % 2:
        s = divided(s, -1)
    else:
        d = divided(d, -1)
    return in_sums(s), in_sums(d)


def divided(p: Whole, root: int) -> Whole:
    """Return p divided by z - root, which is a factor."""
    found = [p[0]]
    for c in p[1:]:
        found.append(c + root * found[-1])
    assert found.pop() == 0
    return found


def in_sums(p: Whole) -> Whole:
    """Return the polynomial in x = z + 1/z that p(z)/z^m is, for a symmetric p of degree 2m."""
    m = len(p) // 2
    left, found = p[: m + 1], []
    for k in range(m, -1, -1):  # take away the highest power: x^k = sum over j of C(k, j) z^(k - 2j)
        c = left[m - k]
        found.append(c)
        for j in range(k // 2 + 1):
            left[m - k + 2 * j] -= c * comb(k, j)
    return found


def resultant(p: Whole, q: Whole) -> int:
    """Return the resultant, as the determinant of Sylvester; it is 0 where p and q have a common root."""
    m, n = len(p) - 1, len(q) - 1
    if m + n == 0:
        return 1
    rows = [[0] * i + p + [0] * (n - 1 - i) for i in range(n)] + [[0] * i + q + [0] * (m - 1 - i) for i in range(m)]
    return int(DomainMatrix([[ZZ(v) for v in row] for row in rows], (m + n, m + n), ZZ).det())


def rootless(polynomial: Whole, upper: Fraction) -> bool:
    """Return True when a polynomial (from the lowest power) is seen to have no root x with 0 < x <= ``upper``."""
    p = list(polynomial)
    while p and p[0] == 0:
        p.pop(0)
    while p and p[-1] == 0:
        p.pop()
    if not p:
        return False
    top, below, n = upper.numerator, upper.denominator, len(p) - 1
    p = [c * top**i * below ** (n - i) for i, c in enumerate(p)]  # now on (0, 1]
    return sum(p) != 0 and _rootless(p, HALVINGS)


def _rootless(p: Whole, halvings: int) -> bool:
    """Return True when p, from the lowest power, has no root in (0, 1), by the signs of (1 + t)^n p(1/(1 + t))."""
    signs = [c > 0 for c in shifted(p[::-1]) if c]
    if len(set(signs)) < 2:
        return True
    n = len(p) - 1
    left = primitive([c << (n - i) for i, c in enumerate(p)])  # 2^n p(t/2)
    right = shifted(left)
    return halvings > 0 and right[0] != 0 and _rootless(left, halvings - 1) and _rootless(right, halvings - 1)


def shifted(p: Whole) -> Whole:
    """Return p(t + 1), from the lowest power."""
    found = list(p)
    for i in range(len(p)):
        for j in range(len(p) - 2, i - 1, -1):
            found[j] += found[j + 1]
    return found
