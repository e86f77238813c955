"""I12: ||grad f(x)||^2 <= 2 L (f(x) - f*) for smooth f, convex or not. Lemma A.1 of the fragments.

A step of length 1/L down the gradient leads to a value that is ||grad f||^2/(2L) smaller at least, and no value is
below f*. Looked at: along runs of asynchronous SGD in rational arithmetic, for quadratics, Huber and a function that is
not convex, x^2/(1 + x^2).
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache

from ratecheck.core.claim import Claim, has, of_class
from ratecheck.core.gram import square
from ratecheck.core.identity import Counting
from ratecheck.core.proof import Class, Inequality, Proof, le
from ratecheck.core.setting import delta, h, phi
from ratecheck.core.setting_point import POINT
from ratecheck.core.symbols import L, k

from ._auxiliary import LIMITS, PAPER
from .bookkeeping import handed_out

SHORT = 6
#: value and slope of a function with f* = 0
Function = Callable[[Fraction], tuple[Fraction, Fraction]]


def quadratic(x: Fraction) -> tuple[Fraction, Fraction]:
    """x^2/2, L = 1."""
    return x * x / 2, x


def huber(x: Fraction) -> tuple[Fraction, Fraction]:
    """x^2/2 up to |x| = 1, then |x| - 1/2; L = 1."""
    return (x * x / 2, x) if abs(x) <= 1 else (abs(x) - Fraction(1, 2), Fraction(1 if x > 0 else -1))


def bounded(x: Fraction) -> tuple[Fraction, Fraction]:
    """(1/2) x^2/(1 + x^2), whose second derivative (1 - 3 x^2)/(1 + x^2)^3 is at most 1: L = 1, and not convex."""
    return x * x / (1 + x * x) / 2, x / (1 + x * x) ** 2


@lru_cache(maxsize=4096)
def iterates(worker: tuple[int, ...], delay: tuple[int, ...], workers: int, of: Function) -> tuple[Fraction, ...]:
    """Return the iterates of asynchronous SGD with steps of 3/2 from 2, noise in turn +1/2 and -1/2."""
    made, models = handed_out(worker, delay, workers), [Fraction(2)]
    for t in range(1, len(worker) + 1):
        ((i, version),) = ((i, k - 1) for i, (k, back) in enumerate(made) if back == t)
        noisy = of(models[version])[1] + Fraction((-1) ** i, 2)
        models.append((models[-1] - Fraction(3, 2) * noisy).limit_denominator(1000))  # any point will do
    return tuple(models)


def slack(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Return the least 2 L f - f'^2 at the iterates of an order, L = 1."""
    found = []
    for of in (quadratic, huber, bounded):
        for x in iterates(tuple(worker[:SHORT]), tuple(delay[:SHORT]), workers, of):
            value, rise = of(x)
            found.append(2 * value - rise**2)
    return min(found)


PROOF = Proof(
    POINT,
    (
        Class("descent", "descent", ("x_k", "one step down")),
        Inequality("slope", le(square(h(k)), 2 * L * delta(k)), ((2 * L, "descent"), (2 * L * phi(k),))),
    ),
    proves={"": {"slope": "slope"}},
)

CLAIM = Claim(
    title="Lemma A.1: a smooth function's slope",
    source=f"{PAPER}, Lemma A.1, from fragments",
    statement="For $L$-smooth $f$, $\\|\\nabla f(x)\\|^2\\le2L(f(x)-f^*)$.",
    assumptions=(of_class("smooth"), has("L")),
    outputs={},
    stepsize="constant",
    method="async_sgd",
    policy="clairvoyant",
    counting=(Counting("slope", slack, r"\|\nabla f(x_k)\|^2\le2L(f(x_k)-f^*)", lemma="descent"),),
    cases=((1, 4), (2, 4), (3, 4)),
    notes=LIMITS,
)
