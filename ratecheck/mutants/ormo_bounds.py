"""Lies about the theorems of OrMo: constants, powers of M and 1 - beta, and stepsizes that the proofs do not cover."""

from collections.abc import Callable

import sympy as sp

from ratecheck.core.symbols import Delta, G, K, L, M, beta, sigma
from ratecheck.mutants.bounds import short, with_term
from ratecheck.mutants.grids import CLOCK, under
from ratecheck.mutants.mutant import Grid, Mutant

THEOREM1, SHARP, FULL = "ormo2024.theorem1", "ormo2024.theorem1_sharp", "ormo2024.theorem1_full_gradient"
NAIVE, BOUNDED, THEOREM2 = "ormo2024.theorem1_naive", "ormo2024.theorem1_bounded_delay", "ormo2024.theorem2"

#: without noise everything that F has to give is spent: of Delta/(aK) the error has one
QUIET = {
    "problem": {"name": "quadratic", "spectrum": [1]}, "noise": "none", "delays": "round_robin", "M": 4, "K": 2048,
    "constants": {"beta": 0.5},
}  # fmt: skip
#: the same with gradients declared tiny, so that what is in flight costs nothing and the cap is the stepsize
CAPPED = {**QUIET, "constants": {"beta": 0.5, "G": 1e-9}}
#: one worker without momentum: nothing is ever late
ALONE = {**QUIET, "M": 1, "constants": {"beta": 0}}
#: noise so large that its stepsize is the smallest one
NOISY = {
    "problem": {"name": "quadratic", "spectrum": [1]}, "delays": CLOCK, "M": 4, "K": 2048, "sigma": 8,
    "constants": {"beta": 0.5, "G": 1e-9},
}  # fmt: skip
#: a long walk about the minimiser with tiny steps: what is left is the noise, half of L a sigma^2
FLOOR = {
    "problem": {"name": "pseudo_huber", "dimension": 1, "kink": 0.1, "radius": 1e-3}, "noise": "rademacher",
    "delays": CLOCK, "K": 64_000, "sigma": 1,
}  # fmt: skip
TINY_STEPS = {"beta": 0, "stepsize": "1/8000"}
CROWD = {**FLOOR, "M": 16, "constants": TINY_STEPS}
HEAVY = {**FLOOR, "M": 4, "constants": {"beta": 0.9, "stepsize": "1/16000"}}
#: enough workers for a missing M
MANY = {**QUIET, "M": 16, "K": 4096}

#: claim, output rule, inequality, term, what its constant is divided by, the grid that feels it, the layer
CONSTANTS: tuple[tuple[str, str, str, str, str, Grid, str], ...] = (
    (THEOREM1, "uniform", "bound", "optimisation", "9/2", CAPPED, "bound"),
    (THEOREM1, "uniform", "bound", "noise", "6", NOISY, "moments"),
    (THEOREM1, "uniform", "conditional", "optimisation", "9/2", CAPPED, "conditional"),
    (NAIVE, "uniform", "bound", "optimisation", "9/2", CAPPED, "bound"),
    (SHARP, "uniform", "bound", "noise", "3", CROWD, "bound"),
    (FULL, "uniform", "bound", "noise", "3", CROWD, "bound"),
    (BOUNDED, "uniform", "bound", "optimisation", "9/2", ALONE, "bound"),
    (BOUNDED, "uniform", "conditional", "optimisation", "9/2", QUIET, "conditional"),
    (THEOREM2, "R0", "bound", "optimisation", "9", QUIET, "bound"),
    (THEOREM2, "R0", "bound", "noise", "9", {**NOISY, "M": 1}, "moments"),
    (THEOREM2, "R0", "conditional", "optimisation", "9/2", QUIET, "conditional"),
)

#: name, claim, output rule, inequality, term, what it becomes, in words, grid, what must catch it
TERMS = (
    ("noise_over_m", FULL, "uniform", "bound", "noise", lambda t: t / M, "noise divided by M", CROWD, "bound"),
    ("noise_over_m", SHARP, "uniform", "bound", "noise", lambda t: t / M, "noise divided by M", CROWD, "bound"),
    ("noise_without_momentum", FULL, "uniform", "bound", "noise", lambda t: t * (1 - beta), "no 1/(1 - beta)", HEAVY,
     "bound"),
    ("without_m", THEOREM2, "R0", "bound", "optimisation", lambda t: t / M, "no M", MANY, "bound"),
    ("better_power", THEOREM2, "R0", "bound", "optimisation", lambda t: t * sp.sqrt(M / K), "(M/K)^(3/2) for M/K", MANY,
     "bound"),
    ("noise_over_k", THEOREM2, "R0", "bound", "noise", lambda t: t / sp.sqrt(K), "K for sqrt(K)", NOISY, "moments"),
    ("without_noise", THEOREM1, "uniform", "bound", "noise", lambda t: None, "no noise term", NOISY, "moments"),
    ("gap_squared", THEOREM1, "uniform", "bound", "optimisation", lambda t: t * Delta, "Delta^2 for Delta", CAPPED,
     "dimensions"),
    ("slope_squared", SHARP, "uniform", "bound", "in_flight", lambda t: t / G, "G for G^2", CROWD, "dimensions"),
    ("variance_rooted", BOUNDED, "uniform", "conditional", "noise", lambda t: t / sigma, "sigma for sigma^2", NOISY,
     "dimensions"),
    ("smoothness_forgotten", THEOREM2, "R0", "conditional", "in_momentum", lambda t: t / L, "no L", NOISY,
     "dimensions"),
)  # fmt: skip

#: name of the rule, the theorem, what it does, grid, what must catch it
RULES = (
    ("ormo_without_m", THEOREM2, "no M in the cap: the condition on the stepsize forgets the workers",
     {**MANY, "constants": {"beta": 0}}, ("stepsize", "bound")),
    ("ormo_without_beta", THEOREM2, "1 - beta for its square in the cap", QUIET, ("stepsize",)),
    ("ormo_half_the_workers", THEOREM2, "threshold M for 2M", {**QUIET, "M": 4, "delays": CLOCK}, ("stepsize",)),
)  # fmt: skip


def over(factor: str) -> Callable[[sp.Expr], sp.Expr | None]:
    """Return what divides a term by a number."""
    return lambda term: term / sp.Rational(factor)


MUTANTS = (
    *(
        Mutant(
            f"ormo_{short(claim)}_{inequality}_{term}", "bound", claim, f"the {term} term divided by {factor}",
            under(grid, output), (by,),
            change=with_term(output, inequality, term, over(factor)),
        )
        for claim, output, inequality, term, factor, grid, by in CONSTANTS
    ),
    *(
        Mutant(
            f"ormo_{short(claim)}_{inequality}_{name}", "bound", claim, lie, under(grid, output), (by,),
            change=with_term(output, inequality, term, change),
        )
        for name, claim, output, inequality, term, change, lie, grid, by in TERMS
    ),
    Mutant(
        "full_slope_too_small", "assumption", FULL, "G_F = 1/20 declared where it is 1/10", under(CROWD, "uniform"),
        ("preconditions",), declared={"constants": {**TINY_STEPS, "G_F": 0.05}},
    ),
    *(
        Mutant(name, "stepsize", claim, lie, (grid,), by, stepsize=name, cases=((2, 4),))
        for name, claim, lie, grid, by in RULES
    ),
)  # fmt: skip
