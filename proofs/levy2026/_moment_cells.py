"""Cells of the theorems on ordered momentum with moments: noise laws whose moment of order r = 2 + excess is known.

Of Student's t with 5 degrees of freedom there are moments up to r < 5; of two points they are large, and delays park
the rare one. ``sigma_r`` is not declared: it is computed from the law.
"""

from __future__ import annotations

from ratecheck.core.cell import Cell
from ratecheck.core.part import Part

WORKERS, STEPS, LEVEL = 8, 1024, 1.0
#: both have L = 1
PROBLEMS = (Part("quadratic", {"dimension": 4, "condition": 100}), Part("rational_well"))
LAWS = ((Part("gaussian"), 2.0), (Part("student_t", {"df": 5}), 2.5), (Part("two_point", {"p": "1/20"}), 4.0))
PARKED = Part("parked", {"above": 1, "wait": 64})


def cells(**constants: float) -> tuple[Cell, ...]:
    """Return the cells, with what else they declare."""
    return tuple(
        Cell(problem=problem, noise=noise, delays=PARKED, M=WORKERS, K=STEPS, sigma=LEVEL, output="uniform",
             constants={"excess": excess, **constants})
        for problem in PROBLEMS for noise, excess in LAWS
    )  # fmt: skip
