"""Theorem 3, convex case, without Assumption 1: delays may look at the samples. False; declared so.

Assumption 1 of Mishchenko, Bach, Even & Woodworth (2022) says that delays are independent of the samples. It is not
for convenience. In the counterexample large errors are rare (once in 25 gradients, 4.9 sigma, all of one sign), and a
gradient with a large error takes 247 times as long. It comes back late, so a delay-adaptive stepsize makes it count for
little, and the frequent small errors of the other sign are left with a mean: the iterates settle near a wrong point.

With F = x^2/2, M = 64, K = 10^5, sigma = 5 the error is about 7.5 times the bound. Under the same delays drawn without
a look at the samples (``slow_at_random``) it is 100 times below; and 70 times for a constant stepsize B/(sigma sqrt K),
which makes late gradients count like others, under the very delays that look (scenario ``rare_slow``).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ratecheck.core.cell import Cell
from ratecheck.core.claim import POLICIES, Assumption, Statement
from ratecheck.core.part import Part

from . import theorem3_convex


def looks(facts: Mapping[str, Any]) -> str | None:
    """Say why the claim is not about a cell: its delays do not look at samples."""
    return None if facts["policy"] != POLICIES[0] else "the delays are independent: theorem3_convex is about these"


#: probability of a large error; a task with one takes 10/p times as long
RARE = 0.0405

_TRUE = theorem3_convex.CLAIM

CLAIM = replace(
    _TRUE,
    title="Limit: Theorem 3 under delays that look at the samples",
    source="Mishchenko, Bach, Even & Woodworth (2022), Theorem 3 (convex), without its Assumption 1",
    statement=(
        "The bound of Theorem 3, convex case, holds also where the duration of a task depends on the sample that the "
        "task computes with."
    ),
    assumptions=(*_TRUE.assumptions, Assumption("delays look", "delays depend on samples", looks)),
    policy="data-dependent",
    outputs={rule: Statement(statement.bound) for rule, statement in _TRUE.outputs.items()},
    identities=(),
    expect="refuted",
    cells=(
        Cell(
            Part("quadratic", {"spectrum": [1]}),
            Part("two_point", {"p": RARE}),
            Part("slow_samples", {"factor": 247}),
            64,
            100_000,
            5.0,
        ),
    ),
    notes=(
        "Not an error of the paper, which assumes independence; it shows that the assumption is needed. See "
        "mishchenko2022.theorem3_convex.",
    ),
)
