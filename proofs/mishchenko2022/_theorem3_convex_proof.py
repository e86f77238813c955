"""The derivation of Theorem 3, convex case, step by step, in the letters of ``ratecheck.core.setting``.

The chain is one for the output rules R1 and R0 up to the master inequality; then the weights are counted apart.
``c`` is the smallest stepsize branch that does not look at the delay: min{1/(4ML), B/(sigma sqrt K)}.
"""

from sympy import Expr, Rational, Sum, Symbol, sqrt

from ratecheck.core.gram import Ip, inner, square
from ratecheck.core.proof import (
    Class,
    Counting,
    Expectation,
    Given,
    Identity,
    Inequality,
    Proof,
    Rule,
    Scalar,
    Step,
    Telescope,
    eq,
    le,
    total,
)
from ratecheck.core.setting import (
    ASYNC,
    N_0,
    applied,
    delta,
    delta_0,
    g_0,
    g_flying,
    ghat,
    h,
    h_0,
    h_flying,
    j,
    m,
    n,
    t,
    t_0,
    tau,
    u,
    y_0,
)
from ratecheck.core.symbols import B, K, L, M, Q, W, k, mean_gap, output_gap, sigma, virtual_sq

from ._in_flight_convex import BRANCHES, FIRST, SLOPE, SLOPE_0, STEPSIZE, WINDOWS
from ._in_flight_convex import ONE_STEP as IN_FLIGHT
from ._last_rule_convex import RL_BOUND
from ._smallest_branch import c

_N = Symbol("N", nonnegative=True)
_FLYING = Sum(g_flying(k, j) ** 2 * Ip(h_flying(k, j), h_flying(k, j)), (j, 1, M - 1))
_LATER = Sum(ghat(k) ** 2, (k, 1, K))
_INITIAL = Sum(g_0(m) ** 2, (m, 1, M))
_WAIT_0 = Sum((t_0(m) - 1) * g_0(m) ** 2 * SLOPE_0, (m, 1, M))


def _sq(index: object) -> Expr:
    return Ip(u(index), u(index))


_STEPSIZE = (
    Rule("1/c", c, says=le(1 / c, 4 * M * L + sigma * sqrt(K) / B), branches=("cap", "noise")),
    Scalar(
        "absorbed", le(-1 / L + ghat(k) + 1 / (4 * L) + 1 / (4 * L), 0), (("ghat <= c",), (1 / (4 * M * L), "c: cap")),
    ),
)  # fmt: skip

_ONE_STEP = (
    Identity(
        "expansion",
        eq(_sq(k + 1), _sq(k) - 2 * ghat(k) * inner(h(k) + n(k), u(k)) + ghat(k) ** 2 * square(h(k) + n(k))),
        by=("step",),
    ),
    Expectation("unbiased", n(k), u(k)),
    Expectation("unbiased at x_k", n(k), h(k)),
    Expectation("variance", n(k)),
    *IN_FLIGHT,
    Class("smooth convexity", "smooth convex", ("x_k", "x*")),
    Inequality(
        "one step",
        le(_sq(k + 1) + 2 * ghat(k) * delta(k),
           _sq(k) + ghat(k) * (-1 / L + ghat(k) + 1 / (4 * L)) * SLOPE + 4 * L * (M - 1) * ghat(k) * _FLYING
           + ghat(k) ** 2 * sigma**2),
        ((-1, "expansion"), (2 * ghat(k), "smooth convexity"), (2 * ghat(k), "unbiased"),
         (-2 * ghat(k) ** 2, "unbiased at x_k"), (ghat(k) ** 2, "variance"), (-2 * ghat(k), "error without noise"),
         (ghat(k), "Young"), (4 * L * ghat(k), "M - 1 in flight")),
    ),
)  # fmt: skip

_ALL_STEPS = (
    Telescope(
        "sum",
        le(_sq(_N + 1) + 2 * Sum(ghat(k) * delta(k), (k, 1, _N)),
           _sq(1) + Sum(ghat(k) * (-1 / L + ghat(k) + 1 / (4 * L)) * SLOPE, (k, 1, _N))
           + 4 * L * (M - 1) * Sum(ghat(k) * _FLYING, (k, 1, _N)) + sigma**2 * Sum(ghat(k) ** 2, (k, 1, _N))),
        _N, K, by=(("one step",),),
    ),
    Inequality(
        "gradients paid",
        le(_sq(K + 1) + 2 * Sum(ghat(k) * delta(k), (k, 1, K)),
           _sq(1) + 4 * L * (M - 1) * c * _WAIT_0 + sigma**2 * _LATER),
        (("sum",), (4 * L * (M - 1), "windows"), total(k, 4 * L * ghat(k) * SLOPE, "window"),
         total(k, ghat(k) * SLOPE, "absorbed")),
    ),
)  # fmt: skip

_START = (
    Identity(
        "first expansion",
        eq(_sq(1), square(y_0) - 2 * FIRST * inner(h_0, y_0) - 2 * inner(y_0, N_0) + FIRST**2 * SLOPE_0
           + 2 * FIRST * inner(h_0, N_0) + square(N_0)),
        by=("start, split",),
    ),
    Class("distance", "start", ("x_0",)),
    Class("smooth convexity at x_0", "smooth convex", ("x_0", "x*")),
    Expectation("unbiased at x_0", N_0, y_0),
    Expectation("gradient at x_0", N_0, h_0),
    Expectation("variance at x_0", N_0),
    Inequality(
        "first distance",
        le(_sq(1) + 4 * L * (M - 1) * c * _WAIT_0 + 2 * FIRST * delta_0 + FIRST * SLOPE_0 / (4 * L),
           B**2 + sigma**2 * _INITIAL),
        ((-1, "first expansion"), ("distance",), (2 * FIRST, "smooth convexity at x_0"), (2, "unbiased at x_0"),
         (-2 * FIRST, "gradient at x_0"), ("variance at x_0",), total(m, 4 * L * g_0(m) * SLOPE_0, "first window"),
         (FIRST * SLOPE_0 / (4 * L), "Gamma_0")),
    ),
    Inequality(
        "all steps",
        le(_sq(K + 1) + 2 * FIRST * delta_0 + 2 * Sum(ghat(k) * delta(k), (k, 1, K)),
           B**2 + sigma**2 * (_INITIAL + _LATER)),
        (("gradients paid",), ("first distance",)),
    ),
    Given("Q", "Q"),
    Given("virtual_sq", "virtual_sq"),
    Class("Jensen", "jensen"),
)  # fmt: skip


def _master(rule: str) -> tuple[Step, ...]:
    return (
        Given(f"W {rule}", "W", rule),
        Given(f"mean_gap {rule}", "mean_gap", rule),
        Inequality(
            f"master {rule}", le(2 * W * mean_gap + virtual_sq, B**2 + sigma**2 * Q),
            (("all steps",), (-2, f"mean_gap {rule}"), (-1, "virtual_sq"), (sigma**2, "Q")),
        ),
        Inequality(
            f"conditional {rule}", le(output_gap, (B**2 + sigma**2 * Q) / (2 * W)),
            (("Jensen",), (1 / (2 * W), f"master {rule}")),
        ),
    )  # fmt: skip


def _final(rule: str, squares: Expr, noise: Rational, rest: tuple[object, ...]) -> tuple[Step, ...]:
    """From W >= (3/4) K c and Q <= ``squares`` c^2; ``rest`` is a nonnegative product that is given away."""
    third = Rational(2, 3)
    return (
        Inequality(
            f"in c {rule}", le(output_gap, third * (B**2 + squares * sigma**2 * c**2) / (K * c)),
            ((f"conditional {rule}",), (third * (B**2 + sigma**2 * Q) / (K * c * W), f"weights {rule}"),
             (third * sigma**2 / (K * c), f"squares {rule}")),
        ),
        Inequality(
            f"bound {rule}", le(output_gap, Rational(8, 3) * M * L * B**2 / K + noise * sigma * B / sqrt(K)),
            ((f"in c {rule}",), (third * B**2 / K, "1/c"), (third * squares / K * sigma / sqrt(K), "c: noise"), rest),
        ),
    )  # fmt: skip


_CLOSED = (
    *_master("R1"),
    BRANCHES.at_least("least ghat", ghat(k), t(k)),
    Counting("closed delays", "closed"),
    Inequality(
        "weights R1", le(Rational(3, 4) * K * c, W),
        (("W R1",), total(k, "least ghat"), (c / (4 * M), "closed delays")),
    ),
    Inequality(
        "squares R1", le(Q, (K + M) * c**2),
        ((-1, "Q"), total(m, c + g_0(m), "ghat0 <= c"), total(k, c + ghat(k), "ghat <= c")),
    ),
    *_final("R1", K + M, Rational(2), (Rational(2, 3) * sigma * B / sqrt(K), 1 - M / K)),
)  # fmt: skip

_ARRIVED = (
    *_master("R0"),
    *BRANCHES.at_most_c("gamma", applied(k)),
    BRANCHES.at_least("least gamma", applied(k), tau(k)),
    Counting("delays", "delays"),
    Counting("delivered", "delivered", {"power": 1}),
    Counting("delivered squares", "delivered", {"power": 2}),
    Inequality(
        "weights R0", le(Rational(3, 4) * K * c, W),
        (("W R0",), ("delivered",), total(k, "least gamma"), (c / (4 * M), "delays")),
    ),
    Inequality(
        "squares R0", le(Q, K * c**2), ((-1, "Q"), (-1, "delivered squares"), total(k, c + applied(k), "gamma <= c")),
    ),
    *_final("R0", K, Rational(4, 3), (0,)),
)  # fmt: skip

PROOF = Proof(
    ASYNC,
    (*STEPSIZE, *_STEPSIZE, *_ONE_STEP, WINDOWS, *_ALL_STEPS, *_START, *_CLOSED, *_ARRIVED, *_master("RL"), *RL_BOUND),
    proves={
        rule: {what: f"{what} {rule}" for what in ("bound", "conditional", "master")} for rule in ("R1", "R0", "RL")
    },
    sections={
        "c: cap": "The stepsizes",
        "expansion": "One step",
        "windows": "All steps",
        "first expansion": "The start",
        "Q": "What a run measures",
        "W R1": "Rule R1: gradients in flight at K count as back at K + 1",
        "W R0": "Rule R0: gradients in flight at K count not at all",
        "W RL": "Rule RL: gradients in flight at K come back when they come back",
        "sum before k": "Rule RL: every iterate",
        "arrived": "Rule RL: the weights, and the bound",
    },
)
