"""I1, I4: ordered momentum is momentum without delays less what is in flight, each with its own weight. Ours.

mhat_t = (1 - beta) mhat_(t-1) + beta g_t takes one gradient of every model in its turn, g_1 the mean of the M at x_1.
I1: m_t - mhat_t = - sum over the M - 1 workers in flight of w beta (1 - beta)^(t-k) g_k, w = 1/M at x_1, else 1.
I4 is the recursion of mhat, with g_t = grad f(x_t) + xi_t and e_t = mhat_t - grad f(x_t), read letter by letter:
e_t = (1 - beta) (e_(t-1) + grad f(x_(t-1)) - grad f(x_t)) + beta xi_t.
"""

from typing import Any

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Identity, View

from ._auxiliary import CASES, LIMITS, SOURCE, issued, power, rounding

STATEMENT = (
    r"m_t-\hat m_t=-\sum_{m\ne m_t}\omega_{k_m}\beta(1-\beta)^{t-k_m}g_{k_m},\quad "
    r"\hat m_t=(1-\beta)\hat m_{t-1}+\beta g_t"
)


def without_delays(view: View) -> Any:
    """Return mhat_t by its recursion."""
    beta, made = view.par["beta"], issued(view)
    found = beta * sum((f.gradient for f in made[: view.workers]), 0 * view.x) / view.workers
    for f in made[view.workers :]:
        found = (1 - beta) * found + beta * f.gradient
    return found


def in_flight(view: View) -> Any:
    """Return the weighted gradients in flight."""
    beta, total = view.par["beta"], 0 * view.x
    for f in view.in_flight[:-1]:
        weight = beta * power(1 - beta, view.step - 1 - f.version)
        total = total + (weight if f.version > 0 else weight / view.workers) * f.gradient
    return total


def residual(view: View) -> Any:
    """Return gamma (m - mhat + what is in flight)."""
    return view.gamma * (view.vectors["m"] - without_delays(view) + in_flight(view))


IDENTITIES = (
    Identity("bias", residual, STATEMENT, f"I1, {SOURCE}", history=True, rounding=rounding, needs=("beta", "m")),
)

CLAIM = Claim(
    title="Ordered momentum: its bias is what is in flight",
    source=SOURCE,
    statement=(
        f"For every arrival order and all gradients, ${STATEMENT}$, with $\\omega_1=1/M$ at the first model and "
        "$\\omega_k=1$ else; $g_1$ is the mean there."
    ),
    assumptions=(),
    outputs={},
    stepsize="constant",
    method="ordered_momentum",
    policy="clairvoyant",
    identities=IDENTITIES,
    cases=CASES,
    notes=LIMITS,
)
