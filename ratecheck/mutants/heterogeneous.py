"""Lies about workers that differ (Theorem 4): its bounds, and how far apart the workers are declared to be."""

from dataclasses import replace
from typing import Any

from sympy import Rational

from ratecheck.core.symbols import zeta
from ratecheck.mutants.bounds import divided, with_term
from ratecheck.mutants.grids import CLOCK, under
from ratecheck.mutants.mutant import Grid, Mutant

THEOREM4 = "mishchenko2022.theorem4"

#: worker 0 alone delivers and leads the model to its own minimiser, where ||grad F|| = zeta: zeta^2 is attained
LONE: dict[str, Any] = {
    "problem": {"name": "heterogeneous_quadratic", "spectrum": [1]}, "noise": "none",
    "delays": {"name": "fixed", "speeds": [1, 1e9]}, "M": 2, "K": 10_000,
}  # fmt: skip
#: a long descent with equal delays: half of the optimisation term is attained (R0; x_0 has no weight under R1)
DESCENT: dict[str, Any] = {
    "problem": {"name": "quadratic", "spectrum": [1]}, "noise": "none", "delays": "round_robin", "M": 4, "K": 1024,
}  # fmt: skip
#: noise so loud that steps are too short to descend: the master inequality is attained up to two percent
SHORT: dict[str, Any] = {
    "problem": {"name": "quadratic", "spectrum": [1]}, "delays": CLOCK, "M": 4, "K": 64, "sigma_over_sqrt_K": 30,
}  # fmt: skip

#: output rule, inequality, term, what its constant is divided by, the grid that feels it
CONSTANTS: tuple[tuple[str, str, str, str, Grid], ...] = (
    ("R1", "bound", "optimisation", "3", DESCENT),
    ("R1", "conditional", "optimisation", "3", DESCENT),
    ("R1", "master", "optimisation", "1.1", SHORT),
    ("R1", "master", "noise", "1.1", SHORT),
    ("R1", "bound", "dissimilarity", "1.02", LONE),
    ("R1", "conditional", "dissimilarity", "1.02", LONE),
    ("R1", "master", "dissimilarity", "1.01", LONE),
    ("R0", "bound", "optimisation", "2", DESCENT),
    ("R0", "conditional", "optimisation", "2", DESCENT),
    ("R0", "master", "optimisation", "1.1", SHORT),
    ("R0", "master", "noise", "1.1", SHORT),
    ("R0", "bound", "dissimilarity", "1.02", LONE),
    ("R0", "conditional", "dissimilarity", "1.02", LONE),
    ("R0", "master", "dissimilarity", "1.01", LONE),
)
#: name, output rule, inequality, what its dissimilarity becomes, in words, what must catch it
TERMS = (
    ("without_zeta", "R1", "bound", lambda t: None, "no zeta^2", "bound"),
    ("half_of_zeta", "R0", "bound", lambda t: t / 2, "zeta^2 / 2", "bound"),
    ("zeta_for_its_square", "R0", "bound", lambda t: t / zeta, "zeta for zeta^2", "dimensions"),
    ("without_zeta", "R0", "master", lambda t: None, "no zeta^2", "master"),
)


def _divided(row: tuple[str, str, str, str, Grid]) -> Mutant:
    """Return the mutant with one constant too small; noise on a quadratic is decided by exact moments."""
    by = "moments" if row[-1] is SHORT else row[1]
    return replace(divided(THEOREM4, *row), caught_by=(by,))


MUTANTS = (
    *(_divided(row) for row in CONSTANTS),
    *(
        Mutant(f"theorem4_{inequality}_{name}", "bound", THEOREM4, lie, under(LONE, output), (by,),
               change=with_term(output, inequality, "dissimilarity", change))
        for name, output, inequality, change, lie, by in TERMS
    ),
    Mutant("theorem4_in_other_words", "bound", THEOREM4, "no lie: 2 zeta^2 halved", under(LONE, "R0"), (),
           change=with_term("R0", "bound", "dissimilarity", lambda t: Rational(1, 2) * (2 * t))),
    Mutant("workers_too_close", "assumption", THEOREM4, "zeta = 0.4 declared where it is 1/2", (LONE,),
           ("preconditions",), declared={"constants": {"zeta": 0.4}}),
)  # fmt: skip
