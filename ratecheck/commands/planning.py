"""``ratecheck plan``: what a grid can show, in sentences or as data, and a grid that shows more, as a scenario."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ratecheck.checks import plan
from ratecheck.checks.design import Design, design
from ratecheck.checks.plan import Place, Question
from ratecheck.commands.plan_file import save, toml, writable
from ratecheck.commands.plan_words import words
from ratecheck.core import scenario as scenarios
from ratecheck.core import shelf
from ratecheck.errors import CapabilityError, ScenarioError

#: largest coefficient of variation that is planned for: no number of runs tames a larger one
WIDEST = 1e3


@dataclass(frozen=True)
class Planned:
    """A plan as data and as text; ``complaint`` says why nothing applies ('' when something does)."""

    document: dict[str, Any]
    text: str
    complaint: str


def perform(name: str, profile: str, replicates: int | None, cv: float, seed: int | None,
            write: Path | None = None) -> Planned:  # fmt: skip
    """Plan a claim on a scenario; ``write`` is the file that takes the designed scenario.

    Raises ScenarioError or CapabilityError, in a sentence, for bad options and for a claim without bounds.
    """
    question = _question(name, profile, replicates, cv, seed)
    if write is not None:
        writable(write)
    found = plan.places(question)
    usable = [p for p in found if p.formulas]
    speaking = [p for p in usable if p.formulas and not p.formulas.vacuous]
    made, why = _designed(question, found)
    text = None if made is None else toml(question, shown(name), made, write.parent if write else Path())
    if write is not None:
        if text is None:
            raise CapabilityError(f"no grid to write to {write}: {why}")
        save(text, write)
    slopes = plan.slopes(speaking, question)
    document = {
        "version": 1, "claim": shown(name), "scenario": Path(profile).stem, "seed": question.seed,
        "replicates": question.replicates, "cv": cv, "margin": question.margin,
        "cells": {"all": len(found), "apply": len(usable), "vacuous": len(usable) - len(speaking)},
        "reasons": dict(Counter(p.reason for p in found if p.reason)),
        "vacuous": _vacuous(usable), "branches": _branches(usable, speaking), "crossovers": _crossovers(usable),
        "slopes": slopes, "work": plan.work(usable, question.replicates),
        "design": _design_data(made, text) if made else None, "no_design": why,
    }  # fmt: skip
    reason = next((p.reason for p in found), "the scenario has no cells")
    complaint = "" if usable else f"nothing that was asked for is applicable ({shown(name)}: {reason})."
    return Planned(document, words(document), complaint)


def shown(name: str) -> str:
    """Return a claim's name without folders."""
    return Path(name).name if name.endswith(".py") else name


def _question(name: str, profile: str, replicates: int | None, cv: float, seed: int | None) -> Question:
    claim = shelf.claim(name)
    claim.require_dimensions()
    if not claim.outputs:
        raise CapabilityError(f"claim {shown(name)!r} is a lemma without bounds: it has no rate to plan a grid for.")
    if not 0 < cv <= WIDEST:
        raise ScenarioError(
            f"--cv takes a number above 0, at most {WIDEST:g} (standard deviation over mean of an error), not {cv:g}."
        )
    scenario, folder = scenarios.find(profile)
    runs = scenario.monte_carlo.replicates if replicates is None else replicates
    if not 2 <= runs <= plan.MOST:
        raise ScenarioError(f"{runs} runs a cell cannot be planned: one gives no variance, {plan.MOST} are the most.")
    return Question(name, claim, scenario, folder, scenario.seed if seed is None else seed, runs, cv)


def _designed(question: Question, found: Sequence[Place]) -> tuple[Design | None, str]:
    try:
        return design(question, found), ""
    except CapabilityError as fault:
        return None, str(fault)


# facts as data


def _vacuous(usable: Sequence[Place]) -> list[dict[str, Any]]:
    """Return the vacuous cells by M and sigma, with the smallest K at which the bound says something."""
    found: dict[tuple[int, float], dict[str, Any]] = {}
    for p in usable:
        if p.formulas and p.formulas.vacuous:
            key = (p.cell.M, p.formulas.facts["sigma"])
            one = found.setdefault(key, {"M": key[0], "sigma": key[1], "cells": 0, "K": 0})
            least = plan.smallest_steps(p.formulas)
            one["cells"] += 1
            one["K"] = None if least is None or one["K"] is None else max(one["K"], least)
    return [found[key] for key in sorted(found, key=lambda k: (k[0], k[1] or 0))]


def _branches(usable: Sequence[Place], speaking: Sequence[Place]) -> list[dict[str, Any]]:
    """Return how many cells each branch of the stepsize is active in, of all and of those with a bound that speaks."""
    names = dict.fromkeys(n for p in usable if p.formulas for n in plan.branches_to_see(p.formulas.rule))
    every, heard = (Counter(p.formulas.branch for p in some if p.formulas) for some in (usable, speaking))
    return [{"branch": n, "cells": every[n], "speaking": heard[n]} for n in dict.fromkeys([*names, *every])]


def _crossovers(usable: Sequence[Place]) -> list[dict[str, Any]]:
    """Return K* of every (M, sigma) with noise, once for problems that agree."""
    found: dict[str, dict[str, Any]] = {}
    seen: set[tuple[Any, ...]] = set()
    for p in usable:
        key = (p.cell.problem.label, p.cell.M, p.cell.output, p.formulas and p.formulas.facts["sigma"])
        if p.noisy and p.formulas and key not in seen:
            seen.add(key)
            at = plan.crossovers(p.formulas)
            one = {"M": p.cell.M, "sigma": key[3], **{n: [{"K": k, "to": to} for k, to in at[n]] for n in at}}
            found.setdefault(json.dumps(one), {**one, "problems": []})["problems"].append(key[0])
    return sorted(found.values(), key=lambda one: (one["sigma"] or 0, one["M"]))


def _design_data(made: Design, text: str | None) -> dict[str, Any]:
    blocks = [{"branch": b.branch, "sigma": b.sigma, "M": list(b.M), "K": list(b.K)} for b in made.blocks]
    return {
        "problem": made.base.problem.label, "blocks": blocks, "replicates": made.replicates, "slopes": made.slopes,
        "within": made.within, "missing": list(made.missing), "work": made.work, "toml": text,
    }  # fmt: skip
