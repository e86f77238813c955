"""What is left in flight after t deliveries, each noise with a weight of its own: exact worst cases. In Fractions.

F_t is the sum of weight times noise of the M - 1 in flight after delivery t. Noises are independent, of one law; their
number k is 1 for the M initial ones and s + 1 for the one drawn after delivery s. Delays, where there is a cap, are as
in the engine: that of noise k at delivery t is t - k + 1, and 1 is none; a policy must be able to keep to the cap after
delivery t, too.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from itertools import product
from math import prod

from ._policies import ZERO, Law

#: number and noise of each sample in flight
Flying = tuple[tuple[int, Fraction], ...]
Weight = Callable[[int], Fraction]


def unit(k: int) -> Fraction:
    """Return the weight of asynchronous mu^2-SGD."""
    return Fraction(1)


def momentum(workers: int, deliveries: int, beta: Fraction) -> Weight:
    """Return the weights of ordered momentum at t: beta (1 - beta)^(t - k), over M at the first model."""
    return lambda k: beta * (1 - beta) ** (deliveries - k) / (workers if k == 1 else 1)


def drawn(workers: int, deliveries: int) -> list[int]:
    """Return the numbers k of all noises drawn before delivery t is answered, t + M - 1 of them."""
    return [1] * (workers - 1) + list(range(1, deliveries + 1))


def feasible(flying: Flying, step: int, cap: int | None) -> bool:
    """True when all in flight after delivery ``step`` can be delivered, one a step, with delays up to the cap."""
    last = sorted(k - 1 + cap for k, _ in flying) if cap is not None else []
    return all(latest >= step + n for n, latest in enumerate(last, 1))


def largest_in_flight(workers: int, deliveries: int, law: Law, weight: Weight, cap: int | None = None) -> Fraction:
    """Return the largest E F_t^2 over all policies that see the noises in flight and keep to the cap.

    A dynamic programme over what is in flight. Raises ValueError for a cap below M, which nobody can keep to.
    """
    if cap is not None and cap < workers:
        raise ValueError(f"no delays of {workers} workers are all at most {cap}.")

    @cache
    def best(flying: Flying, step: int) -> Fraction:
        found = []
        for i in range(len(flying)):
            rest = flying[:i] + flying[i + 1 :]
            if not feasible(rest, step, cap):
                continue
            if step == deliveries:
                found.append(sum((weight(k) * z for k, z in rest), ZERO) ** 2)
            else:
                fresh = ((tuple(sorted((*rest, (step + 1, z)))), chance) for z, chance in law.items())
                found.append(sum((chance * best(after, step + 1) for after, chance in fresh), ZERO))
        return max(found)

    starts = product(law, repeat=workers)
    return sum(
        (prod((law[z] for z in zs), start=Fraction(1)) * best(tuple(sorted((1, z) for z in zs)), 1) for zs in starts),
        ZERO,
    )
