"""Ordered momentum is slow without noise, too: gradients of 4 L Delta/(2 + beta K), whatever the delays. Ours.

With stepsizes gamma of at most beta/(4L) the mean of ||grad F(x_k)||^2 over x_0..x_(K-1) is at least 4 L Delta/(2 +
beta K), which is at least min{L Delta, 2 L Delta/(beta K)}, on Huber's function with the right kink. For any gamma, and
sharp on this instance, it is 2 L Delta/(1 + 2 L gamma P), P = K - (1 - (1 - beta)^K)/beta. Why:

- Version s hands out one gradient, with weight beta (1 - beta)^(k - 1 - s) in m_k, and version 0 hands out M of 1/M of
  that. So the weights that have arrived by delivery k are, whatever the delays, at most 1 - (1 - beta)^k together.
- F has slope G down to the distance G/L from its minimiser, and is quadratic there: F(x_0) - F* = G R - G^2/(2L) at the
  distance R. While all gradients are G, m_k is between 0 and (1 - (1 - beta)^k) G, and x_k goes one way.
- So x_(K-1) is at most gamma G P away from x_0, the sum of 1 - (1 - beta)^k over k < K being P. With R = G/L + gamma P
  G it is not inside, and neither is any before it: by induction all K gradients are G. Then Delta = G^2 (1/(2L) + gamma
  P), which is the sharp form; gamma <= beta/(4L) and P <= K give the other.

The instance depends on gamma, beta and K. All delays are covered, so are fewer; beta need not be below 1/(8M). Where
initial gradients count in full (``ordered_momentum_initial_sum``) nothing changes: as many later ones are then missing
as initial ones have come beyond the first, and each of the later ones weighs more.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

from ratecheck.core.assumption import Assumption
from ratecheck.core.cell import Cell
from ratecheck.core.claim import Claim, Inequality, Statement, above_zero, at_most, fraction, has, of_class
from ratecheck.core.formula import Formula
from ratecheck.core.identity import Counting
from ratecheck.core.part import Part
from ratecheck.core.symbols import Delta, K, L, beta, mean_gradient_sq, stepsize

from ._two_worlds import OWN_CONSTANTS, SOURCE

#: sums of the weights 1 - (1 - beta)^k over k < K, in units of the stepsize and the slope
PATH = K - (1 - (1 - beta) ** K) / beta
#: the squared slope with which F(x_0) - F* is Delta
SLOPE = 2 * L * Delta / (1 + 2 * L * stepsize * PATH)
#: beta and stepsize of the runs over all orders, L = 1
NUMBERS = tuple((b, part * b) for b in (Fraction(1, 2), Fraction(1, 16)) for part in (Fraction(1, 4), Fraction(3)))


def path(steps: int, momentum: Any, step: Any) -> Any:
    """Return gamma P, in whatever numbers."""
    return step * (steps - (1 - (1 - momentum) ** steps) / momentum)


def huber(x: Fraction, kink: Fraction) -> tuple[Fraction, Fraction]:
    """Return value and slope of x^2/2, continued with slope ``kink`` from |x| = kink on."""
    if abs(x) <= kink:
        return x * x / 2, x
    return kink * abs(x) - kink * kink / 2, kink if x > 0 else -kink


def iterates(delay: Sequence[int], workers: int, numbers: tuple[Fraction, Fraction], kink: Fraction) -> list[Fraction]:
    """Return x_0..x_K of ordered momentum, x_0 = 1, with these delays (tau >= 1)."""
    (momentum, step), models, mean = numbers, [Fraction(1)], Fraction(0)
    for k, tau in enumerate(delay, 1):
        weight = momentum * (1 - momentum) ** (tau - 1) / (workers if tau == k else 1)
        mean = (1 - momentum) * mean + weight * huber(models[k - tau], kink)[1]
        models.append(models[-1] - step * mean)
    return models


@lru_cache(maxsize=4096)
def _of(delay: tuple[int, ...], workers: int) -> tuple[Fraction, Fraction, Fraction]:
    """Return how far x_(K-1) is from the kink at least, how far off the sharp form is, the slack of the bound."""
    steps, inside, off = len(delay), [], []
    slack: list[Fraction] = []
    for momentum, step in NUMBERS:
        kink = 1 / (1 + path(steps, momentum, step))
        models = iterates(delay, workers, (momentum, step), kink)[:-1]
        mean = sum((huber(x, kink)[1] ** 2 for x in models), Fraction(0)) / steps
        start = huber(models[0], kink)[0]
        inside.append(min(models) - kink)
        off.append(abs(mean * (1 + 2 * path(steps, momentum, step)) - 2 * start))
        slack += [mean * (2 + momentum * steps) - 4 * start] if 4 * step <= momentum else []
    return min(inside), max(off), min(slack)


def reach(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of "no model is inside the kink"."""
    return _of(tuple(delay), workers)[0]


def slope(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Minus how far the mean of the squared gradients is from its closed form."""
    return -_of(tuple(delay), workers)[1]


def rounded(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of the bound, for the stepsizes that it covers."""
    return _of(tuple(delay), workers)[2]


def own(facts: Mapping[str, Any]) -> str | None:
    """Return None for Huber's function with the slope of the claim, without noise; else what is different."""
    if facts["problem"].split("(")[0] != "huber" or facts["sigma"] != 0:
        return f"problem {facts['problem']} with sigma = {facts['sigma']:g} is not huber without noise"
    if facts.get("stepsize") is None or not 0 < facts["beta"] < 1:
        return None  # what is missing is said by the other assumptions
    squared = Formula(SLOPE).value(facts)
    if abs(facts["G"] ** 2 - squared) <= 2.0**-40 * squared:  # rounding of decimals
        return None
    return f"the slope of {facts['problem']} is {facts['G']:g}, and that of the claim's own instance {squared**0.5:g}"


def cell(workers: int, steps: int, momentum: float, delays: Part, part: float = 1) -> Cell:
    """Return a cell with L = B = 1 and a ``part`` of the largest stepsize."""
    step = part * momentum / 4
    problem = Part("huber", {"kink": 1 / (1 + path(steps, momentum, step))})
    numbers = {"beta": momentum, "stepsize": step}
    return Cell(problem, Part("none"), delays, workers, steps, 0.0, "uniform", constants=numbers)


COUNTING = (
    Counting("the slope is not left", reach, r"x_k\ge x^*+G/L,\ k<K"),
    Counting("the mean", slope, r"\frac1K\sum_k\|\nabla F(x_k)\|^2=\frac{2L\Delta}{1+2L\gamma P}"),
    Counting("the bound", rounded, r"\frac1K\sum_k\|\nabla F(x_k)\|^2\ge\frac{4L\Delta}{2+\beta K}"),
)

CLAIM = Claim(
    title="Ordered momentum without noise: a lower bound, whatever the delays",
    source=SOURCE,
    statement=(
        "For $\\gamma\\le\\beta/(4L)$ and every $K$ there is a smooth convex function on which the mean of "
        "$\\|\\nabla F(x_k)\\|^2$ over $x_0,\\dots,x_{K-1}$ is at least $4L\\Delta/(2+\\beta K)$, whatever the delays, "
        "without noise."
    ),
    assumptions=(
        of_class("smooth"),
        OWN_CONSTANTS,
        has("L"),
        has("Delta"),
        above_zero("beta"),
        fraction("beta"),
        above_zero("stepsize"),
        at_most("stepsize", beta / (4 * L)),
        Assumption("of one slope within reach", "F is of one slope within reach", own),
    ),
    stepsize="constant",
    method="ordered_momentum",
    policy="clairvoyant",
    outputs={
        "uniform": Statement(
            bound=Inequality(Formula(mean_gradient_sq), Formula(slope=4 * L * Delta / (2 + beta * K))),
            master=Inequality(Formula(mean_gradient_sq), Formula(slope=SLOPE)),
        )
    },
    kind="lower",
    counting=COUNTING,
    cases=((1, 4), (2, 6), (3, 5), (4, 4)),
    cells=(
        cell(1, 64, 1 / 8, Part("round_robin")),
        cell(8, 256, 1 / 64, Part("exponential")),
        cell(8, 4096, 1 / 64, Part("pareto")),
        cell(33, 1056, 1 / 264, Part("one_straggler"), part=0.5),
        cell(33, 10560, 1 / 264, Part("exponential")),
    ),
    notes=(
        "The instance depends on gamma, beta and K. One function for all stepsizes is not claimed.",
        "The derivation is in words; all orders of small cases are run exactly, for gamma up to 3 beta/L, too.",
    ),
)
