"""The derivation of the bound below the largest delay: equal stepsizes, no bound on gradients.

As for Theorem 2, with D = tau_closed - 1 + M beta/(1 - beta) for what a gradient counts in all; an initial one that is
not back at K has the stepsize 0. At least one is back: that of the first delivery.
"""

from sympy import Expr, Integer, Max, Rational, Sum, Symbol, sqrt

from ratecheck.core.proof import (
    Counting,
    Earlier,
    Given,
    Inequality,
    Largest,
    Proof,
    Root,
    Rule,
    Scalar,
    Step,
    Telescope,
    eq,
    le,
    total,
)
from ratecheck.core.setting import applied, g_0, ghat, i, m, phi, t, t_0
from ratecheck.core.setting_ormo import UNIFORM, kept, kept_0, r
from ratecheck.core.symbols import Delta, K, L, M, W, k, mean_gradient_sq, sigma, tau_closed
from ratecheck.core.symbols import stepsize as gamma

from ._descent import ERROR, FIRST, SLOPE, SLOPE_0, first_step, one_step
from ._distance_proof import NOISES, counted, distance

_N = Symbol("N", nonnegative=True)
_ROOT, _ROOT_OF_MORE = (Symbol(name, nonnegative=True) for name in ("d", "dmore"))
_A = gamma / r
_AFTER = M * (1 - r) / r
_D = tau_closed - 1 + _AFTER
_MORE = Max(_D, 1)
_SQUARES = 1 - (1 - r) ** 2
_SLOPES = Sum(SLOPE, (k, 1, K - 1))
_QUARTER = Rational(1, 4)
_WAIT_0 = Sum((t_0(m) - 1 + _AFTER) * g_0(m) ** 2 * SLOPE_0, (m, 1, M))
_TERMS = 4 * Delta, 3 * L * sigma**2 * (K + M - 1) / K

_STEPSIZE: tuple[Step, ...] = (
    *distance(),
    *counted(),
    *(Rule(f"gamma: {branch}", gamma, below=branch) for branch in ("cap", "longest", "noise")),
    Rule("ghat", ghat(k), says=eq(ghat(k), gamma)),
    Rule("ghat <= gamma", ghat(k), says=le(ghat(k), gamma)),
    Rule("ghat0 <= gamma", g_0(m), says=le(g_0(m), gamma)),
    Rule("applied", applied(k), says=eq(applied(k), gamma)),
    Rule("applied at K", applied(K), says=eq(applied(K), gamma)),
    Rule("applied first", applied(Integer(1)), says=eq(applied(Integer(1)), gamma)),
    Counting("first delivery", "first delivery"),
    Inequality("one is back", le(gamma, FIRST), (("first delivery",), ("applied first",))),
    Counting("a delay", "tau_closed"),
    Scalar("D", le(0, _D), (("a delay",), (M / r, "beta"))),
    Largest("D is less", _MORE, _D),
    Scalar("D + 1", le(1, _D + 1), (("D",),)),
    Scalar("D + 1 is more", le(_D, _D + 1), ()),
    Largest("not by more than 1", _MORE, most=_D + 1, by=("D + 1", "D + 1 is more")),
    Scalar("more is positive", le(0, _MORE), ()),
    Scalar(
        "cost", le(8 * L**2 * M * _D * gamma**2, r**3),
        ((2 * L * sqrt(M * _MORE) * gamma + sqrt(r**3 / 2), "gamma: longest"), (8 * L**2 * M * gamma**2, "D is less")),
    ),
)  # fmt: skip


def _paid(name: str, of: Expr, delay: Expr, *rest: tuple[object, ...]) -> Step:
    """A gradient counts D times at most, which costs an eighth of what it gains; ``rest`` shows (delay - D) of <= 0."""
    return Scalar(
        name, le(L**2 * M * gamma * (delay - 1 + _AFTER) * of, r**3 / 8),
        (*rest, (L**2 * M * gamma, "D", f"{'ghat0' if of == g_0(m) else 'ghat'} <= gamma"), (Rational(1, 8), "cost")),
    )  # fmt: skip


_COSTS: tuple[Step, ...] = (
    Counting("longest", "longest", {"of": t(k)}),
    Counting("longest at first", "longest", {"of": t_0(m), "output": "uniform"}),
    _paid("paid", ghat(k), t(k), (L**2 * M * gamma * ghat(k), "longest")),
    _paid("paid at x_0", g_0(m), t_0(m), (L**2 * M * gamma, "longest at first")),
    Scalar("a", le(L * gamma / r, _QUARTER), ((1 / (4 * M * r), "gamma: cap"), (1 / (4 * M), "beta"))),
    Inequality(
        "a_0", le(L * FIRST / r, _QUARTER),
        (total(m, L / r, "ghat0 <= gamma"), (1 / (4 * r), "gamma: cap"), (_QUARTER, "beta")),
    ),
    Counting("kept squares", "kept squares"),
    Earlier("ghat, earlier", "ghat <= gamma"),
    Scalar("1 - beta^2", le(r, _SQUARES), ((r, "beta"),)),
    Inequality(
        "noises, counted", le(L * NOISES, gamma * r / 4),
        (total(m, "ghat0 <= gamma", L * kept_0(k, m) ** 2 * (g_0(m) + gamma)),
         total(i, "ghat, earlier", L * kept(k, i) ** 2 * (ghat(i) + gamma)),
         (L * gamma**2 / _SQUARES, "kept squares"), (L * gamma**2,),
         (gamma / _SQUARES / 4, "gamma: cap"), (gamma * r / _SQUARES / 4, "1 - beta^2")),
    ),
)  # fmt: skip

_ALL_STEPS: tuple[Step, ...] = (
    *one_step(),
    Inequality(
        "one step, constant",
        le(phi(k + 1) + Rational(3, 8) * _A * SLOPE,
           phi(k) + L * _A**2 * sigma**2 / 2 + ghat(k) * L**2 / (2 * r) * ERROR),
        (("one step",), ("ghat", SLOPE / (2 * r) - L * (ghat(k) + gamma) / (2 * r**2) * (SLOPE + sigma**2)),
         (_A * SLOPE / 2, "a")),
    ),
    Telescope("values", le(phi(_N + 1), phi(1) + Sum(phi(k + 1) - phi(k), (k, 1, _N))), _N, K - 1),
    Counting(
        "windows", "kept windows",
        {"weight": ghat(k), "cap": gamma, "below": "ghat <= gamma", "attribute": ghat(k) ** 2 * SLOPE},
    ),
    Inequality(
        "later steps",
        le(phi(K) + _A / 4 * _SLOPES,
           phi(1) + L**2 * M * gamma / r**4 * _WAIT_0 + 3 * (K - 1) * L * _A**2 * sigma**2 / 4),
        (("values",), total(k, "one step, constant"), total(k, L**2 * ghat(k) / (2 * r), "distance, counted"),
         (L**2 * M / r**4, "windows"), total(k, L * sigma**2 * ghat(k) / r**3, "noises, counted"),
         total(k, ghat(k) * SLOPE / r**4, "paid"),
         total(k, "ghat", -SLOPE / (8 * r) - L * sigma**2 * gamma / (4 * r**2))),
    ),
    *first_step(),
    Inequality(
        "first step, constant",
        le(phi(1) + L**2 * M * gamma / r**4 * _WAIT_0 + _A / 4 * SLOPE_0, Delta + M * L * _A**2 * sigma**2 / 2),
        (("first step",), total(m, g_0(m) * SLOPE_0 / r**4, "paid at x_0"), (FIRST * SLOPE_0 / (2 * r), "a_0"),
         (3 * SLOPE_0 / (4 * r), "one is back"),
         total(m, L * sigma**2 / (2 * r**2) * (g_0(m) + gamma), "ghat0 <= gamma")),
    ),
    Given("W uniform", "W", "uniform"),
    Given("mean_gradient_sq", "mean_gradient_sq", "uniform"),
    Inequality("W", eq(W, K * gamma), (("W uniform",), total(k, "applied"), ("applied at K",))),
)  # fmt: skip

_A_OF_W = W / (K * r)
_TO_THE_BOUND: tuple[Step, ...] = (
    Inequality(
        "in gamma", le(mean_gradient_sq, _TERMS[0] / (K * _A) + _TERMS[1] * _A),
        ((4 / (K * _A), "later steps"), (4 / (K * _A), "first step, constant"), (-1 / K, "mean_gradient_sq"),
         (4 * phi(K) / (K * _A),)),
    ),
    Inequality(
        "conditional", le(mean_gradient_sq, _TERMS[0] / (K * _A_OF_W) + _TERMS[1] * _A_OF_W),
        (("in gamma",), ("W", -_TERMS[0] * r / (K * gamma * W) + _TERMS[1] / (K * r))),
    ),
    Root("d", _ROOT, _D, "D"),
    Root("d, written out", _ROOT, _D, "D", squared=False),
    Root("dmore", _ROOT_OF_MORE, _MORE, "more is positive"),
    Root("dmore, written out", _ROOT_OF_MORE, _MORE, "more is positive", squared=False),
    Scalar(
        "roots", le(_ROOT_OF_MORE, _ROOT + 1),
        ((1 / (1 + _ROOT + _ROOT_OF_MORE), "not by more than 1"), ("d", 1 / (1 + _ROOT + _ROOT_OF_MORE)),
         ("dmore", -1 / (1 + _ROOT + _ROOT_OF_MORE)), (2 * _ROOT / (1 + _ROOT + _ROOT_OF_MORE),)),
    ),
    Scalar("2 M, squared", le(8 * M * r, 8 * M**2), ((8 * M, "beta"),)),
    Scalar("2 M", le(sqrt(8 * M * r), 4 * M), ((1 / (4 * M + sqrt(8 * M * r)), "2 M, squared"),
                                                (8 * M**2 / (4 * M + sqrt(8 * M * r)),))),
    Rule(
        "1/gamma", gamma,
        says=le(1 / gamma, (4 * M * L / r + L * sqrt(8 * M / r) * _ROOT + sigma * sqrt(3 * K * L / (2 * Delta))) / r),
        cases={"longest": (("dmore, written out", L * sqrt(8 * M) / r ** Rational(3, 2)),
                           (L * sqrt(8 * M) / r ** Rational(3, 2), "roots"), (L / r**2, "2 M"))},
    ),
    Inequality(
        "bound",
        le(mean_gradient_sq,
           16 * M * L * Delta / (r * K) + 4 * L * Delta * sqrt(8 * M * _D / r) / K
           + 4 * sqrt(6) * sqrt(L * Delta * sigma**2 / K)),
        (("in gamma",), (4 * Delta * r / K, "1/gamma"), (2 * sigma * sqrt(L / K) / r, "gamma: noise"),
         ("d, written out", -4 * L * Delta * sqrt(8 * M / r) / K),
         (3 * L * sigma**2 * gamma / r * (1 - (M - 1) / K),)),
    ),
)  # fmt: skip

PROOF = Proof(
    UNIFORM,
    (*_STEPSIZE, *_COSTS, *_ALL_STEPS, *_TO_THE_BOUND),
    proves={"uniform": {"bound": "bound", "conditional": "conditional"}},
)
