"""Ordered momentum's noise is at least of order (M - 1) beta sigma^2 at its worst t, if delays see it. Ours.

With the noise of ``lower_noise`` and large noise held back beyond t: where none arrives the noise of m_t is -u times
the weights that have arrived, beta (1 - beta)^(t - k), 1/M of that at the first model. All M at the first model have
one weight together, so in all they are 1 - (1 - beta)^t; in flight are M - 1 of at most beta each. Hence, where that is
positive, E||noise of m_t||^2 >= (1/2) (1 - (1 - beta)^t - (M - 1) beta)^2 (M - 1) sigma^2/t. At t = 1.2564/beta this is
about (0.14 to 0.2) (M - 1) beta sigma^2 for M beta from 1/8 down. Delays that do not look leave less than beta
sigma^2/(2 - beta) + (M - 1) beta^2 sigma^2, without a factor M for beta <= 1/(8M).
"""

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import product

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Counting

from ._auxiliary import LIMITS, SOURCE
from ._clocks import arrivals
from ._flights import momentum


def noise_of_momentum(workers: int, deliveries: int, beta: Fraction) -> Fraction:
    """Return E of the squared noise of m_t, sigma = 1, when large noise is held back: all patterns of flags, M >= 2."""
    t, large = deliveries, workers - 1
    weight, p = momentum(workers, t, beta), Fraction(large, t + large)
    total = Fraction(0)
    for flags in product((False, True), repeat=t + large):
        back = arrivals(workers, t, [t + 1 if flag else 1 for flag in flags])
        noise = sum(weight(max(1, j - large + 1)) * (Fraction(t, large) if flags[j] else -1) for j in back)
        total += p ** sum(flags) * (1 - p) ** (t + large - sum(flags)) * noise * noise
    return total * Fraction(large, t)


@lru_cache(maxsize=64)
def _slack(workers: int, deliveries: int) -> Fraction:
    found = []
    for beta in (Fraction(1, 8 * workers), Fraction(1, 4 * workers), Fraction(1, 64)):
        floor = max(1 - (1 - beta) ** deliveries - (workers - 1) * beta, Fraction(0))
        found.append(noise_of_momentum(workers, deliveries, beta) - floor**2 * Fraction(workers - 1, 2 * deliveries))
    return min(found)


def slack(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack for a few beta; of an order only M and t count, for the clock makes its own."""
    return _slack(workers, len(worker))


STATEMENT = r"\mathbb{E}\|\text{noise of }m_t\|^2\ge\tfrac12(1-(1-\beta)^t-(M-1)\beta)_+^2(M-1)\sigma^2/t"

CLAIM = Claim(
    title="Ordered momentum: a floor for its noise when delays see it (ours)",
    source=SOURCE,
    statement=f"There are noises of variance $\\sigma^2$ and delays that look at them with ${STATEMENT}$.",
    assumptions=(),
    outputs={},
    stepsize="constant",
    method="ordered_momentum",
    policy="data-dependent",
    kind="lower",
    counting=(Counting("floor", slack, STATEMENT),),
    cases=((2, 5), (3, 5), (4, 4)),
    notes=LIMITS,
)
