"""The grids on which mutants are looked at: seconds for all of them, and sharp where a small factor must show."""

from collections.abc import Mapping
from typing import Any

THEOREM1, THEOREM3 = "mishchenko2022.theorem1", "mishchenko2022.theorem3_convex"
MINIBATCH, LEMMA1 = "mishchenko2022.minibatch_convex", "mishchenko2022.lemma1"
COUNTING = "mishchenko2022.counting"
THEOREM2, NONCONVEX = "mishchenko2022.theorem2", "mishchenko2022.theorem3_nonconvex"
STRONG, SHORT = "mishchenko2022.theorem3_strongly_convex", "mishchenko2022.theorem3_strongly_convex_short"
BATCH_NONCONVEX = "mishchenko2022.minibatch_nonconvex"
BATCH_STRONG = "mishchenko2022.minibatch_strongly_convex"
LARGEST_DELAY, LEMMA2 = "mishchenko2022.fixed_delay", "mishchenko2022.lemma2"
ORTHOGONAL = "mishchenko2022.orthogonality"

#: delays that differ, with and without noise: enough for any lie about an algorithm
QUADRATIC = {
    "problem": {"name": "quadratic", "dimension": 4}, "delays": {"name": "exponential", "spread": 4},
    "M": [2, 4], "K": 64, "sigma": [0, 1],
}  # fmt: skip
#: the same where only simulation decides
KINK = {**QUADRATIC, "problem": {"name": "huber", "kink": 0.1}, "M": 4}
#: whole rounds of a barrier
ROUNDS = {**QUADRATIC, "delays": "exponential"}
#: Lipschitz and not smooth: the class of Theorem 1
SHARP_EDGE = {"problem": "asymmetric_abs", "noise": "none", "delays": "round_robin", "M": 4, "K": 64}

#: the kink that lets the walk reach the minimiser at its last step, under delays that make a stepsize pay for caution:
#: the optimisation term of Theorem 3 is attained up to a tenth
HARDEST = {
    "problem": {"name": "huber", "kink": "B_over_W"}, "noise": "none", "delays": "half_fast", "M": 4, "K": 1024,
}  # fmt: skip
#: the same without delays: the conditional bound is attained up to half a percent
HARDEST_ALONE = {**HARDEST, "delays": "round_robin", "M": 1}
#: a clock for the output rule that needs every gradient back
CLOCK = {"name": "exponential", "spread": 1}
#: a walk among noise as loud as the model moves: the noise terms of bounds are attained up to a factor 2.3 (minibatch)
LOUD = {
    "problem": {"name": "huber", "kink": "B_over_W"}, "delays": CLOCK, "M": 1, "K": 256, "sigma_over_sqrt_K": 0.1,
}  # fmt: skip
#: curvature far below the declared L: nothing pulls back, and master inequalities are attained up to a millionth
FLAT = {
    "problem": {"name": "quadratic", "spectrum": [1e-6]}, "constants": {"L": 1}, "delays": CLOCK,
    "M": 4, "K": 64, "sigma_over_sqrt_K": 10,
}  # fmt: skip
#: a slope so small that nothing pulls back, in many dimensions, which only simulation decides
AIMLESS = {
    "problem": {"name": "huber", "kink": 1e-3, "dimension": 16}, "delays": CLOCK,
    "M": 4, "K": 256, "sigma_over_sqrt_K": 0.2,
}  # fmt: skip
#: the modulus, where the master inequality of Theorem 1 is attained up to 8 percent and its bound up to a factor 5
MODULUS = {
    "problem": {"name": "asymmetric_abs", "right": 1},
    "noise": "none",
    "delays": "round_robin",
    "M": 1,
    "K": 204,
}

#: the same, of non-convex bounds: noise so large that steps shrink to nothing, where the curvature is L
CURVED = {
    "problem": {"name": "quadratic", "spectrum": [1]}, "delays": CLOCK, "M": 4, "K": 64, "sigma": 1e6,
}  # fmt: skip
#: the curvature is mu everywhere and L nowhere, without noise: an exponential rate is a number to compare with
SLOWEST = {
    "problem": {"name": "quadratic", "spectrum": [0.5]}, "constants": {"L": 1}, "noise": "none",
    "delays": "round_robin", "M": 32, "K": 512,
}  # fmt: skip

#: cells that tell the terms of the bound apart, decided by exact moments
LADDER = {
    "problem": {"name": "quadratic", "dimension": 4, "condition": 100}, "delays": {"name": "exponential", "spread": 4},
    "M": 2, "K": [32, 128, 512], "sigma": [0, 4],
}  # fmt: skip
#: the same, long enough for a slope in K
STAIRS = {**LADDER, "K": [128, 256, 512, 1024], "sigma": [0, 2]}


def under(grid: Mapping[str, Any], output: str) -> tuple[Mapping[str, Any]]:
    """Return the grid under one output rule."""
    return ({**grid, "output": output},)
