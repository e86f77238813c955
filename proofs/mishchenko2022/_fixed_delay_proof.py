"""The derivation of the bound for a constant stepsize below the largest delay, step by step.

In the letters of ``ratecheck.core.setting``; as Theorem 3, non-convex case, up to what a gradient costs while it waits.
The largest delay, at least M, is ``_LONGEST``.
"""

from sympy import Expr, Max, Rational, Sum, Symbol, sqrt

from ratecheck.core.proof import (
    Counting,
    Given,
    Inequality,
    Largest,
    Power,
    Proof,
    Rule,
    Step,
    Telescope,
    eq,
    le,
    total,
)
from ratecheck.core.setting import (
    ASYNC,
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
)
from ratecheck.core.symbols import Delta, K, L, M, Q, V, W, k, mean_gradient_sq, sigma, tau_closed, virtual_gap
from ratecheck.core.symbols import stepsize as gamma

from ._in_flight_nonconvex import CROWD, CROWDS, FIRST, FIRST_STEP, INITIAL, LATER, SLOPE, SLOPE_0, in_flight, one_step

_N = Symbol("N", nonnegative=True)
_QUARTER = Rational(1, 4)
_LONGEST = Max(M, tau_closed)
_ROOT = sqrt(M * _LONGEST)
_FLYING = in_flight(h_flying(k, j))
_WAIT_0 = Sum((t_0(m) - 1) * g_0(m) ** 2 * SLOPE_0, (m, 1, M))


def _at_most_gamma(name: str, of: Expr) -> tuple[Step, ...]:
    """``of`` is at most each branch, hence at most gamma."""
    each = {"cap": ((1 / (2 * L * _ROOT), f"{name}: cap"),),
            "noise": ((1 / (sigma * sqrt(K * L)), f"{name}: noise"),)}  # fmt: skip
    return (
        *(Rule(f"{name}: {branch}", of, below=branch) for branch in ("cap", "noise")),
        Rule(f"{name} <= gamma", gamma, says=le(of, gamma), cases=each),
    )


_STEPSIZE = (
    Rule("cap", gamma, below="cap"),
    Rule("noise", gamma, below="noise"),
    Rule("1/gamma", gamma, says=le(1 / gamma, 2 * L * _ROOT + sigma * sqrt(K * L / Delta))),
    *_at_most_gamma("ghat", ghat(k)),
    *_at_most_gamma("ghat0", g_0(m)),
    *_at_most_gamma("ghatf", g_flying(k, j)),
    Largest("at least M", _LONGEST, M),
    Largest("at least every delay", _LONGEST, tau_closed),
    Counting("delay", "longest", {"of": t(k)}),
    Counting("first delay", "longest", {"of": t_0(m), "output": "R1"}),
    Inequality(
        "cap squared", le(4 * L**2 * M * _LONGEST * gamma**2, 1), (("cap", 1 + 2 * L * _ROOT * gamma),),
    ),
    Inequality(
        "cap for M", le(2 * L * M * gamma, 1),
        ((Rational(1, 2), "cap squared"), (2 * L**2 * M * gamma**2, "at least M"),
         (Rational(1, 2), Power(1 - 2 * L * M * gamma))),
    ),
    Inequality(
        "squared step", le(L * ghat(k), Rational(1, 2)), ((L, "ghat <= gamma"), (1 / (2 * M), "cap for M")),
    ),
    Inequality(
        "window", le(L**2 * (M - 1) * gamma * (t(k) - 1) * ghat(k), _QUARTER),
        ((_QUARTER, "cap squared"), (L**2 * (M - 1) * gamma**2, "at least every delay"),
         (L**2 * (M - 1) * gamma**2, "delay"), (L**2 * (M - 1) * gamma * t(k), "ghat <= gamma")),
    ),
    Inequality(
        "first window", le(L**2 * (M - 1) * gamma * (t_0(m) - 1) * g_0(m) ** 2, g_0(m) / 4),
        ((g_0(m) / 4, "cap squared"), (L**2 * (M - 1) * gamma**2 * g_0(m), "at least every delay"),
         (L**2 * (M - 1) * gamma * g_0(m), "first delay"),
         (L**2 * (M - 1) * gamma * tau_closed * g_0(m), "ghat0 <= gamma")),
    ),
)  # fmt: skip

_ONE_STEP = (
    *one_step(h(k), h_flying(k, j)),
    Inequality(
        "one step",
        le(phi(k + 1) + ghat(k) * SLOPE / 2,
           phi(k) + L * sigma**2 * ghat(k) ** 2 / 2 + L**2 * (M - 1) * ghat(k) * _FLYING
           + L**2 * sigma**2 * ghat(k) * CROWD),
        (("descent",), (-1, "move"), (ghat(k), "unbiased"), (-L * ghat(k) ** 2, "unbiased at x_k"),
         (L * ghat(k) ** 2 / 2, "variance"), (ghat(k), "Young"), (ghat(k), "smooth"),
         (L**2 * ghat(k), "error in two parts"), (ghat(k) * SLOPE / 2, "squared step")),
    ),
)  # fmt: skip

_ALL_STEPS = (
    Telescope(
        "sum",
        le(phi(_N + 1) + Sum(ghat(k) * SLOPE, (k, 1, _N)) / 2,
           phi(1) + L * sigma**2 / 2 * Sum(ghat(k) ** 2, (k, 1, _N))
           + L**2 * (M - 1) * Sum(ghat(k) * _FLYING, (k, 1, _N)) + L**2 * sigma**2 * Sum(ghat(k) * CROWD, (k, 1, _N))),
        _N, K, by=(("one step",),),
    ),
    Counting(
        "windows", "windows",
        {"weight": ghat(k), "cap": gamma, "below": "ghat <= gamma", "attribute": ghat(k) ** 2 * SLOPE},
    ),
    Inequality(
        "gradients paid",
        le(phi(K + 1) + Sum(ghat(k) * SLOPE, (k, 1, K)) / 4,
           phi(1) + L**2 * (M - 1) * gamma * _WAIT_0 + L * sigma**2 / 2 * LATER + L**2 * sigma**2 * CROWDS),
        (("sum",), (L**2 * (M - 1), "windows"), total(k, ghat(k) * SLOPE, "window")),
    ),
)  # fmt: skip

_START = (
    *FIRST_STEP,
    Inequality("Gamma_0", le(2 * L * FIRST, 1), (total(m, 2 * L, "ghat0 <= gamma"), ("cap for M",))),
    Inequality(
        "first value",
        le(phi(1) + L**2 * (M - 1) * gamma * _WAIT_0, Delta + L * sigma**2 * INITIAL / 2),
        (("first descent",), (-1, "first move"), ("gap",), (1 - L * FIRST, "gradient at x_0"),
         (L / 2, "variance at x_0"), total(m, SLOPE_0, "first window"), (FIRST * SLOPE_0 / 4, "Gamma_0")),
    ),
    Inequality(
        "all steps",
        le(phi(K + 1) + Sum(ghat(k) * SLOPE, (k, 1, K)) / 4,
           Delta + L * sigma**2 * (INITIAL + LATER) / 2 + L**2 * sigma**2 * CROWDS),
        (("gradients paid",), ("first value",)),
    ),
)  # fmt: skip

_TO_THE_BOUND = (
    *(Given(what, what) for what in ("Q", "V", "virtual_gap")),
    *(Given(what, what, "R1") for what in ("W", "mean_gradient_sq")),
    Inequality(
        "master", le(virtual_gap + W / 4 * mean_gradient_sq, Delta + L * sigma**2 * Q / 2 + L**2 * sigma**2 * V),
        (("all steps",), (-_QUARTER, "mean_gradient_sq"), (-1, "virtual_gap"), (L * sigma**2 / 2, "Q"),
         (L**2 * sigma**2, "V")),
    ),
    Inequality(
        "conditional",
        le(mean_gradient_sq, 4 * Delta / W + 2 * L * sigma**2 * Q / W + 4 * L**2 * sigma**2 * V / W),
        ((4 / W, "master"), (4 * virtual_gap / W,)),
    ),
    Rule("ghat = gamma", ghat(k), says=eq(ghat(k), gamma)),
    Inequality("weights", eq(W, K * gamma), (("W",), total(k, "ghat = gamma"))),
    Counting(
        "first arrivals", "first arrivals", {"power": 2, "cap": gamma, "below": "ghat0 <= gamma", "output": "R1"},
    ),
    Inequality(
        "squares", le(Q, 2 * K * gamma**2),
        ((-1, "Q"), ("first arrivals",), total(k, gamma + ghat(k), "ghat <= gamma")),
    ),
    Inequality("one crowd", le(CROWD, (M - 1) * gamma**2), (total(j, gamma + g_flying(k, j), "ghatf <= gamma"),)),
    Inequality(
        "crowds", le(V, W * (M - 1) * gamma**2),
        ((-1, "V"), total(k, ghat(k), "one crowd"), ((M - 1) * gamma**2, "W")),
    ),
    Inequality(
        "in gamma", le(mean_gradient_sq, 4 * Delta / (K * gamma) + 6 * L * sigma**2 * gamma),
        (("conditional",), (2 * L * sigma**2 / W, "squares"), (4 * L**2 * sigma**2 / W, "crowds"),
         ("weights", (4 * Delta + 4 * L * K * sigma**2 * gamma**2) / (K * gamma * W)),
         (2 * L * sigma**2 * gamma * (M - 1) / M, "cap for M")),
    ),
    Inequality(
        "bound", le(mean_gradient_sq, 8 * L * _ROOT * Delta / K + 10 * sqrt(L * Delta * sigma**2 / K)),
        (("in gamma",), (4 * Delta / K, "1/gamma"), (6 * sigma * sqrt(L) / sqrt(K), "noise")),
    ),
)  # fmt: skip

PROOF = Proof(
    ASYNC,
    (*_STEPSIZE, *_ONE_STEP, *_ALL_STEPS, *_START, *_TO_THE_BOUND),
    proves={"R1": {what: what for what in ("bound", "conditional", "master")}},
)
