"""What is in flight, with the stepsizes of Theorem 3, convex case: steps shared by Lemma 2 and the theorem.

``c`` is the smallest stepsize branch that does not look at the delay: min{1/(4ML), B/(sigma sqrt K)}.
"""

from sympy import Expr, Sum, Symbol, sqrt

from ratecheck.core.gram import Ip, inner, square
from ratecheck.core.proof import (
    Cauchy,
    Counting,
    Expectation,
    Identity,
    Inequality,
    Power,
    Rule,
    Scalar,
    Square,
    Step,
    total,
)

from ratecheck.core.proof import eq, le  # isort: skip
from ratecheck.core.setting import e, g_0, g_flying, ghat, h, h_0, j, m, n_flying, s, t, t_0, z
from ratecheck.core.symbols import K, L, M, k, sigma

c = Symbol("c", positive=True)
FIRST = Sum(g_0(m), (m, 1, M))  # Gamma_0
SLOPE = Ip(h(k), h(k))
SLOPE_0 = Ip(h_0, h_0)
_CONSTANT = ("cap", "noise")


def at_most_c(name: str, of: Expr) -> tuple[Step, ...]:
    """``of`` is at most each branch, hence at most c."""
    each = {"cap": ((1 / (4 * M * L), f"{name}: cap"),), "noise": ((1 / (sigma * sqrt(K)), f"{name}: noise"),)}
    return (
        *(Rule(f"{name}: {branch}", of, below=branch) for branch in ("delay", *_CONSTANT)),
        Rule(f"{name} <= c", c, says=le(of, c), branches=_CONSTANT, cases=each),
    )


def at_least(name: str, of: Expr, delay: Expr) -> Step:
    """``of``, the rule at ``delay``, is at least c (1 - delay/(4M)): the arithmetic-geometric mean inequality."""
    return Rule(
        name, of, says=le(c - c * delay / (4 * M), of),
        cases={
            "delay": ((1 / (4 * L * delay), "c: cap"), (c / (4 * M * delay), Power(2 * M - delay))),
            "cap": ((1 / (4 * M * L), "c: cap"),),
            "noise": ((1 / (sigma * sqrt(K)), "c: noise"),),
        },
    )  # fmt: skip


def _window(name: str, of: Expr, delay: Expr, below: str) -> Step:
    """What a gradient costs while it waits, (M - 1) c (delay - 1) times its stepsize, is paid by 1/(4 L delay)."""
    return Scalar(
        name, le((M - 1) * c * (delay - 1) * of, 1 / (16 * L**2)),
        ((1 / (16 * L**2), "c: cap"), (c / (4 * L),), ((M - 1) * c / (4 * L), below), ((M - 1) * c * of,)),
    )  # fmt: skip


CONSTANT_BRANCHES = tuple(Rule(f"c: {branch}", c, below=branch, branches=_CONSTANT) for branch in _CONSTANT)
STEPSIZE = (
    *CONSTANT_BRANCHES,
    *at_most_c("ghat", ghat(k)),
    *at_most_c("ghat0", g_0(m)),
    _window("window", ghat(k), t(k), "ghat: delay"),
    _window("first window", g_0(m), t_0(m), "ghat0: delay"),
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
