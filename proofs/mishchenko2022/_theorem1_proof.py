"""The derivation of Theorem 1, step by step, in the letters of ``ratecheck.core.setting``.

The virtual iterates are closed freely: every initial gradient has the constant stepsize, whether it ever arrives or
not. So nothing in them depends on samples still to be drawn, and delays may depend on the data. The master inequality
of the claim closes initial gradients in flight with 0; that is a random number when delays depend on samples, so it
is derived for independent delays alone: all that is used of these stepsizes is that they are at most the constant.
"""

from sympy import Rational, Sum, Symbol, sqrt

from ratecheck.core.gram import Ip, inner, square
from ratecheck.core.proof import (
    Cauchy,
    Class,
    Expectation,
    Given,
    Identity,
    Inequality,
    Proof,
    Rule,
    Square,
    Telescope,
    eq,
    le,
    total,
)
from ratecheck.core.setting import (
    ASYNC,
    S_0,
    delta,
    e,
    g_0,
    g_flying,
    ghat,
    h,
    h_0,
    h_flying,
    j,
    m,
    n,
    n_0,
    n_flying,
    u,
    y_0,
)
from ratecheck.core.symbols import B, G, K, M, W, k, mean_gap, output_gap, virtual_sq
from ratecheck.core.symbols import stepsize as gamma

_N = Symbol("N", nonnegative=True)
_PRINTED = B / (G * sqrt(K * M))
_FLYING = h_flying(k, j) + n_flying(k, j)
_SUM = Sum(delta(k), (k, 1, K))
_COST = gamma**2 * G**2 * (2 * M - 1)  # what one step adds
_FIRST = gamma**2 * M**2 * G**2  # what the initial gradients add
_UNIT = G * B * sqrt(M / K)
_RATIO = Rational(3, 2) + M / (2 * K) - 1 / (2 * M)


def _sq(index: object) -> Ip:
    return Ip(u(index), u(index))


_STEPSIZE = (
    Rule("gamma", gamma, says=eq(gamma, _PRINTED)),
    Rule("ghat", ghat(k), says=eq(ghat(k), gamma)),
    Rule("ghat0", g_0(m), says=le(g_0(m), gamma)),
    Rule("ghatf", g_flying(k, j), says=le(g_flying(k, j), gamma)),
)

_ONE_STEP = (
    Identity(
        "expansion",
        eq(_sq(k + 1), _sq(k) - 2 * ghat(k) * inner(h(k) + n(k), u(k)) + ghat(k) ** 2 * square(h(k) + n(k))),
        by=("step",),
    ),
    Expectation("unbiased", n(k), u(k)),
    Expectation("unbiased at x_k", n(k), h(k)),
    Class("Lipschitz", "lipschitz", ("x_k",)),
    Class("Lipschitz in flight", "lipschitz", ("in flight",)),
    Inequality(
        "mean gradient", le(Ip(h(k), h(k)), G**2), (("Lipschitz",), (2, "unbiased at x_k"), (Square(n(k)),)),
    ),
    Class("convexity", "convex", ("x_k", "x*")),
    Identity(
        "error", eq(inner(h(k), e(k)), Sum(g_flying(k, j) * inner(h(k), _FLYING), (j, 1, M - 1))),
        by=("in flight", "gradients in flight", "noise in flight"),
    ),
    Inequality(
        "one in flight", le(inner(h(k), _FLYING), G**2),
        ((Rational(1, 2), "mean gradient"), (Rational(1, 2), "Lipschitz in flight"),
         (Rational(1, 2), Square(h(k) - _FLYING))),
    ),
    Inequality(
        "M - 1 in flight", le(inner(h(k), e(k)), (M - 1) * gamma * G**2),
        ((-1, "error"), total(j, g_flying(k, j), "one in flight"), total(j, G**2, "ghatf")),
    ),
    Inequality(
        "one step", le(_sq(k + 1) + 2 * gamma * delta(k), _sq(k) + _COST),
        ((-1, "expansion"), (2 * ghat(k), "unbiased"), (2 * ghat(k), "convexity"), (2 * ghat(k), "M - 1 in flight"),
         (ghat(k) ** 2, "Lipschitz"),
         ("ghat", 2 * delta(k) - 2 * (M - 1) * gamma * G**2 - (ghat(k) + gamma) * G**2)),
    ),
)  # fmt: skip

_START = (
    Identity("first expansion", eq(_sq(1), square(y_0) - 2 * inner(y_0, S_0) + square(S_0)), by=("start",)),
    Identity(
        "first product", eq(inner(y_0, S_0), Sum(g_0(m) * inner(y_0, h_0 + n_0(m)), (m, 1, M))),
        by=("initial gradients",),
    ),
    Class("distance", "start", ("x_0",)),
    Class("convexity at x_0", "convex", ("x_0", "x*")),
    Class("Lipschitz at x_0", "lipschitz", ("x_0",)),
    Expectation("unbiased at x_0", n_0(m), y_0),
    Cauchy("M initial gradients", S_0, "initial gradients"),
    Inequality(
        "first distance", le(_sq(1), B**2 + _FIRST),
        ((-1, "first expansion"), ("distance",), (2, "first product"), total(m, 2 * g_0(m), "convexity at x_0"),
         total(m, 2 * g_0(m), "unbiased at x_0"), ("M initial gradients",),
         total(m, M * g_0(m) ** 2, "Lipschitz at x_0"),
         total(m, "ghat0", M * G**2 * (gamma + g_0(m)))),
    ),
)  # fmt: skip

_TO_THE_BOUND = (
    Telescope(
        "all steps", le(_sq(_N + 1) + 2 * gamma * Sum(delta(k), (k, 1, _N)), _sq(1) + _N * _COST),
        _N, K, by=(("one step",),),
    ),
    Given("W", "W", "R1"),
    Given("mean_gap", "mean_gap", "R1"),
    Inequality("W = K gamma", eq(W, K * gamma), (("W",), total(k, "ghat"))),
    Inequality(
        "mean", le(2 * W * mean_gap + _sq(K + 1), B**2 + _FIRST + K * _COST),
        (("all steps",), ("first distance",), (-2, "mean_gap"), total(k, -2 * delta(k), "ghat")),
    ),
    Class("Jensen", "jensen"),
    Inequality(
        "conditional",
        le(output_gap, B**2 / (2 * W) + W * M**2 * G**2 / (2 * K**2) + W / K * G**2 * (M - Rational(1, 2))),
        (("Jensen",), (1 / (2 * W), "mean"), (1 / (2 * W), Square(u(K + 1))),
         ("W = K gamma", (W + K * gamma) / K**2 * (M**2 * G**2 + K * G**2 * (2 * M - 1)) / (2 * W))),
    ),
    Given("virtual_sq", "virtual_sq"),
    Inequality(
        "master",
        le(mean_gap + virtual_sq / (2 * W),
           B**2 / (2 * W) + W * M**2 * G**2 / (2 * K**2) + W / K * G**2 * (M - Rational(1, 2))),
        ((1 / (2 * W), "mean"), (-1 / (2 * W), "virtual_sq"),
         ("W = K gamma", (W + K * gamma) / K**2 * (M**2 * G**2 + K * G**2 * (2 * M - 1)) / (2 * W))),
    ),
    Inequality(
        "in gamma", le(output_gap, B**2 / (2 * K * gamma) + gamma * (M**2 * G**2 / K + G**2 * (2 * M - 1)) / 2),
        (("Jensen",), (1 / (2 * K * gamma), "mean"), (1 / (2 * K * gamma), Square(u(K + 1))),
         ("W = K gamma", mean_gap / (K * gamma))),
    ),
    Inequality(
        "sharper", le(output_gap, _UNIT * _RATIO),
        (("in gamma",),
         ("gamma", B**2 / (2 * K * gamma * _PRINTED) - (M**2 * G**2 / K + G**2 * (2 * M - 1)) / 2)),
    ),
    Inequality(
        "printed", le(output_gap, 3 * _UNIT), (("sharper",), (_UNIT, Rational(3, 2) - M / (2 * K) + 1 / (2 * M))),
    ),
)  # fmt: skip

PROOF = Proof(
    ASYNC,
    (*_STEPSIZE, *_ONE_STEP, *_START, *_TO_THE_BOUND),
    proves={"R1": {"bound": "printed", "conditional": "conditional", "master": "master"}},
    sections={
        "gamma": "The stepsizes",
        "expansion": "One step",
        "first expansion": "The start",
        "all steps": "All steps",
        "W": "What a run measures, and the bound",
    },
    notes=("step 'sharper': the constant is 3/2 + M/(2K) - 1/(2M) <= 2 in place of the printed 3",),
)
