"""What the lower bounds for methods that are always busy share: two worlds that cannot be told apart, and why. Ours.

Letters: M workers, T = K deliveries, those of gradients that the method throws away included. A worker that delivers is
handed new work at once, so T + M - 1 samples are drawn by the T-th delivery. A sample is *flagged* with probability
p = (M - 1)/(T + M - 1). What is not flagged takes time 1 and is the same in both worlds; what is flagged takes longer
than the run. Let N be the number of flags among the T + M - 1 samples.

- N <= M - 1: some worker always has unflagged work, so T deliveries take at most time T, and none of them is flagged.
  All that the server has seen is the same in both worlds, so its output is, too, even if it draws at random.
- N is binomial with mean M - 1, a whole number, which is then a median: P(N <= M - 1) >= 1/2.
- No x is good in both: f_A(x) - f_A* + f_B(x) - f_B* >= b R (quadratics; linear: 2 b R), |f_A'|^2 + |f_B'|^2 >= 2 b^2.

Hence the mean of the two errors, and so the worse one, is at least b R/4, and so on. The problem ``two_worlds`` runs
both worlds at once, one a coordinate, with common flags: the sum of the two errors is then F - F* of ordinary runs, and
2 sigma^2 its variance, 2 R^2 its squared distance, which gives the same formula. That is right for every method that
does with either coordinate what it does with the other: while no flag has arrived it has the same model in both. That
is looked at before any run (``checks/preconditions/coordinates.py``). One that looks at which coordinate it is, is run
in world A and in world B, and the mean of the two has the bound; a world alone has not.
Methods that leave workers idle are not covered: synchronous minibatch waits for what is flagged and beats the bound.
Nor are those that stop a computation and draw a new sample: more than T + M - 1 are drawn then. In this instance they
never see a flag, and do no better.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import comb
from typing import Any

from ratecheck.core.assumption import Assumption
from ratecheck.core.cell import Cell
from ratecheck.core.claim import at_least, has, of_class
from ratecheck.core.identity import Counting
from ratecheck.core.part import Part

#: deliveries and workers for which the chance is looked at beside (M, T) of a case
LARGEST = 24


def held_back(facts: Mapping[str, Any]) -> str | None:
    """Return None when flagged rows come back after the end and all else alike, else what is different."""
    if facts.get("delays") == "held_back" and facts["noise"] == "rows":
        return None
    return (
        f"delays {facts.get('delays')!r} under noise {facts['noise']!r}: a lower bound is about its own instance, "
        "delays 'held_back' under noise 'rows'"
    )


def looking(facts: Mapping[str, Any]) -> str | None:
    """Return None when delays look at samples."""
    return None if facts["policy"] != "independent" else "the delays do not look at samples, and nothing is hidden"


def measured(facts: Mapping[str, Any]) -> str | None:
    """Return None when the constants are the problem's own: a larger B by hand loosens an upper bound, not a lower."""
    by_hand = sorted({"B", "Delta", "G", "L", "mu", "sigma", "sigma_inf"} & facts.get("by_hand", frozenset()))
    return f"{by_hand[0]} is declared by hand, and a lower bound needs the problem's own" if by_hand else None


OWN_CONSTANTS = Assumption("its own constants", "all constants are the problem's own", measured)
ASSUMPTIONS = (
    of_class("two worlds"),
    OWN_CONSTANTS,
    Assumption("delays that look", "delays depend on the samples", looking),
    Assumption("flagged samples are held back", "flagged samples come back after the end", held_back),
    has("B"),
    has("sigma"),
    at_least("K", "M"),
)


def cells(shape: str) -> tuple[Cell, ...]:
    """Return the cells of a lower bound: both worlds at once, for a few (M, K)."""
    return tuple(
        Cell(Part("two_worlds", {"shape": shape}), Part("rows"), Part("held_back"), M, K, None)
        for M, K in ((2, 16), (5, 64), (17, 256), (33, 512))
    )


def chance(workers: int, deliveries: int, mean: int | None = None) -> Fraction:
    """Return P(N <= M - 1), N ~ Bin(T + M - 1, p) with this ``mean`` number of flags, M - 1 if none is given."""
    draws, flags = deliveries + workers - 1, workers - 1 if mean is None else mean
    few = sum(comb(draws, n) * flags**n * (draws - flags) ** (draws - n) for n in range(workers))
    return Fraction(few, draws**draws)


def delivered(flags: Sequence[bool], workers: int, deliveries: int, more: int | None = None) -> Iterator[bool]:
    """Yield, for each of the T deliveries, whether it is flagged: work takes time 1, and T ``more`` if it is flagged.

    ``flags`` are those of the T + M - 1 samples, in the order in which they are drawn. Ties go by worker.
    """
    more = deliveries if more is None else more
    due = [(1 + more * flags[m], m, flags[m]) for m in range(workers)]
    for n in range(deliveries):
        now, worker, flagged = min(due)
        yield flagged
        if n + 1 < deliveries:
            fresh = flags[workers + n]
            due[worker] = (now + 1 + more * fresh, worker, fresh)


@lru_cache(maxsize=64)
def _hidden(workers: int, deliveries: int) -> int:
    """Return how many patterns with at most M - 1 flags have a flagged one among the deliveries."""
    patterns = product((False, True), repeat=deliveries + workers - 1)
    few = (flags for flags in patterns if sum(flags) < workers)
    return sum(any(delivered(flags, workers, deliveries)) for flags in few)


def hidden(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of "with at most M - 1 flags none is delivered", for all patterns of flags; of an order M and T count."""
    return Fraction(-_hidden(workers, len(worker)))


@lru_cache(maxsize=64)
def _even(workers: int, deliveries: int) -> Fraction:
    sizes = {(m, t) for m in range(1, LARGEST + 1) for t in range(1, LARGEST + 1)} | {(workers, deliveries)}
    return min(chance(m, t) for m, t in sizes) - Fraction(1, 2)


def even(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of P(N <= M - 1) >= 1/2 for all M, T up to LARGEST, and those of the order."""
    return _even(workers, len(worker))


COUNTING = (
    Counting("no flag is delivered", hidden, r"\text{no flagged sample among }T\text{ deliveries if }N\le M-1"),
    Counting("an even chance", even, r"\mathbb{P}(N\le M-1)\ge1/2"),
)
#: the (M, T) of which all patterns of flags are looked at
CASES = ((2, 4), (3, 4), (4, 3))
SOURCE = "for Dahan, Reshef, Goldstein & Levy (2026, arXiv:2605.02043); statement, proof and constants ours"
NOTES = (
    "For every rule of the server, if workers are always busy; T counts all deliveries. Ours, by Le Cam's two points.",
    "Not covered: methods that leave workers idle (synchronous minibatch waits for all, and does better), and those "
    "that stop work that is late. Both worlds are run at once: a method must do the same with either coordinate, which "
    "is looked at before it is run.",
    "The instance depends on T, and flagged gradients come back after T: delays that are bounded, or a noise with more "
    "moments, escape it. What the paper assumes of delays we have not seen.",
    "The derivation is in words; looked at exactly are its counting and its chances, and its end on runs.",
)
