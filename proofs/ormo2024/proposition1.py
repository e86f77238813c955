"""Proposition 1, Remark 3: under the barrier OrMo is minibatch SGD with momentum.

Shi, Yang & Li (2024), Proposition 1: at the end of each round, w_(sM) = W_s and u_(sM) = U_s for
U_(s+1) = beta U_s + sum_m gamma g_s^m, W_(s+1) = W_s - U_(s+1): equation (5), whose rate is M gamma for the mean.
"""

from typing import Any

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Identity, View
from ratecheck.core.proof import Counting, Proof
from ratecheck.core.setting_barrier import ORMO_ROUNDS

from ._auxiliary import SOURCE, beta_of, issued, momentum_of, moved, rounding_of_history

MODEL = r"w_{sM}=W_s,\quad W_{s+1}=W_s-U_{s+1}"
MOMENTUM = r"u_{sM}=U_s,\quad U_{s+1}=\beta U_s+\sum_m\gamma g_s^m"


def rounds(view: View) -> tuple[Any, Any]:
    """Return (W, U) after the rounds so far, by their recursion."""
    model, momentum = view.start, 0 * view.start
    for first in range(0, view.step, view.workers):
        momentum = beta_of(view) * momentum + moved((f for f in issued(view) if f.version == first), 0 * view.start)
        model = model - momentum
    return model, momentum


def of_model(view: View) -> Any:
    """Return w minus W at the end of a round; zero within one."""
    return 0 * view.x if view.step % view.workers else view.x - rounds(view)[0]


def of_momentum(view: View) -> Any:
    """Return u minus U at the end of a round; zero within one."""
    return 0 * view.x if view.step % view.workers else momentum_of(view) - rounds(view)[1]


IDENTITIES = (
    Identity(
        "proposition1, model",
        of_model,
        MODEL,
        f"{SOURCE}, Proposition 1",
        lemma="rounds: x",
        history=True,
        rounding=rounding_of_history,
        needs=("beta", "u"),
    ),
    Identity(
        "proposition1, momentum",
        of_momentum,
        MOMENTUM,
        f"{SOURCE}, Proposition 1",
        lemma="rounds: u",
        history=True,
        rounding=rounding_of_history,
        needs=("beta", "u"),
    ),
)

#: the induction over the rounds, for one gradient, is in ``ratecheck.checks.steps.degenerate``
PROOF = Proof(
    ORMO_ROUNDS,
    (Counting("momentum", "rounds: u"), Counting("model", "rounds: x")),
    proves={"": {"proposition1, momentum": "momentum", "proposition1, model": "model"}},
)

CLAIM = Claim(
    title="OrMo, Proposition 1: under the barrier it is minibatch SGD with momentum",
    source=f"{SOURCE}, Proposition 1",
    statement=f"For every arrival order within the rounds, ${MODEL}$ and ${MOMENTUM}$.",
    assumptions=(),
    outputs={},
    stepsize="constant",
    method="ormo",
    scheduler="barrier",
    policy="clairvoyant",
    identities=IDENTITIES,
    cases=((1, 6), (2, 8), (3, 9), (4, 8)),
)
