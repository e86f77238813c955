"""I11, the anytime lemma: convex f at the average x_t is what the w_k have paid for. On every run. Ours.

With weights 1, 2, .., a_t = 1 + .. + t, and any w_k: a_t (f(x_t) - f(x)) <= sum over k <= t of k <grad f(x_k), w_k - x>
for convex f and any x. Induction: k (x_k - w_k) = a_(k-1) (x_(k-1) - x_k), I7, so the k-th term is
k <grad f(x_k), x_k - x> + a_(k-1) <grad f(x_k), x_k - x_(k-1)>, at least k (f(x_k) - f(x)) + a_(k-1) (f(x_k) -
f(x_(k-1))) = a_k (f(x_k) - f(x)) - a_(k-1) (f(x_(k-1)) - f(x)). Derived for x = x*. Looked at: asynchronous mu^2-SGD
in rational arithmetic, on all orders, for a quadratic and Huber and five x, with and without a projection.
"""

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

from sympy import Sum, Symbol

from ratecheck.core.claim import Claim, of_class
from ratecheck.core.gram import inner
from ratecheck.core.identity import Counting as Fact
from ratecheck.core.proof import Class, Counting, Identity, Proof, Telescope, eq, le
from ratecheck.core.setting import delta, h
from ratecheck.core.setting_mu2 import MU2, w, y
from ratecheck.core.symbols import K, k

from ._auxiliary import LIMITS, SOURCE
from .bookkeeping import handed_out
from .slope import SHORT, Function, huber, quadratic

RATE, POINTS = Fraction(1, 3), tuple(Fraction(n, 2) for n in (-9, -1, 0, 1, 4))
_N = Symbol("n", nonnegative=True)


@lru_cache(maxsize=8192)
def path(
    worker: tuple[int, ...], delay: tuple[int, ...], workers: int, of: Function, box: bool
) -> tuple[list[Fraction], list[Fraction]]:
    """Return x_1, x_2, .. and w_1, w_2, .. of a run from 2; noise of a sample +-1/2, the same at both its points."""
    made, steps = handed_out(worker, delay, workers), len(worker)
    x, w_, q = [Fraction(0), Fraction(2)], [Fraction(0), Fraction(2)], Fraction(0)  # the first of each is not used
    for t in range(1, steps + 1):
        ((i, at),) = ((i, at) for i, (at, back) in enumerate(made) if back == t)
        before = at * of(x[at])[1] - (at - 1) * (of(x[at - 1])[1] if at > 1 else 0)
        q += before + Fraction((-1) ** i, 2)
        moved = w_[t] - RATE * q
        w_.append(min(max(moved, Fraction(-1)), Fraction(3)) if box else moved)
        x.append((t * x[t] + 2 * w_[t + 1]) / (t + 2))
    return x[1:], w_[1:]


def slack(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Return the least slack over t, functions and points x."""
    found = []
    for of in (quadratic, huber):
        for box in (False, True):
            xs, ws = path(tuple(worker[:SHORT]), tuple(delay[:SHORT]), workers, of, box)
            for other in POINTS:
                paid = Fraction(0)
                for t, (x, w_) in enumerate(zip(xs, ws, strict=True), 1):
                    value, rise = of(x)
                    paid += t * rise * (w_ - other)
                    found.append(paid - Fraction(t * (t + 1), 2) * (value - of(other)[0]))
    return min(found)


PROOF = Proof(
    MU2,
    (
        Class("to x*", "convex", ("x_k", "x*")),
        Class("to the one before", "convex", ("x_k", "x_k-1")),
        Counting("first", "index", {"last": False}),
        Identity(
            "I7",
            eq(inner(h(k), y(k)), inner(h(k), y(k - 1)) + 2 * inner(h(k), w(k) - y(k - 1)) / (k + 1)),
            by=("average",),
        ),
        Telescope(
            "anytime",
            le(_N * (_N + 1) / 2 * delta(_N), Sum(k * inner(h(k), w(k)), (k, 1, _N))),
            _N, K, by=((k, "to x*"), (k / 2, "first", "to the one before"), (-k * (k + 1) / 2, "I7")),
        ),
    ),
    proves={"": {"anytime": "anytime"}},
    notes=("y(k) and w(k) are relative to x*: a minimiser in the set that is projected on.",),
)  # fmt: skip

CLAIM = Claim(
    title="Asynchronous mu^2-SGD: the anytime lemma",
    source=f"{SOURCE}; the averages are those of Cutkosky (2019)",
    statement=(
        "For convex $f$, on every run, $\\alpha_{1:t}(f(x_t)-f(x))\\le"
        "\\sum_{k\\le t}\\alpha_k\\langle\\nabla f(x_k),w_k-x\\rangle$, $\\alpha_k=k$."
    ),
    assumptions=(of_class("convex"),),
    outputs={},
    stepsize="constant",
    method="async_mu2_sgd_box",
    policy="clairvoyant",
    counting=(
        Fact(
            "anytime",
            slack,
            r"\alpha_{1:t}(f(x_t)-f(x))\le\sum_{k\le t}\alpha_k\langle\nabla f(x_k),w_k-x\rangle",
            lemma="mu2",
        ),
    ),
    cases=((1, 5), (2, 5), (3, 4)),
    notes=LIMITS,
)
