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

from ratecheck.core.assumption import is_standard
from ratecheck.core.claim import Claim
from ratecheck.core.gram import slack_form
from ratecheck.core.proof import Fact
from ratecheck.core.setting import Setting
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import (
    MEASURED,
    OF_SCHEDULE,
    K,
    M,
    V,
    beta,
    k,
    mu,
    sigma,
    sigma_inf,
    sigma_L,
    sigma_mu,
    sigma_r,
    symbol_of,
    tau,
    tau_cap,
    zeta,
)

#: tags of facts that cannot both be assumed
OUTPUTS = frozenset({"R1", "R0", "RL", "uniform", "last"})
BY_RULE, FREELY = "gradients in flight are closed by the output rule", "initial gradients are closed freely"
#: of facts that hold in expectation and not on every run, where the schedule is random
MEAN = "in expectation"
#: what the order of arrivals decides of a stepsize
OF_ORDER = frozenset({tau.name, k.name, *OF_SCHEDULE})


class Refused(Exception):
    """The step is false; the message has the counterexample."""


class Undone(Exception):
    """The step does not follow from what it gives; nobody says that it is false."""


@dataclass(frozen=True)
class Outcome:
    """A discharged step: its fact, by which check, what it gives away ('' if nothing), what it depends on.

    ``tags`` are an output rule, how initial gradients in flight at the end are closed, and ``MEAN``.
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
    asked: set[str] = field(default_factory=set)  #: the facts that the step at hand has asked for

    @property
    def at_least(self) -> Mapping[sp.Symbol, sp.Expr]:
        """Lower bounds of counts that the claim assumes."""
        if self.assumes("K >= 3 M"):
            return {K: 3 * M}
        if self.assumes("K >= tau_cap"):
            return {K: tau_cap}
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

    @cached_property
    def may_vanish(self) -> Mapping[sp.Symbol, sp.Symbol]:
        """Letters that are positive for sympy and 0 in some runs that the claim covers, with a stand-in for each.

        All other constants and W, Q, S, Gamma_0 and decay are positive: a claim says nothing where they are 0.
        """
        gone = [sigma, sigma_L, sigma_mu, sigma_inf, zeta, V, *map(symbol_of, MEASURED)]
        gone += [] if self.assumes("mu > 0") else [mu]
        gone += [] if self.assumes("sigma_r > 0") else [sigma_r]
        gone += [] if self.assumes("beta > 0") or beta.name in self.stepsize.chosen else [beta]
        return {letter: sp.Dummy(letter.name, nonnegative=True) for letter in gone}

    @cached_property
    def may_lack(self) -> frozenset[sp.Symbol]:
        """Indices that may have an empty range, such as the other workers when there is one."""
        ranges = self.setting.ranges.items()
        return frozenset(x for x, (low, high) in ranges if not slack_form(high - low, self.at_least)[0])

    def assumes(self, name: str) -> bool:
        """True when the claim has the assumption that ``core.assumption`` makes of this name: runs are held to it."""
        return any(a.name == name and is_standard(a) for a in self.claim.assumptions)

    @property
    def random_schedule(self) -> bool:
        """True when delays may depend on samples: then numbers that the order of arrivals decides are random."""
        return self.claim.policy != "independent" and self.setting.scheduler == "async"

    def require_numbers(self, expr: Any) -> None:
        """Raise Refused when a coefficient of vectors is no number: the schedule decides it, and samples that."""
        if self.claim.policy != "independent" and self.setting.by_schedule and expr.has(*self.setting.by_schedule):
            raise Refused(f"coefficients of {expr} are random for {self.claim.policy} delays: they tell of samples")

    def fact(self, name: str) -> Fact:
        """Return an earlier fact. Raises Undone when there is none."""
        if name not in self.done:
            raise Undone(f"it uses {name!r}, which no earlier step derives")
        self.asked.add(name)
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
