"""Lemma 11: distance of the auxiliary model and the model, any stepsizes.

Shi, Yang & Li (2024), Lemma 11, in words; formula and constants ours. With q = 1/(1 - beta), summed over the M - 1
workers m other than the one that delivered, whose gradients A_(i_m) are in flight,
E||yhat_(t+1) - w_(t+1)||^2 <= q^2 ((M - 1) sum gamma_m^2 E||grad F(w_(i_m))||^2 + sigma^2 sum gamma_m^2).
By Lemma 2 the left side is that of a sum with coefficients q (1 - beta^(e + 1)), which are at most q. No factor 2: no
iterate in flight has seen the noise of another one, so means and noises are orthogonal.

Checked, in exact arithmetic: that identity, and the square of the sum for all vectors (see ``distance``).
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from ratecheck.core.claim import Claim, has
from ratecheck.core.identity import Counting

from . import lemma2
from ._auxiliary import CASES, SOURCE, group
from ._lemma11_proof import PROOF
from .coefficients import BETAS, handed_out
from .distance import left_over, stepsizes

__all__ = ["CLAIM", "PROOF"]

STATEMENT = (
    r"\mathbb{E}\|\hat y_{t+1}-w_{t+1}\|^2\le\frac1{(1-\beta)^2}\sum_{m\ne m_t}\gamma_m^2\left("
    r"(M-1)\mathbb{E}\|\nabla F(w_{i_m})\|^2+\sigma^2\right)"
)


def flying(worker: Sequence[int], workers: int) -> Iterator[list[Fraction]]:
    """Yield 1 - beta^(e + 1) of the gradients in flight after step k, for each beta that is tried and each k."""
    flights = handed_out(tuple(worker), workers)
    for beta in BETAS:
        for k in range(1, len(worker) + 1):
            newest = group(k - 1, workers)
            yield [1 - beta ** (newest - group(i, workers) + 1) for i, back in flights if i < k < back]


def gradients(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of ||sum (1 - beta^(e + 1)) gamma h||^2 <= (M - 1) sum gamma^2 ||h||^2."""
    return min(
        left_over((c * g, (workers - 1) * g * g) for c, g in zip(parts, stepsizes(len(parts)), strict=True))
        for parts in flying(worker, workers)
    )


def noises(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of (1 - beta^(e + 1))^2 <= 1 for each of at most M - 1 gradients."""
    return min(
        min((1 - c * c for c in parts), default=Fraction(1)) if len(parts) < workers else Fraction(-1)
        for parts in flying(worker, workers)
    )


COUNTING = (
    Counting(
        "lemma 11, gradients",
        gradients,
        r"\|\sum_{m\ne m_t}(1-\beta^{e_m+1})\gamma_mh_m\|^2\le(M-1)\sum_{m\ne m_t}\gamma_m^2\|h_m\|^2"
        r"\ \text{for all }h_m",
        lemma="lemma 2, in flight",
    ),
    Counting("lemma 11, noises", noises, r"(1-\beta^{e_m+1})^2\le1\ \text{for }M-1\text{ gradients}", lemma="ahead"),
)

CLAIM = Claim(
    title="OrMo, Lemma 11: auxiliary model and model (constants ours)",
    source=f"{SOURCE}, Lemma 11; formula and constants ours",
    statement=f"For every arrival order, ${STATEMENT}$.",
    assumptions=(has("sigma"),),
    outputs={},
    stepsize="constant",
    method="ormo",
    policy="independent",
    identities=lemma2.IDENTITIES,
    counting=COUNTING,
    cases=CASES,
)
