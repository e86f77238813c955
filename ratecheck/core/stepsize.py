"""Stepsize: the smallest of several named branches, in the delay tau, the step k and declared constants."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy as sp

from ratecheck.core.formula import Formula
from ratecheck.core.symbols import OF_SCHEDULE, K, k
from ratecheck.errors import FormulaError

UNIT = (-1, 2)
#: the usual drops of training: 1 in the first half of a run, then 1/10, and 1/100 in the last quarter
DROPS = sp.Piecewise((1, 2 * k <= K), (sp.Rational(1, 10), 4 * k <= 3 * K), (sp.Rational(1, 100), True))


@dataclass(frozen=True, init=False)
class Stepsize:
    """The rule gamma(k, tau): the minimum of named branches.

    ``Stepsize(delay=1/(4*L*tau), cap=1/(4*M*L), noise=B/(sigma*sqrt(K)))``. A branch whose denominator vanishes
    (sigma = 0) is absent. Names matter: the rate check splits cells by the active branch.
    """

    branches: Mapping[str, Formula]
    #: numbers of the method that come with a constant stepsize, as formulas in the letter ``stepsize`` and constants
    chosen: Mapping[str, Formula]

    def __init__(self, **branches: Any) -> None:
        if not branches:
            raise FormulaError("a Stepsize needs at least one named branch: Stepsize(cap=1/(4*M*L)).")
        object.__setattr__(self, "branches", {name: Formula(e) for name, e in branches.items()})
        object.__setattr__(self, "chosen", {})

    def choosing(self, **numbers: Any) -> Stepsize:
        """Return the rule of a theorem that chooses numbers of its method, too: ``choosing(beta=4 * L * stepsize)``.

        A cell may then not declare them. Raises FormulaError where the stepsize is no constant, or for a formula that
        has the number itself.
        """
        varying = {n for f in self.branches.values() for n in f.names} & {"k", "tau", "stepsize", *OF_SCHEDULE}
        if varying:
            raise FormulaError(f"numbers of a method come with a constant stepsize, and this one uses {min(varying)}.")
        rule, formulas = copy(self), {name: Formula(e) for name, e in numbers.items()}
        used = {n for f in (*formulas.values(), *self.branches.values()) for n in f.names}
        if clash := used & {*formulas, "k", "tau", *OF_SCHEDULE}:
            raise FormulaError(
                f"{', '.join(formulas)}: chosen with the stepsize, by constants alone, not {min(clash)}."
            )
        object.__setattr__(rule, "chosen", formulas)
        return rule

    def numbers(self, constants: Mapping[str, Any]) -> dict[str, float]:
        """Return the numbers that the rule chooses for these constants. Raises FormulaError for a missing one."""
        if not self.chosen:
            return {}
        at = {**constants, "stepsize": min(f.value(constants) for f in self.present(constants).values())}
        return {name: f.value(at) for name, f in self.chosen.items()}

    def present(self, constants: Mapping[str, Any]) -> dict[str, Formula]:
        """Return the branches that exist for these constants (finite: no vanishing denominator)."""
        zero = {n for n, v in constants.items() if isinstance(v, int | float | Fraction) and v == 0}
        found = {}
        for name, formula in self.branches.items():
            if zero & set(formula.names):
                gone = [s for s in formula.expr.free_symbols if s.name in zero]
                if formula.expr.subs(dict.fromkeys(gone, 0)).has(sp.oo, sp.zoo, sp.nan):
                    continue
            found[name] = formula
        if not found:
            raise FormulaError(
                f"no branch of the stepsize exists: the denominators of {', '.join(self.branches)} vanish."
            )
        return found

    def table(
        self, k: npt.NDArray[np.int64], tau: npt.NDArray[np.int64], constants: Mapping[str, Any]
    ) -> npt.NDArray[np.float64]:
        """Return gamma for steps ``k`` and delays ``tau`` (int64 arrays of one shape), float64 of that shape.

        A rule that does not look at ``k`` is computed once a delay. Raises FormulaError when a value is not finite.
        """
        present = self.present(constants)
        if any("k" in f.names for f in present.values()):
            gamma = self._least(present, k, tau, constants)
        else:
            longest = int(tau.max(initial=1))
            delays = np.arange(1, longest + 1, dtype=np.int64)
            gamma = self._least(present, delays, delays, constants)[tau - 1]
        if not np.all(np.isfinite(gamma)):
            raise FormulaError("the stepsize is not finite for these constants; look at its denominators.")
        return gamma

    def active(self, tau: int, constants: Mapping[str, Any]) -> str:
        """Return the name of the smallest branch at delay ``tau`` (and k = K)."""
        at = {**constants, "tau": tau, "k": constants.get("K")}
        values = {name: f.value(at) for name, f in self.present(constants).items()}
        return min(values, key=lambda name: values[name])

    def exact(self, k: int, tau: int, constants: Mapping[str, Any]) -> sp.Expr:
        """Return gamma(k, tau) exactly, as a sympy number."""
        at = {**constants, "tau": tau, "k": k}
        return sp.Min(*(f.exact(at) for f in self.present(constants).values()))

    def dimension_faults(self) -> list[str]:
        """Return a sentence for every branch without the unit x^2/F of a stepsize; chosen numbers have none."""
        faults = [f"branch {n!r}: {fault}" for n, f in self.branches.items() for fault in f.dimension_faults(UNIT)]
        return faults + [f"chosen {n}: {fault}" for n, f in self.chosen.items() for fault in f.dimension_faults((0, 0))]

    def latex(self) -> str:
        """Return the rule in LaTeX."""
        inner = r",\ ".join(f.latex() for f in self.branches.values())
        return inner if len(self.branches) == 1 else rf"\min\left\{{{inner}\right\}}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    @staticmethod
    def _least(
        present: Mapping[str, Formula],
        k: npt.NDArray[np.int64],
        tau: npt.NDArray[np.int64],
        constants: Mapping[str, Any],
    ) -> npt.NDArray[np.float64]:
        at = {**constants, "tau": tau, "k": k}
        least: npt.NDArray[np.float64] = np.min(
            [np.broadcast_to(f.table(at), tau.shape) for f in present.values()], axis=0
        )
        return least
