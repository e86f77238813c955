"""Runs the main job on a small scenario with a planted lie, or with the right version beside it."""

from dataclasses import replace
from pathlib import Path

from ratecheck.checks.job import Job, claims_of, run
from ratecheck.core.scenario import Scenario
from ratecheck.mutants.mutant import FOLDER as MUTANTS

#: claims with a fault are here; methods and stepsizes are those of the battery
FOLDERS = (Path(__file__).parent / "files", MUTANTS / "kernels", MUTANTS / "rules")
THEOREM1, THEOREM3 = "mishchenko2022.theorem1", "mishchenko2022.theorem3_convex"
MINIBATCH = "mishchenko2022.minibatch_convex"

#: sigma = 0 and 1, two numbers of workers, delays that differ: enough for every lie about the algorithm
QUADRATIC = {
    "problem": {"name": "quadratic", "dimension": 4}, "delays": {"name": "exponential", "spread": 4},
    "M": [2, 4], "K": 64, "sigma": [0, 1],
}  # fmt: skip

#: the same on a problem without exact moments: its cells are decided by runs
HUBER = {**QUADRATIC, "problem": {"name": "huber", "dimension": 4}}


def lie(name):
    """Return the path of a planted file."""
    (path,) = (path for folder in FOLDERS if (path := folder / f"{name}.py").is_file())
    return str(path)


def results(claim, *grids, evidence=("exact", "monte-carlo"), replicates=64, kappa=None, bare=False, **more):
    """Return the results of the main job by kind of evidence; a list where there are two of a kind.

    ``bare``: of these grids alone, without the cells that the claim brings.
    """
    settings = {"replicates": replicates, "kappa": kappa}
    data = {"title": "teeth", "exact": {"cases": [[2, 4]]}, "monte_carlo": settings, "grid": grids}
    claims = {name: replace(one, cells=()) if bare else one for name, one in claims_of([claim]).items()}
    job = Job(claims, Scenario.model_validate(data), "teeth", 1, evidence, **more)
    return run(job)


def result(*args, **more):
    """Return the only result."""
    (found,) = results(*args, **more)
    return found
