"""A question put to a claim by simulation: which cells, how; and what is known of each cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ratecheck.core.cell import Cell
from ratecheck.core.claim import POLICIES, Claim, Inequality
from ratecheck.core.scenario import MonteCarlo
from ratecheck.core.symbols import MEASURED, OF_SCHEDULE
from ratecheck.core.verdict import Verdict
from ratecheck.engine.build import Built


@dataclass
class Asked:
    """One Monte Carlo question: a claim on cells, and how."""

    name: str
    claim: Claim
    cells: Sequence[Cell]
    scenario: str
    seed: int
    settings: MonteCarlo
    share: int = 1  #: claims that share alpha
    threads: int = 1
    method: str | None = None
    stepsize: str | None = None
    force: bool = False
    strict: bool = False  #: use the build that is bitwise equal to CPython
    folder: Path | None = None
    progress: Callable[[str, int, int], None] = lambda text, done, total: None

    @property
    def alpha(self) -> float:
        """The part of alpha that this claim may spend."""
        return self.settings.alpha / self.share


@dataclass
class State:
    """What is known about one cell."""

    cell: Cell
    built: Built | None = None
    verdict: Verdict = Verdict.INCONCLUSIVE
    reason: str = ""
    runs: int = 0
    inequalities: dict[str, dict[str, Any]] = field(default_factory=dict)
    identities: dict[str, Any] = field(default_factory=dict)
    exact: dict[str, dict[str, Any]] | None = None  #: what exact moments say of each inequality, where they apply
    sides: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict)  #: left sides by run (n,)
    terms: dict[str, float] = field(default_factory=dict)  #: the named terms of the bound
    open: bool = True  #: may get more runs
    settled: bool = False  #: its bound has a verdict that more runs would not improve
    failed: str = ""
    forced: str = ""  #: the assumption that fails and that --force waives
    unfit: bool = False  #: the reason is one about the method, whatever the cell

    @property
    def errors(self) -> npt.NDArray[np.float64]:
        """The left side of the bound on each run (n,)."""
        return self.sides.get("bound", np.zeros(0))


def under(cell: Cell, claim: Claim, method: str | None, stepsize: str | None) -> Cell:
    """Return the cell as it is run for a claim: with its output rule, and the parts that override the claim's."""
    return replace(
        cell,
        output=cell.output or claim.output,
        method=method or cell.method,
        stepsize=stepsize or cell.stepsize,
    )


def inequalities_of(claim: Claim, built: Built) -> dict[str, Inequality]:
    """Return the inequalities that are looked at in a cell, by name: those that cover the delays of the cell.

    Where every run has a schedule of its own, those that use numbers of the schedule are left out.
    """
    found = claim.outputs[built.cell.output].inequalities()
    far = POLICIES.index(built.policy)
    found = {n: i for n, i in found.items() if not i.policy or far <= POLICIES.index(i.policy)}
    if not built.own_schedules:
        return found
    return {n: i for n, i in found.items() if not {*i.lhs.names, *i.rhs.names} & {*OF_SCHEDULE}}


def wanted_of(claim: Claim) -> tuple[str, ...]:
    """Return the measured quantities that the claim's inequalities use; the output gap always."""
    names = {n for s in claim.outputs.values() for i in s.inequalities().values() for n in i.lhs.names}
    return tuple(n for n in MEASURED if n in names or n == "output_gap")
