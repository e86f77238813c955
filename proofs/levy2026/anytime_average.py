"""I7, I8, I11: the averages of asynchronous mu^2-SGD, and what they are good for. With weights 1, 2, ..; ours.

I7: t (x_t - w_t) = (1 + .. + (t-1)) (x_(t-1) - x_t).   I8: x_t = sum over k <= t of k w_k over 1 + .. + t.
I11, for convex f, any point x and a_t = 1 + .. + t: by I7
t <grad f(x_t), w_t - x> = t <grad f(x_t), x_t - x> + a_(t-1) <grad f(x_t), x_t - x_(t-1)>
>= t (f(x_t) - f(x)) + a_(t-1) (f(x_t) - f(x_(t-1))) = a_t (f(x_t) - f(x)) - a_(t-1) (f(x_(t-1)) - f(x)),
and the sum is a_t (f(x_t) - f(x)) <= sum over k <= t of k <grad f(x_k), w_k - x>: on every path, with any delays.
"""

from typing import Any

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Identity, View

from ._auxiliary import CASES, LIMITS, SOURCE, deliveries, difference, issued, rounding

STEP = r"t(x_t-w_t)=\alpha_{1:t-1}(x_{t-1}-x_t)"
MEAN = r"x_t=\sum_{k\le t}k\,w_k/\alpha_{1:t}"


def step(view: View) -> Any:
    """Return I7 at t + 1, the model that the server holds."""
    t, x, before = view.step + 1, view.x, view.vectors["x_before"]
    return 2 * (x - view.vectors["w"]) - (t - 1) * (before - x)


def mean(view: View) -> Any:
    """Return I8 at t + 1, with w_1 = x_1 and w_(k+1) = w_k - gamma q_k, q_k the sum of what has come."""
    assert issued(view)
    w, q, total = view.start, 0 * view.start, view.start
    for k, f in enumerate(deliveries(view), 2):
        q = q + difference(f)
        w = w - f.gamma_next * q
        total = total + k * w
    t = view.step + 1
    return t * (t + 1) * view.x - 2 * total


def rounding_of_step(view: View) -> float:
    """Bound the rounding of I7: x is rounded three times, and t + 2 times as large; w is no larger than that."""
    return 8.0 * (view.step + 2)


def rounding_of_mean(view: View) -> float:
    """Bound the rounding of I8: each w_k has a sum of t sums of s_k, and t^2 of such are added up."""
    t = view.step + 1
    return 2 * t * (t + 1) * (t + 1) * rounding(view)


IDENTITIES = (
    Identity("one step", step, STEP, f"I7, {SOURCE}", rounding=rounding_of_step, needs=("w", "x_before")),
    Identity("weighted mean", mean, MEAN, f"I8, {SOURCE}", history=True, rounding=rounding_of_mean, needs=("q",)),
)

CLAIM = Claim(
    title="Asynchronous mu^2-SGD: anytime averages",
    source=f"{SOURCE}; the averages are those of Cutkosky (2019) and Levy (2023, arXiv:2304.04172)",
    statement=f"For every arrival order and all gradients, ${STEP}$ and ${MEAN}$, with $\\alpha_k=k$.",
    assumptions=(),
    outputs={},
    stepsize="constant",
    method="async_mu2_sgd",
    policy="clairvoyant",
    identities=IDENTITIES,
    cases=CASES,
    notes=LIMITS,
)
