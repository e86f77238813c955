"""Closed forms: what every delivered gradient has become of, in the momentum and in the model of OrMo. Ours.

With I the newest group of the momentum (ceil((k - 1)/M) under the async scheduler) and G(i) = ceil(i/M), summed over
the gradients delivered so far:
u = sum beta^(I - G(i)) A_i,   w = w_0 - sum (1 - beta^(I - G(i) + 1))/(1 - beta) A_i,   and so
w - beta/(1 - beta) u = w_0 - 1/(1 - beta) sum A_i: the shifted iterate is asynchronous SGD with steps 1/(1 - beta)
times as long. The last one holds whatever group a gradient is put into, so alone it sees no fault of the order.
"""

from typing import Any

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Identity, View
from ratecheck.core.proof import Counting, Proof
from ratecheck.core.setting_ormo import ORMO

from ._auxiliary import (
    CASES,
    LETTERS,
    SOURCE,
    arrived,
    beta_of,
    geometric,
    momentum_of,
    moved,
    newest,
    power,
    rounding,
    rounding_of_history,
    weighed,
)

MOMENTUM = r"u_k=\sum_{i\ \mathrm{back}}\beta^{I-\lceil i/M\rceil}A_i"
MODEL = r"w_k=w_0-\sum_{i\ \mathrm{back}}\frac{1-\beta^{I-\lceil i/M\rceil+1}}{1-\beta}A_i"
SHIFT = r"w_k-\frac\beta{1-\beta}u_k=w_0-\frac1{1-\beta}\sum_{i\ \mathrm{back}}A_i"


def momentum(view: View) -> Any:
    """Return u minus its closed form."""
    return momentum_of(view) - weighed(view, arrived(view), newest(view), power)


def model(view: View) -> Any:
    """Return w minus its closed form."""
    return view.x - view.start + weighed(view, arrived(view), newest(view), geometric)


def shift(view: View) -> Any:
    """Return the shifted iterate minus plain SGD's; what is delivered is what is handed out and not in flight."""
    beta = beta_of(view)
    delivered = view.start - view.virtual - moved(view.in_flight[:-1], 0 * view.x)
    return view.x - beta / (1 - beta) * momentum_of(view) - view.start + delivered / (1 - beta)


IDENTITIES = (
    Identity(
        "closed form of u",
        momentum,
        MOMENTUM,
        f"ours, for {SOURCE}",
        lemma="closed momentum",
        history=True,
        rounding=rounding_of_history,
        needs=("beta", "u"),
    ),
    Identity(
        "closed form of w",
        model,
        MODEL,
        f"ours, for {SOURCE}",
        lemma="closed model",
        history=True,
        rounding=rounding_of_history,
        needs=("beta", "u"),
    ),
    Identity("shift", shift, SHIFT, f"ours, for {SOURCE}", rounding=rounding, needs=("beta", "u"), lemma="shift"),
)

#: the induction over what happens to one gradient is in ``ratecheck.checks.steps.courses``
PROOF = Proof(
    ORMO,
    tuple(Counting(lemma, lemma) for lemma in ("closed momentum", "closed model", "shift")),
    proves={"": {"closed form of u": "closed momentum", "closed form of w": "closed model", "shift": "shift"}},
)

CLAIM = Claim(
    title="OrMo: closed forms of momentum and model",
    source=f"ours, for the algorithm of {SOURCE}",
    statement=(
        f"For every arrival order and all gradients and stepsizes, ${MOMENTUM}$, ${MODEL}$ and ${SHIFT}$, where "
        f"$I=\\lceil(k-1)/M\\rceil$; {LETTERS}."
    ),
    assumptions=(),
    outputs={},
    stepsize="constant",
    method="ormo",
    policy="clairvoyant",
    identities=IDENTITIES,
    cases=CASES,
)
