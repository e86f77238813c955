"""Delay counting: more than half of the gradients have a delay below 2 M, whatever the largest is.

That half of the delays are small is used by Shi, Yang & Li (2024) in the last step of their Theorem 2, in words; the
formulas are ours. With their delay tau - 1, which is 0 for none, and the ages of what is in flight at K:
(a) sum of (tau - 1) + sum over workers of the age of its gradient in flight = (M - 1) K exactly, for each step makes M
gradients in flight older by one, and takes away tau of age;
(b) at most (M - 1) K/(n M) delays are n M or more, so more than (1 - 1/n) K are below; n = 2: more than half below 2 M.
"""

from collections.abc import Sequence
from fractions import Fraction

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Counting

from ._auxiliary import SOURCE
from ._delay_counting_proof import PROOF

__all__ = ["CLAIM", "PROOF"]


def ages_and_delays(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of (a): minus the distance of the two sides, 0 when they are equal."""
    steps = len(worker)
    last = {m: k for k, m in enumerate(worker, 1)}
    ages = sum(steps - last.get(m, 0) for m in range(workers))
    return -abs(Fraction(sum(t - 1 for t in delay) + ages - (workers - 1) * steps))


def long_delays(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Smallest slack of (b) over n = 1, 2, 3."""
    steps = len(worker)
    many = (sum(t - 1 >= n * workers for t in delay) for n in (1, 2, 3))
    return min(Fraction((workers - 1) * steps, n * workers) - count for n, count in zip((1, 2, 3), many, strict=True))


def half_below(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of (b) for n = 2 in the form that Theorem 2 uses: delays below 2 M, minus K/2, and above 0."""
    below = sum(t - 1 < 2 * workers for t in delay) - Fraction(len(delay), 2)
    return below if below > 0 else Fraction(-1)


COUNTING = (
    Counting("ages and delays", ages_and_delays, r"\sum_k(\tau_k-1)+\sum_m(K-\mathrm{prev}(K,m))=(M-1)K"),
    Counting("long delays", long_delays, r"|\{k:\tau_k-1\ge nM\}|\le\frac{(M-1)K}{nM},\ n=1,2,3"),
    Counting("half below 2M", half_below, r"|\{k:\tau_k-1<2M\}|>K/2"),
)

CLAIM = Claim(
    title="OrMo: more than half of the delays are below 2 M",
    source=f"{SOURCE}, proof of Theorem 2, in words; formulas ours",
    statement=(
        "For every order, $\\sum_k(\\tau_k-1)\\le(M-1)K$, at most $(M-1)K/(nM)$ of the delays $\\tau_k-1$ are $nM$ or "
        "more, and more than half are below $2M$."
    ),
    assumptions=(),
    outputs={},
    stepsize="constant",
    method="ormo",
    policy="clairvoyant",
    counting=COUNTING,
)
