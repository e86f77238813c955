"""Assumption: what a claim assumes, as a predicate over what parts declare; and those that theorems share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from ratecheck.core import symbols
from ratecheck.core.formula import Formula

#: the chain of delay policies, smallest first (see the docs): what a worker's delay may depend on
POLICIES = ("independent", "mean-zero given the duration", "data-dependent", "clairvoyant")


@dataclass(frozen=True)
class Assumption:
    """A predicate over what parts declare. ``holds(facts)`` returns None, or what fails, with the number.

    ``facts`` has the constants of the cell (None where a part declares none) and the words ``classes`` (of the
    problem), ``policy`` (of the delays), ``scheduler``, ``M``, ``K``. ``says``, where a derivation may use it, is the
    assumption as an inequality between constants: left side, right side, and whether it is strict.
    """

    name: str
    statement: str
    holds: Callable[[Mapping[str, Any]], str | None]
    says: tuple[Any, Any, bool] | None = None


def is_standard(one: Assumption) -> bool:
    """True when it is what a factory of this module makes of its parts, and not another check of the same name."""
    made = [of_class(one.name)]
    if one.says is not None:
        left, right, strict = one.says
        made = [(below if strict else at_most)(str(left), right)]
    words = one.name.split()
    if len(words) > 1:
        made += [has(words[1])] if words[0] == "finite" else []
        made += [above_zero(words[0])] if words[1:] == [">", "0"] else []
        made += [fraction(words[2])] if len(words) == 5 and words[:2] == ["0", "<="] else []
    if len(words) in (3, 4) and words[1] == ">=":
        made += [at_least(words[0], words[-1], int(words[2]) if len(words) == 4 and words[2].isdigit() else 1)]
    made += [multiple_of_workers(), additive_noise()]
    return any(_same(one, other) for other in made)


def _same(one: Any, other: Any) -> bool:
    """True for the same value; for predicates: the same code about the same things."""
    if isinstance(one, Assumption) and isinstance(other, Assumption):
        return (one.name, one.statement, one.says) == (other.name, other.statement, other.says) and _same(
            one.holds, other.holds
        )
    if isinstance(one, FunctionType) and isinstance(other, FunctionType):
        about, other_about = ([c.cell_contents for c in f.__closure__ or ()] for f in (one, other))
        return one.__code__ is other.__code__ and len(about) == len(other_about) and all(map(_same, about, other_about))
    if isinstance(one, Formula) and isinstance(other, Formula):
        return bool(one.expr == other.expr)
    return type(one) is type(other) and bool(one == other)


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


def above_zero(name: str) -> Assumption:
    """Assume that the cell has a finite constant of this name, and that it is not zero: strong convexity, say."""
    known = has(name)

    def holds(facts: Mapping[str, Any]) -> str | None:
        return known.holds(facts) or (None if facts[name] > 0 else f"{name} = {facts[name]:g} is not above 0")

    return Assumption(f"{name} > 0", f"${symbols.LATEX.get(name, name)} > 0$", holds)


def fraction(name: str) -> Assumption:
    """Assume that the cell has a constant of this name, at least 0 and below 1: momentum, say."""
    known = has(name)

    def holds(facts: Mapping[str, Any]) -> str | None:
        return known.holds(facts) or (None if 0 <= facts[name] < 1 else f"{name} = {facts[name]:g} is not in [0, 1)")

    return Assumption(f"0 <= {name} < 1", rf"$0\le {symbols.LATEX.get(name, name)} < 1$", holds)


def at_most(name: str, bound: Any) -> Assumption:
    """Assume that a constant of the cell is at most a formula of others, such as a stepsize 1/(M L).

    Both are decimals that were rounded, and so is the formula: a relative excess of 2^-40 is none.
    """
    known, formula = has(name), Formula(bound)

    def holds(facts: Mapping[str, Any]) -> str | None:
        missing = known.holds(facts) or next((f for n in formula.names if (f := has(n).holds(facts))), None)
        if missing:
            return missing
        largest = formula.value(facts)
        if facts[name] <= largest * (1 + 2.0**-40):
            return None
        return f"{name} = {facts[name]:g} is above {formula.expr} = {largest:g}, and the theorem assumes at most that"

    letter = symbols.LATEX.get(name, name)
    says = (symbols.symbol_of(name), formula.expr, False)
    return Assumption(f"{name} <= {formula.expr}", rf"${letter} \le {formula.latex()}$", holds, says)


def below(name: str, bound: Any) -> Assumption:
    """Assume that a constant of the cell is less than a formula of others."""
    known, formula = has(name), Formula(bound)

    def holds(facts: Mapping[str, Any]) -> str | None:
        missing = known.holds(facts) or next((f for n in formula.names if (f := has(n).holds(facts))), None)
        if missing or facts[name] < (limit := formula.value(facts)):
            return missing
        return f"{name} = {facts[name]:g} is not below {formula.expr} = {limit:g}"

    letter = symbols.LATEX.get(name, name)
    says = (symbols.symbol_of(name), formula.expr, True)
    return Assumption(f"{name} < {formula.expr}", rf"${letter} < {formula.latex()}$", holds, says)


def at_least(left: str, right: str, factor: int = 1) -> Assumption:
    """Assume ``left >= factor right`` between two constants of the cell, such as K >= M or K >= 3 M."""
    words = f"{left} >= {right}" if factor == 1 else f"{left} >= {factor} {right}"
    times = "" if factor == 1 else str(factor)

    def holds(facts: Mapping[str, Any]) -> str | None:
        if facts[left] >= factor * facts[right]:
            return None
        return (
            f"{left} = {facts[left]:g} < {times}{right} = {factor * facts[right]:g}, and the theorem assumes {words}: "
            f"drop these cells or take {left} >= {factor * facts[right]:g}"
        )

    return Assumption(words, rf"${left} \ge {times}{right}$", holds)


def multiple_of_workers() -> Assumption:
    """Assume that K is a multiple of M (whole rounds under a barrier)."""

    def holds(facts: Mapping[str, Any]) -> str | None:
        return None if facts["K"] % facts["M"] == 0 else f"K = {facts['K']} is no multiple of M = {facts['M']}"

    return Assumption("M divides K", r"$K = M R$", holds)


def additive_noise() -> Assumption:
    """Assume that a sample adds the same noise at every point, or none: its gradients are grad F(x) + n."""

    def holds(facts: Mapping[str, Any]) -> str | None:
        if facts["additive"]:
            return None
        return f"noise {facts['noise']} samples rows, and the theorem is about one that is the same at every point"

    return Assumption("additive noise", "the noise of a sample is the same at every point", holds)


def policy_up_to(largest: str) -> Assumption:
    """Assume that delays depend on samples no more than ``largest`` of POLICIES allows."""

    def holds(facts: Mapping[str, Any]) -> str | None:
        found = facts["policy"]
        if POLICIES.index(found) <= POLICIES.index(largest):
            return None
        return f"the delays are {found}, and the theorem covers delays up to '{largest}'"

    return Assumption(f"delays: {largest}", f"delays are at most {largest}", holds)


def homogeneous() -> Assumption:
    """Assume that all workers have the same objective. Implied unless a claim assumes ``has("zeta")``."""

    def holds(facts: Mapping[str, Any]) -> str | None:
        zeta = facts.get("zeta", 0.0)
        if zeta == 0:
            return None
        apart = "by no known zeta" if zeta is None else f"zeta = {zeta:g}"
        return f"the workers' objectives differ ({apart}), and the theorem is about workers that share one"

    return Assumption("zeta = 0", "all workers have the same objective", holds)


def scheduled(name: str) -> Assumption:
    """Assume the claim's own scheduler: a theorem about one way to hand out work says nothing about another."""

    def holds(facts: Mapping[str, Any]) -> str | None:
        used = facts.get("scheduler", name)
        own = facts.get("own_scheduler", name)
        return None if used == own else f"work is handed out by scheduler {used!r}, and the theorem is about {own!r}"

    return Assumption(f"scheduler: {name}", f"work is handed out by scheduler {name}", holds)
