"""Lemma 10: distance of the virtual iterate and the auxiliary model, any stepsizes.

Shi, Yang & Li (2024), Lemma 10, in words; formula and constants ours. With q = 1/(1 - beta), t = k - 1, e_i = ceil(t/M)
- ceil(i/M) and Q_t the sum of the beta^(e_i) over the gradients handed out, which is at most M q,
E||zhat_(t+1) - yhat_(t+1)||^2 <= 2 (beta q)^2 (Q_t sum beta^(e_i) gamma_i^2 E||grad F(w_i)||^2 + sigma^2 sum
beta^(2 e_i) gamma_i^2). By Lemmas 3 and 8 the left side is (beta q)^2 E||uhat||^2, and uhat the sum of beta^(e_i) A_i.
The 2 cannot be 1: later iterates depend on earlier noise.

Checked, in exact arithmetic: that identity, and the square of the sum for all vectors (see ``distance``).
"""

from collections.abc import Sequence
from fractions import Fraction

from ratecheck.core.claim import Claim, has
from ratecheck.core.identity import Counting

from . import lemma3, lemma8
from ._auxiliary import CASES, SOURCE
from ._lemmas_proof import LEMMA_10 as PROOF
from .coefficients import BETAS, in_momentum, shares
from .distance import left_over, stepsizes

__all__ = ["CLAIM", "PROOF"]

STATEMENT = (
    r"\mathbb{E}\|\hat z_{t+1}-\hat y_{t+1}\|^2\le\frac{2\beta^2}{(1-\beta)^2}("
    r"Q_t\sum_{i\le t}\beta^{e_i}\gamma_i^2\mathbb{E}\|\nabla F(w_i)\|^2"
    r"+\sigma^2\sum_{i\le t}\beta^{2e_i}\gamma_i^2)"
)


def gradients(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of ||sum beta^e gamma h||^2 <= Q_t sum beta^e gamma^2 ||h||^2."""
    slacks = []
    for beta in BETAS:
        for t in range(len(worker)):
            parts = shares(beta, t, worker, workers)
            gamma = stepsizes(len(parts))
            slacks.append(left_over((p * g, sum(parts) * p * g * g) for p, g in zip(parts, gamma, strict=True)))
    return min(slacks)


COUNTING = (
    Counting(
        "lemma 10, gradients",
        gradients,
        r"\|\sum_{i\le t}\beta^{e_i}\gamma_ih_i\|^2\le Q_t\sum_{i\le t}\beta^{e_i}\gamma_i^2\|h_i\|^2"
        r"\ \text{for all }h_i",
        lemma="lemma 8",
    ),
    Counting("sum in the momentum", in_momentum, r"Q_t\le\frac M{1-\beta}"),
)

CLAIM = Claim(
    title="OrMo, Lemma 10: virtual iterate and auxiliary model (constants ours)",
    source=f"{SOURCE}, Lemma 10; formula and constants ours",
    statement=f"For every arrival order, ${STATEMENT}$.",
    assumptions=(has("sigma"),),
    outputs={},
    stepsize="constant",
    method="ormo",
    policy="independent",
    identities=(*lemma3.IDENTITIES, *lemma8.IDENTITIES),
    counting=COUNTING,
    cases=CASES,
)
