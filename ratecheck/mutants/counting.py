"""Lies about schedules: counting facts with a bound too small or a term counted wrongly."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Counting
from ratecheck.mutants.grids import COUNTING
from ratecheck.mutants.mutant import Mutant

Slack = Callable[[Sequence[int], Sequence[int], int], Fraction]


def less(name: str, by: Fraction) -> Callable[[Claim], Claim]:
    """Return what makes the bound of one counting fact smaller."""

    def changed(claim: Claim) -> Claim:
        (fact,) = (f for f in claim.counting if f.name == name)
        return replace(claim, counting=(replace(fact, slack=lambda w, t, m: fact.slack(w, t, m) - by),))

    return changed


def instead(slack: Slack) -> Callable[[Claim], Claim]:
    """Return what makes this the only counting fact."""
    return lambda claim: replace(claim, counting=(Counting("planted", slack, "planted"),))


def all_below_2m(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of "every delay is at most 2 M"."""
    return Fraction(2 * workers - max(delay))


def at_most_k(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of "the delays sum to at most K"."""
    return Fraction(len(worker) - sum(delay))


def in_flight_twice(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of "the delays sum to at most p K" with the gradients in flight counted twice."""
    p, steps = len(set(worker)), len(worker)
    last = {m: k for k, m in enumerate(worker, 1)}
    return Fraction(p * steps - sum(delay) - 2 * sum(steps + 1 - k for k in last.values()))


def nine_tenths(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of "sum of 1/max(tau, M) is at least 9/10 K/M": 3/4 is right."""
    return sum((Fraction(1, max(t, workers)) for t in delay), Fraction(0)) - Fraction(9 * len(delay), 10 * workers)


def by_last_arrivals(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of the first fact without the delays: the sum of the last arrivals, which they telescope to."""
    last = {m: k for k, m in enumerate(worker, 1)}
    return Fraction(len(last) * len(worker) - len(last) * (len(last) - 1) // 2 - sum(last.values()))


def first_in_other_words(claim: Claim) -> Claim:
    """Return the claim with its first fact written differently."""
    first, *rest = claim.counting
    return replace(claim, counting=(replace(first, slack=by_last_arrivals), *rest))


FACTS = (
    ("telescope_less_1", "the sum of the delays smaller by one", less("delays telescope", Fraction(1))),
    ("later_less_1", "the delays of later arrivals smaller by one", less("later arrivals", Fraction(1))),
    ("closed_less_1", "horizon-closed delays smaller by one", less("horizon closed", Fraction(1))),
    ("delays_below_2m", "all delays are at most 2 M", instead(all_below_2m)),
    ("delays_sum_to_k", "the delays sum to at most K", instead(at_most_k)),
    ("in_flight_twice", "gradients in flight counted twice", instead(in_flight_twice)),
    ("nine_tenths", "9/10 for 3/4", instead(nine_tenths)),
)
CASES = ((2, 6), (3, 7))

MUTANTS = (
    *(Mutant(n, "counting", COUNTING, lie, (), ("exact",), change=change, cases=CASES) for n, lie, change in FACTS),
    Mutant(
        "counting_in_other_words", "counting", COUNTING, "no lie: last arrivals summed for the delays", (), (),
        change=first_in_other_words, cases=CASES,
    ),
)  # fmt: skip
