"""Lemmas 2 and 6: the auxiliary model is the model minus the gradients in flight, with the coefficients of OrMo.

Shi, Yang & Li (2024), Lemma 2 (equation 10) for a constant stepsize, Lemma 6 (15) for any: with t, i and e as in
``lemma1``, yhat_(t+1) - w_(t+1) = - sum over m != m_k of (1 - beta^(e+1))/(1 - beta) A_i. The recursion of yhat is in
``_auxiliary``. The paper's words, our formula.
"""

from typing import Any

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Identity, View
from ratecheck.core.proof import Counting, Proof
from ratecheck.core.setting_ormo import ORMO

from ._auxiliary import CASES, LETTERS, SOURCE, geometric, group, hats, rounding_of_history, weighed

STATEMENT = (
    r"\hat y_{t+1}-w_{t+1}=-\sum_{m\ne m_t}"
    r"\frac{1-\beta^{\lceil t/M\rceil-\lceil i_m/M\rceil+1}}{1-\beta}A_{i_m}"
)


def residual(view: View) -> Any:
    """Return yhat - w plus the gradients in flight, each with 1 + beta + .. over the groups it is behind."""
    return hats(view)[1] - view.x + weighed(view, view.in_flight[:-1], group(view.step - 1, view.workers), geometric)


IDENTITIES = (
    Identity(
        "lemma2",
        residual,
        STATEMENT,
        f"{SOURCE}, Lemmas 2 and 6",
        history=True,
        rounding=rounding_of_history,
        needs=("beta",),
        lemma="lemma 2",
    ),
)

#: the induction over what happens to one gradient is in ``ratecheck.checks.steps.courses``
PROOF = Proof(ORMO, (Counting("lemma 2", "lemma 2"),), proves={"": {"lemma2": "lemma 2"}})

CLAIM = Claim(
    title="OrMo, Lemmas 2 and 6: the model and what is in flight",
    source=f"{SOURCE}, Lemmas 2 and 6; formula ours",
    statement=f"For every arrival order and all gradients and stepsizes, ${STATEMENT}$ for all $t\\ge0$; {LETTERS}.",
    assumptions=(),
    outputs={},
    stepsize="constant",
    method="ormo",
    policy="clairvoyant",
    identities=IDENTITIES,
    cases=CASES,
)
