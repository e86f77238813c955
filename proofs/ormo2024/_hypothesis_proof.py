"""The derivations that both stepsizes of OrMo-DA are as Theorem 2 needs them, for all delays, M, beta and gamma.

r is 1 - beta; ``full`` is gamma, and gamma(k) what the rule makes of it at delay tau(k). late(k, 2M + 1) is 1 where
tau(k) - 1 > 2M: times 1 less that, (H3) is about delays up to 2M alone.
"""

from typing import Any

from sympy import Expr, Integer, Max

from ratecheck.core.proof import Class, Counting, Inequality, Largest, Power, Proof, Rule, le
from ratecheck.core.setting import applied, tau
from ratecheck.core.setting_ormo import ADAPTED, full, late, r
from ratecheck.core.symbols import L, M, beta, k

_WAIT = tau(k) - 1
_LATE = late(k, 2 * M + 1)
#: as the claim's assumption is called
_BOUND = f"stepsize <= {(1 - beta) ** 2 / (4 * M * L)}"
_ENDS = {name: name for name in ("H1", "H2", "never longer", "H3")}


def _derived(top: Expr, per: Expr, enough: tuple[Any, ...], short: tuple[tuple[Any, ...], ...]) -> Proof:
    """The branch is ``top`` over the longest of (tau - 1)/``per`` and 2M/``per``.

    ``enough``: the product that says full 2M/per <= top; ``short``: what makes (H2) of the branch.
    """
    wait, least = _WAIT / per, 2 * M / per
    longest = Max(wait, least)
    return Proof(
        ADAPTED,
        (
            Class("gamma", "assumed", (_BOUND,)),
            Rule("constant", applied(k), below="constant"),
            Rule("delay", applied(k), below="delay"),
            Inequality("never longer", le(applied(k), full), (("constant",),)),
            Inequality("H1", le(applied(k), r**2 / (4 * M * L)), (("constant",), ("gamma",))),
            Largest("longest", longest, wait),
            Inequality("H2", le(applied(k) * _WAIT, r**2 / (2 * L)), (*short, (per * applied(k), "longest"))),
            Counting("tau >= 1", "at least 1", {"of": tau(k)}),
            Counting("0 or 1", "late or not", {"threshold": 2 * M + 1}),
            Inequality("at most 1", le(_LATE, 1), ((Power(1 - _LATE),), ("0 or 1", -1))),
            Counting("in time", "in time", {"threshold": 2 * M}),
            Inequality("its delay", le(wait, least + _LATE * wait), ((1 / per, "in time"), (least * _LATE,))),
            Inequality("its threshold", le(least, least + _LATE * wait), ((_LATE / per, "tau >= 1"),)),
            Largest("long only where late", longest, most=least + _LATE * wait, by=("its delay", "its threshold")),
            Inequality("enough", le(full * least, top), (enough,)),
            Rule(
                "H3", applied(k), says=le((1 - _LATE) * full, (1 - _LATE) * applied(k)),
                cases={"delay": (
                    (1 / longest, "at most 1", "enough"), (full / longest, "at most 1", "long only where late"),
                    ("0 or 1", full * wait / longest),
                )},
            ),
        ),
        proves={"": _ENDS},
    )  # fmt: skip


INVERSE = _derived(r**2 / (2 * L), Integer(1), (2 * M, "gamma"), ((1 / (2 * L), "delay"),))
SCALED = _derived(full, 2 * M, (0,), ((2 * M, "delay"), (2 * M, "gamma")))
