"""Clocks that look at samples: how long a job takes is a function of its noise. Exact second moments. In Fractions.

Every worker starts a job at time 0, and another one when it delivers; who is done first delivers first, and of those
that are done at once the one with the smallest number. Noises are independent and of one law.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import prod

from ._policies import ZERO

#: noise and duration of a job -> probability
Jobs = Mapping[tuple[Fraction, int], Fraction]


def arrivals(workers: int, deliveries: int, durations: Sequence[int]) -> list[int]:
    """Return the numbers of the jobs in the order in which they are delivered."""
    busy, found = {m: (durations[m], m) for m in range(workers)}, []
    for s in range(deliveries):
        m = min(busy, key=lambda one: (busy[one][0], one))
        end, job = busy[m]
        found.append(job)
        if s + 1 < deliveries:
            busy[m] = (end + durations[workers + s], workers + s)
    return found


def moments(workers: int, deliveries: int, jobs: Jobs) -> tuple[Fraction, Fraction]:
    """Return E S_t^2 and E of the sum of squares of the noises that have arrived, over all samples."""
    square, squares = ZERO, ZERO
    for samples in product(jobs, repeat=workers + deliveries - 1):
        chance = prod((jobs[one] for one in samples), start=Fraction(1))
        came = [samples[i][0] for i in arrivals(workers, deliveries, [d for _, d in samples])]
        square += chance * sum(came, ZERO) ** 2
        squares += chance * sum((z * z for z in came), ZERO)
    return square, squares


def spread(jobs: Jobs) -> tuple[Fraction, Fraction]:
    """Return sigma^2 = E z^2 and sigma_mu^2 = E (E[z | duration])^2. Raises ValueError unless E z = 0."""
    if sum((c * z for (z, _), c in jobs.items()), ZERO) != 0:
        raise ValueError("the noise has another mean than 0.")
    known = ZERO
    for length in {d for _, d in jobs}:
        chance = sum((c for (_, d), c in jobs.items() if d == length), ZERO)
        known += sum((c * z for (z, d), c in jobs.items() if d == length), ZERO) ** 2 / chance
    return sum((c * z * z for (z, _), c in jobs.items()), ZERO), known


def symmetric(chance: Fraction, heavy: int, light: int, small: Fraction = ZERO) -> dict[tuple[Fraction, int], Fraction]:
    """Return +-1 with this chance, taking ``heavy``; else +-``small``, taking ``light``."""
    found: dict[tuple[Fraction, int], Fraction] = {}
    for z, d, c in ((1, heavy, chance), (-1, heavy, chance), (small, light, 1 - chance), (-small, light, 1 - chance)):
        one = (Fraction(z), d)
        found[one] = found.get(one, ZERO) + Fraction(c) / 2
    return found
