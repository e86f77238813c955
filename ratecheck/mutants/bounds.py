"""Lies about bounds: every constant that runs can feel, divided by a little more than what sharp instances leave.

``CONSTANTS`` is also a table of our sight: a constant that is wrong by less than the factor would be missed. The noise
terms of the conditional bounds are not in it: no instance is known on which the error exceeds the other term.
"""

from collections.abc import Callable
from dataclasses import replace

import sympy as sp
from sympy import sqrt

from ratecheck.core.claim import Claim, Inequality
from ratecheck.core.formula import Formula
from ratecheck.core.symbols import B, G, K, L, M, Q, W, sigma
from ratecheck.mutants.grids import (
    AIMLESS,
    CLOCK,
    FLAT,
    HARDEST,
    HARDEST_ALONE,
    LOUD,
    MINIBATCH,
    MODULUS,
    THEOREM1,
    THEOREM3,
    under,
)
from ratecheck.mutants.mutant import Grid, Mutant

LITERAL = {**HARDEST, "delays": CLOCK}
ALONE = {**HARDEST_ALONE, "delays": CLOCK}
EDGE = {**MODULUS, "problem": "asymmetric_abs"}
LOUDER = {**LOUD, "sigma_over_sqrt_K": 0.5}
#: one round, whose output is the start: the bound of minibatch SGD is attained
ONE_ROUND = {
    "problem": {"name": "quadratic", "spectrum": [1]}, "noise": "none", "delays": CLOCK, "M": 4, "K": 4,
}  # fmt: skip

#: claim, output rule, inequality, term, what its constant is divided by, the grid that feels it
CONSTANTS: tuple[tuple[str, str, str, str, str, Grid], ...] = (
    (THEOREM3, "R1", "bound", "optimisation", "9/8", HARDEST),
    (THEOREM3, "R1", "bound", "noise", "10", LOUD),
    (THEOREM3, "R1", "conditional", "optimisation", "1.01", HARDEST_ALONE),
    (THEOREM3, "R1", "master", "optimisation", "1.001", FLAT),
    (THEOREM3, "R1", "master", "noise", "1.001", FLAT),
    (THEOREM3, "R0", "bound", "optimisation", "9/8", HARDEST),
    (THEOREM3, "R0", "bound", "noise", "7", LOUD),
    (THEOREM3, "R0", "conditional", "optimisation", "1.01", HARDEST_ALONE),
    (THEOREM3, "R0", "master", "optimisation", "1.001", FLAT),
    (THEOREM3, "R0", "master", "noise", "1.001", FLAT),
    (THEOREM3, "RL", "bound", "optimisation", "5/2", LITERAL),
    (THEOREM3, "RL", "bound", "noise", "20", LOUDER),
    (THEOREM3, "RL", "conditional", "optimisation", "1.01", ALONE),
    (THEOREM3, "RL", "master", "optimisation", "1.001", FLAT),
    (THEOREM3, "RL", "master", "noise", "1.001", FLAT),
    (THEOREM1, "R1", "bound", "value", "5", EDGE),
    (THEOREM1, "R1", "conditional", "start", "5", EDGE),
    (THEOREM1, "R1", "conditional", "in_flight", "5", EDGE),
    (THEOREM1, "R1", "master", "start", "1.2", MODULUS),
    (THEOREM1, "R1", "master", "in_flight", "1.2", MODULUS),
    (MINIBATCH, "R0", "bound", "optimisation", "1.001", ONE_ROUND),
    (MINIBATCH, "R0", "bound", "noise", "4", LOUD),
    (MINIBATCH, "R0", "conditional", "optimisation", "1.001", ONE_ROUND),
    (MINIBATCH, "R0", "master", "optimisation", "1.001", FLAT),
    (MINIBATCH, "R0", "master", "noise", "1.001", FLAT),
)


def with_term(
    output: str, inequality: str, term: str, change: Callable[[sp.Expr], sp.Expr | None]
) -> Callable[[Claim], Claim]:
    """Return what replaces one term of the right side of one inequality; None drops it."""

    def changed(claim: Claim) -> Claim:
        statement = claim.outputs[output]
        true = statement.inequalities()[inequality]
        terms = {**true.rhs.terms, term: change(true.rhs.terms[term])}
        kept = Formula(**{n: t for n, t in terms.items() if t is not None})
        false = replace(statement, **{inequality: Inequality(true.lhs, kept, policy=true.policy)})
        return replace(claim, outputs={**claim.outputs, output: false})

    return changed


def short(claim: str) -> str:
    """Return the name of a claim for tables."""
    return claim.split(".")[-1].removesuffix("_convex")


def divided(claim: str, output: str, inequality: str, term: str, factor: str, grid: Grid) -> Mutant:
    """Return the mutant with one constant too small."""
    name = f"{short(claim)}_{output}_{inequality}_{term}".lower()
    change = with_term(output, inequality, term, lambda t: t / sp.Rational(factor))
    lie = f"the {term} term divided by {factor}"
    by = "moments" if grid is FLAT else inequality
    return Mutant(name, "bound", claim, lie, under(grid, output), (by,), change=change)


#: the swing of the model across the kink of Theorem 1, with enough workers to feel a missing sqrt(M)
SWING = {"problem": "asymmetric_abs", "noise": "none", "delays": "round_robin", "M": 64, "K": 6400}
#: enough workers and steps for a noise term that is wrong by sqrt(M)
MANY = {**LOUD, "M": 64, "K": 64_000}
NOISY = under(LOUD, "R1")

#: name, claim, output rule, inequality, term, what it becomes, in words, grids, what must catch it
TERMS = (
    ("without_m", THEOREM3, "R1", "bound", "optimisation", lambda t: t / M, "no M", under(HARDEST, "R1"), "bound"),
    ("root_of_m", THEOREM3, "R1", "bound", "optimisation", lambda t: t / sqrt(M), "sqrt(M) for M",
     under(HARDEST, "R1"), "bound"),
    ("better_power", THEOREM3, "R1", "bound", "optimisation", lambda t: t * sqrt(M / K), "(M/K)^(3/2) for M/K",
     under(HARDEST, "R1"), "bound"),
    ("without_noise", THEOREM3, "R1", "bound", "noise", lambda t: None, "no noise term", NOISY, "bound"),
    ("noise_over_k", THEOREM3, "R1", "bound", "noise", lambda t: t / sqrt(K), "K for sqrt(K)", NOISY, "bound"),
    ("noise_by_root_of_m", THEOREM3, "R1", "bound", "noise", lambda t: t / sqrt(M), "noise divided by sqrt(M)",
     under(MANY, "R1"), "bound"),
    ("without_noise", THEOREM3, "R1", "master", "noise", lambda t: None, "no noise term", under(FLAT, "R1"), "moments"),
    ("noise_not_summed", THEOREM3, "R1", "master", "noise", lambda t: t / K, "one square for the sum of squares",
     under(FLAT, "R1"), "moments"),
    ("noise_unseen", THEOREM3, "R1", "master", "noise", lambda t: None, "no noise term", under(AIMLESS, "R1"),
     "master"),
    ("noise_once", MINIBATCH, "R0", "master", "noise", lambda t: t / M, "the noise of M workers counted once",
     under(AIMLESS, "R0"), "master"),
    ("factor_1.1", THEOREM3, "R1", "master", "optimisation", lambda t: t * sp.Rational(10, 11), "a factor 1.1 missing",
     under(HARDEST_ALONE, "R1"), "master"),
    ("without_root_of_m", THEOREM1, "R1", "bound", "value", lambda t: t / sqrt(M), "no sqrt(M)", (SWING,), "bound"),
    ("without_m", MINIBATCH, "R0", "bound", "optimisation", lambda t: t / M, "no M", under(ONE_ROUND, "R0"), "bound"),
    ("without_noise", MINIBATCH, "R0", "bound", "noise", lambda t: None, "no noise term", under(LOUD, "R0"), "bound"),
    ("noise_without_m", MINIBATCH, "R0", "master", "noise", lambda t: t / M, "the noise of M workers counted once",
     under(FLAT, "R0"), "moments"),
    ("sigma_squared", THEOREM3, "R1", "bound", "noise", lambda t: t * sigma, "sigma^2 for sigma", NOISY, "dimensions"),
    ("sigma_for_its_square", THEOREM3, "R1", "master", "noise", lambda t: t / sigma, "sigma for sigma^2", NOISY,
     "dimensions"),
    ("smoothness_squared", THEOREM3, "R1", "bound", "optimisation", lambda t: t * L, "L^2 for L", NOISY, "dimensions"),
    ("distance_not_squared", THEOREM3, "R1", "bound", "optimisation", lambda t: t / B, "B for B^2", NOISY,
     "dimensions"),
    ("not_divided_by_w", THEOREM3, "R1", "conditional", "noise", lambda t: t * W, "no 1/W", NOISY, "dimensions"),
    ("lipschitz_squared", THEOREM1, "R1", "bound", "value", lambda t: t * G, "G^2 for G", (SWING,), "dimensions"),
    ("root_of_squares", MINIBATCH, "R0", "conditional", "noise", lambda t: t / sqrt(Q), "sqrt(Q) for Q",
     under(LOUD, "R0"), "dimensions"),
)  # fmt: skip

MUTANTS = (
    *(divided(*row) for row in CONSTANTS),
    *(
        Mutant(
            f"{short(claim)}_{inequality}_{name}", "bound", claim, lie, grid, (by,),
            change=with_term(output, inequality, term, change),
        )
        for name, claim, output, inequality, term, change, lie, grid, by in TERMS
    ),
    Mutant(
        "theorem3_in_other_words", "bound", THEOREM3, "no lie: 16/6 for 8/3", NOISY, (),
        change=with_term("R1", "bound", "optimisation", lambda t: sp.Rational(16, 6) * M * L * B**2 / K),
    ),
)  # fmt: skip
