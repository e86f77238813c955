"""Exact evidence from dimensions: a bound with the wrong ones is false whatever the constant in it.

Let every term of the right side grow by another power of the unit of length (or of F) than the left side, all of them
by more or all by less. Measure one and the same run in other units: the method and its assumptions do not notice, and
the right side over the left one becomes as small as one likes. So the bound is broken as soon as any error is left.

A claim that is expected to hold is not even run with wrong dimensions: they are an error in its file. Of one that is
declared false they are a refutation, if they are of this kind.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from ratecheck.core import symbols
from ratecheck.core.claim import Claim, Inequality
from ratecheck.core.formula import Formula
from ratecheck.core.verdict import Result, Verdict
from ratecheck.core.witness import Witness
from ratecheck.errors import FormulaError

CHECK = "dimensions"


def check(name: str, claim: Claim, scenario: str) -> Result | None:
    """Return REFUTED for a claim that is declared false and has such dimensions, None where all are right.

    Raises FormulaError when dimensions are wrong in another way, which refutes nothing.
    """
    faults = claim.dimension_faults()
    if not faults:
        return None
    fault = found(claim)
    if claim.expect != "refuted" or not fault:
        raise FormulaError(f"claim {name!r}: {faults[0]}.")
    files = {"claim": name} if name.endswith(".py") else {}
    witness = Witness(name, CHECK, CHECK, {"output": fault["output"]}, {"fault": fault["fault"]}, files=files)
    return Result(
        name, scenario, "exact", Verdict.REFUTED, fault["fault"], claim.expect, {"failed": fault}, witness.as_json()
    )


def found(claim: Claim) -> dict[str, Any]:
    """Return {'output': rule, 'fault': sentence} of the first inequality that no constant can save, else {}."""
    if not isinstance(claim.stepsize, str) and claim.stepsize.dimension_faults():
        return {}  # then the runs themselves change with the unit
    for rule, statement in claim.outputs.items():
        for name, inequality in statement.inequalities().items():
            if fault := _fault(inequality):
                return {"output": rule, "fault": f"{name} under {rule}: {fault}"}
    return {}


def _fault(inequality: Inequality) -> str | None:
    """Return how the right side leaves the left one behind, or None."""
    left, right = _units(inequality.lhs), _units(inequality.rhs)
    if left is None or right is None or len(set(left)) > 1:
        return None
    for axis, unit in enumerate(("F", "length")):
        off = [u[axis] - left[0][axis] for u in right]
        if min(off) > 0 or max(off) < 0:
            power = min(off, key=abs)
            how = "large" if power > 0 else "small"
            return (
                f"{inequality.rhs.expr} has dimension {unit}^{power} too much; with {unit} in a unit t times as {how} "
                f"it is at least t^{abs(power)} times as small beside the left side, so that no constant is enough"
            )
    return None


def _units(side: Formula) -> list[tuple[sp.Expr, sp.Expr]] | None:
    """Return the dimension (F, length) of each term, None unless all are products of powers of symbols with units."""
    found = []
    for term in sp.Add.make_args(sp.expand(side.expr)):
        f = x = sp.Integer(0)
        for base, power in term.as_powers_dict().items():
            unit = symbols.unit_of(base) if base.is_Symbol else (0, 0) if base.is_number else None
            if unit is None or not power.is_Rational:
                return None
            f, x = f + unit[0] * power, x + unit[1] * power
        found.append((f, x))
    return found
