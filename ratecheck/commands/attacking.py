"""What ``ratecheck attack`` does: one attack, its result and its witness kept as a run, and what is printed."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ratecheck.checks.attack import Attack, Budget, Stopped, check
from ratecheck.checks.job import document, exit_code
from ratecheck.commands import session
from ratecheck.core import shelf
from ratecheck.core.assumption import POLICIES
from ratecheck.core.claim import Claim
from ratecheck.core.run import Run
from ratecheck.core.verdict import Result, Verdict
from ratecheck.core.witness import Witness
from ratecheck.errors import CapabilityError
from ratecheck.report import text

#: the budget where none is given
SECONDS = 60.0
#: what stands for the scenario of an attack
SCENARIO = "attack"
#: policies that have a shorter name, too
SHORT = {"mean-zero": "mean-zero given the duration"}


@dataclass(frozen=True)
class Found:
    """The document, its lines for a reader, and a sentence for stderr where nothing could be done."""

    document: dict[str, Any]
    lines: list[str]
    complaint: str = ""


def perform(name: str, seconds: float | None, evaluations: int | None, policy: str | None, workers: int | None,
            seed: int, threads: int, out: Path, argv: Sequence[str], *, quiet: bool = False) -> Found:  # fmt: skip
    """Attack a claim and keep the result under ``out``. Raises a RatecheckError for bad arguments."""
    policy = None if policy is None else policy_of(policy)
    full = str(Path(name).resolve()) if name.endswith(".py") else name
    claim = shelf.claim(full)
    claim.require_dimensions()
    _require_bounds(full, claim, policy, workers)
    attack = Attack(full, claim, SCENARIO, seed, Budget(evaluations, seconds), policy, threads,
                    say=_silent if quiet else _say, workers=workers)  # fmt: skip
    try:
        result = check(attack)
    except Stopped as end:
        result = end.result
    except KeyboardInterrupt:
        words = f"stopped after {attack.budget.spent:,} evaluations, before the search began"
        result = Result(full, SCENARIO, "attack", Verdict.INCONCLUSIVE, words, claim.expect)
    files = [full] if full.endswith(".py") else []
    code = exit_code([result])
    found = session.without_folders(document([result], seed, code), files)
    run = Run.create(out, {"argv": list(argv), "claims": [full]})
    run.write("results.json", found)
    lines = text.verdicts(found["results"]).split("\n")
    for file, witness in session.witnesses([result]).items():
        path = run.folder / "witnesses" / file
        Witness.from_json(witness, file).save(path)
        lines.append(f"replay   ratecheck replay {shlex.quote(str(path))}")
    if not result.verdict.negative and claim.outputs and result.verdict is not Verdict.NOT_APPLICABLE:
        lines.append(f"go on    {_elsewhere(argv, seed)}")
    lines.append(f"spent    {attack.budget.spent:,} evaluations, {attack.budget.elapsed:.0f} s")
    return Found(found, lines, _complaint(result))


def policy_of(word: str) -> str:
    """Return the delay policy of this name, or of this short one. Raises CapabilityError for any other word."""
    found = SHORT.get(word, word)
    if found not in POLICIES:
        near = shelf.did_you_mean(word, [*POLICIES, *SHORT])
        near = near if "did you mean" in near else "."
        raise CapabilityError(f"--policy takes one of: {', '.join([*POLICIES, *SHORT])}; not {word!r}{near}")
    return found


def _require_bounds(name: str, claim: Claim, policy: str | None, workers: int | None) -> None:
    """Raise CapabilityError when a claim about arrival orders alone is to be searched as one with bounds."""
    given = "--policy" if policy is not None else "--workers" if workers is not None else ""
    if given and not claim.outputs:
        raise CapabilityError(
            f"{given} is for claims with bounds, and {name} is about arrival orders: all of them are looked at, with "
            "few workers and steps first. Leave it out."
        )


def _elsewhere(argv: Sequence[str], seed: int) -> str:
    """Return the command that searches on: the same seed would look at the same cells again."""
    kept, skip = [], False
    for word in argv:
        if not (skip or word == "--seed" or word.startswith("--seed=")):
            kept.append(word)
        skip = word == "--seed"
    return shlex.join(["ratecheck", *kept, "--seed", str(seed + 1)])


def _complaint(result: Result) -> str:
    return f"nothing can be attacked: {result.summary}." if result.verdict is Verdict.NOT_APPLICABLE else ""


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)  # noqa: T201


def _silent(words: str) -> None:
    """Say nothing."""
