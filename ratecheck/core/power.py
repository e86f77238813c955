"""Integer powers for kernels: Numba's ``**`` rounds differently from CPython's, repeated products do not."""

from __future__ import annotations

from typing import Any


def power(base: Any, exponent: int) -> Any:
    """Return ``base`` to the power of an integer ``exponent >= 1``, as a product from left to right.

    Works on floats, Fractions and sympy expressions alike, with the same bits compiled and not.
    """
    found = base
    for _ in range(exponent - 1):
        found = found * base
    return found
