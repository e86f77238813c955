"""With a variance alone the noise that has arrived is at least (M - 1)/2 times t sigma^2, if delays see it. Ours.

Large noise of one sign, with probability p = (M - 1)/(t + M - 1), is slow (``_policies.one_sided``, smallest first);
all other noises are -u, u^2 = sigma^2 p/(1 - p) = sigma^2 (M - 1)/t. Where at most M - 1 of the t + M - 1 drawn are
large none of them arrives, and S_t = -u t, S_t^2 = (M - 1) t sigma^2; the chance of that is at least 1/2. In all, with
N ~ Bin(t + M - 1, p) and A = max{N - M + 1, 0} that arrive, S_t = u (A (t/(M - 1) + 1) - t). For M = 5..65 and t = 256
the mean of S_t^2 is 0.75 to 0.9 times (M - 1) t sigma^2. The sum of the squares that have arrived is then *less* than
t sigma^2, 0.16 to 0.37 of it for M = 2..17: as an equality step (15) fails in that reading, too.
"""

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from math import comb

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Counting

from ._auxiliary import LIMITS, SOURCE
from ._policies import one_sided, second_moment, smallest, variance

#: workers and deliveries for which the closed form is looked at beside those of the cases
LARGE = tuple((M, t) for M in (2, 5, 17, 33) for t in (16, 64, 256))


def large_that_arrive(workers: int, deliveries: int) -> list[tuple[int, Fraction]]:
    """Return how many large noises arrive, with the chances."""
    draws, large = deliveries + workers - 1, workers - 1
    return [
        (max(n - large, 0), Fraction(comb(draws, n) * large**n * deliveries ** (draws - n), draws**draws))
        for n in range(draws + 1)
    ]


def arrived(workers: int, deliveries: int) -> Fraction:
    """Return E S_t^2 in units of t sigma^2, M >= 2."""
    t, large = deliveries, workers - 1
    sums = ((Fraction(a * (t + large), large) - t, chance) for a, chance in large_that_arrive(workers, deliveries))
    return sum((chance * s * s for s, chance in sums), Fraction(0)) * large / t**2


def squares(workers: int, deliveries: int) -> Fraction:
    """Return E of the sum of the squares that have arrived, in units of t sigma^2, M >= 2."""
    t, large = deliveries, workers - 1
    mean = sum((a * chance for a, chance in large_that_arrive(workers, deliveries)), Fraction(0))
    return (mean * Fraction(t, large) ** 2 + t - mean) * Fraction(large, t**2)


@lru_cache(maxsize=64)
def _enumerated(workers: int, deliveries: int) -> Fraction:
    law = one_sided(workers, deliveries)
    return second_moment(workers, deliveries, smallest, law) / (deliveries * variance(law))


def closed(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Minus how far the closed form is from all samples; of an order only M and t count."""
    return -abs(_enumerated(workers, len(worker)) - arrived(workers, len(worker)))


@lru_cache(maxsize=64)
def _at_least(workers: int, deliveries: int) -> Fraction:
    return min(2 * arrived(m, t) / (m - 1) for m, t in (*LARGE, (workers, deliveries))) - 1


def half(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of E S_t^2 >= ((M - 1)/2) t sigma^2, relative; of an order only M and t count, and LARGE ones."""
    return _at_least(workers, len(worker))


COUNTING = (
    Counting("closed form", closed, r"\mathbb{E}S_t^2=u^2\,\mathbb{E}(A(\tfrac{t}{M-1}+1)-t)^2"),
    Counting("half of M - 1", half, r"\mathbb{E}S_t^2\ge\tfrac12(M-1)t\sigma^2"),
)

CLAIM = Claim(
    title="One-sided noise: what has arrived is M - 1 times as large (ours)",
    source=SOURCE,
    statement=(
        "There are noises of variance $\\sigma^2$ and delays that look at them with "
        "$\\mathbb{E}\\|\\sum_{k\\text{ back at }t}\\xi_k\\|^2\\ge\\frac12(M-1)t\\sigma^2$."
    ),
    assumptions=(),
    outputs={},
    stepsize="constant",
    policy="data-dependent",
    kind="lower",
    counting=COUNTING,
    cases=((2, 2), (2, 4), (3, 4), (4, 3)),
    notes=LIMITS,
)
