"""I4: how the error of momentum without delays moves. Ours.

mhat_t is ordered momentum with what is in flight put back, each with its own weight (I1, ``ordered_momentum``), and
e_t = mhat_t - grad f(x_t), xi_t the noise at x_t. Then, with x_0 = x_1 and e_0 = -grad f(x_1),
e_t = (1 - beta) (e_(t-1) + grad f(x_(t-1)) - grad f(x_t)) + beta xi_t.
So the error of a step is drift of the gradient and one fresh noise: a martingale's, whatever the delays. The samples
count in the order in which they were drawn. Any vectors will do for the true gradients; here they are digits.
"""

from fractions import Fraction
from typing import Any

from ratecheck.core.claim import Claim
from ratecheck.core.gram import square
from ratecheck.core.identity import Identity, View
from ratecheck.core.proof import Identity as Step
from ratecheck.core.proof import Proof, eq
from ratecheck.core.setting import h, n, s, z
from ratecheck.core.setting_ordered import ORDERED, d, eh
from ratecheck.core.symbols import beta, k

from ._auxiliary import CASES, LIMITS, SOURCE, issued, rounding
from .ordered_momentum import in_flight

STATEMENT = (
    r"\hat e_t=(1-\beta)(\hat e_{t-1}+\nabla f(x_{t-1})-\nabla f(x_t))+\beta\xi_t,\quad"
    r"\hat e_t=m_t+\sum_{m\ne m_t}\omega_{k_m}\beta(1-\beta)^{t-k_m}g_{k_m}-\nabla f(x_t)"
)


def slope(view: View, t: int) -> Any:
    """Return a vector for grad f(x_t): 64^t times one that is nowhere else; on floats a gradient that was taken."""
    if view.x.dtype != object:
        return issued(view)[0 if t == 1 else view.workers + t - 2].gradient
    row = 0 * view.x
    row[-1] = Fraction(64) ** t
    return row


def residual(view: View) -> Any:
    """Return gamma times the method's error less that of the recursion."""
    weight, made = view.par["beta"], issued(view)
    found = -slope(view, 1)
    for t in range(1, view.step + 1):
        if t == 1:
            fresh = sum((f.gradient for f in made[: view.workers]), 0 * view.x) / view.workers
        else:
            fresh = made[view.workers + t - 2].gradient
        noise = fresh - slope(view, t)
        found = (1 - weight) * (found + slope(view, max(t - 1, 1)) - slope(view, t)) + weight * noise
    return view.gamma * (view.vectors["m"] + in_flight(view) - slope(view, view.step) - found)


IDENTITIES = (
    Identity(
        "recursion", residual, STATEMENT, f"I4, {SOURCE}", history=True, rounding=rounding, needs=("beta", "m"),
        lemma="ordered momentum",
    ),
)  # fmt: skip

PROOF = Proof(
    ORDERED,
    (
        Step(
            "recursion",
            eq(square(d(k) + s(k) + z(k) - h(k) - (1 - beta) * (eh(k - 1) + h(k - 1) - h(k)) - beta * n(k)), 0),
            by=("momentum", "error"),
        ),
    ),
    proves={"": {"recursion": "recursion"}},
)

CLAIM = Claim(
    title="Ordered momentum: the error of momentum without delays",
    source=SOURCE,
    statement=f"For every arrival order and all gradients, ${STATEMENT}$.",
    assumptions=(),
    outputs={},
    stepsize="constant",
    method="ordered_momentum",
    policy="clairvoyant",
    identities=IDENTITIES,
    cases=CASES,
    notes=LIMITS,
)
