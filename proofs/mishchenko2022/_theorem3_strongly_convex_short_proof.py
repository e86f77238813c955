"""The derivation of Theorem 3, strongly convex case, with 16/3 in the stepsize for the printed 504."""

from sympy import Integer, Rational

from ratecheck.core.proof import Inequality, Proof, le
from ratecheck.core.setting_growing import ASYNC_GROWING
from ratecheck.core.symbols import B, K, M, mu, output_gap, sigma

from ._strongly_convex_steps import exponential, master
from ._strongly_convex_weights import LOG, closed, conditional, in_c, limit

_NUMBER, _SHARE = Rational(16, 3), Rational(3, 4)
_NOISE = Rational(17, 32) + 2 * M / (3 * K)

PROOF = Proof(
    ASYNC_GROWING,
    (
        *master(_NUMBER),
        *conditional("R1"),
        *closed(_NUMBER),
        exponential("e >= 2", Integer(1)),
        *in_c("R1", _SHARE),
        Inequality(
            "bound R1",
            le(output_gap, mu * B**2 / 8 * limit(_SHARE / 4) + sigma**2 / (8 * mu * K**2)
               + sigma**2 / (mu * K) * (Rational(17, 6) + Rational(32, 9) * M / K) * LOG),
            (("in c R1",), ("start R1",), (sigma**2 / (3 * mu * K) * _NOISE, "c: noise")),
        ),
    ),
    proves={"R1": {what: f"{what} R1" for what in ("bound", "conditional", "master")}},
    sections={
        "c: cap": "The stepsizes",
        "window: growth": "The growth of the weights",
        "expansion": "One step",
        "windows": "All steps",
        "first expansion": "The start",
        "growth R1": "Rule R1: gradients in flight at K count as back at K + 1",
        "stepsizes R1": "The weights, and the bound",
    },
)  # fmt: skip
