"""Descent along the virtual iterates and what is in flight, for smooth objectives: steps shared by several derivations.

In the letters of ``ratecheck.core.setting`` and ``setting_heterogeneous``: ``mean`` is what the stochastic gradient at
x_k has for its mean, and ``flying`` what those of the others in flight have.
"""

from sympy import Expr, Sum

from ratecheck.core.fact import Square, eq, le
from ratecheck.core.gram import Ip, inner, square
from ratecheck.core.proof import Cauchy, Class, Expectation, Identity, Inequality, Step
from ratecheck.core.setting import N_0, e, g_0, g_flying, ghat, h, h_0, h_virtual, j, m, n, s, u, y_0, z
from ratecheck.core.symbols import K, L, M, k, sigma

FIRST = Sum(g_0(m), (m, 1, M))  # Gamma_0
INITIAL = Sum(g_0(m) ** 2, (m, 1, M))
LATER = Sum(ghat(k) ** 2, (k, 1, K))
CROWD = Sum(g_flying(k, j) ** 2, (j, 1, M - 1))
CROWDS = Sum(ghat(k) * CROWD, (k, 1, K))
SLOPE, SLOPE_0 = Ip(h(k), h(k)), Ip(h_0, h_0)


def in_flight(flying: Expr) -> Expr:
    """Return the sum of the squares of what the others have in flight at k, each with its squared stepsize."""
    return Sum(g_flying(k, j) ** 2 * Ip(flying, flying), (j, 1, M - 1))


def one_step(mean: Expr, flying: Expr) -> tuple[Step, ...]:
    """What a step of the virtual iterate is made of, and ||x_k - xhat_k||^2 in two parts."""
    return (
        Class("descent", "descent", ("xhat_k", "xhat_k+1")),
        Identity(
            "move",
            eq(inner(h_virtual(k), u(k + 1) - u(k)) + L * square(u(k + 1) - u(k)) / 2,
               -ghat(k) * inner(h_virtual(k), mean + n(k)) + L * ghat(k) ** 2 * square(mean + n(k)) / 2),
            by=("step",),
        ),
        Expectation("unbiased", n(k), h_virtual(k)),
        Expectation("unbiased at x_k", n(k), mean),
        Expectation("variance", n(k)),
        Class("smooth", "smooth", ("x_k", "xhat_k")),
        Inequality(
            "Young", le(inner(h(k) - h_virtual(k), mean), Ip(mean, mean) / 4 + square(h(k) - h_virtual(k))),
            ((Square(mean / 2 - (h(k) - h_virtual(k))),),),
        ),
        Identity("error", eq(square(e(k)), square(s(k)) + 2 * inner(s(k), z(k)) + square(z(k))), by=("in flight",)),
        Expectation("noise in flight is orthogonal", z(k), s(k)),
        Expectation("variance in flight", z(k)),
        Cauchy("M - 1 in flight", s(k), "gradients in flight"),
        Inequality(
            "error in two parts", le(square(e(k)), (M - 1) * in_flight(flying) + sigma**2 * CROWD),
            ((-1, "error"), (-2, "noise in flight is orthogonal"), ("variance in flight",), ("M - 1 in flight",)),
        ),
    )  # fmt: skip


#: the step from x_0 to xhat_1 where all workers have one objective
FIRST_STEP = (
    Class("first descent", "descent", ("x_0", "xhat_1")),
    Identity(
        "first move",
        eq(inner(h_0, u(1) - y_0) + L * square(u(1) - y_0) / 2,
           -FIRST * SLOPE_0 - inner(h_0, N_0)
           + L * (FIRST**2 * SLOPE_0 + 2 * FIRST * inner(h_0, N_0) + square(N_0)) / 2),
        by=("start, split",),
    ),
    Class("gap", "gap", ("x_0",)),
    Expectation("gradient at x_0", N_0, h_0),
    Expectation("variance at x_0", N_0),
)  # fmt: skip
