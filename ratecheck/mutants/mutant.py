"""Mutant: one planted lie, as data."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ratecheck.core.claim import Claim
from ratecheck.core.schedule import Weighted

#: where the files lie that mutants bring along
FOLDER = Path(__file__).parent

Grid = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Mutant:
    """A claim with one thing changed, a small grid on which to look at it, and the layers that must catch it.

    What is changed is one of: the ``method`` or ``stepsize`` (the stem of a file of this package), the claim itself
    (``change``), the output ``weights`` of the engine, or a part of the ``grid`` (``declared`` is merged into it). The
    grids are those of a scenario; ``cases`` are the (M, K) of which all arrival orders are enumerated. ``caught_by``
    is empty for an equivalent mutant: the same thing in other words, which nothing may catch.
    """

    name: str
    kind: str
    claim: str
    lie: str
    grid: tuple[Grid, ...]
    caught_by: tuple[str, ...]
    method: str | None = None
    stepsize: str | None = None
    change: Callable[[Claim], Claim] | None = None
    weights: Callable[[Weighted], Weighted] | None = None
    declared: Grid | None = None
    cases: tuple[tuple[int, int], ...] = ((2, 6), (3, 4))

    @property
    def equivalent(self) -> bool:
        """True when the mutant is declared to be no lie."""
        return not self.caught_by

    @property
    def files(self) -> dict[str, str]:
        """Paths of the files it brings along, by role: method, stepsize."""
        folders = (("method", "kernels", self.method), ("stepsize", "rules", self.stepsize))
        return {role: str(FOLDER / where / f"{stem}.py") for role, where, stem in folders if stem}

    @property
    def forced(self) -> bool:
        """True when its grids declare a G that gradients do not have, so that one term is left: run all the same."""
        return any("G" in grid.get("constants", {}) for grid in self.grid)

    @property
    def lied(self) -> tuple[Grid, ...]:
        """The grids with what is falsely declared."""
        return tuple({**grid, **(self.declared or {})} for grid in self.grid)


def all_mutants() -> list[Mutant]:
    """Return the mutants of every table of this package, found by being there."""
    found: list[Mutant] = []
    for module in pkgutil.iter_modules([str(FOLDER)]):
        if not module.ispkg:
            found += getattr(importlib.import_module(f"{__package__}.{module.name}"), "MUTANTS", ())
    return found
