"""The dividing line is sharp: nothing is lost where durations tell nothing, a factor of order M where they tell all.

sigma_mu = 0: whatever the labels tell of the size of a noise, and whoever delivers, E S^2 <= (t + M - 1) sigma^2. Equal
to t sigma^2 when labels tell nothing at all. sigma_mu = sigma, two values, the larger with probability (M - 1)/(t + M -
1) and slow: E S^2 >= ((M - 1)/2) t sigma^2, for M >= 2. (The M - 1 in flight are the larger ones with probability 1/2
or more, and what is back then is the other value, t times.) Ours; exact, for small M and t here.
"""

from collections.abc import Sequence
from fractions import Fraction

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Counting

from ._auxiliary import LIMITS, SOURCE
from ._policies import HALF, ZERO, Labels, largest_when_seen, one_sided, second_moment, smallest, variance
from .in_flight_variance import by_size

#: labels that tell of the size of a noise: nothing, a little, all but its sign
SIZES: tuple[Labels, ...] = (
    {(ZERO, Fraction(1)): Fraction(1)},
    {(ZERO, HALF): HALF, (ZERO, Fraction(3, 2)): HALF},
    {(ZERO, ZERO): Fraction(9, 10), (ZERO, Fraction(10)): Fraction(1, 10)},
)


def nothing_told(workers: int, deliveries: int) -> Fraction:
    """Slack of E S^2 <= (t + M - 1) sigma^2; minus the difference to t where labels tell nothing at all."""
    first, *others = (largest_when_seen(workers, deliveries, law) for law in SIZES)
    draws = deliveries + workers - 1
    return -abs(first - deliveries) or min(draws - most for most in others)


def all_told(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of E S^2 >= ((M - 1)/2) t sigma^2 when the larger is slow."""
    deliveries = len(worker)
    law = one_sided(workers, deliveries)
    found = second_moment(workers, deliveries, smallest, law)
    return found - Fraction(workers - 1, 2) * deliveries * variance(law)


COUNTING = (
    Counting("nothing told", by_size(nothing_told), r"\sigma_\mu=0:\ \mathbb{E}S^2\le(t+M-1)\sigma^2"),
    Counting("all told", all_told, r"\sigma_\mu=\sigma:\ \mathbb{E}S^2\ge\frac{M-1}2t\sigma^2"),
)

CLAIM = Claim(
    title="The dividing line is sharp (ours)",
    source=SOURCE,
    statement=(
        "With $\\sigma_\\mu=0$ no policy that sees labels makes $\\mathbb{E}S^2$ more than $(t+M-1)\\sigma^2$; for two "
        "values, the larger slow and of probability $(M-1)/(t+M-1)$, it is at least $\\frac{M-1}2t\\sigma^2$."
    ),
    assumptions=(),
    outputs={},
    stepsize="constant",
    method="async_mu2_sgd",
    policy="data-dependent",
    counting=COUNTING,
    cases=((2, 4), (3, 4), (4, 3), (5, 3)),
    notes=LIMITS,
)
