"""Noise in flight is orthogonal: nothing that is computed while a gradient is in flight depends on its sample.

Not stated in Mishchenko, Bach, Even & Woodworth (2022), and the key to their Theorem 3: if the samples are mutually
independent, and independent of the start and the schedule, then E<grad F(x_j), n_i> = 0 for the noise n_i of a gradient
in flight and every x_j with j <= k, so that with h = grad F
E||x_k - xhat_k||^2 = E||sum of gamma_next h_prev||^2 + sum of gamma_next^2 E||n_prev||^2 over the others in flight.

What is checked: x_k has coefficient exactly 0 on every gradient in flight at k, over its whole window, for all arrival
orders and all stepsizes. By induction over the steps x_k is then a function of the start and of the samples of
gradients that are back, each taken at an earlier iterate. A mean of zero given the past would not do: later iterates
are met, too. The check reads rows of coefficients, so it has exact evidence only.
"""

from typing import Any

from ratecheck.core import proof
from ratecheck.core.claim import Claim
from ratecheck.core.gram import inner, square
from ratecheck.core.identity import Identity, View
from ratecheck.core.proof import Counting, Expectation, Proof, eq
from ratecheck.core.setting import ASYNC, e, h, j, n_flying, s, z
from ratecheck.core.symbols import k

SOURCE = "used by Mishchenko, Bach, Even & Woodworth (2022), Theorem 3; statement ours"


def residual(view: View) -> Any:
    """Return the row of coefficients of x_k on the gradients in flight; each has a row with a single one."""
    return sum((view.x * f.gradient for f in view.in_flight[:-1]), 0 * view.x)


IDENTITIES = (
    Identity(
        name="orthogonality",
        residual=residual,
        statement=r"\partial x_k/\partial g_i=0\quad\text{for }i<k<\mathrm{next}(i+1,m_i)",
        source=SOURCE,
        lemma="unused",
    ),
)

#: 'not applied': no iterate has a gradient in flight in it; then what that says of expectations, and of x_k - xhat_k
PROOF = Proof(
    ASYNC,
    (
        Counting("not applied", "unused"),
        Expectation("orthogonal", n_flying(k, j), h(k)),
        Expectation("noise and means", z(k), s(k)),
        proof.Identity(
            "error", eq(square(e(k)), square(s(k)) + 2 * inner(z(k), s(k)) + square(z(k))), by=("in flight",)
        ),
        proof.Inequality(
            "two parts", eq(square(e(k)), square(s(k)) + square(z(k))), (("error",), (2, "noise and means"))
        ),
    ),
    proves={"": {"orthogonality": "not applied"}},
    notes=("steps 'orthogonal' and 'two parts' are what the claim says in expectation",),
)

CLAIM = Claim(
    title="Noise in flight is orthogonal to what is computed meanwhile",
    source=SOURCE,
    statement=(
        "If the samples are mutually independent and independent of the schedule, then "
        "$\\mathbb{E}\\langle\\nabla F(x_j),n_i\\rangle=0$ for every gradient $i$ in flight at $k$ and all $j\\le k$."
    ),
    assumptions=(),
    outputs={},
    stepsize="constant",
    policy="independent",
    identities=IDENTITIES,
)
