"""What is in flight, with the stepsizes of Theorem 3, convex case: steps shared by Lemma 2 and the theorem.

``c`` is the smallest stepsize branch that does not look at the delay: min{1/(4ML), B/(sigma sqrt K)}.
"""

from sympy import Sum, sqrt

from ratecheck.core.gram import Ip, inner, square
from ratecheck.core.proof import (
    Cauchy,
    Counting,
    Expectation,
    Identity,
    Inequality,
    Rule,
    Square,
    total,
)

from ratecheck.core.proof import eq, le  # isort: skip
from ratecheck.core.setting import e, g_0, g_flying, ghat, h, h_0, j, m, n_flying, s, t, t_0, z
from ratecheck.core.symbols import K, L, M, k, sigma

from ._smallest_branch import Branches, c

FIRST = Sum(g_0(m), (m, 1, M))  # Gamma_0
SLOPE = Ip(h(k), h(k))
SLOPE_0 = Ip(h_0, h_0)
BRANCHES = Branches(4, 4, sigma * sqrt(K))

STEPSIZE = (
    *BRANCHES.constant(),
    *BRANCHES.at_most_c("ghat", ghat(k)),
    *BRANCHES.at_most_c("ghat0", g_0(m)),
    Rule("ghat: delay", ghat(k), below="delay"),
    Rule("ghat0: delay", g_0(m), below="delay"),
    BRANCHES.window("window", ghat(k), t(k), "ghat: delay"),
    BRANCHES.window("first window", g_0(m), t_0(m), "ghat0: delay"),
    Inequality("Gamma_0", le(4 * L * FIRST, 1), (total(m, 4 * L, "ghat0 <= c"), ("c: cap",))),
)

#: E<h_k, e_k> is a product with the gradients in flight, without their noise; what it costs at one step
ONE_STEP = (
    Expectation("noise in flight is orthogonal", n_flying(k, j), h(k)),
    Identity("error", eq(inner(h(k), e(k)), inner(h(k), s(k)) + inner(h(k), z(k))), by=("in flight",)),
    Identity(
        "its noise", eq(inner(h(k), z(k)), Sum(g_flying(k, j) * inner(h(k), n_flying(k, j)), (j, 1, M - 1))),
        by=("noise in flight",),
    ),
    Inequality(
        "error without noise", eq(inner(h(k), e(k)), inner(h(k), s(k))),
        (("error",), ("its noise",), total(j, g_flying(k, j), "noise in flight is orthogonal")),
    ),
    Inequality(
        "Young", le(2 * inner(h(k), s(k)), SLOPE / (4 * L) + 4 * L * square(s(k))),
        ((4 * L, Square(s(k) - h(k) / (4 * L))),),
    ),
    Cauchy("M - 1 in flight", s(k), "gradients in flight"),
)  # fmt: skip

WINDOWS = Counting(
    "windows", "windows", {"weight": ghat(k), "cap": c, "below": "ghat <= c", "attribute": ghat(k) ** 2 * SLOPE}
)
