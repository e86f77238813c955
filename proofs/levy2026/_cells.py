"""Cells of the upper bounds, by delay policy: what a check runs beside those of any scenario. Small, most of a second.

Delays are decided by the largest policy that a theorem covers, most by rules that see every sample in flight. Where a
theorem has an independent policy, they are the blind twins of those: the same law of delays, and nothing to look at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ratecheck.core.cell import Cell
from ratecheck.core.part import Part

#: delays, and noise for them to look at
Looks = Sequence[tuple[Part, Part]]

GAUSSIAN, STUDENT_T, SIGNS = Part("gaussian"), Part("student_t", {"df": 5}), Part("rademacher")
#: large in one direction, and not often
RARE = Part("two_point", {"p": "1/20"})
PARKED = Part("parked", {"above": 1, "wait": 64})
#: likewise, and back soon: no delay is above ``wait`` + M, as the part declares
WAIT = 8
SHORT = Part("parked", {"above": 1, "wait": WAIT})

RULES: Looks = ((Part("smallest_first"), RARE), (Part("push_out"), GAUSSIAN))
#: noise has a largest length
RULES_BOUNDED: Looks = ((Part("smallest_first"), RARE), (Part("push_out"), SIGNS))
RULES_CAPPED: Looks = ((SHORT, RARE), (SHORT, GAUSSIAN))
#: both laws are symmetric
SIZES: Looks = tuple((Part("slow_large", {"above": 1.5, "factor": 50}), noise) for noise in (GAUSSIAN, STUDENT_T))
BLIND: Looks = ((Part("smallest_first", {"blind": 1}), RARE), (Part("push_out", {"blind": 1}), GAUSSIAN))
#: noise with a known moment of order r = 2 + excess; of Student's t there are those with r < 5. ``sigma_r`` is not
#: declared: it is computed from the law
LAWS = ((GAUSSIAN, 2.0), (STUDENT_T, 2.5), (RARE, 4.0))

#: of the convex theorems: workers, steps, sigma; the largest delay of SHORT. The bound is below the trivial one
FEW, STEPS, LOUD = 4, 1024, 2.0
CONVEX_CAP = WAIT + FEW
#: of ordered momentum, likewise; both problems have L = 1. Profile quick has neither: its slopes stay what they are
MANY, LEVEL = 8, 1.0
CAP = WAIT + MANY
PROBLEMS = (Part("quadratic", {"dimension": 4, "condition": 100}), Part("rational_well", {"radius": 2}))
#: the largest that the theorems allow: beta = 1/(8M) and stepsize = beta/(4L)
LARGEST = {"beta": 1 / (8 * MANY), "stepsize": 1 / (32 * MANY)}


def convex(looks: Looks, **constants: float) -> tuple[Cell, ...]:
    """Return cells of asynchronous mu^2-SGD, with what they declare."""
    return tuple(
        Cell(Part("huber"), noise, delays, M=FEW, K=STEPS, sigma=LOUD, output="last", constants=constants)
        for delays, noise in looks
    )


def momentum(looks: Looks, **constants: float) -> tuple[Cell, ...]:
    """Return cells of ordered momentum, with what they declare."""
    return tuple(
        Cell(problem, noise, delays, M=MANY, K=STEPS, sigma=LEVEL, output="uniform", constants=constants)
        for problem in PROBLEMS for delays, noise in looks
    )  # fmt: skip


def with_moments(make: Callable[..., tuple[Cell, ...]], **constants: float) -> tuple[Cell, ...]:
    """Return the cells that ``make`` makes of the laws whose moments are known; delays park their large values."""
    return tuple(
        cell for noise, excess in LAWS for cell in make(((PARKED, noise),), excess=excess, **constants)
    )  # fmt: skip
