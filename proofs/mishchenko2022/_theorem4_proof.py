"""The derivation of Theorem 4, step by step, in the letters of ``ratecheck.core.setting_heterogeneous``.

q is what a worker's gradient has for its mean, h = grad F at the same point. The chain is one for both output rules up
to the master inequality; then the weights are counted apart. ``c`` is the smallest stepsize branch that does not look
at the delay: min{1/(4ML), sqrt(Delta/(K L sigma^2))}.
"""

from sympy import Expr, Integer, Rational, Sum, Symbol, sqrt

from ratecheck.core.gram import Ip, inner, square
from ratecheck.core.proof import (
    Cauchy,
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
    N_0,
    applied,
    g_0,
    g_flying,
    ghat,
    h_0,
    j,
    m,
    phi,
    t,
    t_0,
    tau,
    u,
    y_0,
)
from ratecheck.core.setting_heterogeneous import HETEROGENEOUS, Q_0, q, q_0, q_flying
from ratecheck.core.symbols import (
    Delta,
    Gamma_0,
    K,
    L,
    M,
    Q,
    V,
    W,
    k,
    mean_gradient_sq,
    sigma,
    virtual_gap,
    zeta,
)

from ._in_flight_nonconvex import CROWD, CROWDS, FIRST, INITIAL, LATER, SLOPE, SLOPE_0, in_flight, one_step
from ._smallest_branch import CONSTANT, Branches, c

_N = Symbol("N", nonnegative=True)
_HALF, _QUARTER = Rational(1, 2), Rational(1, 4)
_OWN, _OWN_0 = Ip(q(k), q(k)), Ip(q_0(m), q_0(m))
_FLYING = in_flight(q_flying(k, j))
_WAIT_0 = Sum((t_0(m) - 1) * g_0(m) ** 2 * _OWN_0, (m, 1, M))
_BRANCHES = Branches(4, 8, sigma * sqrt(K * L))

_STEPSIZE = (
    *_BRANCHES.constant(),
    Rule("1/c", c, says=le(1 / c, 4 * M * L + sigma * sqrt(K * L / Delta)), branches=CONSTANT),
    *_BRANCHES.at_most_c("ghat", ghat(k)),
    *_BRANCHES.at_most_c("ghat0", g_0(m)),
    *_BRANCHES.at_most_c("ghatf", g_flying(k, j)),
    Rule("ghat: delay", ghat(k), below="delay"),
    Rule("ghat0: delay", g_0(m), below="delay"),
    _BRANCHES.window("window", ghat(k), t(k), "ghat: delay"),
    _BRANCHES.window("first window", g_0(m), t_0(m), "ghat0: delay"),
    Scalar(
        "absorbed", le(-_QUARTER + L * ghat(k) / 2 + Rational(1, 32), 0),
        ((L / 2, "ghat <= c"), (1 / (8 * M), "c: cap")),
    ),
)  # fmt: skip

_ONE_STEP = (
    *one_step(q(k), q_flying(k, j)),
    Class("dissimilarity", "dissimilar", ("x_k",)),
    Inequality(
        "one step",
        le(phi(k + 1) + ghat(k) * SLOPE / 2,
           phi(k) + ghat(k) * zeta**2 / 2 + L * sigma**2 * ghat(k) ** 2 / 2
           + ghat(k) * (-_QUARTER + L * ghat(k) / 2) * _OWN
           + L**2 * (M - 1) * ghat(k) * _FLYING + L**2 * sigma**2 * ghat(k) * CROWD),
        (("descent",), (-1, "move"), (ghat(k), "unbiased"), (-L * ghat(k) ** 2, "unbiased at x_k"),
         (L * ghat(k) ** 2 / 2, "variance"), (ghat(k) / 2, "dissimilarity"), (ghat(k), "Young"), (ghat(k), "smooth"),
         (L**2 * ghat(k), "error in two parts")),
    ),
)  # fmt: skip

_ALL_STEPS = (
    Telescope(
        "sum",
        le(phi(_N + 1) + Sum(ghat(k) * SLOPE, (k, 1, _N)) / 2,
           phi(1) + zeta**2 / 2 * Sum(ghat(k), (k, 1, _N)) + L * sigma**2 / 2 * Sum(ghat(k) ** 2, (k, 1, _N))
           + Sum(ghat(k) * (-_QUARTER + L * ghat(k) / 2) * _OWN, (k, 1, _N))
           + L**2 * (M - 1) * Sum(ghat(k) * _FLYING, (k, 1, _N)) + L**2 * sigma**2 * Sum(ghat(k) * CROWD, (k, 1, _N))),
        _N, K, by=(("one step",),),
    ),
    Counting(
        "windows", "windows",
        {"weight": ghat(k), "cap": c, "below": "ghat <= c", "attribute": ghat(k) ** 2 * _OWN},
    ),
    Inequality(
        "gradients paid",
        le(phi(K + 1) + Sum(ghat(k) * SLOPE, (k, 1, K)) / 2,
           phi(1) + zeta**2 / 2 * Sum(ghat(k), (k, 1, K)) + L**2 * (M - 1) * c * _WAIT_0
           + L * sigma**2 / 2 * LATER + L**2 * sigma**2 * CROWDS),
        (("sum",), (L**2 * (M - 1), "windows"), total(k, L**2 * ghat(k) * _OWN, "window"),
         total(k, ghat(k) * _OWN, "absorbed")),
    ),
)  # fmt: skip

_START = (
    Class("first descent", "descent", ("x_0", "xhat_1")),
    Identity(
        "first move",
        eq(inner(h_0, u(1) - y_0) + L * square(u(1) - y_0) / 2,
           -inner(h_0, Q_0 + N_0) + L * (square(Q_0) + 2 * inner(Q_0, N_0) + square(N_0)) / 2),
        by=("start",),
    ),
    Identity(
        "first product", eq(inner(h_0, Q_0), Sum(g_0(m) * inner(h_0, q_0(m)), (m, 1, M))), by=("initial means",),
    ),
    Identity(
        "first noise", eq(inner(Q_0, N_0), Sum(g_0(m) * inner(q_0(m), N_0), (m, 1, M))), by=("initial means",),
    ),
    Class("gap", "gap", ("x_0",)),
    Class("dissimilarity at x_0", "dissimilar", ("x_0",)),
    Expectation("gradient at x_0", N_0, h_0),
    Expectation("initial gradients", N_0, q_0(m)),
    Expectation("variance at x_0", N_0),
    Cauchy("M initial gradients", Q_0, "initial means"),
    Scalar(
        "absorbed at x_0", le(-_HALF + L * M * g_0(m) / 2 + Rational(1, 32), 0),
        ((L * M / 2, "ghat0 <= c"), (Rational(1, 8), "c: cap")),
    ),
    Inequality(
        "first value",
        le(phi(1) + L**2 * (M - 1) * c * _WAIT_0 + FIRST * SLOPE_0 / 2,
           Delta + L * sigma**2 * INITIAL / 2 + zeta**2 * FIRST / 2),
        (("first descent",), (-1, "first move"), ("gap",), ("first product",), (-L, "first noise"),
         ("gradient at x_0",), total(m, -L * g_0(m), "initial gradients"), (L / 2, "variance at x_0"),
         total(m, g_0(m) / 2, "dissimilarity at x_0"), (L / 2, "M initial gradients"),
         total(m, L**2 * g_0(m) * _OWN_0, "first window"), total(m, g_0(m) * _OWN_0, "absorbed at x_0")),
    ),
    Inequality(
        "all steps",
        le(phi(K + 1) + FIRST * SLOPE_0 / 2 + Sum(ghat(k) * SLOPE, (k, 1, K)) / 2,
           Delta + L * sigma**2 * (INITIAL + LATER) / 2 + L**2 * sigma**2 * CROWDS
           + zeta**2 * (FIRST + Sum(ghat(k), (k, 1, K))) / 2),
        (("gradients paid",), ("first value",)),
    ),
    *(Given(what, what) for what in ("Q", "V", "Gamma_0", "virtual_gap")),
    Inequality("one crowd", le(CROWD, (M - 1) * c**2), (total(j, c + g_flying(k, j), "ghatf <= c"),)),
)  # fmt: skip


def _master(rule: str, weight: Expr, rest: tuple[tuple[object, ...], ...]) -> tuple[Step, ...]:
    """``weight`` is the sum of all final stepsizes, and ``rest`` says so."""
    noise = L * sigma**2 * Q / 2 + L**2 * sigma**2 * V
    return (
        Given(f"W {rule}", "W", rule),
        Given(f"mean_gradient_sq {rule}", "mean_gradient_sq", rule),
        Inequality(
            f"master {rule}",
            le(virtual_gap + W * mean_gradient_sq / 2, Delta + noise + zeta**2 * weight / 2),
            (("all steps",), (-_HALF, f"mean_gradient_sq {rule}"), (-1, "virtual_gap"), (L * sigma**2 / 2, "Q"),
             (L**2 * sigma**2, "V"), (zeta**2 / 2, f"W {rule}"), *rest),
        ),
        Inequality(
            f"conditional {rule}", le(mean_gradient_sq, 2 * Delta / W + 2 * noise / W + zeta**2 * weight / W),
            ((2 / W, f"master {rule}"), (2 * virtual_gap / W,)),
        ),
    )  # fmt: skip


def _crowds(rule: str, *rest: tuple[object, ...]) -> Step:
    """V <= W (M - 1) c^2: M - 1 others are in flight; ``rest``: x_0 has weight, and nothing in flight beside it."""
    return Inequality(
        f"crowds {rule}", le(V, W * (M - 1) * c**2),
        ((-1, "V"), total(k, ghat(k), "one crowd"), ((M - 1) * c**2, f"W {rule}"), *rest),
    )  # fmt: skip


def _final(rule: str, squares: int, start: Expr, rest: tuple[tuple[object, ...], ...]) -> tuple[Step, ...]:
    """From W >= K c/2, Q <= ``squares`` K c^2 and V <= W (M - 1) c^2; zeta^2 has 1 + ``start``, as ``rest`` shows."""
    noise = 2 * squares + _HALF
    return (
        Inequality(
            f"in c {rule}",
            le(mean_gradient_sq, 4 * Delta / (K * c) + noise * L * sigma**2 * c + (1 + start) * zeta**2),
            ((f"conditional {rule}",),
             ((2 * Delta + squares * K * L * sigma**2 * c**2) * 2 / (K * c * W), f"weights {rule}"),
             (L * sigma**2 / W, f"squares {rule}"), (2 * L**2 * sigma**2 / W, f"crowds {rule}"),
             (L * sigma**2 * c * (M - 1) / (2 * M), "c: cap"), *rest),
        ),
        Inequality(
            f"sharper {rule}",
            le(mean_gradient_sq, 16 * M * L * Delta / K + (4 + noise) * sqrt(L * Delta * sigma**2 / K)
               + (1 + start) * zeta**2),
            ((f"in c {rule}",), (4 * Delta / K, "1/c"), (noise * sigma * sqrt(L) / sqrt(K), "c: noise")),
        ),
        Inequality(
            f"bound {rule}",
            le(mean_gradient_sq, 16 * M * L * Delta / K + (5 + 2 * squares) * sqrt(L * Delta * sigma**2 / K)
               + (1 + start) * zeta**2),
            ((f"sharper {rule}",),),
        ),
    )  # fmt: skip


_CLOSED = (
    *_master("R1", W + Gamma_0, ((zeta**2 / 2, "Gamma_0"),)),
    _BRANCHES.at_least("least ghat", ghat(k), t(k)),
    Counting("closed delays", "closed"),
    Counting("first arrivals", "first arrivals", {"power": 2, "cap": c, "below": "ghat0 <= c", "output": "R1"}),
    Inequality(
        "weights R1", le(K * c / 2, W), (("W R1",), total(k, "least ghat"), (c / (2 * M), "closed delays")),
    ),
    Inequality(
        "squares R1", le(Q, 2 * K * c**2), ((-1, "Q"), ("first arrivals",), total(k, c + ghat(k), "ghat <= c")),
    ),
    Inequality("first weights", le(Gamma_0, M * c), ((-1, "Gamma_0"), total(m, "ghat0 <= c"))),
    _crowds("R1"),
    *_final("R1", 2, 2 * M / K, ((zeta**2 / W, "first weights"), (2 * zeta**2 * M / (K * W), "weights R1"))),
)  # fmt: skip

_ARRIVED = (
    *_master("R0", W, ()),
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
    _crowds("R0", ((M - 1) * c**2, FIRST)),
    *_final("R0", 1, Integer(0), ()),
)  # fmt: skip

PROOF = Proof(
    HETEROGENEOUS,
    (*_STEPSIZE, *_ONE_STEP, *_ALL_STEPS, *_START, *_CLOSED, *_ARRIVED),
    proves={rule: {what: f"{what} {rule}" for what in ("bound", "conditional", "master")} for rule in ("R1", "R0")},
    sections={"c: cap": "The stepsizes", "descent": "One step", "sum": "All steps", "first descent": "The start",
        "Q": "What a run measures", "W R1": "Rule R1: gradients in flight at K count as back at K + 1",
        "W R0": "Rule R0: gradients in flight at K count not at all"},
    notes=("steps 'sharper R1' and 'sharper R0': 17/2 and 13/2 in place of 9 and 7 before sqrt(L Delta sigma^2/K)",),
)  # fmt: skip
