"""What one gradient moves the model by in the end, in units of the stepsize.

At stepsize zero the model stays where it is: one period of a linear method has an eigenvalue 1 there. On F = x^2/2 this
eigenvalue falls, to first order, by the stepsize times the number of gradients times what each of them does in the end.
Its derivative is l' A r / (l' r), with the left and right eigenvectors l and r and the derivative A of the period's
matrix: all in rational arithmetic, so that nothing is rounded however long a momentum remembers.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from ratecheck.checks.stability.period import Period, identity, nonzero


def effect(period: Period) -> Fraction | None:
    """Return what one gradient does in the end, exactly; None where the eigenvalue 1 is not simple at stepsize zero."""
    still = period.exact(Fraction(0)) - identity(len(period.kept), Fraction(1))
    right, left = fixed(still), fixed(still.T)
    if right is None or left is None:
        return None
    below = left @ right
    if below == 0:
        return None
    at, falls = np.full(period.size, Fraction(0)), np.full(period.size, Fraction(0))
    at[period.kept] = right
    for step in period.deliveries:  # the state and its derivative, along the period
        constant, linear, _ = step.coefficients
        some, more = nonzero(constant), nonzero(linear)
        falls[step.rows] = constant[:, some] @ falls[some] + linear[:, more] @ at[more]
        at[step.rows] = constant[:, some] @ at[some]
    found: Fraction = -(left @ falls[period.kept]) / below / len(period.deliveries)
    return found


def fixed(matrix: Any) -> Any:
    """Return the vector (n,) of Fractions that ``matrix`` (n, n) maps to zero, None unless there is one up to scale."""
    rows = {i: {j: QQ(v.numerator, v.denominator) for j, v in enumerate(row) if v} for i, row in enumerate(matrix)}
    found = DomainMatrix({i: row for i, row in rows.items() if row}, matrix.shape, QQ).nullspace()
    if found.shape[0] != 1:
        return None
    return np.array([Fraction(int(v.numerator), int(v.denominator)) for v in found.to_list()[0]], dtype=object)


def still(period: Period) -> bool:
    """Return True when the model never moves, whatever the stepsize."""
    return all(0 not in step.rows for step in period.deliveries)
