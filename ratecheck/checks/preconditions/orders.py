"""Challenges of what delay models do with orders and samples: largest delays, the declared policy; see ``challenge``.

That a model looks no further than it says is shown by changing what it must not see: its answer stays the same to the
bit. So nothing here is a matter of chance, for the noises tried.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ratecheck.core.assumption import POLICIES
from ratecheck.core.delays import Delays
from ratecheck.core.keys import key_of, normals

Noise = npt.NDArray[np.float64]

#: coordinates of the noises that are tried, and hand-outs
DIMENSIONS, HANDOUTS = (1, 2, 5), 257


def noises(handouts: int, dimension: int, key: np.uint64) -> list[Noise]:
    """Return noises (H, d) of three laws: Gaussian, signs, and heavy with rare values far out on one side."""
    normal = normals(key, handouts * dimension).reshape(handouts, dimension)
    return [normal, np.where(normal > 0, 1.0, -1.0), np.exp(2 * normal) - np.exp(2.0)]


def policy_faults(delays: Delays, given: Mapping[str, Any], key: np.uint64) -> Iterator[str]:
    """Yield a sentence for everything that the policy of a clock declares and a pair of noises refutes."""
    if delays.stretch is None:
        return
    for dimension in DIMENSIONS:
        for noise, other in zip(noises(HANDOUTS, dimension, key), noises(HANDOUTS, dimension, key_of(key, 1)),
                                strict=True):  # fmt: skip
            seen = noise.copy()
            factor = delays.factors(seen, given)
            if not np.array_equal(seen, noise):
                yield "stretch changes the noise that it is shown"
            if not np.array_equal(delays.factors(noise.copy(), given), factor):
                yield "stretch gives two answers for the same noise"
            yield from _foreign(delays, given, noise, other, factor)
            if delays.policy == POLICIES[1] and not np.array_equal(delays.factors(-noise, given), factor):
                yield f"delays are declared {POLICIES[1]!r}, and stretch sees the sign of the noise"


def _foreign(delays: Delays, given: Mapping[str, Any], noise: Noise, other: Noise, factor: Noise) -> Iterator[str]:
    """Yield a sentence when the factor of a hand-out moves with its place, or with the noise of another hand-out."""
    turned = np.argsort(other[:, 0], kind="stable")
    changed = [np.array_equal(delays.factors(noise[turned], given), factor[turned])]
    changed += [np.array_equal(delays.factors(noise[:n], given), factor[:n]) for n in (1, len(noise) // 2)]
    for h in (0, 1, len(noise) // 2, len(noise) - 1):
        mixed = other.copy()
        mixed[h] = noise[h]
        changed.append(delays.factors(mixed, given)[h] == factor[h])
    if not all(changed):
        yield "the factor of a hand-out is not one of its own noise alone"


def arrivals(
    delays: Delays, given: Mapping[str, Any], workers: int, steps: int, key: np.uint64, noise: Noise | None = None
) -> npt.NDArray[np.int64]:
    """Return the workers in order of arrival (steps,) under asynchronous dispatch; ties go by number.

    ``noise`` (M + steps, d) is that of the hand-outs, for delays that look at samples.
    """
    if delays.order is not None:
        return np.asarray(delays.order(workers, steps, given, key))
    if noise is None:
        noise = noises(workers + steps, 1, key)[0]
    if delays.pick is not None:
        return _picked(delays, given, workers, steps, noise)
    assert delays.duration is not None
    factor = delays.factors(noise, given) if delays.stretch else np.ones(workers + steps)
    means, numbers = delays.means(workers, given).tolist(), delays.numbers(given)
    done = [0] * workers
    heap = [(float(delays.duration(key, m, 0, means[m], numbers)) * factor[m], m) for m in range(workers)]
    heapq.heapify(heap)
    found = []
    for n in range(steps):
        time, m = heap[0]
        found.append(m)
        done[m] += 1
        length = float(delays.duration(key, m, done[m], means[m], numbers)) * factor[workers + n]
        heapq.heapreplace(heap, (time + length, m))
    return np.array(found, dtype=np.int64)


def _picked(delays: Delays, given: Mapping[str, Any], workers: int, steps: int, noise: Noise) -> npt.NDArray[np.int64]:
    """Ask the rule, and show it a fresh noise for that of the worker it names; it ends where it names nobody."""
    assert delays.pick is not None
    flying, numbers = noise[:workers].copy(), delays.numbers(given)
    state = np.zeros(delays.memory(workers, noise.shape[1]))
    found: list[int] = []
    for n in range(steps):
        found.append(int(delays.pick(flying, state, numbers)))
        if not 0 <= found[-1] < workers:
            break
        flying[found[-1]] = noise[workers + n]
    return np.array(found, dtype=np.int64)


def largest_delay(order: npt.NDArray[np.int64], workers: int) -> int:
    """Return the largest delay tau = k - prev of an order of arrivals (K,) of asynchronous SGD."""
    last, longest = [0] * workers, 0
    for k, m in enumerate(order.tolist(), 1):
        longest, last[m] = max(longest, k - last[m]), k
    return longest


def order_faults(delays: Delays, given: Mapping[str, Any], workers: int, steps: int, key: np.uint64) -> Iterator[str]:
    """Yield a sentence for what is wrong with an order of arrivals, or with its declared largest delay."""
    shown = noises(workers + steps, 2, key) if delays.looks else noises(workers + steps, 1, key)[:1]
    for noise in shown:
        seen = noise.copy()
        yield from _order_faults(delays, given, workers, steps, key, seen)
        if not np.array_equal(seen, noise):
            yield "it changes the noise that it is shown"


def _order_faults(
    delays: Delays, given: Mapping[str, Any], workers: int, steps: int, key: np.uint64, noise: Noise
) -> Iterator[str]:
    order = arrivals(delays, given, workers, steps, key, noise)
    at = f"with M = {workers}"
    if order.dtype == np.int64 and order.size and (order.min() < 0 or order.max() >= workers):
        yield f"its order {at} names worker {order.min() if order.min() < 0 else order.max()}"
    elif order.shape != (steps,) or order.dtype != np.int64:
        yield f"its order {at} is {order.dtype}{order.shape}, not int64({steps},)"
    elif not np.array_equal(order, arrivals(delays, given, workers, steps, key, noise)):
        yield f"the same key does not give the same order {at}"
    else:
        declared = delays.longest(workers, given) if delays.longest else None
        seen = largest_delay(order, workers)
        if declared is not None and seen > declared:
            yield f"the largest delay {at} is declared {declared}, and {seen} was seen"
