"""Lemma 4: distance of model and virtual iterate where stochastic gradients are bounded, constant stepsize.

Shi, Yang & Li (2024), Lemma 4, in words; constants ours. With a = gamma/(1 - beta) and ||g|| <= G for every stochastic
gradient, ||zhat_k - w_k|| <= a G (M/(1 - beta) - 1), so its square is at most M^2 gamma^2 G^2/(1 - beta)^4. Where only
E||g||^2 <= G^2 is known the mean square has that bound, if delays do not depend on samples: slow workers could hold
the large gradients. Where ||grad F|| <= G_F alone, E||zhat_k - w_k||^2 <= 2 a^2 (G_F^2 (M/(1 - beta) - 1)^2 + sigma^2
M/(1 - beta^2)), by ``distance``.

Checked, in exact arithmetic: the coefficients, what they sum to, and the two roundings above.
"""

from collections.abc import Sequence
from fractions import Fraction

from ratecheck.core.claim import Claim, fraction, has
from ratecheck.core.identity import Counting

from ._auxiliary import CASES, SOURCE
from ._lemmas_proof import LEMMA_4 as PROOF
from .coefficients import BETAS, IDENTITIES, squares, sums

__all__ = ["CLAIM", "PROOF"]

STATEMENT = r"\|\hat z_k-w_k\|\le(\frac M{1-\beta}-1)\frac{\gamma G}{1-\beta}"


def rounded(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of M - 1 + M beta^2/(1 - beta^2) <= M/(1 - beta^2) and of M/(1 - beta) - 1 <= M/(1 - beta)."""
    noise = (workers / (1 - b**2) - (workers - 1 + workers * b**2 / (1 - b**2)) for b in BETAS)
    return min(*noise, *(workers / (1 - b) - (workers / (1 - b) - 1) for b in BETAS))


COUNTING = (
    Counting("gradients in the distance", sums, r"\sum_ic_{k,i}\le\frac M{1-\beta}-1", lemma="kept total"),
    Counting("noise in the distance", squares, r"\sum_ic_{k,i}^2\le M-1+\frac{M\beta^2}{1-\beta^2}"),
    Counting("roundings", rounded, r"M-1+\frac{M\beta^2}{1-\beta^2}\le\frac M{1-\beta^2}"),
)

CLAIM = Claim(
    title="OrMo, Lemma 4: distance of model and virtual iterate, bounded gradients (constants ours)",
    source=f"{SOURCE}, Lemma 4; constants ours",
    statement=f"For every arrival order and a constant stepsize, ${STATEMENT}$.",
    assumptions=(fraction("beta"), has("G")),
    outputs={},
    stepsize="constant",
    method="ormo",
    policy="data-dependent",
    identities=IDENTITIES,
    counting=COUNTING,
    cases=CASES,
)
