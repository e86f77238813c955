"""The bound of Theorem 3, non-convex case, under the output rule RL: final stepsizes at the true delays.

As in the convex case (``_last_rule_convex``) the sum of the weights is at least (1/2) (K - M) c only, and a bound of
each single iterate makes up for the M that are missing: ||h_k||^2 <= (3/2) ||grad F(xhat_k)||^2 + 3 L^2 ||e_k||^2, with
||grad F(xhat_k)||^2 <= 2 L (F(xhat_k) - F*), and both are paid for by the inequality that leads to the master one,
summed before k alone. No cases are needed; the constants are ours.
"""

from sympy import Rational, Sum, Symbol, sqrt

from ratecheck.core.gram import Ip
from ratecheck.core.proof import Class, Counting, Earlier, Inequality, Square, Step, Telescope, le, total
from ratecheck.core.setting import again, g_0, g_flying, ghat, h, h_0, h_flying, h_virtual, i, j, m, p, phi, t_0
from ratecheck.core.symbols import Delta, K, L, M, Q, V, W, k, mean_gradient_sq, sigma

from ._smallest_branch import c

_N = Symbol("N", nonnegative=True)
_SLOPE, _SLOPE_I, _SLOPE_0 = (Ip(v, v) for v in (h(k), h(i), h_0))
_FLYING = Sum(g_flying(k, j) ** 2 * Ip(h_flying(k, j), h_flying(k, j)), (j, 1, M - 1))
_CROWD = Sum(g_flying(k, j) ** 2, (j, 1, M - 1))
_WAIT_0 = Sum((t_0(m) - 1) * g_0(m) ** 2 * _SLOPE_0, (m, 1, M))
_BEFORE = Sum(ghat(i) * _SLOPE_I, (i, 1, k - 1))
_SQUARES = Sum(ghat(i) ** 2, (i, 1, k - 1))
_CROWDS = Sum((ghat(k) * _CROWD).xreplace({k: i}), (i, 1, k - 1))
_GRADIENTS = Sum(g_0(m), (m, 1, M)) * _SLOPE_0 + _BEFORE
_SUM = Delta + L * sigma**2 * Q / 2 + L**2 * sigma**2 * V
_EACH = 3 * L * _SUM + 3 * L**2 * sigma**2 * (M - 1) * c**2
_HALF, _SHARE = Rational(3, 2), Rational(11, 2)
_NOISE = Rational(11, 4) * (1 + M / K) + Rational(11, 4) + _HALF * M / K

_EACH_ITERATE: tuple[Step, ...] = (
    Telescope(
        "sum before k",
        le(phi(_N + 1) + Rational(5, 8) * Sum(ghat(k) * _SLOPE, (k, 1, _N)),
           phi(1) + L * sigma**2 / 2 * Sum(ghat(k) ** 2, (k, 1, _N))
           + L**2 * (M - 1) * Sum(ghat(k) * _FLYING, (k, 1, _N)) + L**2 * sigma**2 * Sum(ghat(k) * _CROWD, (k, 1, _N))),
        _N, k - 1, by=(("one step",),),
    ),
    Counting(
        "windows before k", "windows before k",
        {"weight": ghat(k), "cap": c, "below": "ghat <= c", "attribute": ghat(k) ** 2 * _SLOPE},
    ),
    Earlier("window, earlier", "window"),
    Inequality(
        "gradients before k",
        le(phi(k) + _BEFORE / 2,
           phi(1) + L**2 * (M - 1) * c * _WAIT_0 + L * sigma**2 / 2 * _SQUARES + L**2 * sigma**2 * _CROWDS),
        (("sum before k",), (L**2 * (M - 1), "windows before k"),
         total(i, L**2 * ghat(i) * _SLOPE_I, "window, earlier")),
    ),
    Counting("handed out", "handed out", {"attribute": ghat(k) * _SLOPE}),
    Inequality(
        "in flight before k", le(_FLYING, c * _GRADIENTS),
        (total(j, g_flying(k, j) * Ip(h_flying(k, j), h_flying(k, j)), "ghatf <= c"), (c, "handed out")),
    ),
    Counting("squares before k", "earlier", {"attribute": ghat(k) ** 2}),
    Counting("crowds before k", "earlier", {"attribute": ghat(k) * _CROWD}),
    Class("slope and value", "slope", ("xhat_k",)),
    Inequality(
        "each slope", le(_SLOPE, _EACH),
        ((2, Square(h(k) - _HALF * h_virtual(k))), (_HALF, "slope and value"), (3, "smooth"),
         (3 * L**2, "error in two parts"), (3 * L**2 * (M - 1), "in flight before k"),
         (_HALF * L * _GRADIENTS, "c: cap"), (3 * L**2 * c * _GRADIENTS,), (3 * L**2 * sigma**2, "one crowd"),
         (3 * L, "gradients before k"), (3 * L, "first value"), (_HALF * L**2 * sigma**2, "squares before k"),
         (_HALF * L**2 * sigma**2, "Q"), (3 * L**3 * sigma**2, "crowds before k"), (3 * L**3 * sigma**2, "V")),
    ),
)  # fmt: skip

_WEIGHTS: tuple[Step, ...] = (
    Counting("arrived", "arrived"),
    Counting("later delays", "later"),
    Counting("number of later", "number of later"),
    Counting("later weights", "later weights"),
    Inequality(
        "weights RL", le((K - M) * c / 2, W),
        (("W RL",), ("later weights",), total(k, again(k), "least gamma"), (c / (2 * M), "later delays"),
         (c / (2 * M) * Sum(again(k), (k, 1, K)), "arrived"), (c / 2, "arrived"),
         ("number of later", c / 2 + c * p / (2 * M))),
    ),
    Inequality(
        "all crowds", le(V, K * (M - 1) * c**3),
        ((-1, "V"), total(k, ghat(k), "one crowd"), total(k, (M - 1) * c**2, "ghat <= c")),
    ),
)  # fmt: skip

#: uses the steps up to the master inequality, ``least gamma`` and ``squares R1``
RL_BOUND: tuple[Step, ...] = (
    *_EACH_ITERATE,
    *_WEIGHTS,
    Inequality(
        "mean of slopes", le(mean_gradient_sq, _EACH),
        ((-1 / W, "mean_gradient_sq RL"), total(k, ghat(k) / W, "each slope"), (_EACH / W, "W RL")),
    ),
    Inequality(
        "in c RL", le(mean_gradient_sq, _SHARE * _SUM / (K * c) + _HALF * L * sigma**2 * (M - 1) * c / K),
        ((4 / (K * c), "master RL"), (2 * mean_gradient_sq / (K * c), "weights RL"), (M / K, "mean of slopes"),
         (_HALF * _SUM / (K * c), "c: cap"), (_HALF * L * sigma**2 * (M - 1) * c / K, "c: cap")),
    ),
    Inequality(
        "bound RL",
        le(mean_gradient_sq, 11 * M * L * Delta / K + Rational(61, 4) * sqrt(L * Delta * sigma**2 / K)),
        (("in c RL",), (_SHARE * L * sigma**2 / (2 * K * c), "squares R1"),
         (_SHARE * L**2 * sigma**2 / (K * c), "all crowds"),
         (Rational(11, 4) * L * sigma**2 * c * (M - 1) / M, "c: cap"), (_SHARE * Delta / K, "1/c"),
         (_NOISE * sigma * sqrt(L) / sqrt(K), "c: noise"),
         (Rational(17, 4) * sqrt(L * Delta) * sigma / sqrt(K), 1 - M / K)),
    ),
)  # fmt: skip
