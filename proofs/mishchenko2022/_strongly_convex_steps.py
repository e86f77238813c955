"""Theorem 3, strongly convex case: steps that the printed stepsize and the short one share, down to the weights.

``c`` is the smallest stepsize branch that does not look at the delay: min{1/(8ML), C log(e + mu^2 K^2 B^2/sigma^2)/
(mu K)} for any number C. w(k) are the growing weights over their last one. All exponentials come from 1 + x <= exp(x).
"""

from sympy import Expr, Rational, Sum, Symbol, exp

from ratecheck.core.gram import Ip, inner, square
from ratecheck.core.proof import (
    Calculus,
    Class,
    Counting,
    Expectation,
    Given,
    Growing,
    Identity,
    Inequality,
    Rule,
    Scalar,
    Square,
    Step,
    Telescope,
    eq,
    le,
    total,
)
from ratecheck.core.setting import (
    N_0,
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
    s,
    t,
    t_0,
    u,
    y_0,
    z,
)
from ratecheck.core.setting_growing import w
from ratecheck.core.symbols import B, K, L, M, k, mu, sigma

from ._in_flight_convex import FIRST, SLOPE, SLOPE_0
from ._in_flight_convex import ONE_STEP as IN_FLIGHT

c = Symbol("c", positive=True)
_x = Symbol("x", real=True)
_N = Symbol("N", nonnegative=True)
FLYING = Sum(g_flying(k, j) ** 2 * Ip(h_flying(k, j), h_flying(k, j)), (j, 1, M - 1))
CROWD = Sum(g_flying(k, j) ** 2, (j, 1, M - 1))
CONSTANT = ("cap", "noise")
#: the weights grow by exp(RATE) a step at most
RATE = mu / (31 * M * L)
_WAIT_0 = Sum((t_0(m) - 1) * exp(RATE * (t_0(m) - 1)) * w(0) * g_0(m) ** 2 * SLOPE_0, (m, 1, M))
_REST = -1 / (2 * L) + ghat(k) + 1 / (6 * L)


def _sq(index: object) -> Expr:
    return Ip(u(index), u(index))


def exponential(name: str, at: Expr) -> Step:
    """1 + x <= exp(x) at x = ``at``."""
    return Calculus(name, le(1 + _x, exp(_x)), _x, at)


def at_most_c(name: str, of: Expr, number: Rational) -> tuple[Step, ...]:
    """``of`` is at most each branch, hence at most c; C is ``number``."""
    each = {"cap": ((1 / (8 * M * L), f"{name}: cap"),),
            "noise": ((1 / (number.q * mu * K), f"{name}: noise"),)}  # fmt: skip
    return (
        *(Rule(f"{name}: {branch}", of, below=branch) for branch in ("delay", *CONSTANT)),
        Rule(f"{name} <= c", c, says=le(of, c), branches=CONSTANT, cases=each),
    )


def _window(name: str, of: Expr, delay: Expr, below: str) -> tuple[Step, ...]:
    """What a gradient costs while it waits and the weights grow is paid by exp(-mu delay/(4ML))/(4 L delay)."""
    grown, paid = RATE * (delay - 1), mu * delay / (4 * M * L)
    return (
        exponential(f"{name}: growth", paid - grown),
        Scalar(
            f"{name}: growth is paid", le(exp(grown), exp(paid)),
            ((exp(grown), f"{name}: growth"), (exp(grown), paid - grown)),
        ),
        Scalar(
            name, le((M - 1) * c * (delay - 1) * of * exp(grown), 1 / (32 * L**2)),
            ((1 / (32 * L**2), "c: cap"), (c / (4 * L),), (M - 1, c / (4 * L), below),
             (M - 1, c * delay * of, f"{name}: growth is paid"), (M - 1, c * of * exp(grown))),
        ),
    )  # fmt: skip


STEPSIZE = (
    Class("mu <= L", "condition"),
    *_window("window", ghat(k), t(k), "ghat: delay"),
    *_window("first window", g_0(m), t_0(m), "ghat0: delay"),
    Inequality("Gamma_0", le(8 * L * FIRST, 1), (total(m, 8 * L, "ghat0 <= c"), ("c: cap",))),
    Scalar(
        "absorbed", le(_REST + (6 * L + mu / 2) / (32 * L**2), 0),
        (("ghat <= c",), (1 / (8 * M * L), "c: cap"), (1 / (64 * L**2), "mu <= L"), ((M - 1) / (8 * M * L),)),
    ),
)  # fmt: skip

_HALF = "a step shrinks by less than 1/2"
WEIGHTS = (
    Scalar(
        _HALF, le(Rational(1, 2), 1 - mu * ghat(k) / 4),
        ((mu / 4, "ghat <= c"), (mu / (32 * M * L), "c: cap"), (1 / (32 * M * L), "mu <= L"),
         (Rational(15, 32) + (M - 1) / (32 * M),)),
    ),
    Growing("positive weights", "positive", by=_HALF),
    exponential("exp of the rate", RATE),
    Scalar(
        "growth of a step", le(1, exp(RATE) * (1 - mu * ghat(k) / 4)),
        (("exp of the rate", _HALF), (Rational(1, 2), "exp of the rate"), (mu / 4 * (1 + RATE), "ghat <= c"),
         (mu / (32 * M * L) * (1 + RATE), "c: cap"), (mu / (992 * M**2 * L**2), "mu <= L"),
         (M - 1, mu / (992 * M**2 * L))),
    ),
    exponential("exp of a stepsize", -mu * ghat(k) / 4),
    Scalar(
        "decay of a step", le((1 - mu * ghat(k) / 4) * exp(mu * ghat(k) / 4), 1),
        ((exp(mu * ghat(k) / 4), "exp of a stepsize"),),
    ),
    Growing("decay", "product", by="decay of a step", rate=mu * ghat(k) / 4),
)  # fmt: skip

ONE_STEP = (
    Identity(
        "expansion",
        eq(_sq(k + 1), _sq(k) - 2 * ghat(k) * inner(h(k) + n(k), u(k)) + ghat(k) ** 2 * square(h(k) + n(k))),
        by=("step",),
    ),
    Expectation("unbiased", n(k), u(k)),
    Expectation("unbiased at x_k", n(k), h(k)),
    Expectation("variance", n(k)),
    Class("smooth convexity", "smooth convex", ("x_k", "x*")),
    Class("strong convexity", "strongly convex", ("x_k", "x*")),
    *(step for step in IN_FLIGHT if step.name != "Young"),
    Inequality(
        "Young", le(2 * inner(h(k), s(k)), SLOPE / (6 * L) + 6 * L * square(s(k))),
        ((6 * L, Square(s(k) - h(k) / (6 * L))),),
    ),
    Identity("length", eq(square(e(k)), square(s(k)) + 2 * inner(s(k), z(k)) + square(z(k))), by=("in flight",)),
    Expectation("noise and means in flight", z(k), s(k)),
    Expectation("variance in flight", z(k)),
    Inequality(
        "error in two parts", le(square(e(k)), (M - 1) * FLYING + sigma**2 * CROWD),
        ((-1, "length"), (-2, "noise and means in flight"), ("variance in flight",), ("M - 1 in flight",)),
    ),
    Inequality(
        "one step",
        le(_sq(k + 1) + 2 * ghat(k) * delta(k),
           (1 - mu * ghat(k) / 4) * _sq(k) + ghat(k) * _REST * SLOPE + (6 * L + mu / 2) * (M - 1) * ghat(k) * FLYING
           + ghat(k) ** 2 * sigma**2 + mu * sigma**2 / 2 * ghat(k) * CROWD),
        ((-1, "expansion"), (ghat(k), "smooth convexity"), (ghat(k), "strong convexity"),
         (mu * ghat(k) / 4, Square(u(k) + 2 * e(k))), (2 * ghat(k), "unbiased"),
         (-2 * ghat(k) ** 2, "unbiased at x_k"), (ghat(k) ** 2, "variance"), (-2 * ghat(k), "error without noise"),
         (ghat(k), "Young"), (6 * L * ghat(k), "M - 1 in flight"), (mu * ghat(k) / 2, "error in two parts")),
    ),
)  # fmt: skip


def weighted(rule: str) -> tuple[Step, ...]:
    """Return the steps from one step to the sum of all, weighted; the weights are those of an output rule."""
    growth = f"growth {rule}"
    return (
        Given(growth, "growth", rule),
        Inequality(
            f"one weighted step {rule}",
            le(w(k) * _sq(k + 1) + 2 * w(k) * ghat(k) * delta(k),
               w(k - 1) * _sq(k) + w(k) * ghat(k) * _REST * SLOPE
               + (6 * L + mu / 2) * (M - 1) * w(k) * ghat(k) * FLYING
               + w(k) * ghat(k) ** 2 * sigma**2 + mu * sigma**2 / 2 * w(k) * ghat(k) * CROWD),
            ((w(k), "one step"), (_sq(k), growth)),
        ),
        Telescope(
            f"sum {rule}",
            le(w(_N) * _sq(_N + 1) + 2 * Sum(w(k) * ghat(k) * delta(k), (k, 1, _N)),
               w(0) * _sq(1) + Sum(w(k) * ghat(k) * _REST * SLOPE, (k, 1, _N))
               + (6 * L + mu / 2) * (M - 1) * Sum(w(k) * ghat(k) * FLYING, (k, 1, _N))
               + sigma**2 * Sum(w(k) * ghat(k) ** 2, (k, 1, _N))
               + mu * sigma**2 / 2 * Sum(w(k) * ghat(k) * CROWD, (k, 1, _N))),
            _N, K, by=((f"one weighted step {rule}",),),
        ),
        Inequality(
            f"gradients paid {rule}",
            le(w(K) * _sq(K + 1) + 2 * Sum(w(k) * ghat(k) * delta(k), (k, 1, K)),
               w(0) * _sq(1) + (6 * L + mu / 2) * (M - 1) * c * _WAIT_0
               + sigma**2 * Sum(w(k) * ghat(k) ** 2, (k, 1, K))
               + mu * sigma**2 / 2 * Sum(w(k) * ghat(k) * CROWD, (k, 1, K))),
            ((f"sum {rule}",), (6 * L + mu / 2, M - 1, "windows"),
             total(k, (6 * L + mu / 2) * w(k) * ghat(k) * SLOPE, "window"),
             total(k, w(k) * ghat(k) * SLOPE, "absorbed")),
        ),
        Inequality(
            f"all steps {rule}",
            le(w(K) * _sq(K + 1) + 2 * Sum(w(k) * ghat(k) * delta(k), (k, 1, K)),
               w(0) * B**2 + sigma**2 * (w(0) * Sum(g_0(m) ** 2, (m, 1, M)) + Sum(w(k) * ghat(k) ** 2, (k, 1, K)))
               + mu * sigma**2 / 2 * Sum(w(k) * ghat(k) * CROWD, (k, 1, K))),
            ((f"gradients paid {rule}",), (w(0), "first distance")),
        ),
    )  # fmt: skip


WINDOWS = Counting(
    "windows", "growing windows",
    {"weight": ghat(k), "cap": c, "below": "ghat <= c", "attribute": ghat(k) ** 2 * SLOPE, "rate": RATE,
     "grows": "growth of a step"},
)  # fmt: skip

_WAITS = Sum((t_0(m) - 1) * exp(RATE * (t_0(m) - 1)) * g_0(m) ** 2 * SLOPE_0, (m, 1, M))
START = (
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
        le(_sq(1) + (6 * L + mu / 2) * (M - 1) * c * _WAITS, B**2 + sigma**2 * Sum(g_0(m) ** 2, (m, 1, M))),
        ((-1, "first expansion"), ("distance",), (2 * FIRST, "smooth convexity at x_0"), (2, "unbiased at x_0"),
         (-2 * FIRST, "gradient at x_0"), ("variance at x_0",),
         total(m, (6 * L + mu / 2) * g_0(m) * SLOPE_0, "first window"), (FIRST * SLOPE_0 / (8 * L), "Gamma_0"),
         (FIRST * SLOPE_0 / (64 * L**2), "mu <= L")),
    ),
)  # fmt: skip


def master(number: Rational) -> tuple[Step, ...]:
    """Return the steps that no output rule enters; C is ``number``."""
    return (
        Rule("c: cap", c, below="cap", branches=CONSTANT),
        Rule("c: noise", c, below="noise", branches=CONSTANT),
        *at_most_c("ghat", ghat(k), number),
        *at_most_c("ghat0", g_0(m), number),
        *at_most_c("ghatf", g_flying(k, j), number),
        *STEPSIZE,
        *WEIGHTS,
        *ONE_STEP,
        WINDOWS,
        *START,
    )
