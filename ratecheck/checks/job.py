"""The main job: which claims, which evidence, in which order; results as plain data with an exit code."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ratecheck.checks import attack, dimensions, every_order, exact, monte_carlo, symbolic
from ratecheck.checks.measure import Store
from ratecheck.checks.question import Asked
from ratecheck.checks.stability import ranges
from ratecheck.checks.stepsizes import compare
from ratecheck.core import shelf, symbols
from ratecheck.core.claim import Claim
from ratecheck.core.scenario import Grid, Scenario
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.verdict import Result, Verdict
from ratecheck.errors import CapabilityError, FormulaError

EVIDENCE = ("symbolic", "exact", "monte-carlo", "attack")
#: the kinds that a check has when none are asked for
DEFAULT = EVIDENCE[:3]
#: kinds of evidence the design has and this version has not
LATER = ("worst-case",)
#: evaluations of an attack on each claim: half a minute for most
ATTACK = 2000

#: what a stepsize may be made of, besides constants of the scenario
STEPSIZE_LETTERS = ("k", "tau", "K", "M", "L", "mu", "G", "sigma", "B", "Delta", "zeta", "stepsize")


@dataclass
class Job:
    """What was asked. ``claims`` maps names (or files) to claims; the scenario gives cells and settings."""

    claims: Mapping[str, Claim]
    scenario: Scenario
    name: str
    seed: int
    evidence: Sequence[str] = DEFAULT
    threads: int = 1
    method: str | None = None
    stepsize: str | None = None
    force: bool = False
    strict: bool = False
    folder: Path | None = None
    progress: Callable[[str, str, int, int], None] = lambda claim, text, done, total: None
    done: Callable[[Result], None] = lambda result: None
    store: Store = field(default_factory=Store)


def evidence_of(text: str | None) -> tuple[str, ...]:
    """Read ``--evidence a,b``. Raises CapabilityError with what there is for a kind this version has not."""
    if text is None:
        return DEFAULT
    kinds = tuple(k.strip() for k in text.split(",") if k.strip())
    for kind in kinds:
        if kind not in EVIDENCE:
            word = "is not in this version" if kind in LATER else "is not a kind of evidence"
            raise CapabilityError(f"evidence {kind!r} {word}; there is: {', '.join(EVIDENCE)}.")
    if not kinds:
        raise CapabilityError(f"no evidence asked for; there is: {', '.join(EVIDENCE)}.")
    return kinds


def run(job: Job) -> list[Result]:
    """Return the results; after a KeyboardInterrupt, or when ``store.stop`` is set, what is left is INCONCLUSIVE."""
    for claim in job.claims.values():
        claim.require_dimensions()
    if job.stepsize:
        _require_known(job.stepsize, shelf.STEPSIZES.get(job.stepsize), job.scenario)
    results: list[Result] = []

    def keep(result: Result | None) -> None:
        if result is not None:
            results.append(result)
            job.done(result)

    cells = job.scenario.cells(job.folder)
    measured = sum(1 for claim in job.claims.values() if claim.outputs)
    asked = {
        name: Asked(
            name, claim, [*claim.cells, *cells], job.name, job.seed, job.scenario.monte_carlo, max(1, measured),
            job.threads, job.method, job.stepsize, job.force, job.strict, job.folder, partial(job.progress, name),
        )
        for name, claim in job.claims.items()
    }  # fmt: skip
    declared = ((n, v) for grid in job.scenario.grid for n, v in grid.constants.items())
    by_hand = {n: v[-1] if isinstance(v, list) else v for n, v in declared}  # of several the last
    # a derivation is about the claim as it is typed, not about a method or a stepsize put in its place
    for name, claim in job.claims.items():
        if "symbolic" in job.evidence and not (job.method or job.stepsize):
            alone = len(job.evidence) == 1
            keep(_unless_stopped(job, name, "symbolic", partial(symbolic.check, name, claim, job.name, say_none=alone)))
    for name, claim in job.claims.items():
        if "exact" in job.evidence:
            keep(dimensions.check(name, claim, job.name))
            keep(_unless_stopped(job, name, "exact", partial(_exact, job, name, claim, by_hand)))
        if "exact" in job.evidence and claim.stability:
            keep(_unless_stopped(job, name, "exact", partial(
                ranges.check, name, claim, job.name, method=job.method, say=partial(_say, job, name),
                stopped=job.store.stop.is_set,
            )))  # fmt: skip
        # whatever was asked: runs with a stepsize that is not the claim's say nothing about the claim
        if claim.outputs and job.stepsize:
            keep(_unless_stopped(job, name, "exact", partial(compare, asked[name])))
    for name, claim in job.claims.items():
        if "monte-carlo" in job.evidence and claim.outputs:
            keep(_unless_stopped(job, name, "monte-carlo", partial(monte_carlo.check, asked[name], job.store)))
    for name, claim in job.claims.items():
        if "attack" in job.evidence:
            budget = attack.Budget(ATTACK, stopped=job.store.stop.is_set)
            one = attack.Attack(name, claim, job.name, job.seed, budget, threads=job.threads, method=job.method,
                                stepsize=job.stepsize, say=partial(_say, job, name))  # fmt: skip
            keep(_unless_stopped(job, name, "attack", partial(attack.check, one)))
    return results


def _exact(job: Job, name: str, claim: Claim, by_hand: Mapping[str, Any]) -> Result | None:
    """Return the exact evidence: identities and counting facts; the bounds, unless for another stepsize."""
    words, stopped = partial(_say, job, name), job.store.stop.is_set
    settings = job.scenario.exact
    found = exact.check(name, claim, settings.cases, job.name, method=job.method, constants=by_hand, say=words,
                        stopped=stopped)  # fmt: skip
    if job.stepsize or job.force or (claim.cells and claim.expect == "refuted"):  # those say where the claim is false
        return found
    return every_order.check(name, claim, settings.bounds, found, job.name, method=job.method, folder=job.folder,
                             say=words, stopped=stopped)  # fmt: skip


def _unless_stopped(job: Job, name: str, evidence: str, check: Callable[[], Result | None]) -> Result | None:
    """Do one check; INCONCLUSIVE when the user stops it, or when the user or the budget has ended the job before.

    An attack that is stopped says itself what is known: a violation that it had found is kept.
    """
    if not job.store.stop.is_set():
        try:
            return check()
        except attack.Stopped as end:
            job.store.stop.set()
            return end.result
        except KeyboardInterrupt:
            job.store.stop.set()
    summary = "stopped before it was done"
    return Result(name, job.name, evidence, Verdict.INCONCLUSIVE, summary, job.claims[name].expect)


def _require_known(name: str, rule: Stepsize, scenario: Scenario) -> None:
    """Raise FormulaError when a stepsize uses a letter that is no symbol and no constant of the scenario."""
    by_hand = {n for grid in scenario.grid for n in grid.constants}
    for branch, formula in rule.branches.items():
        for letter in formula.names:
            if symbols.meaning_of(letter) == "" and letter not in by_hand:
                near = shelf.did_you_mean(letter, [*STEPSIZE_LETTERS, *sorted(by_hand)])
                raise FormulaError(f"stepsize {name!r}, branch {branch!r}: nobody defines {letter!r}{near}")


def _say(job: Job, name: str, text: str) -> None:
    job.progress(name, text, 0, 0)


def surprises(results: Sequence[Result]) -> list[Result]:
    """Return the results that contradict what their claim declares.

    A claim that is expected to be refuted needs one refutation: its other evidence (identities that hold) may stand.
    """
    refuted = {r.claim for r in results if r.verdict.negative}
    return [r for r in results if r.surprise and not (r.expected == "refuted" and r.claim in refuted)]


def unreached(results: Sequence[Result], level: Verdict, named: Collection[str] = ()) -> dict[str, str]:
    """Return the claims that do not reach the level, each with the reason.

    A claim reaches it by its derivation, or by all of its other evidence that is applicable. A claim that was ``named``
    must have some that is, its bounds included where they were to be measured.
    """
    found = {}
    for name in dict.fromkeys(r.claim for r in results):
        own = [r for r in results if r.claim == name]
        away = [r for r in own if r.verdict is Verdict.NOT_APPLICABLE]
        derived = [r for r in own if r.evidence == "symbolic" and r not in away]
        others = [r for r in own if r.evidence != "symbolic" and r not in away]
        weak = [r for r in others if r.verdict.strength < level.strength]
        silent = not others or any(r.evidence == "monte-carlo" for r in away)
        if derived and all(r.verdict.strength >= level.strength for r in derived):
            continue
        if weak or (silent and (name in named or (derived and not others))):
            told = [*weak, *away, *derived][0]
            why = f" ({told.summary.rstrip('.')})" if told in away else ""
            found[name] = f"{told.evidence} {told.verdict}{why}"
    return found


def exit_code(results: Sequence[Result], *, require: Verdict | None = None, named: Collection[str] = (),
              strict_rate: bool = False) -> int:  # fmt: skip
    """Return the exit code, in the fixed order of precedence 2, 1, 5, 3, 4, 0.

    Where bounds were to be measured, whether anything was applicable and measured is asked of them: the identities
    of a theorem hold for all parameters and say nothing about whether its bound speaks here. ``named`` are the claims
    that the user named (``unreached``).
    """
    usable = [r for r in results if r.verdict is not Verdict.NOT_APPLICABLE]
    if not usable:
        return 2
    if surprises(usable):
        return 1
    bounds = [r for r in results if r.evidence == "monte-carlo"]
    if bounds and not any(r in usable for r in bounds):
        return 2
    if all(r.verdict in (Verdict.VACUOUS, Verdict.INCONCLUSIVE) for r in usable if not bounds or r in bounds):
        return 5
    if require and unreached([r for r in results if r.expected == "holds"], require, named):
        return 3
    if strict_rate and any(r.details.get("rate", {}).get("verdict") == "SLOWER" for r in usable):
        return 4
    return 0


def document(results: Sequence[Result], seed: int, code: int) -> dict[str, Any]:
    """Return the fixed JSON document."""
    return {"version": 1, "seed": seed, "results": [r.as_json() for r in results], "exit_code": code}


def with_trace(scenario: Scenario, path: Path) -> Scenario:
    """Return the scenario with every delay model replaced by one recorded trace (its M, and prefixes as K)."""
    part: dict[str, Any] = {"name": "trace", "file": str(path.resolve())}
    grids = [_on_trace(g, part) for g in scenario.grid]
    return scenario.model_copy(update={"grid": grids})


def _on_trace(grid: Grid, part: dict[str, Any]) -> Grid:
    return grid.model_copy(update={"delays": part, "M": None, "K": None, "K_over_M": None})


def claims_of(names: Sequence[str]) -> dict[str, Claim]:
    """Return the claims of these names or files; all of the shelf when empty."""
    return {name: shelf.claim(name) for name in (names or shelf.CLAIMS.names())}


__all__ = ["DEFAULT", "EVIDENCE", "Job", "claims_of", "document", "evidence_of", "exit_code", "run", "with_trace"]
