"""How large the noise that has arrived is when delays look at samples: exact, for noise +-sigma. Ours.

S_t is the sum of t noises that have arrived, sigma = 1. First in, first out: E S_t^2 = t. "The larger is slow":
E S_t^2 = E(2 max{N - M + 1, 0} - t)^2, N ~ Bin(t + M - 1, 1/2); M = 2: 1, 5/2, 4, 43/8, .., M = 3: 1, 3, 21/4, ..
Over all policies that see what is in flight, at most (sqrt(t + M - 1) + M - 1)^2: a martingale of t + M - 1 terms less
M - 1 of them. For bounded noise this is t (1 + o(1)) once t is large next to M^2; with a variance alone it is not.
"""

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Counting

from . import _policies
from ._auxiliary import LIMITS, SOURCE


@lru_cache(maxsize=64)
def fifo(workers: int, deliveries: int) -> Fraction:
    """Minus how far E S_t^2 is from t, first in, first out."""
    return -abs(_policies.second_moment(workers, deliveries, _policies.oldest) - deliveries)


@lru_cache(maxsize=64)
def slow(workers: int, deliveries: int) -> Fraction:
    """Minus how far the closed form is from the enumeration."""
    enumerated = _policies.second_moment(workers, deliveries, _policies.smallest)
    return -abs(enumerated - _policies.smallest_first(workers, deliveries))


@lru_cache(maxsize=64)
def below(workers: int, deliveries: int) -> Fraction:
    """Slack of E S^2 <= n + 2 (M-1) sqrt n + (M-1)^2, n = t + M - 1: of its square, with the root on one side alone."""
    draws, others = deliveries + workers - 1, workers - 1
    over = _policies.largest_second_moment(workers, deliveries) - draws - others**2
    return 4 * others**2 * draws - over**2 if over > 0 else -over


def of_fifo(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of the first fact; of an order only M and t count, for the policy makes its own."""
    return fifo(workers, len(worker))


def of_slow(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of the second fact."""
    return slow(workers, len(worker))


def of_worst(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of the third fact."""
    return below(workers, len(worker))


COUNTING = (
    Counting("first in, first out", of_fifo, r"\mathbb{E}S_t^2=t"),
    Counting("the larger is slow", of_slow, r"\mathbb{E}S_t^2=\mathbb{E}(2(N-M+1)^+-t)^2"),
    Counting("every policy", of_worst, r"\mathbb{E}S_t^2\le(\sqrt{t+M-1}+M-1)^2"),
)

CLAIM = Claim(
    title="The noise that has arrived when delays look at signs (ours)",
    source=SOURCE,
    statement=(
        "For independent noises $\\pm1$, $\\mathbb{E}S_t^2=t$ first in, first out; "
        "$\\mathbb{E}(2(N-M+1)^+-t)^2$, $N\\sim\\mathrm{Bin}(t+M-1,1/2)$, when $+1$ is slow; and at most "
        "$(\\sqrt{t+M-1}+M-1)^2$ under every policy that sees what is in flight."
    ),
    assumptions=(),
    outputs={},
    stepsize="constant",
    policy="clairvoyant",
    counting=COUNTING,
    cases=((1, 4), (2, 4), (3, 3), (4, 3)),
    notes=LIMITS,
)
