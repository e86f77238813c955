"""The derivation of the smooth minibatch bound, step by step, in the letters of ``ratecheck.core.setting.ROUNDS``.

All samples of a round arrive within it, whatever the delays are, and the stepsize is one number: delays may depend on
the data.
"""

from sympy import Expr, Sum, Symbol, sqrt

from ratecheck.core.gram import Ip, inner, square
from ratecheck.core.proof import Class, Expectation, Given, Identity, Inequality, Proof, Rule, Telescope, eq, le
from ratecheck.core.setting import ROUNDS, delta, h, mean_noise, v
from ratecheck.core.symbols import Delta, K, L, M, Q, W, k, last_gap, mean_gradient_sq, sigma
from ratecheck.core.symbols import stepsize as gamma

_N = Symbol("N", nonnegative=True)
_NOISE = mean_noise(k)
_WAY = v(k + 1) - v(k)
_VARIANCE = L * gamma**2 * sigma**2 / (2 * M)  # what one round adds


def _slope(index: object) -> Expr:
    return Ip(h(index), h(index))


_STEPS = (
    Rule("gamma: cap", gamma, below="cap"),
    Rule("gamma: noise", gamma, below="noise"),
    Rule("1/gamma", gamma, says=le(1 / gamma, L + sigma * sqrt(L * K) / (sqrt(2 * Delta) * M))),
    Class("descent", "descent", ("x_k", "x_k+1")),
    Identity(
        "way", eq(inner(h(k), _WAY), -gamma * inner(h(k), h(k) + _NOISE)), by=("step",),
    ),
    Identity("length", eq(square(_WAY), gamma**2 * square(h(k) + _NOISE)), by=("step",)),
    Expectation("unbiased", _NOISE, h(k)),
    Expectation("variance", _NOISE),
    Inequality(
        "one round", le(delta(k + 1) + gamma / 2 * _slope(k), delta(k) + _VARIANCE),
        (("descent",), (-1, "way"), (-L / 2, "length"), (gamma - L * gamma**2, "unbiased"),
         (L * gamma**2 / 2, "variance"), (gamma / 2 * _slope(k), "gamma: cap")),
    ),
    Telescope(
        "all rounds",
        le(delta(_N + 1) + gamma / 2 * Sum(_slope(k), (k, 1, _N)), delta(1) + _N * _VARIANCE),
        _N, K / M, by=(("one round",),),
    ),
    Class("start", "gap", ("x_0",)),
    *(Given(what, what) for what in ("Q", "last_gap")),
    *(Given(what, what, "R0") for what in ("W", "mean_gradient_sq")),
    Inequality(
        "master", le(last_gap + W / (2 * M) * mean_gradient_sq, Delta + L * sigma**2 * Q / (2 * M**2)),
        (("all rounds",), ("start",), (-gamma / 2, "mean_gradient_sq"), (-mean_gradient_sq / (2 * M), "W"),
         (L * sigma**2 / (2 * M**2), "Q"), (-1, "last_gap")),
    ),
    Inequality(
        "conditional", le(mean_gradient_sq, 2 * M * Delta / W + L * sigma**2 * Q / (M * W)),
        ((2 * M / W, "master"), (2 * M * last_gap / W,)),
    ),
    Inequality(
        "in gamma", le(mean_gradient_sq, 2 * M * Delta / (K * gamma) + L * sigma**2 * gamma / M),
        (("conditional",), ("W", 2 * M * Delta / (K * gamma * W) + L * sigma**2 * gamma / (M * W)),
         ("Q", -L * sigma**2 / (M * W))),
    ),
    Inequality(
        "bound",
        le(mean_gradient_sq, 2 * M * L * Delta / K + 2 * sqrt(2) * sqrt(L * Delta * sigma**2 / K)),
        (("in gamma",), (2 * M * Delta / K, "1/gamma"), (sqrt(L) * sigma / (M * sqrt(K)), "gamma: noise")),
    ),
)  # fmt: skip

PROOF = Proof(ROUNDS, _STEPS, proves={"R0": {"bound": "bound", "conditional": "conditional", "master": "master"}})
