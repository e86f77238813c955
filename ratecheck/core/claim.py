"""Claim: a theorem with its constants, typed once; and the assumptions under which it speaks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from ratecheck.core import symbols
from ratecheck.core.formula import Formula
from ratecheck.core.identity import Counting, Identity
from ratecheck.core.stepsize import Stepsize
from ratecheck.errors import FormulaError, PartError

#: the chain of delay policies, smallest first (see the docs): what a worker's delay may depend on
POLICIES = ("independent", "mean-zero given the duration", "data-dependent", "clairvoyant")


@dataclass(frozen=True)
class Assumption:
    """A predicate over what parts declare. ``holds(facts)`` returns None, or what fails, with the number.

    ``facts`` has the constants of the cell (None where a part declares none) and the words ``classes`` (of the
    problem), ``policy`` (of the delays), ``scheduler``, ``M``, ``K``.
    """

    name: str
    statement: str
    holds: Callable[[Mapping[str, Any]], str | None]


def of_class(word: str) -> Assumption:
    """Assume that the problem declares the class ``word``: convex, smooth, lipschitz, ..."""

    def holds(facts: Mapping[str, Any]) -> str | None:
        return None if word in facts["classes"] else f"the problem {facts['problem']} is not declared {word}"

    return Assumption(word, f"F is {word}", holds)


def has(name: str) -> Assumption:
    """Assume that the cell has a finite constant of this name."""

    def holds(facts: Mapping[str, Any]) -> str | None:
        value = facts.get(name)
        if value is not None and abs(value) < float("inf"):
            return None
        return f"no finite {name} ({symbols.meaning_of(name)}) is declared"

    return Assumption(f"finite {name}", f"a finite ${symbols.LATEX.get(name, name)}$ is known", holds)


def at_least(left: str, right: str) -> Assumption:
    """Assume ``left >= right`` between two constants of the cell, such as K >= M."""

    def holds(facts: Mapping[str, Any]) -> str | None:
        if facts[left] >= facts[right]:
            return None
        return (
            f"{left} = {facts[left]:g} < {right} = {facts[right]:g}, and the theorem assumes {left} >= {right}: drop these "
            f"cells or take {left} >= {facts[right]:g}"
        )

    return Assumption(f"{left} >= {right}", rf"${left} \ge {right}$", holds)


def multiple_of_workers() -> Assumption:
    """Assume that K is a multiple of M (whole rounds under a barrier)."""

    def holds(facts: Mapping[str, Any]) -> str | None:
        return None if facts["K"] % facts["M"] == 0 else f"K = {facts['K']} is no multiple of M = {facts['M']}"

    return Assumption("M divides K", r"$K = M R$", holds)


def policy_up_to(largest: str) -> Assumption:
    """Assume that delays depend on samples no more than ``largest`` of POLICIES allows."""

    def holds(facts: Mapping[str, Any]) -> str | None:
        found = facts["policy"]
        if POLICIES.index(found) <= POLICIES.index(largest):
            return None
        return f"the delays are {found}, and the theorem covers delays up to '{largest}'"

    return Assumption(f"delays: {largest}", f"delays are at most {largest}", holds)


@dataclass(frozen=True)
class Inequality:
    """``E[lhs] <= rhs``: the left side is measured on runs, the right side is a formula of constants.

    ``second_moment``, where one is proven, bounds ``E[lhs^2]`` on one schedule under the claim's assumptions and
    additive noise. It may use, beside the constants of the cell and of the schedule, the symbol ``noise_spread``: the
    variance of ``||noise||^2`` in units of sigma^4. HOLDS HERE takes its second moment from here (``checks.kappa``).
    """

    lhs: Formula
    rhs: Formula
    second_moment: Formula | None = None

    def faults(self, where: str) -> list[str]:
        """Return a sentence for every term of either side whose dimension differs from the left side's first term.

        The second moment must have the square of that dimension.
        """
        first = next(iter(self.lhs.terms.values()))
        unit = _unit_of_product(first)
        if unit is None:
            return [f"{where}: the left side {first} is not a product of powers of symbols with units"]
        faults = self.lhs.dimension_faults(unit) + self.rhs.dimension_faults(unit)
        if self.second_moment is not None:
            faults += self.second_moment.dimension_faults((2 * unit[0], 2 * unit[1]))
        return [f"{where}: {fault}" for fault in faults]

    def latex(self) -> str:
        """Return the inequality in LaTeX."""
        return rf"\mathbb{{E}}\left[{self.lhs.latex()}\right] \le {self.rhs.latex()}"


@dataclass(frozen=True)
class Statement:
    """What a claim says under one output rule: the bound, its schedule-conditional form, its master inequality.

    The bound is the final form (constants of the class only); ``conditional`` uses the numbers of the schedule
    (W, Q, tau_max); ``master`` is the inequality before the last roundings, tight on exact runs: a small planted
    factor shows there and not in the bound.
    """

    bound: Inequality
    conditional: Inequality | None = None
    master: Inequality | None = None

    def inequalities(self) -> dict[str, Inequality]:
        """Return the inequalities that exist, by name: bound, conditional, master."""
        named = {"bound": self.bound, "conditional": self.conditional, "master": self.master}
        return {name: i for name, i in named.items() if i is not None}


@dataclass(frozen=True)
class Claim:
    """A theorem: under these assumptions, this method with this stepsize makes this quantity at most this bound.

    ``outputs`` maps output rules (R1, R0, RL) to statements, the default first. ``stepsize`` is a Stepsize or the
    name of one; ``method`` and ``scheduler`` are names. ``policy`` is the largest delay policy covered.
    A lemma has no outputs: only ``identities`` (equations between vectors) or ``counting`` (facts about schedules).
    ``trivial`` is a bound that holds without the theorem: where the theorem's is above it, the cell is VACUOUS.
    ``expect`` is "holds" or "refuted" (misprints, planted faults); ``kind`` "upper" or "lower".
    """

    title: str
    source: str
    statement: str
    assumptions: tuple[Assumption, ...]
    outputs: Mapping[str, Statement]
    stepsize: Stepsize | str
    method: str = "async_sgd"
    scheduler: str = "async"
    policy: str = "independent"
    trivial: Formula | None = None
    identities: tuple[Identity, ...] = ()
    counting: tuple[Counting, ...] = ()
    expect: str = "holds"
    kind: str = "upper"
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.expect not in ("holds", "refuted"):
            raise PartError(f"claim {self.title!r}: expect is 'holds' or 'refuted', not {self.expect!r}.")
        if self.kind not in ("upper", "lower"):
            raise PartError(f"claim {self.title!r}: kind is 'upper' or 'lower', not {self.kind!r}.")
        if self.policy not in POLICIES:
            raise PartError(f"claim {self.title!r}: policy is one of {', '.join(POLICIES)}, not {self.policy!r}.")
        if not set(self.outputs) <= {"R0", "R1", "RL"}:
            raise PartError(f"claim {self.title!r}: outputs maps R0, R1 or RL to a Statement.")
        if not (self.outputs or self.identities or self.counting):
            raise PartError(f"claim {self.title!r} says nothing: it needs outputs, identities or counting.")

    @property
    def output(self) -> str:
        """The default output rule: the first one ('' for a lemma without bounds)."""
        return next(iter(self.outputs), "")

    def conditions(self) -> tuple[Assumption, ...]:
        """Return all assumptions, the delay policy included."""
        return (*self.assumptions, policy_up_to(self.policy))

    def failing(self, facts: Mapping[str, Any]) -> list[str]:
        """Return the first assumption that fails, as a sentence; empty when the claim applies.

        Assumptions are looked at in order, so that a later one may rely on an earlier one (a finite constant, say).
        """
        faults = (a.holds(facts) for a in self.conditions())
        first = next((fault for fault in faults if fault is not None), None)
        return [] if first is None else [first]

    def dimension_faults(self) -> list[str]:
        """Return a sentence for every term of the stepsize or an inequality that has the wrong dimension."""
        faults = [] if isinstance(self.stepsize, str) else self.stepsize.dimension_faults()
        for rule, statement in self.outputs.items():
            for name, inequality in statement.inequalities().items():
                faults += inequality.faults(f"{name} under {rule}")
            if self.trivial is not None:
                faults += Inequality(statement.bound.lhs, self.trivial).faults(f"trivial bound under {rule}")
        return faults

    def require_dimensions(self) -> None:
        """Raise FormulaError naming the first term with a wrong dimension."""
        faults = self.dimension_faults()
        if faults:
            raise FormulaError(f"claim {self.title!r}: {faults[0]}. Look for sigma for sigma^2, L^2 for L, B for B^2.")


def _unit_of_product(expr: sp.Expr) -> symbols.Unit | None:
    f = x = sp.Integer(0)
    for base, power in expr.as_powers_dict().items():
        if base.is_Symbol:
            unit = symbols.unit_of(base)
            if unit is None:
                return None
            f, x = f + unit[0] * power, x + unit[1] * power
        elif not base.is_number:
            return None
    return (int(f), int(x)) if f.is_Integer and x.is_Integer else None
