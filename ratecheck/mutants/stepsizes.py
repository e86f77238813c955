"""Lies about stepsizes: rules that a user might bring as the claim's."""

from ratecheck.mutants.grids import (
    BATCH_NONCONVEX,
    LADDER,
    LARGEST_DELAY,
    MINIBATCH,
    NONCONVEX,
    QUADRATIC,
    ROUNDS,
    SHARP_EDGE,
    STAIRS,
    STRONG,
    THEOREM1,
    THEOREM2,
    THEOREM3,
)
from ratecheck.mutants.mutant import Mutant

#: name of the rule, what it does, what must catch it; of Theorem 3
ADAPTIVE = (
    ("forgets_cap", "no 1/(4ML)", ("stepsize",)),
    ("forgets_delay", "no 1/(4L tau)", ("stepsize",)),
    ("forgets_noise", "no B/(sigma sqrt K)", ("stepsize",)),
    ("tau_plus_1", "tau + 1 for tau", ("stepsize",)),
    ("tau_minus_1", "tau - 1 for tau: 1/0 without a delay", ("stepsize",)),
    ("root_of_tau", "sqrt(tau) for tau", ("stepsize",)),
    ("delay_without_4", "1/(L tau) for 1/(4L tau)", ("stepsize",)),
    ("cap_of_the_other_case", "1/(2ML) for 1/(4ML)", ("stepsize",)),
    ("cap_with_root_of_m", "sqrt(M) for M in the cap", ("stepsize",)),
    ("eight_times", "every step 8 times too long", ("stepsize",)),
    ("an_eighth", "every step 8 times too short", ("stepsize", "baseline")),
    ("noise_twice", "the noise branch doubled", ("stepsize",)),
    ("noise_over_k", "K for sqrt(K) in the noise branch", ("stepsize", "rate", "baseline")),
    ("sigma_squared", "sigma^2 for sigma", ("dimensions",)),
    ("smoothness_squared", "L^2 for L", ("dimensions",)),
    ("cap_in_other_words", "no lie: the branches in another order, factors moved", ()),
)

#: noise that makes every branch active somewhere
LOUDER = {**QUADRATIC, "sigma": [0, 4]}
#: lies that more than the comparison of stepsizes must see
GRIDS = {"an_eighth": (LOUDER, LADDER), "noise_over_k": (LOUDER, STAIRS)}

#: late gradients, so that every branch is active somewhere
LATE = {**LOUDER, "delays": {"name": "one_straggler", "factor": 50}}
SLOPED = {**LOUDER, "constants": {"G": 10}}
#: name of the rule, the theorem, what it does, grid, what must catch it
OTHER = (
    ("strongly_convex_without_exp", STRONG, "no exp(-mu tau/(4ML))", LATE, "stepsize"),
    ("strongly_convex_cap_of_convex", STRONG, "1/(4ML) for 1/(8ML)", LATE, "stepsize"),
    ("nonconvex_cap_of_convex", NONCONVEX, "1/(4ML) for 1/(2ML)", LATE, "stepsize"),
    ("nonconvex_gap_not_rooted", NONCONVEX, "Delta for its root", LATE, "dimensions"),
    ("lipschitz_smooth_without_m", THEOREM2, "no M^2 in the last branch", SLOPED, "stepsize"),
    ("largest_delay_without_m", LARGEST_DELAY, "tau for sqrt(M tau)", LATE, "stepsize"),
    ("batch_noise_without_2", BATCH_NONCONVEX, "no 2 in the noise branch", {**ROUNDS, "sigma": [0, 4]}, "stepsize"),
)

MUTANTS = (
    *(Mutant(n, "stepsize", THEOREM3, lie, GRIDS.get(n, (LOUDER,)), by, stepsize=n) for n, lie, by in ADAPTIVE),
    Mutant(
        "lipschitz_without_m", "stepsize", THEOREM1, "sqrt(K) for sqrt(KM)", (SHARP_EDGE,), ("stepsize",),
        stepsize="lipschitz_without_m",
    ),
    Mutant(
        "batch_noise_by_rounds", "stepsize", MINIBATCH, "sqrt(M) for M in the noise branch",
        ({**ROUNDS, "sigma": [0, 4]},), ("stepsize",), stepsize="batch_noise_by_rounds", cases=((2, 4), (3, 6)),
    ),
    *(
        Mutant(n, "stepsize", claim, lie, (grid,), (by,), stepsize=n, cases=((2, 4),))
        for n, claim, lie, grid, by in OTHER
    ),
)  # fmt: skip
