"""The derivation of Lemma 2, step by step, in the letters of ``ratecheck.core.setting``.

``sharp`` is about all vectors: no class of functions is used. ``printed`` follows for convex smooth functions, and with
E<h_k, e_k> for E<g_k, e_k>: the sample at x_k is drawn after x_k and xhat_k.
"""

from sympy import Rational, Sum

from ratecheck.core.gram import inner
from ratecheck.core.proof import Class, Identity, Inequality, Proof, eq, le, total
from ratecheck.core.setting import ASYNC, delta, e, g_0, g_flying, ghat, h, h_flying, j, m, s
from ratecheck.core.symbols import B, K, L, M, k

from ._in_flight_convex import FIRST, ONE_STEP, SLOPE, SLOPE_0, STEPSIZE, WINDOWS

_WRITTEN_OUT = Sum(g_flying(k, j) * inner(h(k), h_flying(k, j)), (j, 1, M - 1))

PROOF = Proof(
    ASYNC,
    (
        *STEPSIZE,
        *ONE_STEP,
        WINDOWS,
        Identity("written out", eq(inner(h(k), s(k)), _WRITTEN_OUT), by=("gradients in flight",)),
        Inequality(
            "sharp",
            le(2 * Sum(ghat(k) * _WRITTEN_OUT, (k, 1, K)),
               FIRST * SLOPE_0 / (4 * L) + Sum(ghat(k) * SLOPE, (k, 1, K)) / (2 * L)),
            (total(k, 2 * ghat(k), "written out"), total(k, ghat(k), "Young"),
             total(k, 4 * L * ghat(k), "M - 1 in flight"), (4 * L * (M - 1), "windows"),
             total(k, 4 * L * ghat(k) * SLOPE, "window"), total(m, 4 * L * g_0(m) * SLOPE_0, "first window")),
        ),
        Inequality("initial weights", le(FIRST, 1 / (4 * L)), ((1 / (4 * L), "Gamma_0"),)),
        Class("gradient and value", "smooth convex", ("x*", "x_k")),
        Class("gradient at x_0", "smooth", ("x_0", "x*")),
        Class("distance", "start", ("x_0",)),
        Inequality(
            "printed",
            le(2 * Sum(ghat(k) * inner(h(k), e(k)), (k, 1, K)),
               B**2 / 16 + Sum(ghat(k) * delta(k), (k, 1, K))),
            (("sharp",), total(k, -2 * ghat(k), "error without noise"), total(k, -2 * ghat(k), "written out"),
             total(k, ghat(k), "gradient and value"), (SLOPE_0 / (4 * L), "initial weights"),
             (1 / (16 * L**2), "gradient at x_0"), (Rational(1, 16), "distance")),
        ),
    ),
    proves={"": {"lemma 2, sharp": "sharp", "initial weights": "initial weights"}},
    notes=("step 'printed' is the form of the paper",),
)  # fmt: skip
