"""I5, I6, I9: the q of asynchronous mu^2-SGD next to t grad f(x_t). The fragments' decomposition, in our words.

I9: q_t is all s handed out so far, M + t - 1 of them, less the M - 1 in flight.
I5, for true gradients: sum over k <= t of sbar_k = t grad f(x_t), sbar_k = k grad f(x_k) - (k-1) grad f(x_(k-1)).
I6, for true gradients: q_t - t grad f(x_t) = sum over k in T(t) of (sbar_1 - sbar_k). So the error of q_t is this drift
and the noise of what has arrived, which by I9 is a martingale of M + t - 1 terms less M - 1 of them: those in flight,
which an adversary chooses.
"""

from typing import Any

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Identity, View

from ._auxiliary import CASES, LIMITS, SOURCE, difference, in_means, issued, late, one_each, rounding

ARRIVED = r"q_t=\sum_{i=1}^{M+t-1}s_i-\sum_{m\ne m_t}s_{k_m}"
TELESCOPED = r"\sum_{k\le t}\bar s_k=t\nabla f(x_t)"
DRIFT = r"\bar q_t-t\nabla f(x_t)=\sum_{k\in T(t)}(\bar s_1-\bar s_k)"


def arrived(view: View) -> Any:
    """Return gamma times q minus all s, plus those in flight."""
    made = sum((difference(f) for f in issued(view)), 0 * view.x)
    flying = sum((difference(f) for f in view.in_flight[:-1]), 0 * view.x)
    return view.gamma * (view.vectors["q"] - made + flying)


def telescoped(view: View) -> Any:
    """Return gamma times the sum of one sbar of each model minus t grad f(x_t)."""
    once = sum((difference(f) for f in one_each(view)), 0 * view.x)
    return in_means(view, view.gamma * (once - view.step * issued(view)[-1].gradient))


def drift(view: View) -> Any:
    """Return gamma times the error of q minus the drift, in true gradients."""
    made = issued(view)
    missing = sum((difference(made[0]) - difference(f) for f in late(view)), 0 * view.x)
    return in_means(view, view.gamma * (view.vectors["q"] - view.step * made[-1].gradient - missing))


IDENTITIES = tuple(
    Identity(name, of, statement, f"{number}, {SOURCE}", history=True, rounding=rounding, needs=needs)
    for name, of, statement, number, needs in (
        ("arrived and in flight", arrived, ARRIVED, "I9", ("q",)),
        ("telescoped", telescoped, TELESCOPED, "I5", ()),
        ("drift", drift, DRIFT, "I6", ("q",)),
    )
)

CLAIM = Claim(
    title="Asynchronous mu^2-SGD: the error of its direction is drift and noise",
    source=SOURCE,
    statement=f"For every arrival order and all gradients, ${ARRIVED}$; in the mean ${TELESCOPED}$ and ${DRIFT}$.",
    assumptions=(),
    outputs={},
    stepsize="constant",
    method="async_mu2_sgd",
    policy="clairvoyant",
    identities=IDENTITIES,
    cases=CASES,
    notes=LIMITS,
)
