"""How tight are the theorems? ``python -m benchmarks.tightness [CLAIM ...]``: the smallest bound over measured.

Claims with a bound on the quick scenario. Measured is the mean plus 3.1 standard errors where it was sampled, and exact
where moments or a run without noise decide. Apart: cells in which the problem is chosen as hard as the schedule allows
(the kink of the Huber loss at B/W); and the master inequality, which the final bound is derived from, where it is
decided without sampling error, since it is nearly attained. Prints a markdown table, about 2 minutes on two cores; exit
code 1 when a ratio is below 1.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Mapping
from typing import Any

from ratecheck.checks.job import Job, claims_of, run
from ratecheck.core.scenario import find

#: standard errors added to a mean: one in a thousand, one-sided
ERRORS = 3.1
SHARP = "B_over_W"


def ratio(side: Mapping[str, Any]) -> float:
    """Return the bound over what was measured, after ``ERRORS`` standard errors."""
    top = float(side["lhs"]) + ERRORS * float(side.get("se") or 0.0)
    return float(side["rhs"]) / top if top > 0 else math.inf


def smallest(cells: Iterable[Mapping[str, Any]], what: str, sampled: bool = True) -> tuple[float, str]:
    """Return the smallest ratio of an inequality over cells, and which cell it is; ``sampled``: those with an error."""
    sides = [(c["inequalities"][what], c["label"]) for c in cells if what in c.get("inequalities", {})]
    return min(((ratio(side), label) for side, label in sides if sampled or not side.get("se")), default=(math.inf, ""))


def row(name: str, cells: list[Mapping[str, Any]]) -> str:
    """Return a line of the table."""
    sharp = [c for c in cells if SHARP in c["problem"]]
    rest = [c for c in cells if SHARP not in c["problem"]]
    numbers = [smallest(rest, "bound")[0], smallest(sharp, "bound")[0], smallest(cells, "master", sampled=False)[0]]
    told = ["-" if math.isinf(x) else f"{x:.4g}" for x in numbers]
    return f"| {name} | {len(cells)} | {' | '.join(told)} | {smallest(rest, 'bound')[1]} |"


def main() -> int:
    """Print the table and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tightness", description=__doc__)
    parser.add_argument("claims", nargs="*", help="names of claims (default: all that hold and have a bound)")
    scenario, folder = find("quick")
    asked = claims_of(parser.parse_args().claims)
    true = {name: claim for name, claim in asked.items() if claim.expect == "holds" and claim.outputs}
    results = run(Job(true, scenario, "quick", scenario.seed, evidence=("monte-carlo",), threads=2, folder=folder))
    print("| claim | cells | smallest bound/measured | on sharp instances | master | where |")
    print("|---|---|---|---|---|---|")
    worst = math.inf
    for result in results:
        cells = [c for c in result.details.get("cells", ()) if c.get("inequalities")]
        worst = min(worst, smallest(cells, "bound")[0], smallest(cells, "master", sampled=False)[0])
        print(row(result.claim, cells))
    print(f"\nsmallest of all: {worst:.6f}")
    return 0 if worst >= 1 else 1


if __name__ == "__main__":
    raise SystemExit(main())
