"""Lies about OrMo: kernels with a power, a coefficient or a group wrong, and delays counted from the wrong number."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Counting
from ratecheck.mutants.mutant import Mutant

MODEL, MOMENTUM, DELAYS = "ormo2024.lemma2", "ormo2024.lemma1", "ormo2024.delay_counting"

#: name of the kernel, what it does, a claim that sees it
KERNELS = (
    ("ormo_power_too_few", "1 - beta^e for 1 - beta^(e + 1) in the coefficient of the model", MODEL),
    ("ormo_all_at_once", "coefficient 1/(1 - beta) of the model", MODEL),
    ("ormo_half_step_by_u", "the half step moves the model by u", MODEL),
    ("ormo_floor_groups", "groups floor(i/M)", MOMENTUM),
    ("ormo_exponent_delay", "the delay for the number of groups", MOMENTUM),
    ("ormo_unordered", "every gradient joins the newest group", MOMENTUM),
)


def ages_from_one(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of the sum of delays and ages with delays counted from 1: it is M K then."""
    steps = len(worker)
    last = {m: k for k, m in enumerate(worker, 1)}
    ages = sum(steps - last.get(m, 0) for m in range(workers))
    return -abs(Fraction(sum(delay) + ages - (workers - 1) * steps))


def fewer_long_delays(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of "at most (M - 2) K/(n M) delays are n M or more", n = 1, 2, 3: M - 1 is right."""
    long = {n: sum(t - 1 >= n * workers for t in delay) for n in (1, 2, 3)}
    return min(Fraction((workers - 2) * len(delay), n * workers) - count for n, count in long.items())


def instead(slack: Callable[[Sequence[int], Sequence[int], int], Fraction]) -> Callable[[Claim], Claim]:
    """Return what makes this the only counting fact."""
    return lambda claim: replace(claim, counting=(Counting("planted", slack, "planted"),))


MUTANTS = (
    *(Mutant(n, "method", claim, lie, (), ("exact",), method=n) for n, lie, claim in KERNELS),
    Mutant("ormo_ages_from_one", "counting", DELAYS, "delays counted from 1", (), ("exact",),
           change=instead(ages_from_one)),
    Mutant("ormo_fewer_long_delays", "counting", DELAYS, "M - 2 for M - 1 in the number of long delays", (), ("exact",),
           change=instead(fewer_long_delays)),
)  # fmt: skip
