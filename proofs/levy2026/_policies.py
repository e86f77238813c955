"""Who delivers next, when that may depend on the samples in flight: exact second moments of the sum that has arrived.

Independent noises of one law, +-1 if nothing else is said; M in flight at the start, a fresh one after each delivery.
S_t is the sum of the t that have arrived. A policy sees what is in flight (never a sample not yet drawn) and names who
delivers. With f = 0 the error of the q of asynchronous mu^2-SGD is S_t. All in Fractions.

``largest_second_moment`` is the worst policy that sees noises whole, ``largest_when_seen`` the worst one that sees a
label of each (a duration, say), with which the noise has a mean and a variance. Both are dynamic programmes, exact:
their oracle tries every function from what was seen to a choice (``tests/exact/test_in_flight_lemma.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache
from itertools import product
from math import comb, prod

#: values in flight, the oldest first -> which of them is delivered
Policy = Callable[[tuple[Fraction, ...]], int]
#: noise -> its probability
Law = Mapping[Fraction, Fraction]
#: mean and variance of the noise given a label -> probability of the label
Labels = Mapping[tuple[Fraction, Fraction], Fraction]
HALF, ZERO = Fraction(1, 2), Fraction(0)
SIGNS = {Fraction(-1): HALF, Fraction(1): HALF}


def variance(law: Law) -> Fraction:
    """Return E z^2."""
    return sum((chance * z * z for z, chance in law.items()), ZERO)


def one_sided(workers: int, deliveries: int) -> dict[Fraction, Fraction]:
    """Return a law of mean 0 that takes 1 with probability (M - 1)/(t + M - 1), and signs for one worker.

    On average M - 1 of the t + M - 1 noises drawn are 1: all of them can stay in flight.
    """
    p = Fraction(workers - 1, deliveries + workers - 1)
    return {-p / (1 - p): 1 - p, Fraction(1): p} if p else dict(SIGNS)


def oldest(flying: tuple[Fraction, ...]) -> int:
    """First in, first out: independent of the samples."""
    return 0


def smallest(flying: tuple[Fraction, ...]) -> int:
    """The smallest value first, the largest are slow."""
    return flying.index(min(flying))


def second_moment(workers: int, deliveries: int, policy: Policy, law: Law | None = None) -> Fraction:
    """Return E S_t^2 under a policy, by enumerating all samples."""
    law = law or SIGNS
    total = ZERO
    for samples in product(law, repeat=workers + deliveries - 1):
        flying, arrived, fresh = list(samples[:workers]), ZERO, list(samples[workers:])
        for _ in range(deliveries):
            arrived += flying.pop(policy(tuple(flying)))
            flying += fresh[:1]
            del fresh[:1]
        total += prod((law[z] for z in samples), start=Fraction(1)) * arrived * arrived
    return total


def largest_second_moment(workers: int, deliveries: int, law: Law | None = None) -> Fraction:
    """Return the largest E S_t^2 over all policies that see the noises in flight."""
    return largest_when_seen(workers, deliveries, {(z, ZERO): chance for z, chance in (law or SIGNS).items()})


def largest_when_seen(workers: int, deliveries: int, labels: Labels) -> Fraction:
    """Return the largest E S_t^2 over all policies that see a label of each noise in flight, by dynamic programming.

    Given all labels, and so who delivers when, noises are independent: S_t^2 is (sum of means)^2 + sum of variances of
    what has arrived. The state is how often each label is in flight and the sum of means so far: samples with one label
    are alike.
    """
    seen, chances = zip(*sorted(labels.items()), strict=True)

    @cache
    def best(flying: tuple[int, ...], means: Fraction, left: int) -> Fraction:
        rests = ((i, less(flying, i)) for i, n in enumerate(flying) if n)
        found: list[Fraction] = [seen[i][1] + drawn(rest, means + seen[i][0], left - 1) for i, rest in rests]
        return max(found)

    @cache
    def drawn(flying: tuple[int, ...], means: Fraction, left: int) -> Fraction:
        if left == 0:
            return means * means
        return sum((c * best(less(flying, i, -1), means, left) for i, c in enumerate(chances)), ZERO)

    total = ZERO
    for samples in product(range(len(seen)), repeat=workers):
        flying = tuple(samples.count(i) for i in range(len(seen)))
        total += prod((chances[i] for i in samples), start=Fraction(1)) * best(flying, ZERO, deliveries)
    return total


def less(flying: tuple[int, ...], i: int, by: int = 1) -> tuple[int, ...]:
    """Return the counts with ``by`` fewer of number i."""
    return (*flying[:i], flying[i] - by, *flying[i + 1 :])


def smallest_first(workers: int, deliveries: int) -> Fraction:
    """Return E S_t^2 of signs under ``smallest``, in closed form.

    S_t = 2 max{N - M + 1, 0} - t with N ~ Bin(t + M - 1, 1/2) the number of +1: M - 1 of them stay in flight.
    """
    draws = deliveries + workers - 1
    sums = ((2 * max(n - workers + 1, 0) - deliveries, comb(draws, n)) for n in range(draws + 1))
    return Fraction(sum(s * s * ways for s, ways in sums), 2**draws)
