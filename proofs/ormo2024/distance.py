"""How far OrMo is from its virtual iterate, in expectation: the lemma that Theorem 2 uses. Ours.

In place of Lemmas 10 and 11 of Shi, Yang & Li (2024). With a_i = gamma_i/(1 - beta), S_k = sum of the c_(k,i) and h_i =
grad F(w_i),
E||zhat_k - w_k||^2 <= 2 S_k sum c_(k,i) a_i^2 E||h_i||^2 + 2 sigma^2 sum c_(k,i)^2 a_i^2.
Each gradient is h_i and noise; ||x + y||^2 <= 2 ||x||^2 + 2 ||y||^2, for the two parts are not orthogonal: later
iterates depend on earlier noise. The square of the sum of c a h is at most the first sum for *all* vectors h, which is
what is checked, by Cauchy and Schwarz: ||sum v_i h_i||^2 <= sum d_i ||h_i||^2 for all h exactly when the v_i^2/d_i sum
to at most 1. Noises are orthogonal where delays do not depend on samples, so their squares add.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from ratecheck.core.claim import Claim, has
from ratecheck.core.identity import Counting

from ._auxiliary import CASES, SOURCE
from ._lemmas_proof import DISTANCE as PROOF
from .coefficients import IDENTITIES, states

__all__ = ["CLAIM", "PROOF"]

STATEMENT = (
    r"\mathbb{E}\|\hat z_k-w_k\|^2\le2S_k\sum_ic_{k,i}a_i^2\mathbb{E}\|\nabla F(w_i)\|^2+2\sigma^2\sum_ic_{k,i}^2a_i^2"
)


def stepsizes(count: int) -> list[Fraction]:
    """Return stepsizes that differ: 1, 1/2, 1/3, 1, 1/2, ..."""
    return [Fraction(1, 1 + i % 3) for i in range(count)]


def left_over(pairs: Iterable[tuple[Fraction, Fraction]]) -> Fraction:
    """Return 1 - sum of v^2/d: not negative exactly when ||sum v h||^2 <= sum d ||h||^2 for all vectors h.

    A vector with v > 0 and d = 0 counts as -1: it may be as long as one likes.
    """
    pairs = list(pairs)
    if any(d == 0 and v != 0 for v, d in pairs):
        return Fraction(-1)
    return 1 - sum((v * v / d for v, d in pairs if d), Fraction(0))


def gradients(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of the part of the gradients."""
    gamma = stepsizes(workers + len(worker))
    return min(
        left_over((one * g, sum(c) * one * g * g) for one, g in zip(c, gamma, strict=True))
        for _, _, c in states(worker, workers)
    )


COUNTING = (
    Counting(
        "distance, gradients",
        gradients,
        r"\left\|\sum_ic_{k,i}a_ih_i\right\|^2\le S_k\sum_ic_{k,i}a_i^2\|h_i\|^2\ \text{for all }h_i",
        lemma="kept",
    ),
)

CLAIM = Claim(
    title="OrMo: distance of model and virtual iterate (ours)",
    source=f"ours, in place of Lemmas 10 and 11 of {SOURCE}",
    statement=f"For every arrival order, ${STATEMENT}$, with $S_k=\\sum_ic_{{k,i}}$ and $a_i=\\gamma_i/(1-\\beta)$.",
    assumptions=(has("sigma"),),
    outputs={},
    stepsize="constant",
    method="ormo",
    policy="independent",
    identities=IDENTITIES,
    counting=COUNTING,
    cases=CASES,
)
