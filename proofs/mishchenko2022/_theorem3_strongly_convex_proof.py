"""The derivation of Theorem 3, strongly convex case, with the printed stepsize, for the output rules R1 and RL."""

from sympy import Expr, Integer, Rational, exp

from ratecheck.core.proof import Inequality, Proof, Scalar, Step, le
from ratecheck.core.setting_growing import ASYNC_GROWING
from ratecheck.core.symbols import B, K, L, M, mu, output_gap, sigma

from ._strongly_convex_steps import exponential, master
from ._strongly_convex_weights import LOG, closed, conditional, in_c, limit, literal

_NUMBER = Integer(504)


def _bound(rule: str, share: Rational, noise: int) -> tuple[Step, ...]:
    """1/(exp(y) - 1) <= exp(-y) (1 + 1/y), K >= 3M and log(e + ..) >= 1 give the bound as it is printed."""
    rate = share / 4
    y = rate * mu * K / (8 * M * L)
    simple: Expr = exp(-y) * (1 + 1 / y)
    loose = Rational(17, 32) + M / (2 * share * K)
    return (
        Scalar(
            f"simple LIMIT {rule}", le(limit(rate), simple), ((limit(rate) * exp(-y) / y, f"LIMIT {rule}: exp"),),
        ),
        Inequality(
            f"bound {rule}",
            le(output_gap, (mu / 8 + M * L / (rate * K)) * B**2 * exp(-y) + noise * sigma**2 / (mu * K) * LOG),
            ((f"in c {rule}",), (f"start {rule}",), (mu * B**2 / 8, f"simple LIMIT {rule}"),
             (sigma**2 / (mu * K) * loose, "c: noise"), (sigma**2 / (8 * mu * K**2), "log >= 1"),
             (sigma**2 / (8 * mu * K**2) * LOG, K - 1),
             (504 * sigma**2 / (mu * K) * LOG / (6 * share), 1 - 3 * M / K)),
        ),
    )  # fmt: skip


PROOF = Proof(
    ASYNC_GROWING,
    (
        *master(_NUMBER),
        *conditional("R1"),
        *conditional("RL"),
        exponential("e >= 2", Integer(1)),
        exponential("exp(1 - log)", 1 - LOG),
        Scalar("log >= 1", le(1, LOG), (("exp(1 - log)",),)),
        *closed(_NUMBER),
        *in_c("R1", Rational(3, 4)),
        *_bound("R1", Rational(3, 4), 380),
        *literal(_NUMBER),
        *in_c("RL", Rational(1, 2)),
        *_bound("RL", Rational(1, 2), 436),
    ),
    proves={rule: {what: f"{what} {rule}" for what in ("bound", "conditional", "master")} for rule in ("R1", "RL")},
    sections={
        "c: cap": "The stepsizes",
        "window: growth": "The growth of the weights",
        "expansion": "One step",
        "windows": "All steps",
        "first expansion": "The start",
        "growth R1": "Rule R1: gradients in flight at K count as back at K + 1",
        "growth RL": "Rule RL: gradients in flight at K come back when they come back",
        "e >= 2": "The least stepsize",
        "stepsizes R1": "Rule R1: the weights, and the bound",
        "least gamma: tangent": "Rule RL: the weights, and the bound",
    },
)
