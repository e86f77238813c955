"""The derivations of the convex theorems where the noise in flight is bounded by more than a variance.

Noise that has arrived is all noise drawn less that in flight. The former has the root mean square of independent
delays, up to M - 1 samples; the latter at most X, one number, and adds 3 X D/K: 2 X D/K along w, and 4 X^2/(L K^2) with
its square, for gamma <= 1/(2LK). The second is at most X D/K unless the bound is above the trivial L D^2/2: with
T = L D^2/2 and x = X D/K, T times gap <= A + 2 x + 2 x^2/T and x times gap <= T are (T + x) gap <= (T + x)(A + 3 x).
So no stepsize needs to know X.
"""

from typing import Any

from sympy import Expr, Rational, Sum, Symbol, sqrt

from ratecheck.core.gram import Ip, inner, square
from ratecheck.core.proof import (
    Cauchy,
    Class,
    Counting,
    Earlier,
    Given,
    Identity,
    Inequality,
    Martingale,
    Power,
    Product,
    Proof,
    Root,
    Square,
    Step,
    Telescope,
    Total,
    eq,
    le,
    total,
)
from ratecheck.core.setting import delta, i, j, m, n_flying
from ratecheck.core.setting_mu2 import (
    MU2,
    arrived,
    drawn,
    drift,
    eps,
    flying,
    gamma,
    power,
    power_0,
    power_flying,
    w,
)
from ratecheck.core.symbols import D, K, L, M, excess, k, level, output_gap, sigma, sigma_inf, sigma_r, tau_cap

from ._convex_proof import ANYTIME, DRIFT, NUMBER, ONE, SIZE, STEP, over_steps, stepsize, up_to

#: drawn before delivery k; of its root a tangent, as for independent delays
DRAWN, MIDDLE = M + k - 1, Rational(49, 100) * K
ROOT = (DRAWN + MIDDLE) / (2 * sqrt(MIDDLE))
OPTIMISATION, NOISE = 24 * M, Rational(5, 2) + Rational(3, 2) * (M - 1) / K
#: the square root of what bounds E||noise in flight||^2
X = Symbol("X", nonnegative=True)


def _with_errors(most: Expr) -> tuple[Step, ...]:
    """Return the steps with the errors bounded, the noise in flight by ``most``: its fact is "in flight"."""
    each = 2 * gamma * SIZE**2 + 4 * gamma * (DRAWN * sigma**2 + most**2) + SIZE * D + ROOT * sigma * D + most * D
    return (
        Martingale("all drawn", drawn(k)),
        Identity("square of the error", eq(square(eps(k)), square(drift(k) + arrived(k))), by=("error",)),
        Identity("square of the noise", eq(square(arrived(k)), square(drawn(k) - flying(k))), by=("noise",)),
        Identity("error along w", eq(Ip(eps(k), w(k)), inner(drift(k) + arrived(k), w(k))), by=("error",)),
        Identity("noise along w", eq(Ip(arrived(k), w(k)), inner(drawn(k) - flying(k), w(k))), by=("noise",)),
        Class("w_k inside", "diameter", ("w_k", "x*")),
        Product("drift along w", drift(k), w(k), (SIZE, D), ("drift", "w_k inside")),
        Inequality(
            "size of all drawn", le(square(drawn(k)), (ROOT * sigma) ** 2),
            (("all drawn",), (sigma**2, Power((DRAWN - MIDDLE) / (2 * sqrt(MIDDLE))))),
        ),
        Product("drawn along w", drawn(k), w(k), (ROOT * sigma, D), ("size of all drawn", "w_k inside")),
        Product("flight along w", -flying(k), w(k), (most, D), ("in flight", "w_k inside")),
        Inequality(
            "one step, with errors",
            le(up_to(k) * delta(k) + square(w(k + 1)) / (2 * gamma),
               up_to(k - 1) * delta(k - 1) + square(w(k)) / (2 * gamma) + each),
            (("one step",), (-gamma, "square of the error"), ("error along w",), (gamma, Square(drift(k) - arrived(k))),
             (2 * gamma, "drift"), (-2 * gamma, "square of the noise"), (2 * gamma, Square(drawn(k) + flying(k))),
             (4 * gamma, "all drawn"), (4 * gamma, "in flight"), ("drift along w",), ("noise along w",),
             ("drawn along w",), ("flight along w",)),
        ),
        Telescope(
            "all steps",
            le(up_to(NUMBER) * delta(NUMBER) + square(w(NUMBER + 1)) / (2 * gamma),
               square(w(1)) / (2 * gamma) + over_steps(each, NUMBER)),
            NUMBER, K, by=(("one step, with errors",),),
        ),
        Class("w_1 inside", "diameter", ("w_1", "x*")),
        Given("output_gap", "output_gap", "last"),
        Inequality(
            "in gamma", le(up_to(K + 1) * output_gap, D**2 / (2 * gamma) + over_steps(each, K)),
            (("last step",), ("all steps",), (1 / (2 * gamma), "w_1 inside"), (-up_to(K + 1), "output_gap")),
        ),
    )  # fmt: skip


def _bound(most: Expr, said: Expr, *last: tuple[Any, ...]) -> tuple[Step, ...]:
    """Return the steps to the bound; ``last`` says that ``most``, a letter or no letter, is ``said``."""
    noisy = K * sqrt(K)
    noise = noisy / 2 + over_steps(ROOT, K) + 4 * over_steps(DRAWN, K) / noisy
    optimisation = K + (SIZE / (L * D)) ** 2 + SIZE / (L * D) * K
    known = OPTIMISATION * L * D**2 / K + NOISE * sigma * D / sqrt(K)
    whole = L * D * K + 2 * most
    return (
        Inequality(
            "without gamma",
            le(up_to(K + 1) * output_gap,
               optimisation * L * D**2 + noise * sigma * D + 2 * most**2 / L + K * most * D),
            (("in gamma",), (D**2 / 2, "1/gamma"), (SIZE**2 / L, "gamma: cap"), (2 * most**2 / L, "gamma: cap"),
             (4 * over_steps(DRAWN, K) * sigma / noisy, "gamma: noise")),
        ),
        Inequality(
            "with a square", le(output_gap, known + 2 * most * D / K + 4 * most**2 / (L * K**2)),
            ((1 / up_to(K + 1), "without gamma"), (most * D * (6 * K + 4) / (K * (K + 1) * (K + 2)),),
             (4 * most**2 * (3 * K + 2) / (L * K**2 * (K + 1) * (K + 2)),)),
        ),
        Class("above x*", "descent", ("x*", "x_K+1")),
        Class("x_K+1 inside", "diameter", ("x_K+1", "x*")),
        Inequality(
            "trivial", le(output_gap, L * D**2 / 2),
            (("above x*",), (L / 2, "x_K+1 inside"), (-1, "output_gap")),
        ),
        Inequality("parts", le(L * D * K, whole), ((2 * most,),)),
        Inequality(
            "bound", le(output_gap, known + 3 * said * D / K),
            ((L * D * K / whole, "with a square"), (2 * most / whole, "trivial"), (2 * most / whole * known,),
             (2 * D * most**2 / (K * whole),), *last),
        ),
    )  # fmt: skip


def derivation(flight: tuple[Step, ...], most: Expr, said: Expr, *last: tuple[Any, ...]) -> Proof:
    """Return the proof for a noise in flight of at most ``most``, by the last of the steps ``flight``."""
    steps = (*stepsize(ONE, False), *ANYTIME, *STEP, *DRIFT, *flight, *_with_errors(most), *_bound(most, said, *last))
    return Proof(MU2, steps, proves={"last": {"bound": "bound"}})


def _root(of: Expr) -> tuple[Step, ...]:
    """Return X^2 = of and X = sqrt(of), and the fact "in flight" from "squares in flight"."""
    return (
        Inequality("X squared", le(0, of), ((of,),)),
        Root("X", X, of, "X squared"),
        Root("X, as a root", X, of, "X squared", squared=False),
        Inequality("in flight", le(square(flying(k)), X**2), (("squares in flight",), ("X",))),
    )


_CAUCHY = Cauchy("sum in flight", flying(k), "noise in flight")
#: on every run
BOUNDED = derivation(
    (
        _CAUCHY,
        Class("bounded noise", "bounded noise", ("in flight",)),
        Inequality(
            "in flight", le(square(flying(k)), ((M - 1) * sigma_inf) ** 2),
            (("sum in flight",), (M - 1, Total(j, ("bounded noise",)))),
        ),
    ),
    (M - 1) * sigma_inf, (M - 1) * sigma_inf,
)  # fmt: skip

#: what was drawn lately
LATELY = (M - 1) * (M + tau_cap - 2) * sigma**2
DELAY_CAP = derivation(
    (
        _CAUCHY,
        Martingale("lately", n_flying(k, j)),
        Inequality(
            "squares in flight", le(square(flying(k)), LATELY), (("sum in flight",), (M - 1, "lately")),
        ),
        *_root(LATELY),
    ),
    X, sqrt(LATELY), (-3 * D / K, "X, as a root"),
)  # fmt: skip

_ORDER = 2 + excess
_TAIL = 2 * level ** (-excess) / _ORDER
#: moments of order r = 2 + excess, for any number ``level``
HEAVY = (M - 1) * (_TAIL * (M + K - 1) * sigma_r**_ORDER + excess / _ORDER * (M - 1) * level**2)
_POWERS = Sum(power_flying(k, j), (j, 1, M - 1))
MOMENTS = derivation(
    (
        _CAUCHY,
        Class("power mean", "power mean", ("in flight",)),
        Counting("powers among the drawn", "handed out", {"attribute": power(k)}),
        Martingale("moment", power(k)),
        Earlier("moment before", "moment"),
        Martingale("moment at x_1", power_0(m)),
        Inequality(
            "powers in flight", le(_POWERS, (M + K - 1) * sigma_r**_ORDER),
            (("powers among the drawn",), total(m, "moment at x_1"), total(i, "moment before"),
             (sigma_r**_ORDER, "k <= K")),
        ),
        Inequality(
            "squares in flight", le(square(flying(k)), HEAVY),
            (("sum in flight",), (M - 1, Total(j, ("power mean",))), ((M - 1) * _TAIL, "powers in flight")),
        ),
        *_root(HEAVY),
    ),
    X, sqrt(HEAVY), (-3 * D / K, "X, as a root"),
)  # fmt: skip
