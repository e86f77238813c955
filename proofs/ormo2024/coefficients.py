"""How far OrMo is from its virtual iterate: the coefficients of the gradients handed out, and what they sum to. Ours.

Stands in for Lemma 9 of Shi, Yang & Li (2024), whose statement we do not have. zhat_k - w_k = -1/(1 - beta) times the
sum of c_(k,i) A_i over the gradients i handed out before w_k: c = 1 in flight, and beta^(I - G(i) + 1) once delivered,
with I = ceil((k - 1)/M) and G(i) = ceil(i/M). M - 1 of them are in flight, each group has M members, and each value of
I lasts for M steps at most, so
(a) the sum over i of c_(k,i) is at most M - 1 + M beta/(1 - beta) = M/(1 - beta) - 1;
(b) that of c_(k,i)^2 at most M - 1 + M beta^2/(1 - beta^2), which is at most M/(1 - beta^2);
(c) the sum over k of c_(k,i) at most tau_i - 1 + M beta/(1 - beta), tau_i - 1 the steps that it is in flight at;
(d) the sum of beta^(ceil(k/M) - G(i)) over gradients of versions up to k at most M/(1 - beta).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Counting, Identity, View

from ._auxiliary import CASES, LETTERS, SOURCE, arrived, group, moved, power, rounding_of_history, weighed
from ._lemmas_proof import COEFFICIENTS as PROOF

__all__ = ["CLAIM", "PROOF"]

BETAS = (Fraction(0), Fraction(1, 2), Fraction(9, 10))
STATEMENT = r"\hat z_k-w_k=-\frac1{1-\beta}\sum_ic_{k,i}A_i"


def residual(view: View) -> Any:
    """Return zhat - w plus the weighed sum."""
    beta, newest = view.par["beta"], group(view.step - 1, view.workers)
    back = weighed(view, arrived(view), newest, lambda b, e: power(b, e + 1))
    virtual = view.start + (view.virtual - view.start) / (1 - beta)
    return virtual - view.x + (moved(view.in_flight[:-1], 0 * view.x) + back) / (1 - beta)


@lru_cache(maxsize=1024)
def handed_out(worker: tuple[int, ...], workers: int) -> tuple[tuple[int, int], ...]:
    """Return (version, step of delivery) of each hand-out, the initial ones first; K + 1 where it is not back at K."""
    steps = len(worker)
    made = [(0, m) for m in range(workers)] + list(enumerate(worker, 1))
    return tuple((i, next((j for j in range(i + 1, steps + 1) if worker[j - 1] == m), steps + 1)) for i, m in made)


def coefficient(beta: Fraction, k: int, version: int, back: int, workers: int) -> Fraction:
    """Return c_(k,i) of a gradient of this version that is delivered at step ``back``; 0 where it is not handed out."""
    if version >= k:
        return Fraction(0)
    if back > k:
        return Fraction(1)
    return beta ** (group(k - 1, workers) - group(version, workers) + 1)


def states(worker: Sequence[int], workers: int) -> Iterator[tuple[Fraction, int, list[Fraction]]]:
    """Yield (beta, k, the c_(k,i)) for each beta that is tried and k = 1..K."""
    flights = handed_out(tuple(worker), workers)
    for beta in BETAS:
        for k in range(1, len(worker) + 1):
            yield beta, k, [coefficient(beta, k, i, back, workers) for i, back in flights]


def sums(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of (a)."""
    return min(workers / (1 - beta) - 1 - sum(c) for beta, _, c in states(worker, workers))


def squares(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of (b)."""
    return min(
        workers - 1 + workers * beta**2 / (1 - beta**2) - sum(one * one for one in c)
        for beta, _, c in states(worker, workers)
    )


def along(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of (c)."""
    steps, slacks = len(worker), []
    for beta in BETAS:
        for version, back in handed_out(tuple(worker), workers):
            total = sum(coefficient(beta, k, version, back, workers) for k in range(1, steps + 1))
            slacks.append(back - version - 1 + workers * beta / (1 - beta) - total)
    return min(slacks)


def shares(beta: Fraction, k: int, worker: Sequence[int], workers: int) -> list[Fraction]:
    """Return beta^(ceil(k/M) - G(i)) of each gradient of a version up to k: its share of uhat_(k + 1)."""
    versions = (i for i, _ in handed_out(tuple(worker), workers))
    return [beta ** (group(k, workers) - group(i, workers)) for i in versions if i <= k]


def in_momentum(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of (d)."""
    return min(
        workers / (1 - beta) - sum(shares(beta, k, worker, workers)) for beta in BETAS for k in range(len(worker) + 1)
    )


IDENTITIES = (
    Identity(
        "coefficients",
        residual,
        STATEMENT,
        f"ours, for {SOURCE}",
        history=True,
        rounding=rounding_of_history,
        needs=("beta",),
        lemma="kept",
    ),
)
COUNTING = (
    Counting("sum of c", sums, r"\sum_ic_{k,i}\le\frac M{1-\beta}-1"),
    Counting("sum of squares of c", squares, r"\sum_ic_{k,i}^2\le M-1+\frac{M\beta^2}{1-\beta^2}"),
    Counting(
        "sum of c along the run",
        along,
        r"\sum_kc_{k,i}\le\tau_i-1+\frac{M\beta}{1-\beta}",
        lemma="kept windows",
    ),
    Counting(
        "sum in the momentum", in_momentum, r"\sum_{i\le k}\beta^{\lceil k/M\rceil-\lceil i/M\rceil}\le\frac M{1-\beta}"
    ),
)

CLAIM = Claim(
    title="OrMo: the coefficients of the gradients between model and virtual iterate (ours)",
    source=f"ours, in place of Lemma 9 of {SOURCE}",
    statement=(
        f"For every arrival order and all gradients and stepsizes, ${STATEMENT}$ with $c_{{k,i}}=1$ in flight and "
        f"$\\beta^{{\\lceil(k-1)/M\\rceil-\\lceil i/M\\rceil+1}}$ after delivery; {LETTERS}. For $\\beta=0,1/2,9/10$ "
        "these sum to at most $M/(1-\\beta)-1$."
    ),
    assumptions=(),
    outputs={},
    stepsize="constant",
    method="ormo",
    policy="clairvoyant",
    identities=IDENTITIES,
    counting=COUNTING,
    cases=CASES,
)
