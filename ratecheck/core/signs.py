"""Which values the constants of a cell may have: those that derivations take their letters for.

A letter of a claim is a positive number (``core.symbols``), or one that may be 0 where the symbol says so, or a share.
A cell with another value would be one that a proof does not speak of, whatever the claim assumes.
"""

from __future__ import annotations

from collections.abc import Mapping

from ratecheck.core.symbols import MAY_BE_0, SHARES, meaning_of, symbol_of, unit_of
from ratecheck.errors import AssumptionError


def fault(name: str, value: float) -> str:
    """Return why a constant of this name cannot have this value, by its sign alone; '' when it can.

    Names that are not declared are in no formula.
    """
    if unit_of(symbol_of(name)) is None or not value <= 0 or (value == 0 and name in MAY_BE_0):
        return ""
    sign, kind = "negative" if value < 0 else "0", "nonnegative" if name in MAY_BE_0 else "positive"
    return f"constant {name} = {value:g} is {sign}, and it is a {kind} number ({meaning_of(name)})"


def require_signs(constants: Mapping[str, float]) -> None:
    """Raise AssumptionError for the first constant that its letter cannot stand for."""
    if words := next((found for name, value in constants.items() if (found := fault(name, value))), ""):
        raise AssumptionError(words)


def require_shares(constants: Mapping[str, float]) -> None:
    """Raise AssumptionError for a share that is not from 0 to 1."""
    for name in SHARES & constants.keys():
        if not 0 <= constants[name] <= 1:
            raise AssumptionError(f"{name} = {constants[name]:g} is not between 0 and 1, and it is a share.")
