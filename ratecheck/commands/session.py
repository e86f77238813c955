"""From what was asked on the command line to a job, a run on disk, progress on the terminal, and back on resume."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ratecheck.checks.job import Job, claims_of, document, evidence_of, exit_code, run, with_trace
from ratecheck.checks.measure import Store
from ratecheck.core import scenario as scenarios
from ratecheck.core import shelf
from ratecheck.core.run import Run, source_digest
from ratecheck.core.shelf import did_you_mean
from ratecheck.core.verdict import Result, Verdict
from ratecheck.core.witness import Witness
from ratecheck.errors import RunError, ScenarioError, UnknownName


@dataclass
class Request:
    """What was asked, as plain data: enough to do the job again."""

    claims: list[str]
    scenario: dict[str, Any]
    name: str
    folder: str | None
    seed: int
    evidence: list[str]
    method: str | None = None
    stepsize: str | None = None
    force: bool = False
    strict: bool = False
    files: dict[str, str] = field(default_factory=dict)  #: digests of the user's files

    def job(self, threads: int) -> Job:
        """Return the job, without a store."""
        scenario = scenarios.Scenario.model_validate(self.scenario)
        return Job(
            claims_of(self.claims), scenario, self.name, self.seed, self.evidence, threads, self.method, self.stepsize,
            self.force, self.strict, Path(self.folder) if self.folder else None,
        )  # fmt: skip


def ask(
    targets: Sequence[str],
    *,
    profile: str,
    evidence: str | None,
    method: str | None,
    stepsize: str | None,
    trace: Path | None,
    seed: int | None,
    alpha: float | None,
    kappa: float | None,
    force: bool,
    strict: bool,
) -> Request:
    """Turn the arguments of ``check`` into a request. Raises a RatecheckError for bad ones."""
    claims, scenario, name, folder = _targets(targets, profile)
    for given, where in ((method, shelf.METHODS), (stepsize, shelf.STEPSIZES)):
        if given:
            where.get(given)
    if trace is not None:
        from ratecheck.core.trace import read

        read(trace)
        scenario = with_trace(scenario, trace)
    changes = {n: v for n, v in (("alpha", alpha), ("kappa", kappa)) if v is not None}
    settings = scenarios.MonteCarlo.model_validate({**scenario.monte_carlo.model_dump(), **changes})
    scenario = scenario.model_copy(update={"monte_carlo": settings})
    names = claims or list(scenario.claims) or shelf.CLAIMS.names()
    claims_of(names)
    request = Request(
        [_full(n) for n in names], scenario.model_dump(mode="json"), name, str(folder) if folder else None,
        scenario.seed if seed is None else seed, list(evidence_of(evidence)), _full(method) if method else None,
        _full(stepsize) if stepsize else None, force, strict,
    )  # fmt: skip
    request.files = _digests(request, trace)
    return request


def _targets(targets: Sequence[str], profile: str) -> tuple[list[str], scenarios.Scenario, str, Path | None]:
    known = scenarios.names()
    found: list[str] = [t for t in targets if t.endswith(".toml") or t in known]
    if len(found) > 1:
        raise ScenarioError(f"one scenario at a time, not {len(found)}: {', '.join(found)}.")
    claims = [t for t in targets if t not in found]
    for claim in claims:
        if not claim.endswith(".py") and claim not in shelf.CLAIMS.names():
            everything = [*shelf.CLAIMS.names(), *known]
            raise UnknownName(f"unknown claim or scenario {claim!r}{did_you_mean(claim, everything)}")
    name = found[0] if found else profile
    scenario, folder = scenarios.find(name)
    return claims, scenario, Path(name).stem, folder


def _full(name: str) -> str:
    return str(Path(name).resolve()) if name.endswith(".py") else name


def _digests(request: Request, trace: Path | None) -> dict[str, str]:
    files = [n for n in (*request.claims, request.method, request.stepsize) if n and n.endswith(".py")]
    files += [str(trace.resolve())] if trace else []
    return {f: hashlib.sha256(Path(f).read_bytes()).hexdigest()[:16] for f in files}


def perform(
    request: Request, run_: Run, *, threads: int, budget: float | None, quiet: bool
) -> tuple[list[Result], int]:
    """Do the job into the run's folder, reusing its records; return the results and how many blocks were computed."""
    job = request.job(threads)
    job.store = Store(run_.records(), run_.writer())
    bar = Progress(quiet)
    job.progress, job.done = bar.update, bar.result
    timer = threading.Timer(budget, job.store.stop.set) if budget else None
    if timer:
        timer.daemon = True
        timer.start()
    try:
        results = run(job)
    finally:
        bar.close()
        if timer:
            timer.cancel()
        if job.store.writer:
            job.store.writer.close()
    return results, job.store.computed


def finish(
    request: Request, run_: Run, results: Sequence[Result], require: str | None, strict_rate: bool
) -> dict[str, Any]:
    """Write results and witnesses of the run; return the JSON document."""
    level = level_of(require)
    found = document(results, request.seed, exit_code(results, require=level, strict_rate=strict_rate))
    run_.write("results.json", found)
    for name, witness in witnesses(results).items():
        Witness.from_json(witness, name).save(run_.folder / "witnesses" / name)
    return found


def witnesses(results: Sequence[Result]) -> dict[str, Mapping[str, Any]]:
    """Return the witnesses of refuted results by file name."""
    found = {}
    for result in results:
        if result.witness is not None:
            stem = Path(result.claim).stem if result.claim.endswith(".py") else result.claim
            found[f"{stem}-{result.evidence}-{result.witness['check'].replace(' ', '-')}.json"] = result.witness
    return found


def level_of(require: str | None) -> Verdict | None:
    """Read ``--require LEVEL``. Raises ScenarioError for a word that is no positive verdict."""
    if require is None:
        return None
    levels = [v for v in Verdict if v.strength >= Verdict.NOT_REFUTED.strength]
    try:
        level = Verdict.from_word(require)
    except KeyError:
        level = Verdict.VACUOUS
    if level not in levels:
        raise ScenarioError(f"--require takes one of: {', '.join(v.word for v in levels)}; not {require!r}.")
    return level


def resumed(run_: Run) -> Request:
    """Return the request of a stored run. Raises RunError when code or files changed since."""
    manifest = run_.manifest()
    if manifest.get("source") != source_digest():
        raise RunError(f"run {run_.name} was made by another version of ratecheck's code; start a new run.")
    try:
        request = Request(**manifest["request"])
    except (KeyError, TypeError) as fault:
        raise RunError(f"run {run_.name}: its manifest has no usable request.") from fault
    for path, digest in request.files.items():
        try:
            now = hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]
        except OSError as fault:
            raise RunError(f"run {run_.name} used {path}, which cannot be read now: {fault.strerror}.") from fault
        if now != digest:
            raise RunError(f"run {run_.name} used {path}, which has changed since; start a new run.")
    return request


class Progress:
    """One moving line on a terminal, one line every ten seconds in a log; always on stderr."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._live = sys.stderr.isatty() and "TERM" in os.environ and os.environ["TERM"] != "dumb"
        self._last = time.monotonic()

    def update(self, claim: str, text: str, done: int, total: int) -> None:
        """Say where the work is."""
        if self._quiet:
            return
        now = time.monotonic()
        count = f" {done}/{total}" if total else ""
        if self._live and now - self._last > 0.1:
            print(f"\r\x1b[2K {Path(claim).name}: {text}{count}", end="", file=sys.stderr, flush=True)  # noqa: T201
            self._last = now
        elif not self._live and now - self._last > 10:
            print(f"{claim}: {text}{count}", file=sys.stderr, flush=True)  # noqa: T201
            self._last = now

    def result(self, result: Result) -> None:
        """Say a verdict as soon as it is known."""
        if not self._quiet:
            self.close()
            print(f"{result.claim}  {result.evidence}  {result.verdict}", file=sys.stderr, flush=True)  # noqa: T201

    def close(self) -> None:
        """Leave a clean line."""
        if self._live and not self._quiet:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)  # noqa: T201
