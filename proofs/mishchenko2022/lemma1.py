"""Lemma 1: the distance from an iterate to its virtual iterate is the sum of the M - 1 gradients in flight.

Mishchenko, Bach, Even & Woodworth (2022), Lemma 1, for all k >= 1:
x_k - xhat_k = sum over m != m_k of gamma_next(k,m) g_prev(k,m)^m.
Pure algebra: any stepsizes, any gradients, any delays. The virtual iterate xhat_k is x_0 minus every gradient handed
out before version k, each with the stepsize it will finally be applied with. The gradient about to be handed out at
x_k is not in the sum, and a worker that has not returned contributes its initial gradient (prev = 0). The printed
proof has an indicator that is always true (next(i, m_i) <= k for next(i + 1, m_i) <= k); the statement is right.
"""

from typing import Any

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Identity, View
from ratecheck.core.proof import Counting, Proof
from ratecheck.core.setting import ASYNC

SOURCE = "Mishchenko, Bach, Even & Woodworth (2022), Lemma 1"


def residual(view: View) -> Any:
    """Return x_k - xhat_k minus the gradients in flight of the workers other than m_k."""
    others = (f.gamma_next * f.gradient for f in view.in_flight if f.worker != view.arrived)
    return view.x - view.virtual - sum(others, 0 * view.x)


IDENTITIES = (
    Identity(
        name="lemma1",
        residual=residual,
        statement=r"x_k-\hat x_k=\sum_{m\ne m_k}\gamma_{\mathrm{next}(k,m)}\,g^m_{\mathrm{prev}(k,m)}",
        source=SOURCE,
        lemma="in flight",
    ),
)

#: the induction over the steps of one worker is in ``ratecheck.checks.steps.counting``, lemma "in flight"
PROOF = Proof(ASYNC, (Counting("in flight", "in flight"),), proves={"": {"lemma1": "in flight"}})

CLAIM = Claim(
    title="Virtual iterates: what is in flight",
    source=SOURCE,
    statement=(
        "For every arrival order and all gradients and stepsizes, "
        "$x_k-\\hat x_k=\\sum_{m\\ne m_k}\\gamma_{\\mathrm{next}(k,m)}g^m_{\\mathrm{prev}(k,m)}$."
    ),
    assumptions=(),
    outputs={},
    stepsize="constant",
    policy="clairvoyant",
    identities=IDENTITIES,
    notes=("The printed proof has another indicator, which is wrong: see mishchenko2022.lemma1_printed_indicator.",),
)
