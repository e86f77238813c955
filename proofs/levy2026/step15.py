"""Step (15) under data-dependent delays: the squared noise that has arrived is not the sum of its squares. False.

The fragments' step (15) has E||eps_t||^2 as a sum of squares, with t sigma^2 for the noise: no products of different
noises. But what has arrived by t is chosen by delays that look at the samples. M = 2, t = 2, f = 0, noise +-1, and +1
takes twice as long: E||eps_2||^2 = 5/2, not 2; three times as long: 3. Where both signs take the same time it is t:
first in, first out. With a variance alone the two differ by a factor of order M. What this does not say: that the
paper's theorems are false. We have not seen them, nor what they assume of delays; noises with mean zero given the
duration have no such products.

The fact looks for the clock itself: ratios of the two durations, the plainest first.
"""

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from math import gcd

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Counting

from ._auxiliary import PAPER
from ._clocks import moments
from ._policies import HALF

SOURCE = f"{PAPER}, step (15), as we read the fragments"
LIMITS = (
    "We have fragments of the paper, neither its theorems nor its assumptions on delays.",
    "Right: E||eps||^2 <= 2 E||noise||^2 + 2 E||drift||^2, and E||noise||^2 <= (1 + sqrt(M-1))^2 (t + M - 1) sigma^2.",
)
#: largest sum of the two whole numbers of a ratio
PLAIN = 7
#: how long -1 takes and how long +1 does, which is never shorter, by symmetry: 1:1, 1:2, 1:3, 1:4, 2:3, .., 3:4
CLOCKS = tuple(
    (light, whole - light)
    for whole in range(2, PLAIN + 1)
    for light in range(1, whole // 2 + 1)
    if gcd(light, whole) == 1
)


@lru_cache(maxsize=256)
def second_moment(workers: int, deliveries: int, clock: tuple[int, int]) -> Fraction:
    """Return E S_t^2 of signs under a clock, by enumerating all samples."""
    light, heavy = clock
    return moments(workers, deliveries, {(Fraction(-1), light): HALF, (Fraction(1), heavy): HALF})[0]


@lru_cache(maxsize=256)
def search(workers: int, deliveries: int) -> tuple[Fraction, tuple[int, int]]:
    """Return E S_t^2 and the clock: the plainest one with which it is more than t, the largest one if there is none."""
    found = []
    for clock in CLOCKS:
        found.append((second_moment(workers, deliveries, clock), clock))
        if found[-1][0] > deliveries:
            return found[-1]
    return max(found, key=lambda one: one[0])


def slack(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Return t - E S_t^2 under the clock found; of an order only M and t count, for a clock makes its own."""
    return len(worker) - search(workers, len(worker))[0]


def told(workers: int, deliveries: int) -> str:
    """Return the clock found and what came of it, in words."""
    value, (light, heavy) = search(workers, deliveries)
    sign = ">" if value > deliveries else "<="
    return f"noise +-1, +1 takes {heavy}, -1 takes {light}, ties by worker: E||eps||^2 = {value} {sign} {deliveries}"


CLAIM = Claim(
    title="Step (15) when delays look at samples",
    source=SOURCE,
    statement="For data-dependent delays and independent noises of variance $\\sigma^2$, "
    "$\\mathbb{E}\\|\\sum_{k\\text{ back at }t}\\xi_k\\|^2\\le t\\sigma^2$.",
    assumptions=(),
    outputs={},
    stepsize="constant",
    method="async_mu2_sgd",
    policy="data-dependent",
    counting=(Counting("no products of noises", slack, r"\mathbb{E}\|\sum_k\xi_k\|^2\le t\sigma^2", told=told),),
    expect="refuted",
    cases=((2, 2),),
    notes=LIMITS,
)
