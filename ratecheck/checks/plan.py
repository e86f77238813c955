"""What a grid can show, before any run: which cells speak, the active branch of the stepsize, widths of the slopes.

All from the formulas of the claim and the constants that the parts declare. A schedule is made only for a cell whose
bound, or whose problem, needs its numbers; nothing is simulated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ratecheck.checks import rates
from ratecheck.checks.question import under
from ratecheck.core import shelf
from ratecheck.core.cell import Cell
from ratecheck.core.claim import Claim
from ratecheck.core.formula import Formula
from ratecheck.core.scenario import Scenario
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import OF_SCHEDULE
from ratecheck.engine.build import DERIVED, build
from ratecheck.errors import AssumptionError, CapabilityError, FormulaError

#: coefficient of variation of the error between runs (standard deviation over mean), where the user names none
CV = 0.5
#: part of the margin that a planned half width may take: the estimate wanders by about a half width too, so a slope
#: planned at the whole margin would MATCH by luck only (the tests measure the chance at this part: above 95 %)
ROOM = 0.5
#: first and largest number of runs a cell that a plan considers; each look doubles them
FIRST, MOST = 8, 2**17
#: largest K that a crossover is looked for at
FAR = 2**62


@dataclass(frozen=True, eq=False)
class Formulas:
    """A claim's formulas at one point: ``facts`` are the constants there, M and K among them."""

    rule: Stepsize
    bound: Formula
    trivial: Formula | None
    facts: Mapping[str, Any]

    def at(self, **changed: Any) -> Formulas:
        """Return the formulas at other values of some constants."""
        return replace(self, facts={**self.facts, **changed})

    @property
    def branch(self) -> str:
        """The branch of the stepsize that is active without delay (tau = 1)."""
        return self.rule.active(1, self.facts)

    @property
    def terms(self) -> dict[str, float]:
        """The named terms of the bound."""
        return self.bound.term_values(self.facts)

    @property
    def largest(self) -> str:
        """The largest term of the bound."""
        terms = self.terms
        return max(terms, key=lambda name: terms[name])

    @property
    def share(self) -> float:
        """The part of the bound that its largest term is."""
        terms = self.terms
        total = sum(terms.values())
        return max(terms.values()) / total if total > 0 else 1.0

    @property
    def vacuous(self) -> bool:
        """True where the bound is not below what holds without the theorem."""
        return self.trivial is not None and self.bound.value(self.facts) >= self.trivial.value(self.facts)


@dataclass(frozen=True, eq=False)
class Place:
    """One cell of a plan: its formulas, or the reason why the claim does not apply; and the dimension of its model."""

    cell: Cell
    formulas: Formulas | None
    reason: str = ""

    @property
    def noisy(self) -> bool:
        """True when runs differ (row sampling, or a noise level above 0)."""
        return self.formulas is not None and bool(self.formulas.facts["sigma"])


@dataclass
class Question:
    """What is planned: a claim on a scenario."""

    name: str
    claim: Claim
    scenario: Scenario
    folder: Path | None
    seed: int
    replicates: int
    cv: float = CV
    margin: float = field(init=False)

    def __post_init__(self) -> None:
        self.margin = self.scenario.monte_carlo.margin


class _Enough(AssumptionError):
    """Ends a build once the constants are known, before a schedule is made."""


def places(question: Question, cells: Sequence[Cell] | None = None) -> list[Place]:
    """Return what the formulas say of every cell, each once. Raises a RatecheckError for a part that is broken."""
    listed = question.scenario.cells(question.folder) if cells is None else cells
    as_run = {c.digest: c for c in (under(c, question.claim, None, None) for c in listed)}
    return [place(question, cell) for cell in as_run.values()]


def place(question: Question, cell: Cell) -> Place:
    """Return the formulas at one cell, or why the claim does not apply there (by what the parts declare)."""
    claim = question.claim
    statement = claim.outputs.get(cell.output)
    if statement is None:
        return Place(cell, None, f"the claim says nothing about output rule {cell.output}")
    bound = statement.bound.rhs
    needed = set(bound.names) | set(claim.trivial.names if claim.trivial else ())
    whole = bool(needed & set(OF_SCHEDULE)) or any(isinstance(v, str) and v in DERIVED
                                                   for v in cell.problem.par.values())  # fmt: skip
    try:
        facts = _facts(question, cell, whole)
        named = cell.stepsize or claim.stepsize
        rule = shelf.STEPSIZES.get(named, question.folder) if isinstance(named, str) else named
        found = Formulas(rule, bound, claim.trivial if claim.kind == "upper" else None, facts)
        _ = found.branch, found.terms, found.vacuous  # a constant that a formula needs may be missing
    except (AssumptionError, CapabilityError, FormulaError) as fault:
        return Place(cell, None, str(fault))
    return Place(cell, found)


def _facts(question: Question, cell: Cell, whole: bool) -> dict[str, Any]:
    """Return the facts of a cell; those of its schedule too when ``whole``. Raises AssumptionError where one fails."""
    claim = question.claim
    kept: dict[str, Any] = {}

    def look(facts: Mapping[str, Any]) -> list[str]:
        kept.update(facts)
        failing = claim.failing(facts)
        if not failing and not whole:
            raise _Enough
        return failing

    try:
        built = build(cell, question.seed, method=claim.method, scheduler=claim.scheduler, stepsize=claim.stepsize,
                      growth=claim.growth, folder=question.folder, failing=look)  # fmt: skip
    except _Enough:
        return kept
    failing = claim.failing(built.facts)
    if failing:
        raise AssumptionError(failing[0])
    return built.facts


def changes(value: Callable[[int], Any], first: int, last: int = FAR) -> list[tuple[int, Any]]:
    """Return where ``value`` of a whole number changes: (number from which, new value), in order.

    Looked at for ``first``, 2 first, 4 first, ... and then halved; two changes within one doubling are seen as one.
    """
    found = []
    low, here = first, value(first)
    while low < last:
        high = 2 * low
        there = value(high)
        if there != here:
            left, right = low, high
            while right - left > 1:
                middle = (left + right) // 2
                left, right = (left, middle) if value(middle) != here else (middle, right)
            found.append((right, value(right)))
        low, here = high, there
    return found


def crossovers(formulas: Formulas) -> dict[str, list[tuple[int, str]]]:
    """Return K* at this M and sigma: from which K another ``branch`` is active, and another ``term`` is the largest.

    The first is where the stepsize switches, the second where terms of the bound are equal. Bounds with numbers of a
    schedule are not followed to other K: their list is empty.
    """
    first = int(formulas.facts["M"])
    terms: list[tuple[int, str]] = []
    if not set(formulas.bound.names) & set(OF_SCHEDULE):
        terms = changes(lambda k: formulas.at(K=k).largest, first)
    return {"branch": changes(lambda k: formulas.at(K=k).branch, first), "term": terms}


def smallest_steps(formulas: Formulas) -> int | None:
    """Return the smallest K >= M at which the bound is not vacuous, None when there is none (or a schedule decides)."""
    trivial = formulas.trivial.names if formulas.trivial else ()
    if {*formulas.bound.names, *trivial} & set(OF_SCHEDULE):
        return None
    first = int(formulas.facts["M"])
    if not formulas.at(K=first).vacuous:
        return first
    return next((k for k, vacuous in changes(lambda k: formulas.at(K=k).vacuous, first) if not vacuous), None)


def row(found: Place, replicates: int, cv: float) -> dict[str, Any]:
    """Return the table row that a cell would have if its slack were level: ratio 1, with the planned error."""
    cell, formulas = found.cell, found.formulas
    assert formulas is not None
    runs = replicates if found.noisy else 1
    error = cv / math.sqrt(runs) if found.noisy else 0.0
    bound = {"lhs": 1.0, "se": error, "rhs": 1.0, "ratio": 1.0, "n": runs}
    return {
        "digest": cell.digest, "label": cell.label, "M": cell.M, "K": cell.K, "sigma": formulas.facts["sigma"],
        "problem": cell.problem.label, "noise": cell.noise.label, "delays": cell.delays.label, "output": cell.output,
        "verdict": "NOT REFUTED", "reason": "", "branch": formulas.branch, "n": runs, "tau_max": cell.M,
        "terms": formulas.terms, "inequalities": {"bound": bound},
    }  # fmt: skip


def slopes(usable: Sequence[Place], question: Question) -> list[dict[str, Any]]:
    """Return the predicted half width of every slope that the rate check will estimate, and the runs it takes.

    It is the rate check itself, asked about cells that are exactly level and err by cv/sqrt(runs). ``seeds`` is the
    number of runs a cell (8, 16, 32, ...) at which the half width is ROOM of the margin, None when no number is.
    ``within`` says that it is below the margin at the planned runs. A slack that is not level adds its lack of fit.
    """
    rows = [row(p, question.replicates, question.cv) for p in usable]
    found = _halves(rows, question.margin)
    listed = [{**one, "within": one["half"] <= question.margin, "seeds": None} for one in found.values()]
    runs = FIRST
    while runs <= MOST and any(one["seeds"] is None for one in listed):
        now = _halves([_with_runs(r, runs, question.cv) for r in rows], question.margin)
        for one, key in zip(listed, found, strict=True):
            if one["seeds"] is None and key in now and now[key]["half"] <= ROOM * question.margin:
                one["seeds"] = runs
        runs *= 2
    return listed


def _with_runs(one: Mapping[str, Any], runs: int, cv: float) -> dict[str, Any]:
    """Return a planned row with another number of runs; one without sampling error stays as it is."""
    bound = one["inequalities"]["bound"]
    if bound["se"] == 0:
        return dict(one)
    return {**one, "n": runs, "inequalities": {"bound": {**bound, "se": cv / math.sqrt(runs), "n": runs}}}


def _halves(rows: Sequence[Mapping[str, Any]], margin: float) -> dict[tuple[str, str, str], dict[str, Any]]:
    judged = rates.judge(rows, margin)
    return {
        (s["variable"], s["regime"], s["problem"]): {
            "variable": s["variable"], "branch": s["regime"], "problem": s["problem"],
            "half": (s["high"] - s["low"]) / 2, "cells": s["cells"],
        }
        for s in judged["slopes"]
    }  # fmt: skip


def branches_to_see(rule: Stepsize) -> list[str]:
    """Return the branches of a stepsize that M, K and sigma switch on: those without tau (all, if all have it)."""
    return [n for n, f in rule.branches.items() if "tau" not in f.names] or list(rule.branches)


def work(found: Sequence[Place], replicates: int) -> dict[str, int]:
    """Return what the runs would cost: runs, runs x steps, runs x steps x dimension."""
    counted = [(replicates if p.noisy else 1, p.cell.K, int(p.formulas.facts["d"])) for p in found if p.formulas]
    return {
        "runs": sum(n for n, _, _ in counted),
        "steps": sum(n * steps for n, steps, _ in counted),
        "coordinates": sum(n * steps * dimension for n, steps, dimension in counted),
    }
