"""The package from Python: check claims, simulate cells, find claims and files, draw results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ratecheck.checks.job import Job, claims_of, evidence_of, run
from ratecheck.checks.question import under
from ratecheck.core import scenario as scenarios
from ratecheck.core import shelf
from ratecheck.core.cell import Cell
from ratecheck.core.claim import Claim
from ratecheck.core.scenario import Scenario
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.verdict import Result
from ratecheck.engine.build import build, of_block
from ratecheck.engine.sweep import Outcome, joined
from ratecheck.engine.sweep import simulate as run_block
from ratecheck.errors import AssumptionError, PartError


def check(
    claims: str | Claim | Sequence[str] = (),
    scenario: str | Scenario = "quick",
    *,
    method: str | None = None,
    stepsize: str | None = None,
    evidence: str | None = None,
    seed: int | None = None,
    threads: int = 1,
    force: bool = False,
) -> list[Result]:
    """Check claims on a scenario and return one result a claim and kind of evidence; nothing is written to disk.

    ``claims`` are names, .py files or one Claim object; none: those of the scenario, or all. Raises RatecheckError
    (a subclass) for bad input. The results do not depend on ``threads``.
    """
    given, folder = scenarios.find(scenario) if isinstance(scenario, str) else (scenario, None)
    if isinstance(claims, Claim):
        chosen = {claims.title: claims}
    else:
        chosen = claims_of([claims] if isinstance(claims, str) else list(claims) or given.claims)
    name = scenario if isinstance(scenario, str) else given.title
    job = Job(
        chosen,
        given,
        name,
        given.seed if seed is None else seed,
        evidence_of(evidence),
        threads,
        method,
        stepsize,
        force,
        folder=folder,
    )
    return run(job)


def simulate(
    cell: Cell, *, seed: int = 1, replicates: int = 8, method: str = "async_sgd", scheduler: str = "async",
    stepsize: str | Stepsize = "constant", block: int = 0, strict: bool = False,
) -> Outcome:  # fmt: skip
    """Simulate ``replicates`` runs of a cell and return measured arrays (R,) by name, averages and last iterates.

    Where delays look at samples every run has a schedule of its own; ``block`` then counts groups of ``replicates``.
    """
    built = build(cell, seed, method=method, scheduler=scheduler, stepsize=stepsize)
    if not built.own_schedules:
        return run_block(built, block, replicates, strict=strict)
    numbers = range(block * replicates, (block + 1) * replicates)
    return joined([run_block(of_block(built, i), i, 1, strict=strict) for i in numbers])


def exact_moments(
    claim: str | Claim, cell: Cell, *, seed: int = 1, rational: bool = False
) -> dict[str, dict[str, Any]]:
    """Return both sides of every inequality of a claim on one cell, without sampling error.

    For quadratics, additive noise and methods linear in the gradients. Each inequality has ``lhs``, ``rhs``, ``ratio``
    and ``verdict``; ``rational=True`` computes in Fractions (small cells). Raises CapabilityError where it does not
    apply and AssumptionError where the claim does not, with the reason.
    """
    from ratecheck.checks.moments import check_moments
    from ratecheck.checks.preconditions.preconditions import contradiction, unlawful

    found: Claim = shelf.claim(claim) if isinstance(claim, str) else claim
    here = under(cell, found, None, None)
    built = build(here, seed, method=found.method, scheduler=found.scheduler, stepsize=found.stepsize,
                  growth=found.growth)  # fmt: skip
    fault = next(iter(found.failing(built.facts)), None) or contradiction(built) or unlawful(built)
    if fault:
        raise AssumptionError(f"{found.title!r} does not apply to this cell: {fault}.")
    return check_moments(found, built, exact=rational)


def claim(name: str) -> Claim:
    """Return a claim by name ('mishchenko2022.theorem3_convex') or from a .py file."""
    found: Claim = shelf.claim(name)
    return found


def load(path: str | Path) -> Any:
    """Return what a file holds: a Scenario (.toml), a Trace (.csv), a Witness (.json), or the part of a .py file.

    Raises PartError for a .py file with none or several of CLAIM, METHOD, STEPSIZE, PROBLEM, NOISE, DELAYS, SCHEDULER.
    """
    path = Path(path)
    if path.suffix == ".toml":
        return scenarios.load(path)
    if path.suffix == ".csv":
        from ratecheck.core.trace import read

        return read(path)
    if path.suffix == ".json":
        from ratecheck.core.witness import Witness

        return Witness.load(path)
    module = shelf.load_file(path)
    found = [getattr(module, s.attribute) for s in shelf.SHELVES.values() if hasattr(module, s.attribute)]
    if len(found) != 1:
        kinds = ", ".join(s.attribute for s in shelf.SHELVES.values())
        raise PartError(f"{path} holds {len(found)} parts; it should export one of {kinds}.")
    return found[0]


def plot(result: Result, folder: str | Path) -> list[Path]:
    """Draw a Monte Carlo result into a folder (PDF, SVG, PNG, and the CSV behind each); return the files."""
    from ratecheck.report import plots

    return plots.save(result.as_json(), Path(folder))
