"""The derivation of Theorem 2, for both stepsizes of OrMo-DA, in the letters of ``ratecheck.core.setting_ormo``.

r is 1 - beta, and ``c`` the stepsize of a gradient that is not late: the least of cap and noise.
"""

from collections.abc import Mapping

from sympy import Expr, Max, Rational, Sum, Symbol, sqrt

from ratecheck.core.gram import Ip
from ratecheck.core.proof import (
    Counting,
    Given,
    Inequality,
    Largest,
    Power,
    Proof,
    Rule,
    Scalar,
    Step,
    Telescope,
    le,
    total,
)
from ratecheck.core.setting import applied, g_0, g_flying, ghat, h, j, m, phi, t, t_0, tau
from ratecheck.core.setting_ormo import ORMO, r
from ratecheck.core.symbols import Delta, K, L, M, Q, V, W, k, mean_gradient_sq, sigma

from ._descent import ERROR, FIRST, INITIAL, SLOPE, SLOPE_0, first_step, one_step
from ._distance_proof import NOISES, counted, distance

c = Symbol("c", positive=True)
_N = Symbol("N", nonnegative=True)
_CONSTANT = ("cap", "noise")
_NOISE = 2 * sqrt(6) * sqrt(Delta) * r  # over 3 sigma sqrt(K L) it is the branch
_A = ghat(k) / r
_LATER = Sum(ghat(k) ** 2, (k, 1, K))
_CROWD = Sum(g_flying(k, j) ** 2, (j, 1, M - 1))
_CROWDS = Sum(ghat(k) * _CROWD, (k, 1, K))
_AFTER = M * (1 - r) / r
_WAIT_0 = Sum((t_0(m) - 1 + _AFTER) * g_0(m) ** 2 * SLOPE_0, (m, 1, M))
_WAIT = Sum((t(k) - 1 + _AFTER) * ghat(k) ** 2 * SLOPE, (k, 1, K))
_MOMENTUM = (1 - r) ** 2 / (2 - r)
_HALF, _QUARTER, _EIGHTH = Rational(1, 2), Rational(1, 4), Rational(1, 8)


def _at_most_c(name: str, of: Expr) -> tuple[Step, ...]:
    each = {"cap": ((1 / (4 * M * L), f"{name}: cap"),),
            "noise": ((1 / (3 * sigma * sqrt(K * L)), f"{name}: noise"),)}  # fmt: skip
    return (
        *(Rule(f"{name}: {branch}", of, below=branch) for branch in _CONSTANT),
        Rule(f"{name} <= c", c, says=le(of, c), branches=_CONSTANT, cases=each),
    )


def _window(name: str, of: Expr, delay: Expr, late: str) -> tuple[Step, ...]:
    """A gradient in flight, and later in the momentum, costs at most an eighth of what it gains."""
    longest = Max(delay - 1, 2 * M)
    return (
        Rule(f"{name}: delay", of, below=late),
        Counting(f"{name}: at least 1", "at least 1", {"of": delay}),
        Largest(f"{name}: longest", longest, delay - 1),
        Scalar(
            f"{name}: in flight", le(2 * L * (delay - 1) * of, r**2),
            ((f"{name}: delay",), (2 * L * of, f"{name}: longest")),
        ),
        Scalar(
            f"{name}: paid", le(L**2 * M * c * (delay - 1 + _AFTER) * of, r**3 / 8),
            ((L * of / 4, f"{name}: at least 1", "c: cap"), (L * of * M / (4 * r), "beta", "c: cap"),
             (r**2 / 8, f"{name}: in flight"), (r / 16, "beta", f"{name}: cap"), (r**3 / 16, "beta")),
        ),
    )  # fmt: skip


def _least(late: Mapping[str, str]) -> tuple[Step, ...]:
    """gamma(k) >= c (1 - (tau(k) - 1)/(2M)); ``late``: the branches 2M/max(tau - 1, 2M) times c or more, by a fact."""
    longest = Max(tau(k) - 1, 2 * M)
    over = {"c: cap": 4 * M * L, "c: noise": 3 * sigma * sqrt(K * L)}
    each: dict[str, tuple[tuple[object, ...], ...]] = {
        branch: (
            (2 * M / (longest * over[by]), by),
            (c / (2 * M), "longest"),
            (c / (2 * M * longest), Power(longest - 2 * M)),
        )
        for branch, by in late.items()
    }
    for branch in _CONSTANT:
        by = f"c: {branch}"
        each[branch] = ((1 / over[by], by), (c / (2 * M), "tau >= 1"))
    return (
        Counting("tau >= 1", "at least 1", {"of": tau(k)}),
        Scalar("its delay", le(tau(k) - 1, tau(k) - 1 + 2 * M), ()),
        Scalar("its threshold", le(2 * M, tau(k) - 1 + 2 * M), (("tau >= 1",),)),
        Largest("longest", longest, most=tau(k) - 1 + 2 * M, by=("its delay", "its threshold")),
        Rule("least gamma", applied(k), says=le(c - c * (tau(k) - 1) / (2 * M), applied(k)), cases=each),
    )


def _stepsize(in_flight: str, late: Mapping[str, str]) -> tuple[Step, ...]:
    """``in_flight``: the branch that is short for long delays, whatever the noise is."""
    return (
        Rule("c: cap", c, below="cap", branches=_CONSTANT),
        Rule("c: noise", c, below="noise", branches=_CONSTANT),
        Rule("1/c", c, says=le(1 / c, (4 * M * L / r + sigma * sqrt(3 * K * L / (8 * Delta))) / r), branches=_CONSTANT),
        *distance(),
        *counted(),
        *_at_most_c("ghat", ghat(k)),
        *_at_most_c("ghat0", g_0(m)),
        *_at_most_c("ghatf", g_flying(k, j)),
        *_window("ghat", ghat(k), t(k), in_flight),
        *_window("ghat0", g_0(m), t_0(m), in_flight),
        Scalar("L a", le(L * ghat(k) / r, _QUARTER), ((1 / (4 * M * r), "ghat: cap"), (1 / (4 * M), "beta"))),
        Inequality(
            "L a_0",
            le(L * FIRST / r, _QUARTER),
            (total(m, L / r, "ghat0 <= c"), (1 / (4 * r), "c: cap"), (_QUARTER, "beta")),
        ),
        Scalar("1 + beta", le(1, 2 - r), (("beta",),)),
        *_least(late),
    )


_ALL_STEPS = (
    *one_step(),
    Telescope("values", le(phi(_N + 1), phi(1) + Sum(phi(k + 1) - phi(k), (k, 1, _N))), _N, K),
    Inequality(
        "sum",
        le(phi(K + 1) + Sum(_A / 2 * (1 - L * _A) * SLOPE, (k, 1, K)),
           phi(1) + L * sigma**2 / (2 * r**2) * _LATER + L**2 / (2 * r) * Sum(ghat(k) * ERROR, (k, 1, K))),
        (("values",), total(k, "one step")),
    ),
    Counting(
        "windows", "kept windows",
        {"weight": ghat(k), "cap": c, "below": "ghat <= c", "attribute": ghat(k) ** 2 * Ip(h(k), h(k))},
    ),
    Counting(
        "windows of noise", "kept squares windows",
        {"weight": ghat(k), "cap": c, "below": "ghat <= c", "attribute": ghat(k) ** 2},
    ),
    Inequality(
        "noise in the iterates",
        le(L * Sum(ghat(k) * NOISES, (k, 1, K)), L * _CROWDS + r * _MOMENTUM * (INITIAL + _LATER) / 4),
        ((L / (r * (2 - r)), "windows of noise"), ((INITIAL + _LATER) / (4 * r * (2 - r)), Power(1 - r), "c: cap")),
    ),
    Inequality(
        "gradients paid",
        le(phi(K + 1) + Sum(ghat(k) * SLOPE, (k, 1, K)) / (4 * r),
           phi(1) + L**2 * M * c / r**4 * _WAIT_0 + L * sigma**2 / (2 * r**2) * _LATER
           + L**2 * sigma**2 / r**3 * _CROWDS + L * sigma**2 * _MOMENTUM / (4 * r**2) * (INITIAL + _LATER)),
        (("sum",), total(k, L**2 * ghat(k) / (2 * r), "distance, counted"), (L**2 * M / r**4, "windows"),
         (L * sigma**2 / r**3, "noise in the iterates"), total(k, ghat(k) * SLOPE / r**4, "ghat: paid"),
         total(k, ghat(k) * SLOPE / (2 * r), "L a")),
    ),
    *first_step(),
    Inequality(
        "all steps",
        le(FIRST * SLOPE_0 / (4 * r) + Sum(ghat(k) * SLOPE, (k, 1, K)) / (4 * r),
           Delta + L * sigma**2 / (2 * r**2) * (INITIAL + _LATER) + L**2 * sigma**2 / r**3 * _CROWDS
           + L * sigma**2 * _MOMENTUM / (4 * r**2) * (INITIAL + _LATER)),
        (("gradients paid",), ("first step",), total(m, g_0(m) * SLOPE_0 / r**4, "ghat0: paid"),
         (FIRST * SLOPE_0 / (2 * r), "L a_0"), (phi(K + 1),)),
    ),
)  # fmt: skip

_TO_THE_BOUND = (
    Given("W", "W", "R0"),
    Given("mean_gradient_sq", "mean_gradient_sq", "R0"),
    Given("Q", "Q"),
    Given("V", "V"),
    Inequality(
        "conditional",
        le(mean_gradient_sq,
           4 * Delta * r / W + 2 * L * sigma**2 * Q / (r * W) + 4 * L**2 * sigma**2 * V / (r**2 * W)
           + L * sigma**2 * Q / (r * W) * _MOMENTUM),
        ((4 * r / W, "all steps"), ("mean_gradient_sq", -1 / W), ("Q", (2 + _MOMENTUM) * L * sigma**2 / (r * W)),
         ("V", 4 * L**2 * sigma**2 / (r**2 * W))),
    ),
    Inequality(
        "squares", le(Q, c * W),
        (("Q", -1), total(m, g_0(m), "ghat0 <= c"), total(k, ghat(k), "ghat <= c"), ("W", c)),
    ),
    Inequality("one crowd", le(_CROWD, (M - 1) * c**2), (total(j, c + g_flying(k, j), "ghatf <= c"),)),
    Inequality(
        "crowds", le(V, W * (M - 1) * c**2),
        (("V", -1), total(k, ghat(k), "one crowd"), ("W", (M - 1) * c**2), ((M - 1) * c**2, FIRST)),
    ),
    Counting("delays", "delays"),
    Counting("delivered", "delivered", {"power": 1}),
    Inequality(
        "weights", le(K * c / 2, W),
        (("W",), ("delivered",), total(k, "least gamma"), (c / (2 * M), "delays")),
    ),
    Inequality(
        "in c", le(mean_gradient_sq, 8 * Delta * r / (K * c) + 3 * L * sigma**2 * c / r),
        (("conditional",), (8 * Delta * r / (K * c * W), "weights"),
         (2 * L * sigma**2 / (r * W), "squares"), (L * sigma**2 / (r * W * (2 - r)), Power(1 - r), "squares"),
         (4 * L**2 * sigma**2 / (r**2 * W), "crowds"),
         (L * sigma**2 * c * (M - 1) / (M * r**2), "c: cap"), (L * sigma**2 * c / (r * (2 - r)), "beta"),
         (L * sigma**2 * c / M,)),
    ),
    Inequality(
        "bound",
        le(mean_gradient_sq, 32 * M * L * Delta / (r * K) + 4 * sqrt(6) * sqrt(L * Delta * sigma**2 / K)),
        (("in c",), (8 * Delta * r / K, "1/c"), (sigma * sqrt(L / K) / r, "c: noise")),
    ),
)  # fmt: skip


def _derived(in_flight: str, late: Mapping[str, str]) -> Proof:
    return Proof(
        ORMO,
        (*_stepsize(in_flight, late), *_ALL_STEPS, *_TO_THE_BOUND),
        proves={"R0": {"bound": "bound", "conditional": "conditional"}},
    )


INVERSE = _derived("delay", {"delay": "c: cap"})
SCALED = _derived("late_cap", {"late_cap": "c: cap", "late_noise": "c: noise"})
