"""Is a stepsize the claim's? Compared number by number on the (k, tau) that the scenario's schedules meet."""

from __future__ import annotations

import numpy as np

from ratecheck.checks.question import Asked, under
from ratecheck.core import shelf
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.verdict import Result, Verdict
from ratecheck.core.witness import Witness
from ratecheck.engine.build import build
from ratecheck.errors import RatecheckError

#: two ways to round the same formula may differ by this much, relatively
ULPS = 8 * 2.0**-52


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
            n = int(wrong[0])
            active = own.active(int(tau[n]), built.constants)
            found = {
                "k": int(k[n]),
                "tau": int(tau[n]),
                "given": float(given[n]),
                "claim": float(right[n]),
                "branch": active,
            }
            summary = (
                f"stepsize {asked.stepsize!r} is not the claim's: at k = {k[n]}, tau = {tau[n]} it is {given[n]:.6g}, "
                f"where the claim has {right[n]:.6g} (branch {active!r}); first seen in cell {here.label}"
            )
            files = {"stepsize": asked.stepsize} if asked.stepsize.endswith(".py") else {}
            witness = Witness(name, "stepsize", "stepsize", here.as_json(), found, asked.seed, files)
            return Result(
                name,
                asked.scenario,
                "exact",
                Verdict.REFUTED,
                summary,
                claim.expect,
                {"failed": found},
                witness.as_json(),
            )
    if not cells:
        return None
    summary = f"stepsize {asked.stepsize!r} equals the claim's on every delivery of {cells} cells"
    return Result(name, asked.scenario, "exact", Verdict.EXACT, summary, claim.expect, {"stepsize_cells": cells})
