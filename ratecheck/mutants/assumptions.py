"""Lies about constants: what a scenario declares by hand and the objective contradicts. NOT APPLICABLE is right."""

from ratecheck.mutants.grids import MINIBATCH, MODULUS, QUADRATIC, ROUNDS, THEOREM1, THEOREM3
from ratecheck.mutants.mutant import Mutant

MUTANTS = tuple(
    Mutant(name, "assumption", claim, lie, (grid,), ("preconditions",), declared={"constants": constants})
    for name, claim, lie, grid, constants in (
        ("smoothness_too_small", THEOREM3, "L = 1/2 declared where it is 1", QUADRATIC, {"L": 0.5}),
        ("smoothness_a_bit_small", THEOREM3, "L = 0.999 declared where it is 1", QUADRATIC, {"L": 0.999}),
        ("distance_too_small", THEOREM3, "B = 0.9 declared where it is 1", QUADRATIC, {"B": 0.9}),
        ("slope_too_small", THEOREM1, "G = 1/2 declared where it is 1", MODULUS, {"G": 0.5}),
        ("batch_smoothness_too_small", MINIBATCH, "L = 1/2 declared where it is 1", ROUNDS, {"L": 0.5}),
    )
)  # fmt: skip
