"""Constants that are declared by hand in a search: with room, and those that a claim leaves open, up to their limits.

A theorem must bear a larger L, a larger B, a smaller mu than the objective's. And where it holds for every beta up to
1/(8M), or every stepsize up to beta/(4L), such a number is searched from its limit down. Bounds on all arrival orders
are looked at with these limits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ratecheck.core import shelf
from ratecheck.core.cell import Cell
from ratecheck.core.claim import Claim
from ratecheck.core.formula import Formula
from ratecheck.core.keys import key_of
from ratecheck.core.part import number
from ratecheck.core.symbols import K
from ratecheck.engine.build import DERIVED
from ratecheck.errors import RatecheckError

#: which way a constant may be declared with room: as a larger number, or as a smaller one
LOOSE: Mapping[str, float] = {"L": 1.0, "B": 1.0, "mu": -1.0}
#: constants are declared with room up to this power of 10
ROOM = 6.0
#: numbers that are left open go down from their limits by this power of 10
DOWN = 3.0
#: the part of a coordinate that stands for 'as it is': no room, the limit itself, the default of a parameter
PLAIN = 0.2
#: a number that is below its limit is so by this part of it
BELOW = 1e-6
#: numbers that are chosen by who runs the method, not by the objective
CHOSEN = frozenset({"beta", "stepsize", "rho"})
#: what a cell may declare without an assumption that limits it, and what it is worth at most
FREE: Mapping[str, Any] = {"tau_cap": K, "excess": 2}


@dataclass(frozen=True)
class Open:
    """A number that a claim leaves open, and the formulas that it is at most, or below."""

    name: str
    limits: tuple[tuple[Formula, bool], ...]

    def value(self, known: Mapping[str, Any], at: float) -> float | None:
        """Return the number at a coordinate in [0, 1], rounded down; None where a limit is not known."""
        tops = []
        for formula, strict in self.limits:
            if any(known.get(n) is None for n in formula.names):
                return None
            tops.append(formula.value(known) * (1 - BELOW * strict))
        down = max(0.0, at - PLAIN) / (1 - PLAIN)
        found = min(tops) * 10 ** (-DOWN * down)
        return short(found, -1.0) if found > 0 and math.isfinite(found) else None


def letters(claim: Claim) -> set[str]:
    """Return the names of all constants that the claim's stepsize and inequalities use."""
    rule = shelf.STEPSIZES.get(claim.stepsize) if isinstance(claim.stepsize, str) else claim.stepsize
    found = {n for f in rule.branches.values() for n in f.names}
    sides = [i for s in claim.outputs.values() for i in s.inequalities().values()]
    return found | {n for i in sides for n in (*i.lhs.names, *i.rhs.names)}


def open_of(claim: Claim, used: set[str]) -> tuple[Open, ...]:
    """Return the numbers that a claim leaves open: those with a limit among its assumptions, and the free ones."""
    limits: dict[str, list[tuple[Formula, bool]]] = {}
    for one in claim.assumptions:
        if one.says is not None:
            left, right, strict = one.says
            if str(left) in CHOSEN:
                limits.setdefault(str(left), []).append((Formula(right), strict))
    for name, limit in FREE.items():
        if name in used:
            limits.setdefault(name, [(Formula(limit), False)])
    return tuple(Open(name, tuple(found)) for name, found in limits.items())


def declared(cell: Cell, method: str, loose: Mapping[str, float], opened: Mapping[Open, float]) -> dict[str, float]:
    """Return the constants of a cell beside its own: ``loose`` and ``opened`` are coordinates in [0, 1]."""
    chosen = {n: (at - 2 * PLAIN) / (1 - 2 * PLAIN) for n, at in loose.items() if at > 2 * PLAIN}
    if not (chosen or opened) or any(v in DERIVED for v in cell.problem.par.values() if isinstance(v, str)):
        return {}
    true = _true(cell)
    found = {n: short(true[n] * 10 ** (LOOSE[n] * ROOM * at), LOOSE[n]) for n, at in chosen.items()
             if true.get(n) and math.isfinite(true[n])}  # fmt: skip
    own = {n: number(v, n) for n, v in shelf.METHODS.get(method).par.items() if v is not None}
    left = {one: at for one, at in opened.items() if one.name not in cell.constants}
    known = {**own, **true, **cell.constants, **found}
    for one in left:
        known.pop(one.name, None)
    while ready := {one: value for one, at in left.items() if (value := one.value(known, at)) is not None}:
        for one, value in ready.items():
            found[one.name] = known[one.name] = value
            del left[one]
    return found


def _true(cell: Cell) -> dict[str, Any]:
    """Return the constants of the objective as it is, and M and K. Raises a RatecheckError where there is none."""
    known = {"M": cell.M, "K": cell.K, "seed": 0}
    problem = shelf.PROBLEMS.get(cell.problem.name)
    instance = problem.instance(cell.problem.par, known, key_of("problem", cell.problem.name))
    gap = instance.start - instance.minimiser
    return {**instance.constants, "B": float(np.sqrt(gap @ gap)), "M": cell.M, "K": cell.K}


def short(value: float, outward: float = 0.0) -> float:
    """Return the number with three digits; rounded up (``outward`` > 0) or down (< 0) where that matters."""
    found = float(f"{value:.3g}")
    if outward and (found - value) * outward < 0:
        unit = 10.0 ** (math.floor(math.log10(value)) - 2)
        found = float(f"{found + outward * unit:.3g}")
    return found


def plainly(cell: Cell, method: str, opened: tuple[Open, ...]) -> dict[str, float]:
    """Return the open numbers of a cell at their limits; none where the objective cannot be made."""
    try:
        return declared(cell, method, {}, dict.fromkeys(opened, 0.0))
    except RatecheckError:
        return {}
