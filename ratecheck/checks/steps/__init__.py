"""Proof steps, one file a kind: ``discharge(step, context)`` derives the step's fact or says why not.

A checker returns an Outcome, raises Refused with a counterexample when the step is false, and Undone when it does
not follow from what the step gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sympy as sp

from ratecheck.core.claim import Claim
from ratecheck.core.proof import Fact
from ratecheck.core.setting import Setting
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import K, M, sigma

#: tags of facts that cannot both be assumed
OUTPUTS = frozenset({"R1", "R0", "RL", "uniform"})
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
    positive_weights: bool = False  #: whether the weights of a growing setting are known to be positive

    @property
    def at_least(self) -> Mapping[sp.Symbol, sp.Expr]:
        """Lower bounds of counts that the claim assumes."""
        if self.assumes("K >= 3 M"):
            return {K: 3 * M}
        return {K: M} if self.assumes("K >= M") else {}

    @cached_property
    def branches(self) -> Mapping[str, sp.Expr]:
        """Branches of the stepsize, in the letters of the setting."""
        return {name: self.setting.read(f.expr) for name, f in self.stepsize.branches.items()}

    @cached_property
    def noise_may_vanish(self) -> bool:
        """True when what holds for every sigma > 0 holds for sigma = 0: every branch with sigma is infinite there.

        Without noise the claim's run is one of those that any sigma > 0 covers: for a small one the branch is above
        all others, which have no sigma, so that the stepsizes are the same. The bound at 0 is the limit (``Formula``).
        """
        noisy = [f.expr for f in self.stepsize.branches.values() if f.expr.has(sigma)]
        return all(sp.limit(expr, sigma, 0, "+") == sp.oo for expr in noisy)

    def assumes(self, name: str) -> bool:
        """True when the claim has an assumption of this name."""
        return any(a.name == name for a in self.claim.assumptions)

    def require_numbers(self, expr: Any) -> None:
        """Raise Refused when a coefficient of vectors is no number: the schedule decides it, and samples that."""
        if self.claim.policy != "independent" and self.setting.by_schedule and expr.has(*self.setting.by_schedule):
            raise Refused(f"coefficients of {expr} are random for {self.claim.policy} delays: they tell of samples")

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
    # R0 gives x_0 the stepsizes that were applied, and none to a gradient in flight
    return "it closes initial gradients in two ways" if FREELY in tags and tags & {BY_RULE, "R0"} else ""
