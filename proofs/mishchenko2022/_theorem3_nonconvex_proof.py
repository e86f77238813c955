"""The derivation of Theorem 3, non-convex case, step by step, in the letters of ``ratecheck.core.setting``.

The chain is one for all output rules up to the master inequality; then the weights are counted apart. ``c`` is the
smallest stepsize branch that does not look at the delay: min{1/(2ML), sqrt(Delta/(K L sigma^2))}.
"""

from sympy import Expr, Integer, Rational, Sum, Symbol, sqrt

from ratecheck.core.proof import (
    Counting,
    Given,
    Inequality,
    Proof,
    Rule,
    Scalar,
    Step,
    Telescope,
    le,
    total,
)
from ratecheck.core.setting import (
    ASYNC,
    applied,
    g_0,
    g_flying,
    ghat,
    h,
    h_flying,
    j,
    m,
    phi,
    t,
    t_0,
    tau,
)
from ratecheck.core.symbols import Delta, K, L, M, Q, V, W, k, mean_gradient_sq, sigma, virtual_gap

from ._in_flight_nonconvex import CROWD, CROWDS, FIRST, FIRST_STEP, INITIAL, LATER, SLOPE, SLOPE_0, in_flight, one_step
from ._last_rule_nonconvex import RL_BOUND
from ._smallest_branch import CONSTANT, Branches, c

_N = Symbol("N", nonnegative=True)
_FLYING = in_flight(h_flying(k, j))
_WAIT_0 = Sum((t_0(m) - 1) * g_0(m) ** 2 * SLOPE_0, (m, 1, M))
_BRANCHES = Branches(2, 4, sigma * sqrt(K * L))

_STEPSIZE = (
    *_BRANCHES.constant(),
    Rule("1/c", c, says=le(1 / c, 2 * M * L + sigma * sqrt(K * L / Delta)), branches=CONSTANT),
    *_BRANCHES.at_most_c("ghat", ghat(k)),
    *_BRANCHES.at_most_c("ghat0", g_0(m)),
    *_BRANCHES.at_most_c("ghatf", g_flying(k, j)),
    Rule("ghat: delay", ghat(k), below="delay"),
    Rule("ghat0: delay", g_0(m), below="delay"),
    Counting("t >= 1", "at least 1", {"of": t(k)}),
    Scalar(
        "ghat <= 1/(4L)", le(ghat(k), 1 / (4 * L)), ((1 / (4 * L), "ghat: delay"), (ghat(k), "t >= 1")),
    ),
    _BRANCHES.window("window", ghat(k), t(k), "ghat: delay"),
    _BRANCHES.window("first window", g_0(m), t_0(m), "ghat0: delay"),
)  # fmt: skip

_ONE_STEP = (
    *one_step(h(k), h_flying(k, j)),
    Inequality(
        "one step",
        le(phi(k + 1) + Rational(5, 8) * ghat(k) * SLOPE,
           phi(k) + L * sigma**2 * ghat(k) ** 2 / 2 + L**2 * (M - 1) * ghat(k) * _FLYING
           + L**2 * sigma**2 * ghat(k) * CROWD),
        (("descent",), (-1, "move"), (ghat(k), "unbiased"), (-L * ghat(k) ** 2, "unbiased at x_k"),
         (L * ghat(k) ** 2 / 2, "variance"), (ghat(k), "Young"), (ghat(k), "smooth"),
         (L**2 * ghat(k), "error in two parts"), (L * ghat(k) * SLOPE / 2, "ghat <= 1/(4L)")),
    ),
)  # fmt: skip

_ALL_STEPS = (
    Telescope(
        "sum",
        le(phi(_N + 1) + Rational(5, 8) * Sum(ghat(k) * SLOPE, (k, 1, _N)),
           phi(1) + L * sigma**2 / 2 * Sum(ghat(k) ** 2, (k, 1, _N))
           + L**2 * (M - 1) * Sum(ghat(k) * _FLYING, (k, 1, _N)) + L**2 * sigma**2 * Sum(ghat(k) * CROWD, (k, 1, _N))),
        _N, K, by=(("one step",),),
    ),
    Counting(
        "windows", "windows",
        {"weight": ghat(k), "cap": c, "below": "ghat <= c", "attribute": ghat(k) ** 2 * SLOPE},
    ),
    Inequality(
        "gradients paid",
        le(phi(K + 1) + Sum(ghat(k) * SLOPE, (k, 1, K)) / 2,
           phi(1) + L**2 * (M - 1) * c * _WAIT_0 + L * sigma**2 / 2 * LATER + L**2 * sigma**2 * CROWDS),
        (("sum",), (L**2 * (M - 1), "windows"), total(k, L**2 * ghat(k) * SLOPE, "window")),
    ),
)  # fmt: skip

_START = (
    *FIRST_STEP,
    Inequality("Gamma_0", le(2 * L * FIRST, 1), (total(m, 2 * L, "ghat0 <= c"), ("c: cap",))),
    Inequality(
        "first value",
        le(phi(1) + L**2 * (M - 1) * c * _WAIT_0 + FIRST * SLOPE_0 / 2, Delta + L * sigma**2 * INITIAL / 2),
        (("first descent",), (-1, "first move"), ("gap",), (1 - L * FIRST, "gradient at x_0"),
         (L / 2, "variance at x_0"), total(m, L**2 * g_0(m) * SLOPE_0, "first window"),
         (FIRST * SLOPE_0 / 4, "Gamma_0")),
    ),
    Inequality(
        "all steps",
        le(phi(K + 1) + FIRST * SLOPE_0 / 2 + Sum(ghat(k) * SLOPE, (k, 1, K)) / 2,
           Delta + L * sigma**2 * (INITIAL + LATER) / 2 + L**2 * sigma**2 * CROWDS),
        (("gradients paid",), ("first value",)),
    ),
    *(Given(what, what) for what in ("Q", "V", "virtual_gap")),
    Inequality("one crowd", le(CROWD, (M - 1) * c**2), (total(j, c + g_flying(k, j), "ghatf <= c"),)),
)  # fmt: skip


def _master(rule: str) -> tuple[Step, ...]:
    return (
        Given(f"W {rule}", "W", rule),
        Given(f"mean_gradient_sq {rule}", "mean_gradient_sq", rule),
        Inequality(
            f"master {rule}",
            le(virtual_gap + W / 2 * mean_gradient_sq, Delta + L * sigma**2 * Q / 2 + L**2 * sigma**2 * V),
            (("all steps",), (-Rational(1, 2), f"mean_gradient_sq {rule}"), (-1, "virtual_gap"),
             (L * sigma**2 / 2, "Q"), (L**2 * sigma**2, "V")),
        ),
        Inequality(
            f"conditional {rule}",
            le(mean_gradient_sq, 2 * Delta / W + L * sigma**2 * Q / W + 2 * L**2 * sigma**2 * V / W),
            ((2 / W, f"master {rule}"), (2 * virtual_gap / W,)),
        ),
    )  # fmt: skip


def _crowds(rule: str, first: Expr) -> Step:
    """V <= W (M - 1) c^2: M - 1 others are in flight; ``first`` is the weight of x_0."""
    return Inequality(
        f"crowds {rule}", le(V, W * (M - 1) * c**2),
        ((-1, "V"), total(k, ghat(k), "one crowd"), ((M - 1) * c**2, f"W {rule}"), ((M - 1) * c**2 * first,)),
    )  # fmt: skip


def _final(rule: str, squares: Expr, sharper: int, printed: int, rest: tuple[object, ...]) -> tuple[Step, ...]:
    """From W >= K c/2, Q <= ``squares`` c^2 and V <= W (M - 1) c^2; ``rest`` is a nonnegative product."""
    return (
        Inequality(
            f"in c {rule}",
            le(mean_gradient_sq, 4 * Delta / (K * c) + (2 * squares / K + 1) * L * sigma**2 * c),
            ((f"conditional {rule}",),
             ((2 * Delta + L * sigma**2 * squares * c**2) * 2 / (K * c * W), f"weights {rule}"),
             (L * sigma**2 / W, f"squares {rule}"), (2 * L**2 * sigma**2 / W, f"crowds {rule}"),
             (L * sigma**2 * c * (M - 1) / M, "c: cap")),
        ),
        Inequality(
            f"sharper {rule}",
            le(mean_gradient_sq, 8 * M * L * Delta / K + sharper * sqrt(L * Delta * sigma**2 / K)),
            ((f"in c {rule}",), (4 * Delta / K, "1/c"),
             ((2 * squares / K + 1) * sigma * sqrt(L) / sqrt(K), "c: noise"), rest),
        ),
        Inequality(
            f"bound {rule}",
            le(mean_gradient_sq, 8 * M * L * Delta / K + printed * sqrt(L * Delta * sigma**2 / K)),
            ((f"sharper {rule}",),),
        ),
    )  # fmt: skip


_CLOSED = (
    *_master("R1"),
    _BRANCHES.at_least("least ghat", ghat(k), t(k)),
    Counting("closed delays", "closed"),
    Inequality(
        "weights R1", le(K * c / 2, W), (("W R1",), total(k, "least ghat"), (c / (2 * M), "closed delays")),
    ),
    Inequality(
        "squares R1", le(Q, (K + M) * c**2),
        ((-1, "Q"), total(m, c + g_0(m), "ghat0 <= c"), total(k, c + ghat(k), "ghat <= c")),
    ),
    _crowds("R1", Integer(0)),
    *_final("R1", K + M, 9, 10, (2 * sqrt(L * Delta) * sigma / sqrt(K), 1 - M / K)),
)  # fmt: skip

_ARRIVED = (
    *_master("R0"),
    *_BRANCHES.at_most_c("gamma", applied(k)),
    _BRANCHES.at_least("least gamma", applied(k), tau(k)),
    Counting("delays", "delays"),
    Counting("delivered", "delivered", {"power": 1}),
    Counting("delivered squares", "delivered", {"power": 2}),
    Inequality(
        "weights R0", le(K * c / 2, W),
        (("W R0",), ("delivered",), total(k, "least gamma"), (c / (2 * M), "delays")),
    ),
    Inequality(
        "squares R0", le(Q, K * c**2), ((-1, "Q"), (-1, "delivered squares"), total(k, c + applied(k), "gamma <= c")),
    ),
    _crowds("R0", FIRST),
    *_final("R0", K, 7, 8, (0,)),
)  # fmt: skip

PROOF = Proof(
    ASYNC,
    (*_STEPSIZE, *_ONE_STEP, *_ALL_STEPS, *_START, *_CLOSED, *_ARRIVED, *_master("RL"), *RL_BOUND),
    proves={
        rule: {what: f"{what} {rule}" for what in ("bound", "conditional", "master")} for rule in ("R1", "R0", "RL")
    },
    sections={
        "c: cap": "The stepsizes",
        "descent": "One step",
        "sum": "All steps",
        "first descent": "The start",
        "Q": "What a run measures",
        "W R1": "Rule R1: gradients in flight at K count as back at K + 1",
        "W R0": "Rule R0: gradients in flight at K count not at all",
        "W RL": "Rule RL: gradients in flight at K come back when they come back",
        "sum before k": "Rule RL: every iterate",
        "arrived": "Rule RL: the weights, and the bound",
    },
    notes=("steps 'sharper R1' and 'sharper R0': 9 and 7 in place of 10 and 8 before sqrt(L Delta sigma^2/K)",),
)
