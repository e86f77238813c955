"""Step (15), repaired: a factor 2 for the cross term, and for the noise what an adversary can make of it. Ours.

eps_t = noise + drift (I6, ``mu2_error``), so ||eps_t||^2 <= 2 ||noise||^2 + 2 ||drift||^2 on every path. With
n = t + M - 1, N the sum of all n noises and F that of the M - 1 in flight, noise = N - F (I9), and for any delays that
do not foresee samples not yet drawn E||N||^2 <= n sigma^2 (a martingale) and
E||F||^2 <= (M - 1) E sum over all n of ||xi||^2 <= (M - 1) n sigma^2 (Cauchy-Schwarz, M - 1 terms). Hence
E||noise||^2 <= (1 + sqrt(M - 1))^2 n sigma^2, of the right order where all we know is the variance. For delays that are
independent of the samples it is at most t sigma^2. Looked at here: the first for all orders on a quadratic, the second
for noise +-1 and a skew law, under the worst policy.
"""

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Counting

from ._auxiliary import LIMITS, SOURCE
from ._policies import SIGNS, largest_second_moment
from .step15_cross_term import second_moments


def skew(workers: int, deliveries: int) -> dict[Fraction, Fraction]:
    """Return a law of mean 0 that takes 1 with probability (M - 1)/(t + M - 1): that value is slow."""
    p = Fraction(workers - 1, deliveries + workers - 1)
    return {-p / (1 - p): 1 - p, Fraction(1): p} if p else dict(SIGNS)


@lru_cache(maxsize=64)
def worst(workers: int, deliveries: int) -> Fraction:
    """Slack of E||noise||^2 <= (1 + sqrt(M-1))^2 n sigma^2: of its square, with the root on one side alone."""
    draws, slacks = deliveries + workers - 1, []
    for law in (SIGNS, skew(workers, deliveries)):
        variance = sum((chance * z * z for z, chance in law.items()), Fraction(0))
        over = largest_second_moment(workers, deliveries, law) / (draws * variance) - workers
        slacks.append(4 * (workers - 1) - over**2 if over > 0 else -over)
    return min(slacks)


def of_orders(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of E||eps||^2 <= 2 E||noise||^2 + 2 E||drift||^2."""
    error, noise, drift = second_moments(worker, delay, workers)
    return 2 * noise + 2 * drift - error


def of_policies(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack for the worst policy; of an order only M and t count, for the policy makes its own."""
    return worst(workers, len(worker))


COUNTING = (
    Counting(
        "with a factor 2",
        of_orders,
        r"\mathbb{E}\|\epsilon_t\|^2\le2\,\mathbb{E}\|\text{noise}\|^2+2\,\mathbb{E}\|\text{drift}\|^2",
    ),
    Counting("under the worst policy", of_policies, r"\mathbb{E}\|\text{noise}\|^2\le(1+\sqrt{M-1})^2(t+M-1)\sigma^2"),
)

CLAIM = Claim(
    title="Step (15), repaired (ours)",
    source=SOURCE,
    statement=(
        "$\\mathbb{E}\\|\\epsilon_t\\|^2\\le2\\,\\mathbb{E}\\|\\text{noise}\\|^2"
        "+2\\,\\mathbb{E}\\|\\text{drift}\\|^2$, and "
        "$\\mathbb{E}\\|\\text{noise}\\|^2\\le(1+\\sqrt{M-1})^2(t+M-1)\\sigma^2$ for delays that may look at "
        "samples in flight, $t\\sigma^2$ for independent ones."
    ),
    assumptions=(),
    outputs={},
    stepsize="constant",
    method="async_mu2_sgd",
    policy="clairvoyant",
    counting=COUNTING,
    cases=((1, 4), (2, 4), (3, 4), (4, 3)),
    notes=LIMITS,
)
