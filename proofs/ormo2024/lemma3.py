"""Lemmas 3 and 7: the auxiliary model is, up to its momentum, plain SGD with steps 1/(1 - beta) times as long.

Shi, Yang & Li (2024), Lemma 3 (equation 11) for a constant stepsize, Lemma 7 (16) for any:
zhat_(t+1) - yhat_(t+1) = - beta/(1 - beta) uhat_(t+1), where zhat is w_0 minus every gradient handed out, times its
stepsize over 1 - beta. No iterate of OrMo is in it: it says that the recursions fit, and sees no fault of a method.
"""

from typing import Any

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Identity, View
from ratecheck.core.proof import Counting, Proof
from ratecheck.core.setting_ormo import ORMO

from ._auxiliary import CASES, LETTERS, SOURCE, beta_of, hats, rounding_of_history

STATEMENT = r"\hat z_{t+1}-\hat y_{t+1}=-\frac\beta{1-\beta}\hat u_{t+1}"


def residual(view: View) -> Any:
    """Return zhat - yhat + beta q uhat; the virtual iterate has every gradient handed out, with its stepsize."""
    beta, (u, y) = beta_of(view), hats(view)
    return view.start + (view.virtual - view.start) / (1 - beta) - y + beta / (1 - beta) * u


IDENTITIES = (
    Identity(
        "lemma3",
        residual,
        STATEMENT,
        f"{SOURCE}, Lemmas 3 and 7",
        history=True,
        rounding=rounding_of_history,
        needs=("beta",),
        lemma="lemma 3",
    ),
)

#: the induction over what happens to one gradient is in ``ratecheck.checks.steps.courses``
PROOF = Proof(ORMO, (Counting("lemma 3", "lemma 3"),), proves={"": {"lemma3": "lemma 3"}})

CLAIM = Claim(
    title="OrMo, Lemmas 3 and 7: auxiliary model and plain SGD",
    source=f"{SOURCE}, Lemmas 3 and 7; formula ours",
    statement=f"For every arrival order and all gradients and stepsizes, ${STATEMENT}$ for all $t\\ge0$; {LETTERS}.",
    assumptions=(),
    outputs={},
    stepsize="constant",
    method="ormo",
    policy="clairvoyant",
    identities=IDENTITIES,
    cases=CASES,
)
