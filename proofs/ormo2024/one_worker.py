"""One worker: OrMo is SGD with momentum, w = w - u, u = beta u + gamma g. Ours, a degenerate case.

Equations (3) and (4) of Shi, Yang & Li (2024). With M = 1 a group is one gradient and no gradient is late.
"""

from typing import Any

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Identity, View
from ratecheck.core.proof import Counting, Proof
from ratecheck.core.setting_ormo import ORMO

from ._auxiliary import SOURCE, arrived, beta_of, momentum_of, rounding_of_history

STATEMENT = r"M=1:\quad u_k=\beta u_{k-1}+\gamma_kg_k,\quad w_k=w_{k-1}-u_k"


def run(view: View) -> tuple[Any, Any]:
    """Return (w, u) of SGD with momentum on the gradients delivered so far."""
    model, momentum = view.start, 0 * view.start
    for f in arrived(view):
        momentum = beta_of(view) * momentum + f.gamma_next * f.gradient
        model = model - momentum
    return model, momentum


def of_model(view: View) -> Any:
    """Return w minus the iterate of SGD with momentum."""
    return view.x - run(view)[0]


def of_momentum(view: View) -> Any:
    """Return u minus the momentum of SGD with momentum."""
    return momentum_of(view) - run(view)[1]


IDENTITIES = (
    Identity(
        "one worker, model",
        of_model,
        STATEMENT,
        f"{SOURCE}, (3)-(4)",
        lemma="one worker, x",
        history=True,
        rounding=rounding_of_history,
        needs=("beta", "u"),
    ),
    Identity(
        "one worker, momentum",
        of_momentum,
        STATEMENT,
        f"{SOURCE}, (3)-(4)",
        lemma="one worker, u",
        history=True,
        rounding=rounding_of_history,
        needs=("beta", "u"),
    ),
)

#: the induction over the steps, for one gradient, is in ``ratecheck.checks.steps.degenerate``
PROOF = Proof(
    ORMO,
    tuple(Counting(f"one worker, {what}", f"one worker, {what}") for what in ("first u", "first x", "u", "x")),
    proves={"": {"one worker, momentum": "one worker, u", "one worker, model": "one worker, x"}},
)

CLAIM = Claim(
    title="OrMo with one worker: SGD with momentum",
    source=f"ours; equations (3) and (4) of {SOURCE}",
    statement=f"For all gradients and stepsizes, ${STATEMENT}$.",
    assumptions=(),
    outputs={},
    stepsize="constant",
    method="ormo",
    policy="clairvoyant",
    identities=IDENTITIES,
    cases=((1, 12),),
)
