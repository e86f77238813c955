"""Is a stepsize the claim's? Compared number by number on the (k, tau) that the scenario's schedules meet."""

from __future__ import annotations

from typing import Any

import numpy as np

from ratecheck.checks.question import Asked, under
from ratecheck.core import shelf
from ratecheck.core.cell import Cell
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.verdict import Result, Verdict
from ratecheck.core.witness import Witness
from ratecheck.engine.build import Built, build
from ratecheck.errors import RatecheckError

#: two ways to round the same formula may differ by this much, relatively
ULPS = 8 * 2.0**-52


def difference(built: Built, own: Stepsize, n: int) -> dict[str, Any]:
    """Return what the cell's stepsize and the claim's say about delivery n (from 0)."""
    schedule = built.weighted.schedule
    k, tau = int(schedule.version[n]), int(schedule.delay[n])
    right = own.table(np.array([k]), np.array([tau]), built.constants)
    return {
        "k": k, "tau": tau, "given": float(built.weighted.gamma[n]), "claim": float(right[0]),
        "branch": own.active(tau, built.constants),
    }  # fmt: skip


def _refuted(asked: Asked, cell: Cell, found: dict[str, Any]) -> Result:
    assert asked.stepsize is not None
    summary = (
        f"stepsize {asked.stepsize!r} is not the claim's: at k = {found['k']}, tau = {found['tau']} it is "
        f"{found['given']:.6g}, where the claim has {found['claim']:.6g} (branch {found['branch']!r}); first seen in "
        f"cell {cell.label}"
    )
    roles = (("stepsize", asked.stepsize), ("claim", asked.name))
    files = {role: file for role, file in roles if file.endswith(".py")}
    witness = Witness(asked.name, "stepsize", "stepsize", cell.as_json(), found, asked.seed, files=files)
    details = {"failed": found}
    return Result(
        asked.name, asked.scenario, "exact", Verdict.REFUTED, summary, asked.claim.expect, details, witness.as_json()
    )


def compare(asked: Asked) -> Result | None:
    """Return REFUTED with the first cell, step and delay where the given stepsize is not the claim's, else EXACT.

    Cells that do not apply are passed over; None when no cell is left or no stepsize was given.
    """
    claim, name = asked.claim, asked.name
    if asked.stepsize is None:
        return None
    own: Stepsize = shelf.STEPSIZES.get(claim.stepsize) if isinstance(claim.stepsize, str) else claim.stepsize
    cells = 0
    for cell in asked.cells:
        here = under(cell, claim, asked.method, asked.stepsize)
        try:
            built = build(
                here, asked.seed, method=claim.method, scheduler=claim.scheduler, stepsize=own, folder=asked.folder
            )
        except RatecheckError:
            continue
        if claim.failing(built.facts):
            continue
        cells += 1
        schedule = built.weighted.schedule
        k, tau = schedule.version[: schedule.horizon], schedule.delay[: schedule.horizon]
        given, right = built.weighted.gamma, own.table(k, tau, built.constants)
        wrong = np.flatnonzero(np.abs(given - right) > ULPS * np.abs(right))
        if len(wrong):
            return _refuted(asked, here, difference(built, own, int(wrong[0])))
    if not cells:
        return None
    summary = f"stepsize {asked.stepsize!r} equals the claim's on every delivery of {cells} cells"
    return Result(name, asked.scenario, "exact", Verdict.EXACT, summary, claim.expect, {"stepsize_cells": cells})
