"""Delay counting: most gradients have a delay of order M, whatever the delays are.

The claim "most gradients have delay O(M)" is in Mishchenko, Bach, Even & Woodworth (2022), section 3; the explicit
inequalities are ours. The delays of one worker telescope, so they sum to the last step it arrived at; and for all
t, N > 0, 1/max(t, N) >= 1/N - t/(4 N^2) (for t > N by the arithmetic-geometric mean inequality).
With p the number of workers that have arrived by step K, last_m and first_m the steps worker m arrived at:
(a) sum of tau(j) = sum of last_m <= p K - p(p-1)/2 <= M K;
(b) the delays of the K - p arrivals that are not a worker's first sum to at most p (K - p);
(c) closing gradients in flight at K + 1, the delays of the gradients of x_1..x_K sum to at most p K;
(d) sum of 1/max(tau(j), N) >= (K/N)(1 - M/(4N)) for N = M and N = 2 M, hence >= (3/4) K/N.
"""

from collections.abc import Sequence
from fractions import Fraction

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Counting

from ._counting_proof import PROOF

__all__ = ["CLAIM", "PROOF"]


def telescoped(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of (a): p K - p(p-1)/2 minus the sum of the delays; minus infinity-like when the sum does not telescope."""
    last = {m: k for k, m in enumerate(worker, 1)}
    p, steps = len(last), len(worker)
    if sum(delay) != sum(last.values()) or p * steps > workers * steps:
        return Fraction(-1)
    return Fraction(p * steps - p * (p - 1) // 2 - sum(delay))


def later_arrivals(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of (b)."""
    first: dict[int, int] = {}
    for k, m in enumerate(worker, 1):
        first.setdefault(m, k)
    late = [t for k, (m, t) in enumerate(zip(worker, delay, strict=True), 1) if first[m] != k]
    p, steps = len(first), len(worker)
    return Fraction(p * (steps - p) - sum(late)) if len(late) == steps - p else Fraction(-1)


def horizon_closed(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of (c): the gradient of x_i, handed to m_i, is closed at its next arrival or at K + 1."""
    p, steps = len(set(worker)), len(worker)
    total = 0
    for i, m in enumerate(worker, 1):
        total += next((j for j in range(i + 1, steps + 1) if worker[j - 1] == m), steps + 1) - i
    return Fraction(p * steps - total)


def inverse_delays(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Smallest slack of (d) over N = M and N = 2 M."""
    steps = len(worker)
    slacks = []
    for n in (workers, 2 * workers):
        left = sum(Fraction(1, max(t, n)) for t in delay)
        slacks.append(left - Fraction(steps, n) * (1 - Fraction(workers, 4 * n)))
    return min(slacks)


COUNTING = (
    Counting("delays telescope", telescoped, r"\sum_j\tau(j)=\sum_m\mathrm{last}_m\le pK-p(p-1)/2"),
    Counting("later arrivals", later_arrivals, r"\sum_{i\ge1,\,\mathrm{back}}\hat\tau_i\le p(K-p)"),
    Counting("horizon closed", horizon_closed, r"\sum_{i=1}^K\hat\tau_i\le pK"),
    Counting("inverse delays", inverse_delays, r"\sum_j 1/\max(\tau(j),N)\ge\frac KN(1-\frac M{4N})"),
)

CLAIM = Claim(
    title="Delay counting: most gradients have delay of order M",
    source="Mishchenko, Bach, Even & Woodworth (2022), section 3; explicit inequalities ours",
    statement="For every order, $\\sum_{k\\le K}\\tau(k)\\le MK$ and $\\sum_k 1/\\max(\\tau(k),M)\\ge 3K/(4M)$.",
    assumptions=(),
    outputs={},
    stepsize="constant",
    policy="clairvoyant",
    counting=COUNTING,
)
