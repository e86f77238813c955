"""In-order commit of ordered momentum: m is the momentum without delays, up to the last model before a gap. Ours.

m_t = sum over k <= C(t) of beta (1 - beta)^(t-k) g_k, with C(t) and g_1 as in ``in_order``.
"""

from typing import Any

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Identity, View

from ._auxiliary import CASES, LIMITS, SOURCE, power, rounding
from .in_order import committed

STATEMENT = r"m_t=\sum_{k\le C(t)}\beta(1-\beta)^{t-k}g_k"


def residual(view: View) -> Any:
    """Return gamma times m minus the sum."""
    beta, total = view.par["beta"], 0 * view.x
    for f in committed(view):
        total = total + beta * power(1 - beta, view.step - 1 - f.version) * f.gradient
    return view.gamma * (view.vectors["m"] - total)


IDENTITIES = (Identity("in order", residual, STATEMENT, SOURCE, history=True, rounding=rounding, needs=("beta", "m")),)

CLAIM = Claim(
    title="Ordered momentum, in-order commit: what its momentum is (ours)",
    source=SOURCE,
    statement=f"For every arrival order and all gradients, ${STATEMENT}$, all of $g_1,\\dots,g_{{C(t)}}$ back at $t$.",
    assumptions=(),
    outputs={},
    stepsize="constant",
    method="ordered_momentum_in_order",
    policy="clairvoyant",
    identities=IDENTITIES,
    cases=CASES,
    notes=LIMITS,
)
