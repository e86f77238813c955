"""Steps that bound the distance of an iterate to its virtual iterate in mean and noise: lemma LD of the derivations.

x_k - xhat_k = s + z, means and noises of the gradients, each with what is kept of it. ||s + z||^2 is at most twice the
squares, for means depend on earlier noises; Cauchy-Schwarz with weights for s, and the squares of noises add.
"""

from sympy import Expr, Sum

from ratecheck.core.gram import Ip, square
from ratecheck.core.proof import Cauchy, Class, Counting, Expectation, Identity, Inequality, Square, Step, eq, le
from ratecheck.core.setting import e, g_0, ghat, h, h_0, i, m, s, z
from ratecheck.core.setting_ormo import kept, kept_0, r
from ratecheck.core.symbols import M, k, sigma


def over_hand_outs(first: Expr, later: Expr) -> Expr:
    """Return the sum over the hand-outs before x_k; ``later`` is in terms of i."""
    return Sum(first, (m, 1, M)) + Sum(later, (i, 1, k - 1))


KEPT = over_hand_outs(kept_0(k, m), kept(k, i))
#: each gradient with what is kept of it, and its squared stepsize
MEANS = over_hand_outs(kept_0(k, m) * g_0(m) ** 2 * Ip(h_0, h_0), kept(k, i) * ghat(i) ** 2 * Ip(h(i), h(i)))
NOISES = over_hand_outs(kept_0(k, m) ** 2 * g_0(m) ** 2, kept(k, i) ** 2 * ghat(i) ** 2)


def distance() -> tuple[Step, ...]:
    """||x_k - xhat_k||^2 <= 2/(1 - beta)^2 (KEPT MEANS + sigma^2 NOISES), and what is kept is counted."""
    return (
        Class("beta", "momentum"),
        Counting("kept", "kept total"),
        Identity("error", eq(square(e(k)), square(s(k) + z(k))), by=("kept",)),
        Cauchy("means", s(k), "means kept", (kept_0(k, m), kept(k, i))),
        Expectation("noises", z(k)),
        Inequality(
            "distance", le(square(e(k)), 2 * KEPT * MEANS / r**2 + 2 * sigma**2 * NOISES / r**2),
            ((-1, "error"), (Square(s(k) - z(k)),), (2, "means"), (2, "noises")),
        ),
    )  # fmt: skip


def counted() -> tuple[Step, ...]:
    """With M/(1 - beta) for the sum of what is kept."""
    return (
        Inequality(
            "distance, counted", le(square(e(k)), 2 * M * MEANS / r**3 + 2 * sigma**2 * NOISES / r**2),
            (("distance",), (2 * MEANS / r**2, "kept")),
        ),
    )  # fmt: skip
