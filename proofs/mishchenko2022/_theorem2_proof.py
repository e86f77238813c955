"""The derivation of Theorem 2, step by step, in the letters of ``ratecheck.core.setting``.

Nothing is said of the initial gradients but that their stepsizes are at most gamma. Closed freely, all have the
stepsize gamma, whether they ever arrive or not: nothing in the virtual iterates depends on samples still to be drawn,
and delays may depend on the data. That gives the bound. The master inequality measures virtual iterates that do without
the gradients that never arrive; there the same steps need delays that are independent of the samples.
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
    N_0,
    e,
    g_0,
    g_flying,
    ghat,
    h,
    h_0,
    h_virtual,
    j,
    m,
    n,
    phi,
    u,
    y_0,
)
from ratecheck.core.symbols import Delta, G, K, L, M, Q, W, k, mean_gradient_sq, sigma, virtual_gap
from ratecheck.core.symbols import stepsize as gamma

_N = Symbol("N", nonnegative=True)
_THIRD = Rational(1, 3)
_GRADIENT = h(k) + n(k)
_WAY = u(k + 1) - u(k)
_FIRST_WAY = u(1) - y_0
_SLOPE = Ip(h(k), h(k))
_SLOPE_0 = Ip(h_0, h_0)
_GAMMA_0 = Sum(g_0(m), (m, 1, M))
_FIRST = Sum(g_0(m) ** 2, (m, 1, M))
_NOISE = L * gamma**2 * sigma**2 / 2  # what one sample adds
_FLYING = gamma**3 * L**2 * (M - 1) ** 2 * G**2 / 2  # what the gradients in flight add to one step
_ROOT = (M * L * Delta * G / K) ** (2 * _THIRD)
_SQUARE_ROOT = sqrt(L * Delta * sigma**2 / K)

_STEPSIZE = (
    *(Rule(f"gamma: {branch}", gamma, below=branch) for branch in ("cap", "noise", "in_flight")),
    Rule(
        "1/gamma", gamma,
        says=le(1 / gamma, 2 * M * L + sigma * sqrt(L * K / Delta) + (L**2 * M**2 * G**2 * K / Delta) ** _THIRD),
    ),
    Rule("ghat", ghat(k), says=eq(ghat(k), gamma)),
    Rule("ghat0", g_0(m), says=le(g_0(m), gamma)),
    Rule("ghatf", g_flying(k, j), says=le(g_flying(k, j), gamma)),
)  # fmt: skip

_ONE_STEP = (
    Class("descent", "descent", ("xhat_k", "xhat_k+1")),
    Identity("way", eq(inner(h_virtual(k), _WAY), -ghat(k) * inner(h_virtual(k), _GRADIENT)), by=("step",)),
    Identity("length", eq(square(_WAY), ghat(k) ** 2 * square(_GRADIENT)), by=("step",)),
    Expectation("unbiased", n(k), h_virtual(k)),
    Expectation("unbiased at x_k", n(k), h(k)),
    Expectation("variance", n(k)),
    Class("smooth", "smooth", ("x_k", "xhat_k")),
    Cauchy("M - 1 in flight", e(k), "error"),
    Class("Lipschitz in flight", "lipschitz", ("in flight",)),
    Inequality(
        "error", le(Ip(e(k), e(k)), (M - 1) ** 2 * gamma**2 * G**2),
        (("M - 1 in flight",), total(j, (M - 1) * g_flying(k, j) ** 2, "Lipschitz in flight"),
         total(j, "ghatf", (M - 1) * (g_flying(k, j) + gamma) * G**2)),
    ),
    Inequality(
        "in ghat",
        le(phi(k + 1) + ghat(k) / 2 * _SLOPE,
           phi(k) + L * ghat(k) ** 2 / 2 * (_SLOPE + sigma**2) + ghat(k) * L**2 / 2 * Ip(e(k), e(k))),
        (("descent",), (-1, "way"), (-L / 2, "length"), (ghat(k), "unbiased"), (-L * ghat(k) ** 2, "unbiased at x_k"),
         (L * ghat(k) ** 2 / 2, "variance"), (ghat(k) / 2, "smooth"), (ghat(k) / 2, Square(h_virtual(k)))),
    ),
    Inequality(
        "one step", le(phi(k + 1) + gamma / 4 * _SLOPE, phi(k) + _NOISE + _FLYING),
        (("in ghat",), (gamma * L**2 / 2, "error"), (gamma / (4 * M) * _SLOPE, "gamma: cap"),
         ("ghat", _SLOPE / 2 - L * (ghat(k) + gamma) / 2 * (_SLOPE + sigma**2) - L**2 / 2 * Ip(e(k), e(k)))),
    ),
)  # fmt: skip

_START = (
    Class("first descent", "descent", ("x_0", "xhat_1")),
    Identity("first way", eq(inner(h_0, _FIRST_WAY), -inner(h_0, _GAMMA_0 * h_0 + N_0)), by=("start, split",)),
    Identity("first length", eq(square(_FIRST_WAY), square(_GAMMA_0 * h_0 + N_0)), by=("start, split",)),
    Expectation("unbiased at x_0", N_0, h_0),
    Expectation("first variance", N_0),
    Class("start", "gap", ("x_0",)),
    Inequality("2 L Gamma_0", le(2 * L * _GAMMA_0, 1), (total(m, 2 * L, "ghat0"), ("gamma: cap",))),
    Inequality(
        "first step", le(phi(1), Delta + L * sigma**2 / 2 * _FIRST),
        (("first descent",), (-1, "first way"), (-L / 2, "first length"), ("start",), ("first variance", L / 2),
         ("unbiased at x_0", 1 - L * _GAMMA_0), (_GAMMA_0 * _SLOPE_0 / 4, "2 L Gamma_0")),
    ),
)  # fmt: skip

_TO_THE_BOUND = (
    Telescope(
        "all steps",
        le(phi(_N + 1) + gamma / 4 * Sum(_SLOPE, (k, 1, _N)), phi(1) + _N * (_NOISE + _FLYING)),
        _N, K, by=(("one step",),),
    ),
    Given("W", "W", "R1"),
    Given("mean_gradient_sq", "mean_gradient_sq", "R1"),
    Inequality("W = K gamma", eq(W, K * gamma), (("W",), total(k, "ghat"))),
    Inequality(
        "mean",
        le(phi(K + 1) + W / 4 * mean_gradient_sq, Delta + L * sigma**2 / 2 * _FIRST + K * _NOISE + K * _FLYING),
        (("all steps",), ("first step",), (Rational(-1, 4), "mean_gradient_sq"), total(k, -_SLOPE / 4, "ghat")),
    ),
    Given("Q", "Q"),
    Given("virtual_gap", "virtual_gap"),
    Inequality(
        "master",
        le(virtual_gap + W / 4 * mean_gradient_sq,
           Delta + L * sigma**2 * Q / 2 + W**3 / K**2 * L**2 * (M - 1) ** 2 * G**2 / 2),
        (("mean",), (-1, "virtual_gap"), (L * sigma**2 / 2, "Q"),
         total(k, "ghat", L * sigma**2 / 2 * (ghat(k) + gamma)),
         ("W = K gamma", (W**2 + W * K * gamma + (K * gamma) ** 2) / K**2 * L**2 * (M - 1) ** 2 * G**2 / 2)),
    ),
    Inequality(
        "in gamma",
        le(mean_gradient_sq,
           4 * Delta / (K * gamma) + 2 * L * gamma * sigma**2 * (1 + M / K)
           + 2 * gamma**2 * L**2 * (M - 1) ** 2 * G**2),
        ((4 / (K * gamma), "mean"), (4 / (K * gamma), phi(K + 1)), (mean_gradient_sq / (K * gamma), "W = K gamma"),
         total(m, 2 * L * sigma**2 / (K * gamma) * (g_0(m) + gamma), "ghat0")),
    ),
    Inequality(
        "conditional",
        le(mean_gradient_sq,
           4 * Delta / W + 2 * L * W / K * sigma**2 * (1 + M / K) + 2 * W**2 / K**2 * L**2 * (M - 1) ** 2 * G**2),
        (("in gamma",), ("W = K gamma", -4 * Delta / (K * gamma * W) + 2 * L * sigma**2 * (1 + M / K) / K
                         + 2 * (W + K * gamma) / K**2 * L**2 * (M - 1) ** 2 * G**2)),
    ),
    Inequality(
        "bound", le(mean_gradient_sq, 8 * M * L * Delta / K + 8 * _SQUARE_ROOT + 6 * _ROOT),
        (("in gamma",), (4 * Delta / K, "1/gamma"), (4 * sigma * sqrt(L / K), "gamma: noise"),
         (2 * L * gamma * sigma**2 * (1 - M / K),),
         (2 * (L * M * G / K) ** (2 * _THIRD) * (gamma * (L * M * G) ** (2 * _THIRD) * K**_THIRD + Delta**_THIRD),
          "gamma: in_flight")),
    ),
)  # fmt: skip

PROOF = Proof(
    ASYNC,
    (*_STEPSIZE, *_ONE_STEP, *_START, *_TO_THE_BOUND),
    proves={"R1": {"bound": "bound", "conditional": "conditional", "master": "master"}},
    sections={
        "gamma: cap": "The stepsizes",
        "descent": "One step",
        "first descent": "The start",
        "all steps": "All steps",
        "W": "What a run measures, and the bound",
    },
)
