"""Lies about the bounds of the other theorems: non-convex, strongly convex, minibatch, constant below all delays.

``CONSTANTS`` is a table of our sight, as in ``bounds``. What gradients in flight cost beside their squares (the terms
``in_flight``) is not in it: no instance is known on which these terms are needed.
"""

from collections.abc import Callable
from dataclasses import replace

import sympy as sp
from sympy import exp, sqrt

from ratecheck.core.claim import Claim
from ratecheck.core.formula import Formula
from ratecheck.core.symbols import Delta, G, K, L, M, S, decay, mu, sigma, tau_closed, weight
from ratecheck.mutants.bounds import ONE_ROUND, short, with_term
from ratecheck.mutants.grids import (
    BATCH_NONCONVEX,
    BATCH_STRONG,
    CLOCK,
    CURVED,
    FLAT,
    HARDEST,
    LARGEST_DELAY,
    NONCONVEX,
    SHORT,
    SLOWEST,
    STRONG,
    THEOREM2,
    under,
)
from ratecheck.mutants.mutant import Grid, Mutant

KINK = {**HARDEST, "delays": "round_robin", "M": 4}
LITERAL = {**KINK, "delays": CLOCK}
#: one worker, whose gradients are never in flight: the constant G may be anything
ALONE = {**CURVED, "M": 1, "constants": {"G": 1e5}}
#: bounds of noise that decays: the noise is as large as the model moves
WALK = {"problem": {"name": "quadratic", "spectrum": [1]}, "delays": CLOCK, "M": 1, "K": 1024, "sigma_over_sqrt_K": 0.1}
#: enough steps for rates that are wrong in the exponent
LONG = {**SLOWEST, "M": 4, "K": 4096}
#: one worker again, and no noise: what is left of Theorem 2 is gradient descent
WITHOUT_G = {
    "problem": {"name": "quadratic", "spectrum": [0.05]}, "constants": {"L": 1, "G": 1e-9}, "noise": "none",
    "delays": "round_robin", "M": 1, "K": 1024,
}  # fmt: skip
QUIET_ROUNDS = {**FLAT, "sigma_over_sqrt_K": 0.1}

#: claim, output rule, inequality, term, what its constant is divided by, the grid that feels it, the layer
CONSTANTS: tuple[tuple[str, str, str, str, str, Grid, str], ...] = (
    (NONCONVEX, "R1", "bound", "optimisation", "9/4", KINK, "bound"),
    (NONCONVEX, "R1", "bound", "noise", "8", WALK, "moments"),
    (NONCONVEX, "R1", "conditional", "optimisation", "9/4", KINK, "conditional"),
    (NONCONVEX, "R1", "master", "optimisation", "1.001", CURVED, "moments"),
    (NONCONVEX, "R1", "master", "noise", "1.001", CURVED, "moments"),
    (NONCONVEX, "R0", "bound", "optimisation", "9/4", KINK, "bound"),
    (NONCONVEX, "R0", "bound", "noise", "8", WALK, "moments"),
    (NONCONVEX, "R0", "conditional", "optimisation", "9/4", KINK, "conditional"),
    (NONCONVEX, "R0", "master", "optimisation", "1.001", CURVED, "moments"),
    (NONCONVEX, "R0", "master", "noise", "1.001", CURVED, "moments"),
    (NONCONVEX, "RL", "bound", "optimisation", "30", LITERAL, "bound"),
    (NONCONVEX, "RL", "conditional", "optimisation", "9/4", LITERAL, "conditional"),
    (NONCONVEX, "RL", "master", "optimisation", "1.001", CURVED, "moments"),
    (NONCONVEX, "RL", "master", "noise", "1.001", CURVED, "moments"),
    (THEOREM2, "R1", "bound", "optimisation", "5", WITHOUT_G, "bound"),
    (THEOREM2, "R1", "master", "optimisation", "1.001", ALONE, "moments"),
    (THEOREM2, "R1", "master", "noise", "1.001", ALONE, "moments"),
    (STRONG, "R1", "bound", "optimisation", "4", SLOWEST, "bound"),
    (STRONG, "R1", "conditional", "optimisation", "5/2", SLOWEST, "conditional"),
    (STRONG, "R1", "master", "optimisation", "1.001", FLAT, "moments"),
    (STRONG, "R1", "master", "noise", "1.001", FLAT, "moments"),
    (STRONG, "RL", "bound", "optimisation", "6", {**SLOWEST, "delays": CLOCK}, "bound"),
    (STRONG, "RL", "master", "optimisation", "1.001", FLAT, "moments"),
    (STRONG, "RL", "master", "noise", "1.001", FLAT, "moments"),
    (SHORT, "R1", "bound", "optimisation", "4", SLOWEST, "bound"),
    (SHORT, "R1", "bound", "noise", "30", {**WALK, "M": 16, "K": 8192, "sigma_over_sqrt_K": 0.01}, "moments"),
    (BATCH_NONCONVEX, "R0", "bound", "optimisation", "1.001", ONE_ROUND, "bound"),
    (BATCH_NONCONVEX, "R0", "bound", "noise", "5/2", WALK, "moments"),
    (BATCH_NONCONVEX, "R0", "conditional", "optimisation", "1.001", ONE_ROUND, "conditional"),
    (BATCH_NONCONVEX, "R0", "master", "optimisation", "1.001", CURVED, "moments"),
    (BATCH_NONCONVEX, "R0", "master", "noise", "1.001", CURVED, "moments"),
    (BATCH_STRONG, "R0", "bound", "optimisation", "9/4", ONE_ROUND, "bound"),
    (BATCH_STRONG, "R0", "conditional", "optimisation", "9/4", ONE_ROUND, "conditional"),
    (BATCH_STRONG, "R0", "master", "optimisation", "1.001", QUIET_ROUNDS, "moments"),
    (BATCH_STRONG, "R0", "master", "noise", "1.001", FLAT, "moments"),
    (LARGEST_DELAY, "R1", "bound", "optimisation", "9/2", KINK, "bound"),
    (LARGEST_DELAY, "R1", "bound", "noise", "8", WALK, "moments"),
    (LARGEST_DELAY, "R1", "master", "optimisation", "1.001", CURVED, "moments"),
    (LARGEST_DELAY, "R1", "master", "noise", "1.001", CURVED, "moments"),
)


def divided(claim: str, output: str, inequality: str, term: str, factor: str, grid: Grid, by: str) -> Mutant:
    """Return the mutant with one constant too small."""
    change = with_term(output, inequality, term, lambda t: t / sp.Rational(factor))
    lie = f"the {term} term divided by {factor}"
    name = f"{short(claim)}_{output}_{inequality}_{term}".lower()
    return Mutant(name, "bound", claim, lie, under(grid, output), (by,), change=change)


def growing(growth: sp.Expr) -> Callable[[Claim], Claim]:
    """Return what puts another growth of the output weights."""
    return lambda claim: replace(claim, growth=Formula(growth))


#: many workers, under which a term that is wrong by M or sqrt(M) shows
CROWD = {**HARDEST, "delays": "round_robin", "M": 32, "K": 512}
#: enough workers and steps for a noise term that is wrong by sqrt(M)
MANY = {
    "problem": {"name": "quadratic", "spectrum": [1]}, "delays": "round_robin", "M": 144, "K": 144_000,
    "sigma_over_sqrt_K": 0.3,
}  # fmt: skip
NOISY = {**WALK, "M": 4, "K": 64}

#: name, claim, output rule, inequality, term, what it becomes, in words, grid, what must catch it
TERMS = (
    ("without_m", NONCONVEX, "R1", "bound", "optimisation", lambda t: t / M, "no M", CROWD, "bound"),
    ("noise_by_root_of_m", NONCONVEX, "R1", "bound", "noise", lambda t: t / sqrt(M), "noise divided by sqrt(M)", MANY,
     "bound"),
    ("without_noise", NONCONVEX, "R1", "master", "noise", lambda t: None, "no noise term", CURVED, "moments"),
    ("without_half", NONCONVEX, "R1", "master", "optimisation", lambda t: t / 2, "Delta/2 for Delta", CURVED,
     "moments"),
    ("gap_squared", NONCONVEX, "R1", "bound", "optimisation", lambda t: t * Delta, "Delta^2 for Delta", CROWD,
     "dimensions"),
    ("noise_without_root", NONCONVEX, "R1", "bound", "noise", lambda t: t**2, "no root", CROWD, "dimensions"),
    ("third", THEOREM2, "R1", "bound", "in_flight", lambda t: sqrt(t), "the power 1/3 for 2/3", ALONE, "dimensions"),
    ("slope_squared", THEOREM2, "R1", "master", "in_flight", lambda t: t / G, "G for G^2", ALONE, "dimensions"),
    ("rate_without_m", STRONG, "R1", "bound", "optimisation",
     lambda t: t.replace(exp, lambda x: exp(M * x)), "no M in the exponent", SLOWEST, "bound"),
    ("three_times_the_rate", STRONG, "R1", "bound", "optimisation",
     lambda t: t.replace(exp, lambda x: exp(3 * x)), "three times the rate", LONG, "bound"),
    ("start_not_damped", STRONG, "R1", "master", "optimisation", lambda t: t * decay, "the decay counted twice",
     LONG, "master"),
    ("noise_not_grown", STRONG, "R1", "master", "noise", lambda t: t * decay, "the noise as if it were all early",
     {**WALK, "K": 64}, "moments"),
    ("noise_over_m", SHORT, "R1", "bound", "noise", lambda t: t / M, "noise divided by M",
     {**WALK, "M": 32, "K": 16384, "sigma_over_sqrt_K": 0.01}, "moments"),
    ("curvature_squared", STRONG, "R1", "bound", "noise", lambda t: t / mu, "mu^2 for mu", SLOWEST, "dimensions"),
    ("without_m", BATCH_NONCONVEX, "R0", "bound", "optimisation", lambda t: t / M, "no M", ONE_ROUND, "bound"),
    ("noise_without_m", BATCH_STRONG, "R0", "master", "noise", lambda t: t / M, "the noise of M workers counted once",
     FLAT, "moments"),
    ("noise_not_squared", BATCH_STRONG, "R0", "master", "noise", lambda t: t / sqrt(S) / sigma, "a root of the noise",
     FLAT, "dimensions"),
    ("without_delay", LARGEST_DELAY, "R1", "bound", "optimisation",
     lambda t: 8 * L * Delta / K, "no sqrt(M tau)", CROWD, "bound"),
    ("root_of_delay", LARGEST_DELAY, "R1", "bound", "optimisation",
     lambda t: 8 * L * sqrt(tau_closed) * Delta / K, "sqrt(tau) for sqrt(M tau)", CROWD, "bound"),
)  # fmt: skip

MUTANTS = (
    *(divided(*row) for row in CONSTANTS),
    *(
        Mutant(
            f"{short(claim)}_{inequality}_{name}", "bound", claim, lie, under(grid, output), (by,),
            change=with_term(output, inequality, term, change),
        )
        for name, claim, output, inequality, term, change, lie, grid, by in TERMS
    ),
    Mutant(
        "weights_grow_too_fast", "output", STRONG, "the weights grow with 2 mu, not mu/4",
        under({**SLOWEST, "M": 1, "K": 64}, "R1"), ("master",), change=growing(1 / (1 - 2 * mu * weight)),
    ),
    Mutant(
        "growth_with_a_unit", "output", STRONG, "a growth that is no number: mu forgotten", under(SLOWEST, "R1"),
        ("dimensions",), change=growing(1 / (1 - weight / 4)),
    ),
    Mutant(
        "strong_in_other_words", "bound", STRONG, "no lie: 760/2 for 380", under(NOISY, "R1"), (),
        change=with_term("R1", "bound", "noise", lambda t: t * sp.Rational(760, 2) / 380),
    ),
)  # fmt: skip
