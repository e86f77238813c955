"""Remark 1: asynchronous SGD under the barrier is minibatch SGD with a stepsize M times as large.

Shi, Yang & Li (2024), Remark 1: at the end of each round x_(sM) is x_0 minus gamma times the sum of all gradients,
which is (M gamma) times their mean, all of a round taken at one model.
"""

from typing import Any

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Identity, View
from ratecheck.core.proof import Counting, Proof
from ratecheck.core.setting_barrier import ASYNC_ROUNDS

from ._auxiliary import SOURCE

STATEMENT = r"x_{sM}=W_s,\quad W_{s+1}=W_s-M\gamma\cdot\frac1M\sum_mg_s^m"


def residual(view: View) -> Any:
    """Return x minus W at the end of a round, where nothing is in flight; zero within one."""
    return 0 * view.x if view.step % view.workers else view.x - view.virtual


IDENTITIES = (Identity("remark1", residual, STATEMENT, f"{SOURCE}, Remark 1", lemma="rounds, plain"),)

PROOF = Proof(ASYNC_ROUNDS, (Counting("round", "rounds, plain"),), proves={"": {"remark1": "round"}})

CLAIM = Claim(
    title="Remark 1: the barrier makes asynchronous SGD minibatch SGD",
    source=f"{SOURCE}, Remark 1",
    statement=f"For every arrival order within the rounds, ${STATEMENT}$, all gradients of round $s$ taken at $W_s$.",
    assumptions=(),
    outputs={},
    stepsize="constant",
    scheduler="barrier",
    policy="clairvoyant",
    identities=IDENTITIES,
    cases=((1, 6), (2, 8), (3, 9), (4, 8)),
)
