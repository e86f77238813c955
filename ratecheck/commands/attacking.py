"""What ``ratecheck attack`` does: one attack, its result and its witness kept as a run, and what is printed."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ratecheck.checks.attack import Attack, Budget, check
from ratecheck.checks.job import document, exit_code
from ratecheck.commands import session
from ratecheck.core import shelf
from ratecheck.core.assumption import POLICIES
from ratecheck.core.run import Run
from ratecheck.core.verdict import Result, Verdict
from ratecheck.core.witness import Witness
from ratecheck.errors import CapabilityError
from ratecheck.report import text

#: the budget where none is given
SECONDS = 60.0
#: what stands for the scenario of an attack
SCENARIO = "attack"


@dataclass(frozen=True)
class Found:
    """The document, its lines for a reader, and a sentence for stderr where nothing could be done."""

    document: dict[str, Any]
    lines: list[str]
    complaint: str = ""


def perform(name: str, seconds: float | None, evaluations: int | None, policy: str | None, seed: int, threads: int,
            out: Path, argv: Sequence[str], *, quiet: bool = False) -> Found:  # fmt: skip
    """Attack a claim and keep the result under ``out``. Raises a RatecheckError for bad arguments."""
    if policy is not None and policy not in POLICIES:
        raise CapabilityError(f"--policy takes one of: {', '.join(POLICIES)}; not {policy!r}.")
    full = str(Path(name).resolve()) if name.endswith(".py") else name
    claim = shelf.claim(full)
    claim.require_dimensions()
    attack = Attack(full, claim, SCENARIO, seed, Budget(evaluations, seconds), policy, threads,
                    say=_silent if quiet else _say)  # fmt: skip
    try:
        result = check(attack)
    except KeyboardInterrupt:
        words = f"stopped after {attack.budget.spent:,} evaluations"
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
    lines.append(f"spent    {attack.budget.spent:,} evaluations, {attack.budget.elapsed:.0f} s")
    return Found(found, lines, _complaint(result))


def _complaint(result: Result) -> str:
    return f"nothing can be attacked: {result.summary}." if result.verdict is Verdict.NOT_APPLICABLE else ""


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)  # noqa: T201


def _silent(words: str) -> None:
    """Say nothing."""
