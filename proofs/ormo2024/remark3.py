"""Remark 3: without momentum OrMo is asynchronous SGD.

Shi, Yang & Li (2024), Remark 3: with beta = 0, w_k is w_0 minus every gradient delivered, with its stepsize, and u_k
holds the gradients delivered of the newest group. (With the barrier: ``proposition1``.)
"""

from typing import Any

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Identity, View
from ratecheck.core.proof import Counting, Proof
from ratecheck.core.setting_ormo import ORMO

from ._auxiliary import CASES, LETTERS, SOURCE, moved

STATEMENT = r"\beta=0:\quad w_k=w_0-\sum_{i\ \mathrm{back}}A_i"


def residual(view: View) -> Any:
    """Return w minus the iterate of asynchronous SGD."""
    return view.x - view.virtual - moved(view.in_flight[:-1], 0 * view.x)


IDENTITIES = (Identity("remark3", residual, STATEMENT, f"{SOURCE}, Remark 3", lemma="without momentum"),)

PROOF = Proof(ORMO, (Counting("model", "without momentum"),), proves={"": {"remark3": "model"}})

CLAIM = Claim(
    title="OrMo, Remark 3: without momentum it is asynchronous SGD",
    source=f"{SOURCE}, Remark 3",
    statement=f"For every arrival order and all gradients and stepsizes, ${STATEMENT}$; {LETTERS}.",
    assumptions=(),
    outputs={},
    stepsize="constant",
    method="ormo",
    policy="clairvoyant",
    identities=IDENTITIES,
    fixed={"beta": 0},
    cases=CASES,
)
