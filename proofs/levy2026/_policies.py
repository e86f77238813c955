"""Who delivers next, when that may depend on the samples in flight: exact second moments of the sum that has arrived.

Independent noises of one law, +-1 if nothing else is said; M in flight at the start, a fresh one after each delivery.
S_t is the sum of the t that have arrived. A policy sees what is in flight (never a sample not yet drawn) and names who
delivers. With f = 0 the error of the q of asynchronous mu^2-SGD is S_t. All in Fractions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache
from itertools import product
from math import comb, prod

#: values in flight, the oldest first -> which of them is delivered
Policy = Callable[[tuple[Fraction, ...]], int]
HALF = Fraction(1, 2)
SIGNS = {Fraction(-1): HALF, Fraction(1): HALF}


def oldest(flying: tuple[Fraction, ...]) -> int:
    """First in, first out: independent of the samples."""
    return 0


def smallest(flying: tuple[Fraction, ...]) -> int:
    """The smallest value first, the largest are slow."""
    return flying.index(min(flying))


def second_moment(
    workers: int, deliveries: int, policy: Policy, law: Mapping[Fraction, Fraction] | None = None
) -> Fraction:
    """Return E S_t^2 under a policy, by enumerating all samples."""
    law = law or SIGNS
    total = Fraction(0)
    for samples in product(law, repeat=workers + deliveries - 1):
        flying, arrived, fresh = list(samples[:workers]), Fraction(0), list(samples[workers:])
        for _ in range(deliveries):
            arrived += flying.pop(policy(tuple(flying)))
            flying += fresh[:1]
            del fresh[:1]
        total += prod((law[z] for z in samples), start=Fraction(1)) * arrived * arrived
    return total


def largest_second_moment(workers: int, deliveries: int, law: Mapping[Fraction, Fraction] | None = None) -> Fraction:
    """Return the largest E S_t^2 over all policies, by dynamic programming.

    The state is how often each value is in flight and what has arrived: samples are alike but for their value.
    """
    values, chances = zip(*sorted((law or SIGNS).items()), strict=True)

    @cache
    def best(flying: tuple[int, ...], arrived: Fraction, left: int) -> Fraction:
        if left == 0:
            return arrived * arrived
        return max(drawn(less(flying, i), arrived + values[i], left - 1) for i, n in enumerate(flying) if n)

    @cache
    def drawn(flying: tuple[int, ...], arrived: Fraction, left: int) -> Fraction:
        if left == 0:
            return arrived * arrived
        return sum((c * best(less(flying, i, -1), arrived, left) for i, c in enumerate(chances)), Fraction(0))

    total = Fraction(0)
    for samples in product(range(len(values)), repeat=workers):
        flying = tuple(samples.count(i) for i in range(len(values)))
        total += prod((chances[i] for i in samples), start=Fraction(1)) * best(flying, Fraction(0), deliveries)
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
