"""Claim: a theorem with its constants, typed once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from ratecheck.core import symbols
from ratecheck.core.assumption import (
    POLICIES,
    Assumption,
    above_zero,
    additive_noise,
    at_least,
    at_most,
    below,
    fraction,
    has,
    homogeneous,
    multiple_of_workers,
    of_class,
    policy_up_to,
    scheduled,
)
from ratecheck.core.cell import Cell
from ratecheck.core.formula import Formula
from ratecheck.core.identity import Counting, Identity
from ratecheck.core.stability import Stability
from ratecheck.core.stepsize import Stepsize
from ratecheck.errors import FormulaError, PartError

#: a theorem's file finds here what it needs
__all__ = [
    "POLICIES", "Assumption", "Claim", "Inequality", "Statement", "above_zero", "additive_noise", "at_least", "at_most",
    "below", "fraction", "has", "multiple_of_workers", "of_class",
]  # fmt: skip


@dataclass(frozen=True)
class Inequality:
    """``E[lhs] <= rhs``: the left side is measured on runs, the right side is a formula of constants.

    ``second_moment``, where one is proven, bounds ``E[lhs^2]`` on one schedule under the claim's assumptions and
    additive noise. It may use, beside the constants of the cell and of the schedule, the symbol ``noise_spread``: the
    variance of ``||noise||^2`` in units of sigma^4. HOLDS HERE takes its second moment from here (``checks.kappa``).
    ``policy``, where it is given, is the largest delay policy that this inequality covers, where the claim's is larger.
    """

    lhs: Formula
    rhs: Formula
    second_moment: Formula | None = None
    policy: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.policy not in ("", *POLICIES):
            raise PartError(f"the policy of an Inequality is one of {', '.join(POLICIES)}, not {self.policy!r}.")
        if not (isinstance(self.lhs, Formula) and isinstance(self.rhs, Formula)):
            raise PartError("both sides of an Inequality are Formulas, such as Formula(noise=2 * sigma * B / sqrt(K)).")
        for name, term in self.lhs.terms.items():
            if any(part.as_coeff_Mul()[0] < 0 for part in sp.Add.make_args(sp.expand(term))):
                raise PartError(
                    f"term {name!r} of a left side, {term}, subtracts: e-values need a left side that is never "
                    "negative; move what is subtracted to the right side."
                )

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

    def latex(self, relation: str = r"\le") -> str:
        """Return the inequality in LaTeX; ``relation`` is that of the claim's kind."""
        covers = rf"\qquad\text{{({self.policy} delays)}}" if self.policy else ""
        return rf"\mathbb{{E}}\left[{self.lhs.latex()}\right] {relation} {self.rhs.latex()}{covers}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"


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

    ``outputs`` maps output rules (R1, R0, RL, uniform, last) to statements, the default first. ``growth``, where
    weights grow along the run, is a formula in ``weight``: under every rule the weight of x_k is then multiplied by the
    product of growth over x_0..x_k, over that product for K (a common factor, which no output sees). ``stepsize`` is a
    Stepsize or the name of one; ``method`` and ``scheduler`` are names. ``policy`` is the largest delay policy covered.
    A lemma has no outputs: only ``identities`` (equations between vectors), ``counting`` (facts about schedules) or
    ``stability`` (the largest stable stepsizes). It
    may fix numbers of its method, ``fixed = {"beta": 0}``, and the (M, K) of which all arrival orders are looked at,
    ``cases``, which are else the scenario's.
    ``trivial`` is a bound that holds without the theorem: where the theorem's is above it, the cell is VACUOUS.
    ``expect`` is "holds" or "refuted" (misprints, planted faults); ``kind`` "upper" or "lower". ``cells`` are looked at
    beside those of any scenario: a false claim brings its counterexamples.
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
    growth: Formula | None = None
    trivial: Formula | None = None
    identities: tuple[Identity, ...] = ()
    counting: tuple[Counting, ...] = ()
    stability: tuple[Stability, ...] = ()
    expect: str = "holds"
    cells: tuple[Cell, ...] = ()
    kind: str = "upper"
    notes: tuple[str, ...] = field(default=())
    fixed: Mapping[str, Any] = field(default_factory=dict, hash=False)
    cases: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        if self.expect not in ("holds", "refuted"):
            raise PartError(f"claim {self.title!r}: expect is 'holds' or 'refuted', not {self.expect!r}.")
        if self.kind not in ("upper", "lower"):
            raise PartError(f"claim {self.title!r}: kind is 'upper' or 'lower', not {self.kind!r}.")
        if self.policy not in POLICIES:
            raise PartError(f"claim {self.title!r}: policy is one of {', '.join(POLICIES)}, not {self.policy!r}.")
        if not set(self.outputs) <= {"R0", "R1", "RL", "uniform", "last"}:
            raise PartError(f"claim {self.title!r}: outputs maps R0, R1, RL, uniform or last to a Statement.")
        if self.fixed and self.outputs:
            raise PartError(f"claim {self.title!r}: a claim with outputs fixes no numbers; assume them of the cell.")
        sides = [i.lhs for s in self.outputs.values() for i in s.inequalities().values()]
        if self.growth is not None and any("mean_gradient_sq" in lhs.names for lhs in sides):
            raise PartError(f"claim {self.title!r}: mean_gradient_sq is measured with weights that do not grow.")
        if not (self.outputs or self.identities or self.counting or self.stability):
            raise PartError(f"claim {self.title!r} says nothing: it needs outputs, identities, counting or stability.")

    def __repr__(self) -> str:
        return f"Claim({self.title!r})"

    def _repr_markdown_(self) -> str:
        bounds = [rf"$$\text{{{rule}: }}{s.bound.latex(self.relation)}$$" for rule, s in self.outputs.items()]
        facts = [f"$${i.statement}$$" for i in self.identities] + [f"$${c.statement}$$" for c in self.counting]
        facts += [f"$${s.statement}$$" for s in self.stability]
        return "\n\n".join([f"**{self.title}** ({self.source})", self.statement, *(bounds or facts)])

    @property
    def relation(self) -> str:
        """The LaTeX of the claim's relation: at most, or at least."""
        return r"\le" if self.kind == "upper" else r"\ge"

    @property
    def output(self) -> str:
        """The default output rule: the first one ('' for a lemma without bounds)."""
        return next(iter(self.outputs), "")

    def conditions(self) -> tuple[Assumption, ...]:
        """Return all assumptions, the delay policy included."""
        return (*self.assumptions, policy_up_to(self.policy))

    def implied(self) -> tuple[Assumption, ...]:
        """Return what goes without saying: the claim's scheduler; one objective, unless ``has("zeta")`` is assumed."""
        alike = () if any(a.name == has("zeta").name for a in self.assumptions) else (homogeneous(),)
        return (scheduled(self.scheduler), *alike)

    def failing(self, facts: Mapping[str, Any]) -> list[str]:
        """Return the first assumption that fails, as a sentence; empty when the claim applies.

        Assumptions are looked at in order, so that a later one may rely on an earlier one (a finite constant, say).
        """
        return _first(facts, (*self.implied(), *self.conditions()))

    def fixed_by(self, facts: Mapping[str, Any]) -> list[str]:
        """Return likewise what fails and cannot be waived: a lower bound is about problems of its own classes alone."""
        own = [a for a in self.assumptions if self.kind == "lower" and a.statement == of_class(a.name).statement]
        return [f"{fault}: a lower bound is about its own instance, forced or not" for fault in _first(facts, own)]

    def dimension_faults(self) -> list[str]:
        """Return a sentence for every term of the stepsize or an inequality that has the wrong dimension."""
        faults = [] if isinstance(self.stepsize, str) else self.stepsize.dimension_faults()
        faults += self.growth.dimension_faults((0, 0)) if self.growth is not None else []
        for rule, statement in self.outputs.items():
            for name, inequality in statement.inequalities().items():
                faults += inequality.faults(f"{name} under {rule}")
            if self.trivial is not None:
                faults += Inequality(statement.bound.lhs, self.trivial).faults(f"trivial bound under {rule}")
        return faults

    def require_dimensions(self) -> None:
        """Raise FormulaError naming the first term with a wrong dimension; of a false claim it may be the fault."""
        faults = self.dimension_faults()
        if faults and self.expect != "refuted":
            raise FormulaError(f"claim {self.title!r}: {faults[0]}. Look for sigma for sigma^2, L^2 for L, B for B^2.")


def _first(facts: Mapping[str, Any], assumptions: Iterable[Assumption]) -> list[str]:
    faults = (a.holds(facts) for a in assumptions)
    first = next((fault for fault in faults if fault is not None), None)
    return [] if first is None else [first]


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
