"""The derivation of the minibatch bound, strongly convex case, in the letters of ``setting_growing.ROUNDS_GROWING``.

With q = 1 - mu gamma one round gives D' <= q D - gamma (F(x) - F*) + gamma^2 sigma^2/M; the weights are w(k) = q^(R-k).
Where gamma = 1/(2L) they start at (1 - mu/(2L))^R, elsewhere at exp(-mu gamma R) at most. R = K/M.
"""

from sympy import E, Expr, Integer, Rational, Sum, Symbol, exp, log

from ratecheck.core.gram import Ip, inner, square
from ratecheck.core.proof import (
    Calculus,
    Class,
    Expectation,
    Given,
    Growing,
    Identity,
    Inequality,
    Proof,
    Rule,
    Scalar,
    Step,
    Telescope,
    eq,
    le,
)
from ratecheck.core.setting import delta, h, mean_noise, v, y_0
from ratecheck.core.setting_growing import ROUNDS_GROWING, w
from ratecheck.core.symbols import B, K, L, M, S, W, decay, k, last_sq, mean_gap, mu, output_gap, sigma
from ratecheck.core.symbols import stepsize as gamma

_N = Symbol("N", nonnegative=True)
_x = Symbol("x", real=True)
_NOISE, _ROUNDS = mean_noise(k), K / M
_LOG = log(E + mu**2 * K**2 * B**2 / (M * sigma**2))
_Q = 1 - mu / (2 * L)
_LIMIT = 1 / (_Q ** (-_ROUNDS) - 1)


def _sq(index: object) -> Expr:
    return Ip(v(index), v(index))


def _exponential(name: str, at: Expr) -> Step:
    """1 + x <= exp(x) at x = ``at``."""
    return Calculus(name, le(1 + _x, exp(_x)), _x, at)


_WEIGHTS = (
    Rule("gamma: cap", gamma, below="cap"),
    Rule("gamma: noise", gamma, below="noise"),
    Class("mu <= L", "condition"),
    Scalar(
        "a round shrinks by less than 1/2", le(Rational(1, 2), 1 - mu * gamma),
        ((mu / (2 * L), "gamma: cap"), (1 / (2 * L), "mu <= L")),
    ),
    Growing("positive weights", "positive", by="a round shrinks by less than 1/2"),
    _exponential("exp of a stepsize", -mu * gamma),
    Scalar(
        "decay of a round", le((1 - mu * gamma) * exp(mu * gamma), 1), ((exp(mu * gamma), "exp of a stepsize"),),
    ),
    Growing("decay by exp", "product", by="decay of a round", rate=mu * gamma),
    Growing("decay by powers", "power"),
)  # fmt: skip

_STEPS = (
    Identity(
        "expansion",
        eq(_sq(k + 1), _sq(k) - 2 * gamma * inner(h(k) + _NOISE, v(k)) + gamma**2 * square(h(k) + _NOISE)),
        by=("step",),
    ),
    Expectation("unbiased", _NOISE, v(k)),
    Expectation("unbiased gradient", _NOISE, h(k)),
    Expectation("variance", _NOISE),
    Class("strong convexity", "strongly convex", ("x_k", "x*")),
    Class("smooth convexity", "smooth convex", ("x*", "x_k")),
    Inequality(
        "one round",
        le(_sq(k + 1) + gamma * delta(k), (1 - mu * gamma) * _sq(k) + gamma**2 * sigma**2 / M),
        ((-1, "expansion"), (2 * gamma, "strong convexity"), (gamma, "smooth convexity"), (2 * gamma, "unbiased"),
         (-2 * gamma**2, "unbiased gradient"), (gamma**2, "variance"),
         (gamma * Ip(h(k), h(k)) / (2 * L), "gamma: cap")),
    ),
    *(Given(what, what, "R0") for what in ("growth", "end", "W", "mean_gap", "decay", "S", "last_sq")),
    Telescope(
        "all rounds",
        le(w(_N) * _sq(_N + 1) + gamma * Sum(w(k) * delta(k), (k, 1, _N)),
           w(0) * _sq(1) + gamma**2 * sigma**2 / M * Sum(w(k), (k, 1, _N))),
        _N, _ROUNDS, by=((w(k), "one round"), (_sq(k), "growth")),
    ),
    Identity("first round", eq(_sq(1), square(y_0)), by=("start",)),
    Class("distance", "start", ("x_0",)),
    Inequality(
        "master", le(W / M * mean_gap + last_sq, decay * B**2 + sigma**2 * S / M**2),
        (("all rounds",), (-w(0), "first round"), (w(0), "distance"), (B**2, "decay"), (-1 / M, "mean_gap"),
         (sigma**2 / M**2, "S"), (-1, "last_sq"), (_sq(_ROUNDS + 1), "end")),
    ),
    Class("Jensen", "jensen"),
    Inequality(
        "conditional", le(output_gap, M * decay * B**2 / W + sigma**2 * S / (M * W)),
        (("Jensen",), (M / W, "master"), (M * last_sq / W,)),
    ),
)  # fmt: skip

_SUMS = (
    Telescope("all growth", eq(mu * gamma * Sum(w(k), (k, 1, _N)), w(_N) - w(0)), _N, _ROUNDS, by=(("growth",),)),
    Inequality(
        "sum of weights", eq(mu * W / M, 1 - decay), ((mu / M, "W"), ("all growth",), ("end",), ("decay",)),
    ),
    Inequality("sum of squares", eq(S, gamma * W), (("S",), (-gamma, "W"))),
    Inequality("start by exp", le(decay * exp(mu * gamma * K / M), 1),
               (("decay by exp",), (-exp(mu * gamma * K / M), "decay"))),
    Inequality("start by powers", eq(decay, (1 - mu * gamma) ** _ROUNDS), (("decay",), ("decay by powers",))),
)  # fmt: skip

_BOUND = (
    _exponential("e >= 2", Integer(1)),
    Scalar("q >= 1/2", le(Rational(1, 2), _Q), ((1 / (2 * L), "mu <= L"),)),
    _exponential("exp of 1/q", -_ROUNDS * log(_Q)),
    _exponential("q <= exp", log(_Q)),
    Scalar(
        "LIMIT is positive", le(mu * K / (2 * M * L), _Q ** (-_ROUNDS) - 1),
        (("exp of 1/q",), (_ROUNDS, "q <= exp")),
    ),
    Rule(
        "start", gamma,
        says=le(M * decay * B**2 / W, mu * B**2 * _LIMIT + M * sigma**2 / (mu * K**2)),
        cases={
            "cap": ((M * B**2 / W * _LIMIT, "sum of weights"),
                    (-M * B**2 / W * _LIMIT * _Q ** (-_ROUNDS), "start by powers"), (M * sigma**2 / (mu * K**2),)),
            "noise": ((M**2 * sigma**2 / (mu**2 * K**2 * W), "sum of weights"),
                      (M**2 * sigma**2 / (mu**2 * K**2 * W), "start by exp"),
                      (M**2 * sigma**2 / (mu**2 * K**2 * W) * decay, "e >= 2"), (mu * B**2 * _LIMIT,)),
        },
    ),
    Inequality(
        "bound",
        le(output_gap, mu * B**2 * _LIMIT + sigma**2 / (mu * K) * _LOG + M * sigma**2 / (mu * K**2)),
        (("conditional",), ("start",), (-(sigma**2) / (M * W), "sum of squares"),
         (sigma**2 / (M * mu * K), "gamma: noise")),
    ),
)  # fmt: skip

PROOF = Proof(
    ROUNDS_GROWING,
    (*_WEIGHTS, *_STEPS, *_SUMS, *_BOUND),
    proves={"R0": {"bound": "bound", "conditional": "conditional", "master": "master"}},
)
