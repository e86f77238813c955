"""The derivation of the convex theorems, step by step, in the letters of ``ratecheck.core.setting_mu2``.

The path first (``PATH``: one step, and the last one), then how large drift and noise are, then the stepsize. The three
theorems on asynchronous mu^2-SGD differ in the noise alone; in-order commit has a drift of its own, too.
"""

from typing import Any

from sympy import Expr, Integer, Rational, Sum, Symbol, sqrt

from ratecheck.core.gram import Ip, inner, square
from ratecheck.core.proof import (
    Cauchy,
    Class,
    Counting,
    Earlier,
    Expectation,
    Given,
    Identity,
    Inequality,
    Martingale,
    Power,
    Product,
    Proof,
    Rule,
    Square,
    Step,
    Telescope,
    eq,
    le,
    total,
)
from ratecheck.core.setting import Setting, delta, h, i, j, m, n, n_0
from ratecheck.core.setting_mu2 import IN_ORDER, MU2, arrived, drawn, drift, eps, flying, gamma, q, sent, w, y
from ratecheck.core.symbols import D, K, L, M, k, output_gap, sigma, tau_cap

NUMBER = Symbol("N", nonnegative=True)
_HALF, _THREE_HALVES, ONE = Rational(1, 2), Rational(3, 2), Integer(1)


def up_to(index: Any) -> Expr:
    """Return 1 + .. + index."""
    return index * (index + 1) / 2


def _slope(index: Any) -> Expr:
    return Ip(h(index), h(index))


ANYTIME: tuple[Step, ...] = (
    Counting("1 <= k", "index", {"last": False}),
    Counting("k <= K", "index", {"last": True}),
    Class("convex to x*", "smooth convex", ("x_k", "x*")),
    Class("convex to the one before", "convex", ("x_k", "x_k-1")),
    Identity("average", eq(Ip(h(k), y(k)), inner(h(k), y(k - 1) + 2 * (w(k) - y(k - 1)) / (k + 1))), by=("average",)),
    Inequality(
        "anytime",
        le(up_to(k) * delta(k) + k * _slope(k) / (2 * L), up_to(k - 1) * delta(k - 1) + k * Ip(h(k), w(k))),
        ((k, "convex to x*"), (k / 2, "1 <= k", "convex to the one before"), (-up_to(k), "average")),
    ),
    Class("last, convex to x*", "smooth convex", ("x_K+1", "x*")),
    Class("last, convex to the one before", "convex", ("x_K+1", "x_K")),
    Identity(
        "last average",
        eq(Ip(h(K + 1), y(K + 1)), inner(h(K + 1), y(K) + 2 * (w(K + 1) - y(K)) / (K + 2))),
        by=("last average",),
    ),
    Inequality(
        "last, anytime",
        le(up_to(K + 1) * delta(K + 1) + (K + 1) * _slope(K + 1) / (2 * L),
           up_to(K) * delta(K) + (K + 1) * Ip(h(K + 1), w(K + 1))),
        ((K + 1, "last, convex to x*"), (up_to(K), "last, convex to the one before"), (-up_to(K + 1), "last average")),
    ),
)  # fmt: skip

STEP: tuple[Step, ...] = (
    Class("projected", "projection", ("w_k+1", "x*")),
    Identity("direction along w", eq(Ip(q(k), w(k)), k * Ip(h(k), w(k)) + Ip(eps(k), w(k))), by=("direction",)),
    Identity("square of the direction", eq(square(q(k)), square(k * h(k) + eps(k))), by=("direction",)),
    Inequality(
        "one step",
        le(up_to(k) * delta(k) + square(w(k + 1)) / (2 * gamma),
           up_to(k - 1) * delta(k - 1) + square(w(k)) / (2 * gamma) + gamma * square(eps(k)) - Ip(eps(k), w(k))),
        (("anytime",), (1 / (2 * gamma), "projected"), ("direction along w",),
         (-gamma / 2, "square of the direction"), (gamma / 2, Square(k * h(k) - eps(k))),
         (k * _slope(k) / (2 * L), "gamma: cap"), (gamma * k * _slope(k), "k <= K")),
    ),
    Inequality(
        "last step",
        le(up_to(K + 1) * delta(K + 1), up_to(K) * delta(K) + square(w(K + 1)) / (2 * gamma)),
        (("last, anytime",), ((K + 1) / (2 * L), Square(h(K + 1) - L * w(K + 1))),
         (square(w(K + 1)) / (2 * gamma), "gamma: cap")),
    ),
)  # fmt: skip

#: what is sent at x_k, and how long it is: y_k moves by 2 (w_k - x_(k-1))/(k + 1)
_MOVES: tuple[Step, ...] = (
    Class("w_k beside x_k-1", "diameter", ("w_k", "x_k-1")),
    Identity("a move", eq(square(y(k) - y(k - 1)), 4 * square(w(k) - y(k - 1)) / (k + 1) ** 2), by=("average",)),
    Class("smooth along a move", "smooth", ("x_k", "x_k-1")),
    Inequality(
        "a change of slope", le((k + 1) ** 2 * square(h(k) - h(k - 1)), 4 * L**2 * D**2),
        (((k + 1) ** 2, "smooth along a move"), (-(L**2) * (k + 1) ** 2, "a move"), (4 * L**2, "w_k beside x_k-1")),
    ),
)  # fmt: skip
_TURN = (k - 1) * (h(k) - h(k - 1))
_CHANGE = ((_THREE_HALVES, "a change of slope"), (6 * k, Square(h(k) - h(k - 1))))

#: what the others have in flight, against as many gradients at x_1
DRIFT: tuple[Step, ...] = (
    *_MOVES,
    Class("x_k beside x_1", "diameter", ("x_1", "x_k")),
    Class("smooth from x_1", "smooth", ("x_1", "x_k")),
    Identity("sent", eq(square(h(1) - sent(k)), square(h(1) - h(k) - _TURN)), by=("sent",)),
    Inequality(
        "sent, less the first", le(square(h(1) - sent(k)), (3 * L * D) ** 2),
        ((-1, "sent"), (_HALF, Square(2 * (h(1) - h(k)) + _TURN)), (3, "smooth from x_1"),
         (3 * L**2, "x_k beside x_1"), *_CHANGE),
    ),
    Counting("in flight, less the first", "in flight, each", {"of": "sent, less the first"}),
    Cauchy("sum of these", drift(k), "drift"),
    Inequality(
        "drift", le(square(drift(k)), (3 * (M - 1) * L * D) ** 2),
        (("sum of these",), total(j, M - 1, "in flight, less the first")),
    ),
)  # fmt: skip


def under_any_policy(each: tuple[str, ...] = (), sigma: Expr = sigma) -> tuple[Step, ...]:
    """Return the steps to the noise that is back, from facts "variance" and "variance at x_1"; see ``Martingale``."""
    return (
        Martingale("all drawn", drawn(k), each),
        Cauchy("sum in flight", flying(k), "noise in flight"),
        Counting("among all drawn", "handed out", {"attribute": Ip(n(k), n(k))}),
        Earlier("variance before", "variance"),
        Inequality(
            "in flight", le(square(flying(k)), (M - 1) * (M + k - 1) * sigma**2),
            (("sum in flight",), (M - 1, "among all drawn"), total(m, M - 1, "variance at x_1"),
             total(i, M - 1, "variance before")),
        ),
        Identity("drawn and not in flight", eq(square(arrived(k)), square(drawn(k) - flying(k))), by=("noise",)),
        Inequality(
            "noise", le(square(arrived(k)), 2 * M * (M + k - 1) * sigma**2),
            ((-1, "drawn and not in flight"), (2, "all drawn"), (2, "in flight"), (Square(drawn(k) + flying(k)),)),
        ),
    )  # fmt: skip


_ANY = (Expectation("variance", n(k)), Expectation("variance at x_1", n_0(m)), *under_any_policy())
OF_ARRIVED: tuple[Step, ...] = (Martingale("noise", arrived(k)),)

#: in-order commit: at most tau_cap - 1 of what was sent are missing
MISSING: tuple[Step, ...] = (
    *_MOVES,
    Class("x_k inside", "diameter", ("x_k", "x*")),
    Class("smooth from x*", "smooth", ("x_k", "x*")),
    Identity("sent", eq(square(sent(k)), square(h(k) + _TURN)), by=("sent",)),
    Inequality(
        "sent at x_k", le(square(sent(k)), (3 * L * D) ** 2),
        ((-1, "sent"), (_HALF, Square(2 * h(k) - _TURN)), (3, "smooth from x*"), (3 * L**2, "x_k inside"), *_CHANGE),
    ),
    Counting("1 <= tau_cap", "cap"),
    Counting("drift", "missing", {"of": "sent at x_k", "size": 3 * L * D}),
)  # fmt: skip


def over_steps(each: Expr, last: Any) -> Expr:
    """Return the sum over k = 1..last of what is linear in k."""
    first = each.subs(k, 0)
    return first * last + (each.subs(k, 1) - first) * up_to(last)


def _with_errors(size: Expr, times: Expr, middle: Expr, sigma: Expr) -> tuple[Step, ...]:
    """Return the steps with the errors bounded: drift by ``size``, noise by ``times`` sigma^2, linear in k.

    Its root is at most (times + middle)/(2 sqrt(middle)) for any number ``middle``: a tangent of the root.
    """
    root = (times + middle) / (2 * sqrt(middle))
    each = 2 * gamma * size**2 + 2 * gamma * times * sigma**2 + size * D + root * sigma * D
    return (
        Identity("square of the error", eq(square(eps(k)), square(drift(k) + arrived(k))), by=("error",)),
        Identity("error along w", eq(Ip(eps(k), w(k)), inner(drift(k) + arrived(k), w(k))), by=("error",)),
        Class("w_k inside", "diameter", ("w_k", "x*")),
        Product("drift along w", drift(k), w(k), (size, D), ("drift", "w_k inside")),
        Inequality(
            "size of the noise", le(square(arrived(k)), (root * sigma) ** 2),
            (("noise",), (sigma**2, Power((times - middle) / (2 * sqrt(middle))))),
        ),
        Product("noise along w", arrived(k), w(k), (root * sigma, D), ("size of the noise", "w_k inside")),
        Inequality(
            "one step, with errors",
            le(up_to(k) * delta(k) + square(w(k + 1)) / (2 * gamma),
               up_to(k - 1) * delta(k - 1) + square(w(k)) / (2 * gamma) + each),
            (("one step",), (-gamma, "square of the error"), ("error along w",), (gamma, Square(drift(k) - arrived(k))),
             (2 * gamma, "drift"), (2 * gamma, "noise"), ("drift along w",), ("noise along w",)),
        ),
        Telescope(
            "all steps",
            le(up_to(NUMBER) * delta(NUMBER) + square(w(NUMBER + 1)) / (2 * gamma),
               square(w(1)) / (2 * gamma) + over_steps(each, NUMBER)),
            NUMBER, K, by=(("one step, with errors",),),
        ),
        Class("w_1 inside", "diameter", ("w_1", "x*")),
        Given("output_gap", "output_gap", "last"),
        Inequality(
            "in gamma", le(up_to(K + 1) * output_gap, D**2 / (2 * gamma) + over_steps(each, K)),
            (("last step",), ("all steps",), (1 / (2 * gamma), "w_1 inside"), (-up_to(K + 1), "output_gap")),
        ),
    )  # fmt: skip


def _bound(
    size: Expr, times: Expr, middle: Expr, variance: Expr, ends: tuple[Any, Any], wide: bool, sigma: Expr
) -> tuple[Step, ...]:
    """Return the steps to the bound, for a noise branch of D/(sqrt(variance) sigma K^(3/2)), or 1 + rho of it."""
    root, noisy, most = (times + middle) / (2 * sqrt(middle)), sqrt(variance) * K * sqrt(K), 1 + K if wide else 1
    window = ((2 * over_steps(times, K) * sigma * D / noisy, "rho <= K"),) if wide else ()
    noise = noisy / 2 + over_steps(root, K) + 2 * most * over_steps(times, K) / noisy
    optimisation = K + (size / (L * D)) ** 2 + size / (L * D) * K
    return (
        Inequality(
            "without gamma", le(up_to(K + 1) * output_gap, optimisation * L * D**2 + noise * sigma * D),
            (("in gamma",), (D**2 / 2, "1/gamma"), (size**2 / L, "gamma: cap"),
             (2 * over_steps(times, K) * sigma / noisy, "gamma: noise"), *window),
        ),
        Inequality(
            "bound", le(output_gap, ends[0] * L * D**2 / K + ends[1] * sigma * D / sqrt(K)),
            ((1 / up_to(K + 1), "without gamma"),),
        ),
    )  # fmt: skip


def stepsize(variance: Expr, wide: bool, sigma: Expr = sigma) -> tuple[Step, ...]:
    """Return the facts about the stepsize."""
    return (
        *((Class("rho <= K", "assumed", ("rho <= K",)),) if wide else ()),
        Rule("gamma: cap", gamma, below="cap"),
        Rule("gamma: noise", gamma, below="noise"),
        Rule("1/gamma", gamma, says=le(1 / gamma, 2 * L * K + sqrt(variance) * sigma * K * sqrt(K) / D)),
    )


def derivation(setting: Setting, size: Expr, errors: tuple[Step, ...], noise: tuple[Expr, Expr],
               variance: Expr, ends: tuple[Any, Any], wide: bool = False, one: Expr = sigma) -> Proof:  # fmt: skip
    """Return the proof for a drift of at most ``size`` and a noise of ``noise[0]`` times that of ``one``, squared."""
    steps = (*stepsize(variance, wide, one), *ANYTIME, *STEP, *errors, *_with_errors(size, *noise, one),
             *_bound(size, *noise, variance, ends, wide, one))  # fmt: skip
    return Proof(setting, steps, proves={"last": {"bound": "bound"}})


SIZE = 3 * (M - 1) * L * D
#: any policy, and delays that are independent of the samples: the last number is where the root is touched
ANY = derivation(
    MU2, SIZE, (*DRIFT, *_ANY), (2 * M * (M + k - 1), Rational(49, 16) * M * K), M, (24 * M, Rational(9, 2) * sqrt(M))
)  # fmt: skip
INDEPENDENT = derivation(MU2, SIZE, (*DRIFT, *OF_ARRIVED), (k, Rational(49, 100) * K), ONE, (24 * M, Rational(5, 2)))
#: the path alone, on every run, and how long its pieces are
_PATH = Telescope(
    "all steps, on every run",
    le(up_to(NUMBER) * delta(NUMBER) + square(w(NUMBER + 1)) / (2 * gamma),
       square(w(1)) / (2 * gamma) + Sum(gamma * square(eps(k)) - Ip(eps(k), w(k)), (k, 1, NUMBER))),
    NUMBER, K, by=(("one step",),),
)  # fmt: skip
PATH = Proof(
    MU2,
    (
        stepsize(ONE, False)[0], *ANYTIME, *STEP, *DRIFT, _PATH, Class("w_1 inside", "diameter", ("w_1", "x*")),
        Inequality(
            "path",
            le(up_to(K + 1) * delta(K + 1),
               D**2 / (2 * gamma) + Sum(gamma * square(eps(k)) - Ip(eps(k), w(k)), (k, 1, K))),
            (("last step",), ("all steps, on every run",), (1 / (2 * gamma), "w_1 inside")),
        ),
        Inequality(
            "move", le((k + 1) ** 2 * square(y(k) - y(k - 1)), 4 * D**2),
            ((-((k + 1) ** 2), "a move"), (4, "w_k beside x_k-1")),
        ),
    ),
    proves={"": {"path": "path", "move": "move", "drift": "drift"}},
)  # fmt: skip
WINDOW = derivation(
    MU2, SIZE, (*DRIFT, *OF_ARRIVED), (k, Rational(49, 100) * K), ONE, (24 * M, Rational(9, 2)), wide=True
)  # fmt: skip
IN_ORDER_COMMIT = derivation(
    IN_ORDER, 3 * (tau_cap - 1) * L * D, (*MISSING, *OF_ARRIVED), (4 * k, Rational(49, 25) * K), ONE,
    (24 * tau_cap, Integer(4)),
)  # fmt: skip
#: durations that tell nothing of a sample's mean: squares of what is back are among those of all that was drawn
MEAN_ZERO = derivation(
    MU2, SIZE, (*DRIFT, *OF_ARRIVED), (M + k - 1, Rational(49, 100) * K), ONE,
    (24 * M, Rational(5, 2) + Rational(3, 2) * (M - 1) / K),
)  # fmt: skip
