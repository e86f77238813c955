"""The derivation of the minibatch bound, step by step, in the letters of ``ratecheck.core.setting.ROUNDS``.

All samples of a round arrive within it, whatever the delays are, and the stepsize is one number: delays may depend on
the data.
"""

from sympy import Expr, Rational, Sum, Symbol, sqrt

from ratecheck.core.gram import Ip, inner, square
from ratecheck.core.proof import Class, Expectation, Given, Identity, Inequality, Proof, Rule, Telescope, eq, le
from ratecheck.core.setting import ROUNDS, delta, h, mean_noise, v, y_0
from ratecheck.core.symbols import B, K, L, M, Q, W, k, last_sq, mean_gap, output_gap, sigma
from ratecheck.core.symbols import stepsize as gamma

_N = Symbol("N", nonnegative=True)
_NOISE = mean_noise(k)


def _sq(index: object) -> Expr:
    return Ip(v(index), v(index))


_STEPS = (
    Rule("gamma: cap", gamma, below="cap"),
    Rule("gamma: noise", gamma, below="noise"),
    Rule("1/gamma", gamma, says=le(1 / gamma, L + sigma * sqrt(K) / (B * M))),
    Identity(
        "expansion",
        eq(_sq(k + 1), _sq(k) - 2 * gamma * inner(h(k) + _NOISE, v(k)) + gamma**2 * square(h(k) + _NOISE)),
        by=("step",),
    ),
    Expectation("unbiased", _NOISE, v(k)),
    Expectation("unbiased gradient", _NOISE, h(k)),
    Expectation("variance", _NOISE),
    Class("smooth convexity", "smooth convex", ("x_k", "x*")),
    Inequality(
        "one round", le(_sq(k + 1) + 2 * gamma * delta(k), _sq(k) + gamma**2 * sigma**2 / M),
        ((-1, "expansion"), (2 * gamma, "smooth convexity"), (2 * gamma, "unbiased"),
         (-2 * gamma**2, "unbiased gradient"), (gamma**2, "variance"), (gamma * Ip(h(k), h(k)) / L, "gamma: cap")),
    ),
    Telescope(
        "all rounds",
        le(_sq(_N + 1) + 2 * gamma * Sum(delta(k), (k, 1, _N)), _sq(1) + _N * gamma**2 * sigma**2 / M),
        _N, K / M, by=(("one round",),),
    ),
    Identity("first round", eq(_sq(1), square(y_0)), by=("start",)),
    Class("distance", "start", ("x_0",)),
    *(Given(what, what) for what in ("Q", "last_sq")),
    *(Given(what, what, "R0") for what in ("W", "mean_gap")),
    Inequality(
        "master", le(2 * W / M * mean_gap + last_sq, B**2 + sigma**2 * Q / M**2),
        (("all rounds",), (-1, "first round"), ("distance",), (-2 * gamma, "mean_gap"), (-2 * mean_gap / M, "W"),
         (sigma**2 / M**2, "Q"), (-1, "last_sq")),
    ),
    Class("Jensen", "jensen"),
    Inequality(
        "conditional", le(output_gap, M * B**2 / (2 * W) + sigma**2 * Q / (2 * M * W)),
        (("Jensen",), (M / (2 * W), "master")),
    ),
    Inequality(
        "in gamma", le(output_gap, M * B**2 / (2 * K * gamma) + sigma**2 * gamma / (2 * M)),
        (("conditional",), ("W", M * B**2 / (2 * K * gamma * W) + sigma**2 * gamma / (2 * M * W)),
         ("Q", -(sigma**2) / (2 * M * W))),
    ),
    Inequality(
        "bound", le(output_gap, M * L * B**2 / (2 * K) + sigma * B / sqrt(K)),
        (("in gamma",), (M * B**2 / (2 * K), "1/gamma"), (Rational(1, 2) * sigma / (M * sqrt(K)), "gamma: noise")),
    ),
)  # fmt: skip

PROOF = Proof(ROUNDS, _STEPS, proves={"R0": {"bound": "bound", "conditional": "conditional", "master": "master"}})
