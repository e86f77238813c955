"""How much noise is in flight, and how much is back, when all that is known is the variance. Ours.

After delivery t: n = t + M - 1 noises are drawn, M - 1 of them are in flight, F is their sum, S that of the t that are
back. Whatever the delays see in flight, E||F||^2 <= (M - 1) n sigma^2 and E||S||^2 <= (1 + sqrt(M - 1))^2 n sigma^2;
with weights c_i >= 0 that were fixed in advance E||F||^2 <= (M - 1) sigma^2 sum of c_i^2 over all drawn. (Cauchy-
Schwarz over M - 1 terms; then the indicator of being in flight is dropped. The sum of all drawn is a martingale.)

Looked at here: on every order the quadratic form (M - 1) sum ||xi_i||^2 - ||sum in flight||^2; and the worst policy for
noise +-1, for one that is rarely large, and a skew one, with unit weights and with those of ordered momentum.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache

from ratecheck.core.claim import Claim, has
from ratecheck.core.identity import Counting

from ._auxiliary import LIMITS, SOURCE
from ._flight_proof import VARIANCE as PROOF
from ._flights import Weight, drawn, largest_in_flight, momentum, unit
from ._policies import SIGNS, Law, largest_second_moment, one_sided, variance
from .bookkeeping import flights

__all__ = ["CLAIM", "PROOF"]

SKEW = {Fraction(-1, 2): Fraction(4, 5), Fraction(2): Fraction(1, 5)}
#: the programmes look at no more deliveries than this
SHORT = 6


def laws(workers: int, deliveries: int) -> tuple[Law, ...]:
    """Return the laws that are tried: signs, rarely large, skew."""
    return (SIGNS, one_sided(workers, deliveries), SKEW)


def by_size(of: Callable[[int, int], Fraction]) -> Callable[[Sequence[int], Sequence[int], int], Fraction]:
    """Return a slack of orders: of an order only M and t count, t at most ``SHORT``, for the policy makes its own."""

    @lru_cache(maxsize=64)
    def known(workers: int, deliveries: int) -> Fraction:
        return of(workers, deliveries)

    def slack(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
        return known(workers, min(len(worker), SHORT))

    return slack


def pathwise(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of the quadratic form at the end: the least, over its rows, of diagonal minus magnitudes beside it."""
    *_, (_, flying, _) = flights(worker, delay, workers)
    rows = [workers - 1 - 1 - (len(flying) - 1) for _ in flying]  # diagonal M - 1 - 1, and -1 for each other in flight
    return Fraction(min([workers - 1, *rows]))


def in_flight(workers: int, deliveries: int, weight: Weight = unit) -> Fraction:
    """Slack of E F^2 <= (M - 1) sigma^2 sum of c^2 under the worst policy."""
    squares = sum((weight(k) ** 2 for k in drawn(workers, deliveries)), Fraction(0))
    return min(
        (workers - 1) * variance(law) * squares - largest_in_flight(workers, deliveries, law, weight)
        for law in laws(workers, deliveries)
    )


def weighted(workers: int, deliveries: int) -> Fraction:
    """Slack with the weights of ordered momentum, for beta = 1/2 and 1/(8 M)."""
    betas = (Fraction(1, 2), Fraction(1, 8 * workers))
    return min(in_flight(workers, deliveries, momentum(workers, deliveries, beta)) for beta in betas)


def back(workers: int, deliveries: int) -> Fraction:
    """Slack of E S^2 <= (1 + sqrt(M-1))^2 n sigma^2: of its square, with the root on one side alone."""
    draws, slacks = deliveries + workers - 1, []
    for law in laws(workers, deliveries):
        over = largest_second_moment(workers, deliveries, law) / (draws * variance(law)) - workers
        slacks.append(4 * (workers - 1) - over**2 if over > 0 else -over)
    return min(slacks)


COUNTING = (
    Counting(
        "in flight, pathwise", pathwise, r"\|F\|^2\le(M-1)\sum_{i\text{ drawn}}\|\xi_i\|^2", lemma="flight"
    ),
    Counting("in flight", by_size(in_flight), r"\mathbb{E}\|F\|^2\le(M-1)(t+M-1)\sigma^2", lemma="flight"),
    Counting("in flight, weighted", by_size(weighted), r"\mathbb{E}\|F\|^2\le(M-1)\sigma^2\sum_ic_i^2", lemma="flight"),
    Counting("back", by_size(back), r"\mathbb{E}\|S\|^2\le(1+\sqrt{M-1})^2(t+M-1)\sigma^2", lemma="what is back"),
)  # fmt: skip

CLAIM = Claim(
    title="Noise in flight: what a variance bounds (ours)",
    source=SOURCE,
    statement=(
        "For delays that may look at all samples in flight, $\\mathbb{E}\\|F\\|^2\\le(M-1)\\sigma^2\\sum_ic_i^2$ over "
        "all that is drawn, $(M-1)(t+M-1)\\sigma^2$ for unit weights; and what is back has "
        "$\\mathbb{E}\\|S\\|^2\\le(1+\\sqrt{M-1})^2(t+M-1)\\sigma^2$."
    ),
    assumptions=(has("sigma"),),
    outputs={},
    stepsize="constant",
    method="async_mu2_sgd",
    policy="clairvoyant",
    counting=COUNTING,
    cases=((1, 4), (2, 4), (3, 4), (4, 3)),
    notes=LIMITS,
)
