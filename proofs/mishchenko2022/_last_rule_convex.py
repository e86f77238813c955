"""The bound of Theorem 3, convex case, under the output rule RL: final stepsizes at the true delays, known after K.

Under RL the gradients in flight at K may come back arbitrarily late, so up to M of the weights may be tiny: the sum of
the weights is at least (3/4) (K - M) c only, which says nothing at K = M. For the M that are missing every single
iterate has a bound, F(x_k) - F* <= L (B^2 + sigma^2 Q): smoothness gives F(x_k) - F* <= (L/2) ||xhat_k - x* + s_k||^2
with the means s_k of what is in flight, whose noise drops out; the inequality that leads to the master one, summed
before k alone, bounds ||xhat_k - x*||^2 and leaves a quarter of the squared gradients, which pays for s_k. Then
(3/4) K c times the mean gap is at most (1/2 + 3/16) (B^2 + sigma^2 Q). No cases are needed; the constants are ours.
"""

from sympy import Rational, Sum, Symbol, sqrt

from ratecheck.core.gram import Ip, square
from ratecheck.core.proof import Counting, Earlier, Inequality, Scalar, Square, Step, Telescope, le, total
from ratecheck.core.setting import again, delta, g_0, g_flying, ghat, h, h_flying, i, j, m, p, s, t_0, u
from ratecheck.core.symbols import B, K, L, M, Q, W, k, mean_gap, output_gap, sigma

from ._in_flight_convex import BRANCHES, FIRST, SLOPE, SLOPE_0, WINDOWS
from ._smallest_branch import c

_N = Symbol("N", nonnegative=True)
_FLYING = Sum(g_flying(k, j) ** 2 * Ip(h_flying(k, j), h_flying(k, j)), (j, 1, M - 1))
_WAIT_0 = Sum((t_0(m) - 1) * g_0(m) ** 2 * SLOPE_0, (m, 1, M))
_SLOPE_I = Ip(h(i), h(i))
_BEFORE = Sum(ghat(i) * _SLOPE_I, (i, 1, k - 1))
_SQUARES = Sum(ghat(i) ** 2, (i, 1, k - 1))
_SUM = B**2 + sigma**2 * Q
_SHARE = Rational(11, 12)

_EACH_ITERATE: tuple[Step, ...] = (
    Telescope(
        "sum before k",
        le(Ip(u(_N + 1), u(_N + 1)),
           Ip(u(1), u(1)) + Sum(ghat(k) * (-1 / L + ghat(k) + 1 / (4 * L)) * SLOPE, (k, 1, _N))
           + 4 * L * (M - 1) * Sum(ghat(k) * _FLYING, (k, 1, _N)) + sigma**2 * Sum(ghat(k) ** 2, (k, 1, _N))),
        _N, k - 1, by=(("one step",),),
    ),
    Counting("windows before k", "windows before k", WINDOWS.given),
    Scalar("a quarter", le(ghat(k), 1 / (4 * L)), (("ghat <= c",), (1 / (4 * M * L), "c: cap"))),
    Earlier("a quarter, earlier", "a quarter"),
    Earlier("window, earlier", "window"),
    Inequality(
        "gradients before k",
        le(Ip(u(k), u(k)) + _BEFORE / (4 * L),
           Ip(u(1), u(1)) + 4 * L * (M - 1) * c * _WAIT_0 + sigma**2 * _SQUARES),
        (("sum before k",), (4 * L * (M - 1), "windows before k"),
         total(i, 4 * L * ghat(i) * _SLOPE_I, "window, earlier"),
         total(i, ghat(i) * _SLOPE_I, "a quarter, earlier")),
    ),
    *BRANCHES.at_most_c("ghatf", g_flying(k, j)),
    Counting("handed out", "handed out", {"attribute": ghat(k) * SLOPE}),
    Inequality(
        "in flight before k", le(_FLYING, c * (FIRST * SLOPE_0 + _BEFORE)),
        (total(j, g_flying(k, j) * Ip(h_flying(k, j), h_flying(k, j)), "ghatf <= c"), (c, "handed out")),
    ),
    Inequality(
        "value", le(delta(k), L * Ip(u(k), u(k)) + L * square(s(k))),
        (("smooth convexity",), (-1, "error without noise"), (1 / (2 * L), Square(h(k) - L * u(k) - L * s(k))),
         (L / 2, Square(u(k) - s(k)))),
    ),
    Counting("squares before k", "earlier", {"attribute": ghat(k) ** 2}),
    Inequality(
        "each value", le(delta(k), L * _SUM),
        (("value",), (L, "M - 1 in flight"), (L * (M - 1), "in flight before k"),
         (Rational(1, 4) * (FIRST * SLOPE_0 + _BEFORE), "c: cap"), (L * c * (FIRST * SLOPE_0 + _BEFORE),),
         (L, "gradients before k"), (L, "first distance"), (L * sigma**2, "squares before k"),
         (L * sigma**2, "Q")),
    ),
)  # fmt: skip

WEIGHTS: tuple[Step, ...] = (
    Counting("arrived", "arrived"),
    Counting("later delays", "later"),
    Counting("number of later", "number of later"),
    Counting("later weights", "later weights"),
    Inequality(
        "weights RL", le(Rational(3, 4) * (K - M) * c, W),
        (("W RL",), ("later weights",), total(k, again(k), "least gamma"), (c / (4 * M), "later delays"),
         (c / (4 * M) * Sum(again(k), (k, 1, K)), "arrived"), (Rational(3, 4) * c, "arrived"),
         ("number of later", Rational(3, 4) * c + c * p / (4 * M))),
    ),
)  # fmt: skip

#: uses the steps up to the master inequality, ``least gamma`` and ``squares R1``
RL_BOUND: tuple[Step, ...] = (
    *_EACH_ITERATE,
    *WEIGHTS,
    Inequality(
        "mean of values", le(mean_gap, L * _SUM),
        ((-1 / W, "mean_gap RL"), total(k, ghat(k) / W, "each value"), (L * _SUM / W, "W RL")),
    ),
    Inequality(
        "in c RL", le(mean_gap, _SHARE * _SUM / (K * c)),
        ((Rational(2, 3) / (K * c), "master RL"), (Rational(4, 3) * mean_gap / (K * c), "weights RL"),
         (M / K, "mean of values"), (_SUM / (4 * K * c), "c: cap")),
    ),
    Inequality(
        "bound RL", le(output_gap, Rational(11, 3) * M * L * B**2 / K + Rational(11, 4) * sigma * B / sqrt(K)),
        (("Jensen",), ("in c RL",), (_SHARE * sigma**2 / (K * c), "squares R1"), (_SHARE * B**2 / K, "1/c"),
         (_SHARE * (K + M) / K * sigma / sqrt(K), "c: noise"), (_SHARE * sigma * B / sqrt(K), 1 - M / K)),
    ),
)  # fmt: skip
