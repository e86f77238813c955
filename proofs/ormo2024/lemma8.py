"""Lemma 8: the auxiliary momentum in closed form, a sum over every gradient handed out.

Shi, Yang & Li (2024), Lemma 8: uhat_(t+1) = sum over i <= t of beta^(ceil(t/M) - ceil(i/M)) A_i, M copies at i = 0. No
iterate of OrMo is in it. The paper's words, our formula.
"""

from typing import Any

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Identity, View
from ratecheck.core.proof import Counting, Proof
from ratecheck.core.setting_ormo import ORMO

from ._auxiliary import CASES, LETTERS, SOURCE, group, hats, issued, power, rounding_of_history, weighed

STATEMENT = r"\hat u_{t+1}=\sum_{i\le t}\beta^{\lceil t/M\rceil-\lceil i/M\rceil}A_i"


def residual(view: View) -> Any:
    """Return uhat by its recursion minus the sum."""
    return hats(view)[0] - weighed(view, issued(view), group(view.step - 1, view.workers), power)


IDENTITIES = (
    Identity(
        "lemma8",
        residual,
        STATEMENT,
        f"{SOURCE}, Lemma 8",
        history=True,
        rounding=rounding_of_history,
        needs=("beta",),
        lemma="lemma 8",
    ),
)

#: the induction over what happens to one gradient is in ``ratecheck.checks.steps.courses``
PROOF = Proof(ORMO, (Counting("lemma 8", "lemma 8"),), proves={"": {"lemma8": "lemma 8"}})

CLAIM = Claim(
    title="OrMo, Lemma 8: the auxiliary momentum in closed form",
    source=f"{SOURCE}, Lemma 8; formula ours",
    statement=f"For every arrival order, all gradients and stepsizes, ${STATEMENT}$, $M$ copies at $i=0$; {LETTERS}.",
    assumptions=(),
    outputs={},
    stepsize="constant",
    method="ormo",
    policy="clairvoyant",
    identities=IDENTITIES,
    cases=CASES,
)
