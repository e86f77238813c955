"""The derivation of Theorem 1, for OrMo and for naive momentum, and of its sharp form.

a = gamma/(1 - beta). Nothing is asked of the delays: initial gradients count with the stepsize gamma, whether they ever
arrive or not, and the distance to the virtual iterate is bounded on every run.
"""

from sympy import Expr, Rational, Sum, Symbol, sqrt

from ratecheck.core.proof import (
    Class,
    Counting,
    Given,
    Inequality,
    Minkowski,
    Power,
    Proof,
    Rule,
    Step,
    Telescope,
    eq,
    le,
    total,
)
from ratecheck.core.setting import Setting, applied, e, ghat, i, m, phi
from ratecheck.core.setting_ormo import NAIVE, UNIFORM, gap, kept, kept_0, r
from ratecheck.core.symbols import Delta, G, K, L, M, W, k, mean_gradient_sq, sigma
from ratecheck.core.symbols import stepsize as gamma

from ._descent import ERROR, FIRST, SLOPE, SLOPE_0, constant, first_step, one_step

_N = Symbol("N", nonnegative=True)
_THIRD = Rational(1, 3)
_A = gamma / r
_GROUPS = M / r - 1
_ONE_BY_ONE = M - 1 + (1 - r) / r


def all_steps(lost: Expr, by: tuple[object, ...], cap: tuple[object, ...]) -> tuple[Step, ...]:
    """The sum over x_0..x_(K-1); ``lost`` bounds ||x_k - xhat_k||^2, ``cap`` is a product that shows MLa <= 1."""
    gain = _A / 2 * (1 - L * _A)
    per_step = L * _A**2 * sigma**2 / 2 + _A * L**2 / 2 * lost
    return (
        *constant(),
        *one_step(),
        Inequality(
            "one step, constant", le(phi(k + 1) + gain * SLOPE, phi(k) + per_step),
            (("one step",), (_A * L**2 / 2, *by),
             ("ghat", SLOPE / (2 * r) - L * (ghat(k) + gamma) / (2 * r**2) * (SLOPE + sigma**2)
              - L**2 / (2 * r) * ERROR)),
        ),
        Telescope(
            "later steps",
            le(phi(_N + 1) + gain * Sum(SLOPE, (k, 1, _N)), phi(1) + _N * per_step),
            _N, K - 1, by=(("one step, constant",),),
        ),
        *first_step(),
        Inequality(
            "first step, constant", le(phi(1) + gain * SLOPE_0, Delta + M * L * _A**2 * sigma**2 / 2),
            (("first step",), ("initial stepsizes", SLOPE_0 * (1 / r - L * (FIRST + M * gamma) / (2 * r**2))),
             ("their squares", -L * sigma**2 / (2 * r**2)), (M * _A / 2 * SLOPE_0, *cap)),
        ),
        Given("mean_gradient_sq", "mean_gradient_sq", "uniform"),
        Inequality(
            "mean",
            le(K * gain * mean_gradient_sq,
               Delta + (K + M - 1) * L * _A**2 * sigma**2 / 2 + (K - 1) * _A * L**2 / 2 * lost),
            (("later steps",), ("first step, constant",), (-gain, "mean_gradient_sq")),
        ),
    )  # fmt: skip


def _weights() -> tuple[Step, ...]:
    """W = K gamma."""
    return (
        Rule("applied", applied(k), says=eq(applied(k), gamma)),
        Rule("applied at K", applied(K), says=eq(applied(K), gamma)),
        Given("W uniform", "W", "uniform"),
        Inequality("W", eq(W, K * gamma), (("W uniform",), total(k, "applied"), ("applied at K",))),
    )


def _distance(coefficients: Expr, suffix: str) -> tuple[Step, ...]:
    """||x_k - xhat_k|| <= a G times the sum of what is kept; ``coefficients`` is the number that bounds it."""
    return (
        Counting("kept", f"kept total{suffix}"),
        Inequality(
            "coefficients",
            le(Sum(kept_0(k, m), (m, 1, M)) + Sum(kept(k, i), (i, 1, k - 1)), coefficients),
            (("kept",),),
        ),
        Minkowski("distance", e(k), "gradients kept", (kept_0(k, m), kept(k, i)), "coefficients", ("ghat0", "ghat")),
    )


def _shared(setting: Setting, coefficients: Expr, cap: tuple[object, ...]) -> tuple[Step, ...]:
    suffix = ", naive" if setting is NAIVE else ""
    lost = (_A * coefficients * G) ** 2
    found = all_steps(lost, ("distance",), cap)
    return (*found[:4], *_distance(coefficients, suffix), *found[4:])


_THREE = 4 * Delta / (K * _A) + 2 * L * _A * sigma**2 * (K + M - 1) / K
_SQUARE_ROOT = sqrt(L * Delta * sigma**2 / K)
_ROOT = (2 * M * L * G * Delta / (r * K)) ** (2 * _THIRD)


def _tuned(setting: Setting, coefficients: Expr) -> Proof:
    last = 2 * L**2 * G**2 * coefficients**2
    a_of_w = W / (K * r)
    return Proof(
        setting,
        (
            *(Rule(f"gamma: {branch}", gamma, below=branch) for branch in ("cap", "noise", "in_flight")),
            Rule(
                "1/gamma", gamma,
                says=le(1 / gamma, (2 * M * L + sigma * sqrt(L * K / Delta)
                                    + (L**2 * M**2 * G**2 * K / (2 * Delta * r**2)) ** _THIRD) / r),
            ),
            Inequality("M L a", le(M * L * _A, Rational(1, 2)), ((1 / (2 * r), "gamma: cap"),)),
            *_shared(setting, coefficients, ("M L a",)),
            *_weights(),
            Class("beta", "momentum"),
            Inequality("least coefficients", le(0, coefficients), ((1 / r, "beta"),)),
            Inequality(
                "in gamma", le(mean_gradient_sq, _THREE + last * _A**2),
                ((4 / (K * _A), "mean"), (2 * mean_gradient_sq / M, "M L a"),
                 (2 * L**2 * _A**2 * G**2 / K, Power(coefficients))),
            ),
            Inequality(
                "conditional",
                le(mean_gradient_sq,
                   4 * Delta / (K * a_of_w) + 2 * L * a_of_w * sigma**2 * (K + M - 1) / K + last * a_of_w**2),
                (("in gamma",), ("W", -4 * Delta * r / (K * gamma * W) + 2 * L * sigma**2 * (K + M - 1) / (K**2 * r)
                                 + last * (W + K * gamma) / (K**2 * r**2))),
            ),
            Inequality(
                "at most M/(1 - beta)", le(coefficients, M / r), ((((M - 1) / r, "beta"),) if setting is NAIVE else ()),
            ),
            Inequality(
                "bound", le(mean_gradient_sq, 8 * M * L * Delta / K + 8 * _SQUARE_ROOT + 4 * _ROOT),
                (("in gamma",), (4 * Delta * r / K, "1/gamma"), (4 * sigma * sqrt(L / K) / r, "gamma: noise"),
                 (2 * L * _A * sigma**2 * (1 - (M - 1) / K),),
                 (2 * L**2 * G**2 * _A**2, "at most M/(1 - beta)", "least coefficients"),
                 (2 * L**2 * G**2 * _A**2 * M / r, *(("at most M/(1 - beta)",) if setting is NAIVE else ())),
                 (2 * (L * M * G) ** (2 * _THIRD) / (K ** (2 * _THIRD) * r**4)
                  * (gamma * K**_THIRD * (L * M * G) ** (2 * _THIRD) + 2**_THIRD * Delta**_THIRD * r ** (5 * _THIRD)),
                  "gamma: in_flight")),
            ),
        ),
        proves={"uniform": {"bound": "bound", "conditional": "conditional"}},
    )  # fmt: skip


_SHORT = 1 - L * _A
SHARP = Proof(
    UNIFORM,
    (
        Class("cap", "assumed", ("stepsize <= (1 - beta)/(L*M)",)),
        Class("short", "assumed", ("stepsize < (1 - beta)/L",)),
        Inequality("M L a", le(M * L * _A, 1), ((M * L / r, "cap"),)),
        Inequality("L a", le(gap * L / r, _SHORT), ((L / r, "short"),)),
        *_shared(UNIFORM, _GROUPS, ("M L a",)),
        Inequality(
            "bound",
            le(mean_gradient_sq, 2 * Delta / (K * _A) / _SHORT + L * _A * sigma**2 * (K + M - 1) / K / _SHORT
               + L**2 * _A**2 * G**2 * _GROUPS**2 / _SHORT),
            ((2 / (K * _A * _SHORT), "mean"), (L**2 * _A**2 * G**2 / (K * _SHORT), Power(_GROUPS))),
        ),
    ),
    proves={"uniform": {"bound": "bound"}},
)  # fmt: skip
TUNED, TUNED_NAIVE = _tuned(UNIFORM, _GROUPS), _tuned(NAIVE, _ONE_BY_ONE)
