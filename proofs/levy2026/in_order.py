"""In-order commit: q is the sum of s_1..s_C, C the largest number such that all of these are there. Ours.

s_1 is that of worker 0. Every s up to C is there once, whatever the delays look at: so the noise of q_t is one of the
first t values of a martingale, and E||noise||^2 <= 4 t sigma^2 (Doob), where asynchronous mu^2-SGD has up to
(1 + sqrt(M-1))^2 (t + M - 1) sigma^2. The price is drift: q_t is about x_C and not about x_t.
"""

from typing import Any

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Identity, View

from ._auxiliary import CASES, LIMITS, SOURCE, difference, one_each, rounding

STATEMENT = r"q_t=\sum_{k\le C(t)}s_k,\quad C(t)=\max\{c:s_1,\dots,s_c\text{ are back at }t\}"


def committed(view: View) -> list[Any]:
    """Return the gradients at x_1..x_C."""
    flying, found = {f.number for f in view.in_flight[:-1]}, []
    for f in one_each(view):
        if f.number in flying:
            break
        found.append(f)
    return found


def residual(view: View) -> Any:
    """Return gamma times q minus the sum of s_1..s_C."""
    return view.gamma * (view.vectors["q"] - sum((difference(f) for f in committed(view)), 0 * view.x))


IDENTITIES = (Identity("in order", residual, STATEMENT, SOURCE, history=True, rounding=rounding, needs=("q",)),)

CLAIM = Claim(
    title="Asynchronous mu^2-SGD, in-order commit: what its direction is (ours)",
    source=SOURCE,
    statement=f"For every arrival order and all gradients, ${STATEMENT}$.",
    assumptions=(),
    outputs={},
    stepsize="constant",
    method="async_mu2_sgd_in_order",
    policy="clairvoyant",
    identities=IDENTITIES,
    cases=CASES,
    notes=LIMITS,
)
