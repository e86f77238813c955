"""Steps that the derivations for OrMo share, in the letters of ``ratecheck.core.setting_ormo``: r is 1 - beta."""

from sympy import Sum

from ratecheck.core.gram import Ip, inner, square
from ratecheck.core.proof import Class, Expectation, Identity, Inequality, Rule, Square, Step, eq, le, total
from ratecheck.core.setting import N_0, e, g_0, ghat, h, h_0, h_virtual, m, n, phi, u, y_0
from ratecheck.core.setting_ormo import r
from ratecheck.core.symbols import Delta, L, M, k, sigma
from ratecheck.core.symbols import stepsize as gamma

SLOPE, SLOPE_0 = Ip(h(k), h(k)), Ip(h_0, h_0)
ERROR = Ip(e(k), e(k))
FIRST, INITIAL = Sum(g_0(m), (m, 1, M)), Sum(g_0(m) ** 2, (m, 1, M))

_WAY, _FIRST_WAY = u(k + 1) - u(k), u(1) - y_0
_A = ghat(k) / r


def one_step() -> tuple[Step, ...]:
    """A (1 - L a)/2 ||grad F(x_k)||^2 is gained, with a = ghat(k)/(1 - beta), up to x_k - xhat_k and the noise."""
    return (
        Class("descent", "descent", ("xhat_k", "xhat_k+1")),
        Identity("way", eq(inner(h_virtual(k), _WAY), -_A * inner(h_virtual(k), h(k) + n(k))), by=("step",)),
        Identity("length", eq(square(_WAY), _A**2 * square(h(k) + n(k))), by=("step",)),
        Expectation("unbiased", n(k), h_virtual(k)),
        Expectation("unbiased at x_k", n(k), h(k)),
        Expectation("variance", n(k)),
        Class("smooth", "smooth", ("x_k", "xhat_k")),
        Inequality(
            "one step",
            le(phi(k + 1) + _A / 2 * (1 - L * _A) * SLOPE, phi(k) + L * _A**2 * sigma**2 / 2 + _A * L**2 / 2 * ERROR),
            (("descent",), (-1, "way"), (-L / 2, "length"), (_A, "unbiased"), (-L * _A**2, "unbiased at x_k"),
             (L * _A**2 / 2, "variance"), (_A / 2, "smooth"), (_A / 2, Square(h_virtual(k)))),
        ),
    )  # fmt: skip


def first_step() -> tuple[Step, ...]:
    """The step from x_0 to xhat_1, by the initial gradients."""
    a_0 = FIRST / r
    return (
        Class("first descent", "descent", ("x_0", "xhat_1")),
        Identity("first way", eq(inner(h_0, _FIRST_WAY), -inner(h_0, a_0 * h_0 + N_0 / r)), by=("start",)),
        Identity("first length", eq(square(_FIRST_WAY), square(a_0 * h_0 + N_0 / r)), by=("start",)),
        Expectation("unbiased at x_0", N_0, h_0),
        Expectation("first variance", N_0),
        Class("gap", "gap", ("x_0",)),
        Inequality(
            "first step",
            le(phi(1) + a_0 * (1 - L * a_0 / 2) * SLOPE_0, Delta + L * sigma**2 / (2 * r**2) * INITIAL),
            (("first descent",), (-1, "first way"), (-L / 2, "first length"), ("gap",),
             ("first variance", L / (2 * r**2)), ("unbiased at x_0", (1 - L * a_0) / r)),
        ),
    )  # fmt: skip


def constant() -> tuple[Step, ...]:
    """All stepsizes are the number gamma, those of initial gradients that never arrive included."""
    return (
        Rule("ghat", ghat(k), says=eq(ghat(k), gamma)),
        Rule("ghat0", g_0(m), says=eq(g_0(m), gamma)),
        Inequality("initial stepsizes", eq(FIRST, M * gamma), (total(m, "ghat0"),)),
        Inequality("their squares", eq(INITIAL, M * gamma**2), (total(m, "ghat0", g_0(m) + gamma),)),
    )
