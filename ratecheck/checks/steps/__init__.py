"""Proof steps, one file a kind: ``discharge(step, context)`` derives the step's fact or says why not.

A checker returns an Outcome, raises Refused with a counterexample when the step is false, and Undone when it does
not follow from what the step gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from ratecheck.core.claim import Claim
from ratecheck.core.proof import Fact
from ratecheck.core.setting import Setting
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import K, M

#: tags of facts that cannot both be assumed
OUTPUTS = frozenset({"R1", "R0", "RL"})
BY_RULE, FREELY = "gradients in flight are closed by the output rule", "initial gradients are closed freely"


class Refused(Exception):
    """The step is false; the message has the counterexample."""


class Undone(Exception):
    """The step does not follow from what it gives; nobody says that it is false."""


@dataclass(frozen=True)
class Outcome:
    """A discharged step: its fact, by which check, what it gives away ('' if nothing), what it depends on.

    ``tags`` are an output rule, and how initial gradients in flight at the end are closed.
    """

    fact: Fact
    checker: str
    slack: str = ""
    tags: frozenset[str] = frozenset()


@dataclass
class Context:
    """What steps may use: the claim, its stepsize, the setting, and the facts so far by name."""

    claim: Claim
    stepsize: Stepsize
    setting: Setting
    done: dict[str, Outcome] = field(default_factory=dict)
    letters: dict[Any, dict[str, sp.Expr]] = field(default_factory=dict)  #: letters defined as the least of branches

    @property
    def at_least(self) -> Mapping[sp.Symbol, sp.Expr]:
        """Lower bounds of counts that the claim assumes."""
        return {K: M} if self.assumes("K >= M") else {}

    def assumes(self, name: str) -> bool:
        """True when the claim has an assumption of this name."""
        return any(a.name == name for a in self.claim.assumptions)

    def fact(self, name: str) -> Fact:
        """Return an earlier fact. Raises Undone when there is none."""
        if name not in self.done:
            raise Undone(f"it uses {name!r}, which no earlier step derives")
        return self.done[name].fact

    def total(self, expr: Any, index: sp.Symbol) -> sp.Expr:
        """Return the sum of an expression over the whole range of an index. Raises Undone for an unknown index."""
        if index not in self.setting.ranges:
            raise Undone(f"{index} is no index of the setting")
        return sp.Sum(expr, (index, *self.setting.ranges[index]))


def clash(tags: frozenset[str]) -> str:
    """Return why facts with these tags cannot be used together ('' if they can)."""
    if len(tags & OUTPUTS) > 1:
        return f"it mixes output rules {', '.join(sorted(tags & OUTPUTS))}"
    return "it closes initial gradients in two ways" if {BY_RULE, FREELY} <= tags else ""
