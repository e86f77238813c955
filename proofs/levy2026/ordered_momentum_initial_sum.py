"""I1, I3: the same where each of the M gradients at the first model counts in full. Ours.

I1: with g_1 the sum of the M at x_1, m_t - mhat_t = - sum over the workers in flight of beta (1 - beta)^(t-k) g_k.
I3, for true gradients: what has arrived less one of each of x_1..x_t is
beta sum over k in T(t) of [(1 - beta)^(t-1) grad f(x_1) - (1 - beta)^(t-k) grad f(x_k)]: as many extra gradients at x_1
have come as others are missing (I2, ``bookkeeping``).
"""

from typing import Any

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Identity, View

from ._auxiliary import CASES, LIMITS, SOURCE, in_means, issued, late, one_each, power, rounding

BIAS = r"m_t-\hat m_t=-\sum_{m\ne m_t}\beta(1-\beta)^{t-k_m}g_{k_m},\quad\hat m_t=(1-\beta)\hat m_{t-1}+\beta g_t"
MEANS = (
    r"m_t-\sum_{k\le t}\beta(1-\beta)^{t-k}\nabla f(x_k)"
    r"=\beta\sum_{k\in T(t)}[(1-\beta)^{t-1}\nabla f(x_1)-(1-\beta)^{t-k}\nabla f(x_k)]"
)


def weighted(view: View, f: Any) -> Any:
    """Return beta (1 - beta)^(t-k) g_k."""
    beta = view.par["beta"]
    return beta * power(1 - beta, view.step - 1 - f.version) * f.gradient


def bias(view: View) -> Any:
    """Return gamma (m - mhat + what is in flight)."""
    beta, made = view.par["beta"], issued(view)
    hat = beta * sum((f.gradient for f in made[: view.workers]), 0 * view.x)
    for f in made[view.workers :]:
        hat = (1 - beta) * hat + beta * f.gradient
    flying = sum((weighted(view, f) for f in view.in_flight[:-1]), 0 * view.x)
    return view.gamma * (view.vectors["m"] - hat + flying)


def means(view: View) -> Any:
    """Return gamma times the difference of the two sides, in true gradients."""
    first = weighted(view, issued(view)[0])
    once = sum((weighted(view, f) for f in one_each(view)), 0 * view.x)
    missing = sum((first - weighted(view, f) for f in late(view)), 0 * view.x)
    return in_means(view, view.gamma * (view.vectors["m"] - once - missing))


IDENTITIES = tuple(
    Identity(name, of, statement, f"{number}, {SOURCE}", history=True, rounding=rounding, needs=("beta", "m"))
    for name, of, statement, number in (("bias", bias, BIAS, "I1"), ("one of each", means, MEANS, "I3"))
)

CLAIM = Claim(
    title="Ordered momentum with the sum of the initial gradients: its bias, and one gradient of each model",
    source=SOURCE,
    statement=f"For every arrival order and all gradients, ${BIAS}$; in the mean ${MEANS}$.",
    assumptions=(),
    outputs={},
    stepsize="constant",
    method="ordered_momentum_initial_sum",
    policy="clairvoyant",
    identities=IDENTITIES,
    cases=CASES,
    notes=LIMITS,
)
