"""The derivation for ordered momentum on smooth functions, in the letters of ``ratecheck.core.setting_ordered``.

d(k) is the momentum, h(k) the gradient at the model that delivery k finds, and d(k) - h(k) = eh(k) - s(k) - z(k): the
error of momentum without delays, less the means and the noises in flight. Nothing is asked of the delays but in the
last steps, which bound the noise in flight: ``ANY`` for all delays that are decided by samples already drawn,
``INDEPENDENT``, and ``MEAN_ZERO`` where samples have mean 0 given how long they take.
"""

from __future__ import annotations

from sympy import Expr, Rational, Sum, Symbol, fraction, sqrt, together

from ratecheck.core.gram import Ip, inner, square
from ratecheck.core.proof import (
    Class,
    Counting,
    Expectation,
    Given,
    Identity,
    Inequality,
    Power,
    Rule,
    Square,
    Step,
    Telescope,
    eq,
    le,
    total,
)
from ratecheck.core.setting import delta, h, n, s, v, z
from ratecheck.core.setting_ordered import d, eh, gamma, r, slopes
from ratecheck.core.symbols import Delta, K, L, M, beta, k, mean_gradient_sq, sigma

from ._nonconvex_noise import NOISE

_N = Symbol("N", nonnegative=True)
_C = L**2 * gamma**2 / beta


def _sq(of: Expr) -> Expr:
    return Ip(of, of)


def _sum(of: Expr, last: Expr = K) -> Expr:
    return Sum(of, (k, 1, last))


SLOPES, MOVES = _sum(_sq(h(k))), _sum(_sq(d(k)))
_ERROR = square(d(k) - h(k))
_TURN = h(k - 1) - h(k)
#: what is left of the gradients, beside the means in flight
LEFT = 1 - 2 * (M - 1) * beta / (2 - beta)

#: from beta <= 1/(8M) and stepsize <= beta/(4L), the facts "beta" and "stepsize"
_NUMBERS = (
    Inequality("2 - beta", le(Rational(15, 8), 2 - beta), (("beta",),)),
    Inequality("beta <= 1", le(beta, 1), (("beta",),)),
    Inequality(
        "LEFT", le(Rational(3, 4), LEFT),
        ((2 * M / (2 - beta), "beta"), (Rational(1, 4) * (1 + 7 * beta) / (2 - beta),)),
    ),
    Inequality(
        "momentum paid", le(4 * L**2 * gamma**2 / beta**2 + L * gamma, 1),
        ((4 * L**2 / beta**2 * (gamma + beta / (4 * L)), "stepsize"), (L, "stepsize"), (Rational(1, 4), "beta")),
    ),
)  # fmt: skip

_DESCENT = (
    Class("descent", "descent", ("x_k", "x_k+1")),
    Identity("way", eq(inner(h(k), v(k + 1) - v(k)), -gamma * inner(h(k), d(k))), by=("step",)),
    Identity("length", eq(square(v(k + 1) - v(k)), gamma**2 * _sq(d(k))), by=("step",)),
    Inequality(
        "one step",
        le(delta(k + 1) + gamma / 2 * (_sq(h(k)) + (1 - L * gamma) * _sq(d(k))), delta(k) + gamma / 2 * _ERROR),
        (("descent",), (-1, "way"), (-L / 2, "length")),
    ),
    Telescope(
        "all steps",
        le(delta(_N + 1) + gamma / 2 * (_sum(_sq(h(k)), _N) + (1 - L * gamma) * _sum(_sq(d(k)), _N)),
           delta(1) + gamma / 2 * _sum(_ERROR, _N)),
        _N, K, by=(("one step",),),
    ),
)  # fmt: skip

_RECURSION = (
    Identity("error", eq(_sq(eh(k)), square(r * (eh(k - 1) + _TURN) + beta * n(k))), by=("error",)),
    Expectation("unbiased", n(k), h(k)),
    Expectation("unbiased before", n(k), h(k - 1)),
    Expectation("unbiased error", n(k), eh(k - 1)),
    Expectation("variance", n(k)),
    Class("smooth", "smooth", ("x_k-1", "x_k")),
    Identity("length before", eq(square(v(k - 1) - v(k)), gamma**2 * _sq(d(k - 1))), by=("step before",)),
    Inequality(
        "one error",
        le(_sq(eh(k)), r * _sq(eh(k - 1)) + _C * _sq(d(k - 1)) + beta**2 * sigma**2),
        ((-1, "error"), (-2 * r * beta, "unbiased error"), (-2 * r * beta, "unbiased before"),
         (2 * r * beta, "unbiased"), (beta**2, "variance"), (Power(r), 1 / beta, Square(beta * eh(k - 1) - _TURN)),
         (beta**2 * _sq(eh(k - 1)), "beta <= 1"), (Square(_TURN),), (beta, Square(_TURN), "beta <= 1"),
         (1 / beta, "smooth"), (-(L**2) / beta, "length before")),
    ),
    Telescope(
        "all errors",
        le(r * _sq(eh(_N)) + beta * _sum(_sq(eh(k)), _N) + _C * _sq(d(_N)),
           r * _sq(eh(0)) + _C * _sq(d(0)) + _C * _sum(_sq(d(k)), _N) + _N * beta**2 * sigma**2),
        _N, K, by=(("one error",),),
    ),
    Identity("first error", eq(_sq(eh(0)), _sq(h(1))), by=("error at first",)),
    Identity("first momentum", eq(_sq(d(0)), 0), by=("no momentum at first",)),
    Class("slope", "slope", ("x_0",)),
    Class("gap", "gap", ("x_0",)),
    Inequality(
        "errors",
        le(beta * _sum(_sq(eh(k))), 2 * r * L * Delta + _C * MOVES + K * beta**2 * sigma**2),
        (("all errors",), (-r, "first error"), (-_C, "first momentum"), ("slope", "beta <= 1"),
         (2 * L, "gap", "beta <= 1"), ("beta <= 1", _sq(eh(K))), (_C * _sq(d(K)),)),
    ),
)  # fmt: skip

_MEANS = (
    Counting("means in flight", "flights", {"of": s(k)}),
    Given("slopes", "slopes"),
    Given("no slopes", "no slopes at first"),
    Telescope(
        "slopes so far",
        le(beta * (2 - beta) * _sum(slopes(k), _N) + r**2 * slopes(_N), _sum(_sq(h(k)), _N) + r**2 * slopes(0)),
        _N, K, by=((-1, "slopes"),),
    ),
    Inequality(
        "all slopes",
        le(beta * (2 - beta) * _sum(slopes(k)), SLOPES),
        (("slopes so far",), (-(r**2), "no slopes"), (Power(r), slopes(K))),
    ),
)  # fmt: skip

_TOGETHER = (
    Identity("momentum", eq(_ERROR, square(eh(k) - s(k) - z(k))), by=("momentum",)),
    Inequality(
        "three parts",
        le(_ERROR, 4 * _sq(eh(k)) + 4 * _sq(z(k)) + 2 * _sq(s(k))),
        ((-1, "momentum"), (Square(eh(k) - z(k) + s(k)),), (2, Square(eh(k) + z(k)))),
    ),
    Inequality(
        "gradients",
        le(LEFT * SLOPES, 2 * Delta / gamma + 8 * (1 / beta - 1) * L * Delta + 4 * K * beta * sigma**2 + 4 * NOISE),
        ((2 / gamma, "all steps"), total(k, "three parts"), (4 / beta, "errors"), total(k, 2, "means in flight"),
         (2 * (M - 1) * beta / (2 - beta), "all slopes"), (MOVES, "momentum paid"), (2 / gamma, "gap"),
         (2 / gamma * delta(K + 1),)),
    ),
    Given("mean_gradient_sq", "mean_gradient_sq", "uniform"),
)  # fmt: skip


def whole(noise: Expr) -> Expr:
    """Return four times the right side of the master inequality, before what is left of the gradients is divided by."""
    return 2 * Delta / (gamma * K) + 8 * (1 / beta - 1) * L * Delta / K + 4 * beta * sigma**2 + 4 * noise


def final(noise: Expr) -> Expr:
    """Return the bound for the stepsize and the beta that were used."""
    return Rational(4, 3) * (2 * Delta / (gamma * K) + 8 * L * Delta / (beta * K) + 4 * beta * sigma**2 + 4 * noise)


def steps(how: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return the steps from the facts "beta" and "stepsize" to "gradients" and "noise in all"."""
    return (*_NUMBERS, *_DESCENT, *_RECURSION, *_MEANS, *_TOGETHER, *how)


def ends(noise: Expr, rounded: Expr, *rest: tuple[object, ...], by: str = "noise in all") -> tuple[Step, ...]:
    """Return the master inequality, and the bound with ``rounded`` for the noise: ``rest``, or ``by``, says so."""
    return (
        Inequality(
            "master", le(mean_gradient_sq, whole(noise) / LEFT),
            ((1 / (K * LEFT), "gradients"), (4 / (K * LEFT), "noise in all"), (-1 / K, "mean_gradient_sq")),
        ),
        Inequality(
            "bound", le(mean_gradient_sq, final(rounded)),
            ((Rational(4, 3) / K, "gradients"), (Rational(16, 3) / K, by), (-1 / K, "mean_gradient_sq"),
             (Rational(4, 3) / K * SLOPES, "LEFT"), (Rational(32, 3) * L * Delta / K,), *rest),
        ),
    )  # fmt: skip


def chosen() -> tuple[Step, ...]:
    """Return the facts "beta" and "stepsize" where beta = 4 L stepsize and the stepsize is at most 1/(32ML)."""
    return (
        Rule("chosen", beta, says=eq(beta, 4 * L * gamma)),
        Rule("cap", gamma, below="cap"),
        Inequality("beta", le(beta, 1 / (8 * M)), ((-1, "chosen"), (1 / (8 * M), "cap"))),
        Inequality("stepsize", le(gamma, beta / (4 * L)), ((1 / (4 * L), "chosen"),)),
    )


def rate(per_beta: Expr, root: Expr, *rest: tuple[object, ...]) -> tuple[Step, ...]:
    """Return the rate of the tuned stepsize: noise costs ``per_beta`` sigma^2 a beta, by ``rest``.

    The noise branch of the stepsize is ``root`` sqrt(Delta/(L sigma^2 K)), which makes two equal terms of it.
    """
    slower = sigma * sqrt(L * K) / (root * sqrt(Delta))
    _, bottom = fraction(together(root * sqrt(Delta / (L * sigma**2 * K))))
    return (
        Inequality(
            "in gamma",
            le(mean_gradient_sq, Rational(16, 3) * Delta / (gamma * K) + 4 * per_beta * L * gamma * sigma**2),
            ((Rational(4, 3) / K, "gradients"), (Rational(16, 3) / K, "noise in all"), (-1 / K, "mean_gradient_sq"),
             (Rational(4, 3) / K * SLOPES, "LEFT"), (Rational(32, 3) * L * Delta / K,),
             (Rational(32, 3) * L * Delta / K / (4 * L * gamma * beta), "chosen"), (-per_beta * sigma**2, "chosen"),
             *rest),
        ),
        Rule(
            "1/gamma", gamma, says=le(1 / gamma, 32 * M * L + slower),
            cases={"cap": ((slower,),), "noise": ((32 * M * L,),)},
        ),
        Rule("noise", gamma, below="noise"),
        Inequality(
            "bound",
            le(mean_gradient_sq,
               Rational(512, 3) * M * L * Delta / K + 8 * per_beta * root * sqrt(L * Delta * sigma**2 / K)),
            (("in gamma",), (Rational(16, 3) * Delta / K, "1/gamma"), (4 * per_beta * L * sigma**2 / bottom, "noise")),
        ),
    )  # fmt: skip


SECTIONS = {
    "beta": "The numbers",
    "descent": "Descent",
    "error": "The error of momentum without delays",
    "means in flight": "The means in flight",
    "momentum": "All together",
    "noise in flight": "The noise in flight",
    "master": "The bound",
}
