"""The virtual iterate of OrMo: what it is that the proofs follow, seen from the iterates. Ours.

zhat_k = w_0 minus every gradient handed out before x_k, times its stepsize over 1 - beta:
zhat_k = w_k - beta/(1 - beta) u_k - 1/(1 - beta) sum over m != m_k of A_(i_m). Lemma 2 + Lemma 3 - Lemma 1 of Shi,
Yang & Li (2024); with beta = 0 it is Lemma 1 of Mishchenko, Bach, Even & Woodworth (2022).
"""

from typing import Any

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Identity, View
from ratecheck.core.proof import Counting, Proof
from ratecheck.core.setting_ormo import ORMO

from ._auxiliary import CASES, LETTERS, SOURCE, beta_of, momentum_of, moved, rounding

STATEMENT = r"\hat z_k=w_k-\frac\beta{1-\beta}u_k-\frac1{1-\beta}\sum_{m\ne m_k}A_{i_m}"


def residual(view: View) -> Any:
    """Return zhat minus what it is said to be."""
    beta = beta_of(view)
    others = moved((f for f in view.in_flight[:-1] if f.worker != view.arrived), 0 * view.x)
    virtual = view.start + (view.virtual - view.start) / (1 - beta)
    return virtual - view.x + beta / (1 - beta) * momentum_of(view) + others / (1 - beta)


IDENTITIES = (
    Identity(
        "virtual iterate",
        residual,
        STATEMENT,
        f"ours, for {SOURCE}",
        rounding=rounding,
        needs=("beta", "u"),
        lemma="virtual",
    ),
)

#: the induction over what happens to one gradient is in ``ratecheck.checks.steps.courses``
PROOF = Proof(ORMO, (Counting("virtual", "virtual"),), proves={"": {"virtual iterate": "virtual"}})

CLAIM = Claim(
    title="OrMo: the virtual iterate",
    source=f"ours, for the algorithm of {SOURCE}",
    statement=f"For every arrival order and all gradients and stepsizes, ${STATEMENT}$; {LETTERS}.",
    assumptions=(),
    outputs={},
    stepsize="constant",
    method="ormo",
    policy="clairvoyant",
    identities=IDENTITIES,
    cases=CASES,
)
