"""Lemmas 1 and 5: the auxiliary momentum is the momentum and, with their weights, the gradients in flight.

Shi, Yang & Li (2024), Lemma 1 (equation 9) for a constant stepsize, Lemma 5 (14) for any: with t = k - 1, i the
version worker m computes at and e = ceil(t/M) - ceil(i/M), uhat_(t+1) - u_(t+1) = sum over m != m_k of beta^e A_i.
The recursion of uhat is in ``_auxiliary``. Every gradient, stepsize and arrival order; the paper's words, our formula.
"""

from typing import Any

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Identity, View
from ratecheck.core.proof import Counting, Proof
from ratecheck.core.setting_ormo import ORMO

from ._auxiliary import CASES, LETTERS, SOURCE, group, hats, momentum_of, power, rounding_of_history, weighed

STATEMENT = r"\hat u_{t+1}-u_{t+1}=\sum_{m\ne m_t}\beta^{\lceil t/M\rceil-\lceil i_m/M\rceil}A_{i_m}"


def residual(view: View) -> Any:
    """Return uhat - u minus the gradients in flight, each with beta to the number of groups it is behind."""
    inside = weighed(view, view.in_flight[:-1], group(view.step - 1, view.workers), power)
    return hats(view)[0] - momentum_of(view) - inside


IDENTITIES = (
    Identity(
        "lemma1",
        residual,
        STATEMENT,
        f"{SOURCE}, Lemmas 1 and 5",
        history=True,
        rounding=rounding_of_history,
        needs=("beta", "u"),
        lemma="lemma 1",
    ),
)

#: the induction over what happens to one gradient is in ``ratecheck.checks.steps.courses``
PROOF = Proof(ORMO, (Counting("lemma 1", "lemma 1"),), proves={"": {"lemma1": "lemma 1"}})

CLAIM = Claim(
    title="OrMo, Lemmas 1 and 5: the momentum and what is in flight",
    source=f"{SOURCE}, Lemmas 1 and 5; formula ours",
    statement=f"For every arrival order and all gradients and stepsizes, ${STATEMENT}$ for all $t\\ge0$; {LETTERS}.",
    assumptions=(),
    outputs={},
    stepsize="constant",
    method="ormo",
    policy="clairvoyant",
    identities=IDENTITIES,
    cases=CASES,
)
