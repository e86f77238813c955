"""From what was asked on the command line to a job, a run on disk, progress on the terminal, and back on resume."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydantic

from ratecheck.checks.job import Job, claims_of, document, evidence_of, exit_code, run, with_trace
from ratecheck.checks.measure import Store
from ratecheck.core import scenario as scenarios
from ratecheck.core import shelf
from ratecheck.core.part import merged
from ratecheck.core.run import Run, source_digest
from ratecheck.core.shelf import did_you_mean
from ratecheck.core.verdict import Result, Verdict
from ratecheck.core.witness import Witness
from ratecheck.errors import RatecheckError, RunError, ScenarioError, UnknownName


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
    require: str | None = None
    strict_rate: bool = False
    files: dict[str, str] = field(default_factory=dict)  #: digests of the user's files

    def job(self, threads: int) -> Job:
        """Return the job, without a store. Raises RunError when the request is damaged."""
        try:
            scenario = scenarios.Scenario.model_validate(self.scenario)
        except pydantic.ValidationError as fault:
            raise RunError(f"the manifest of the run holds no usable scenario: {scenarios.sentence(fault)}") from fault
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
    require: str | None = None,
    strict_rate: bool = False,
) -> Request:
    """Turn the arguments of ``check`` into a request. Raises a RatecheckError for bad ones."""
    level_of(require)
    kinds = evidence_of(evidence)
    claims, scenario, name, folder = _targets(targets, profile)
    for given, where in ((method, shelf.METHODS), (stepsize, shelf.STEPSIZES)):
        if given:
            where.get(given)
    if trace is not None:
        from ratecheck.core.trace import read

        read(trace)
        scenario = with_trace(scenario, trace)
    scenario = _with_levels(scenario, alpha, kappa)
    names = claims or [str(folder / n) if n.endswith(".py") and folder else n for n in scenario.claims]
    request = Request(
        [_full(n) for n in names or shelf.CLAIMS.names()], scenario.model_dump(mode="json"), name,
        str(folder) if folder else None, scenario.seed if seed is None else seed, list(kinds),
        _full(method) if method else None, _full(stepsize) if stepsize else None, force, strict, require, strict_rate,
    )  # fmt: skip
    claims_of(request.claims)
    request.files = _digests(request, scenario, folder)
    return request


def _with_levels(scenario: scenarios.Scenario, alpha: float | None, kappa: float | None) -> scenarios.Scenario:
    changes = {n: v for n, v in (("alpha", alpha), ("kappa", kappa)) if v is not None}
    try:
        settings = scenarios.MonteCarlo.model_validate({**scenario.monte_carlo.model_dump(), **changes})
    except pydantic.ValidationError as fault:
        raise ScenarioError(f"--{scenarios.sentence(fault).removeprefix('key ').replace(chr(39), '', 2)}") from fault
    return scenario.model_copy(update={"monte_carlo": settings})


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


def _digests(request: Request, scenario: scenarios.Scenario, folder: Path | None) -> dict[str, str]:
    """Return digests of all the user's files that the request names, those in the scenario's cells included.

    Raises a RatecheckError for a part that the scenario names and no shelf has, or with a parameter it does not have.
    """
    try:
        cells = scenario.cells(folder)
        for kind in ("problem", "noise"):
            for part in {getattr(c, kind).label: getattr(c, kind) for c in cells}.values():
                found = shelf.SHELVES[f"{kind}s"].get(part.name, folder)
                merged(kind, part.name, found.par, part.par)
    except RatecheckError as fault:
        raise type(fault)(f"scenario {request.name!r}: {fault}") from fault
    named = _texts([request.claims, request.method, request.stepsize, [c.as_json() for c in cells]])
    files = {n for n in named if n.endswith((".py", ".csv")) and Path(n).is_file()}
    return {f: hashlib.sha256(Path(f).read_bytes()).hexdigest()[:16] for f in sorted(files)}


def _texts(data: Any) -> set[str]:
    if isinstance(data, str):
        return {data}
    inside = data.values() if isinstance(data, Mapping) else data if isinstance(data, list | tuple) else ()
    return set().union(*map(_texts, inside))


@dataclass
class Done:
    """What came out of a job: results, how many blocks were computed now, and what ended it early, if anything did."""

    results: list[Result] = field(default_factory=list)
    computed: int = 0
    fault: RatecheckError | None = None
    stopped: bool = False

    @property
    def unfinished(self) -> bool:
        """True when a resume would find more to do."""
        return self.stopped or any(r.verdict is Verdict.INCONCLUSIVE for r in self.results)


def perform(request: Request, run_: Run, *, threads: int, budget: float | None, quiet: bool) -> Done:
    """Do the job into the run's folder, reusing its records. Bad input met on the way ends it and loses nothing."""
    job = request.job(threads)
    job.store = Store(run_.records(), run_.writer())
    bar, done = Progress(quiet), Done()

    def keep(result: Result) -> None:
        done.results.append(result)
        bar.result(result)

    job.progress, job.done = bar.update, keep
    timer = threading.Timer(budget, job.store.stop.set) if budget else None
    if timer:
        timer.daemon = True
        timer.start()
    try:
        run(job)
    except RatecheckError as fault:
        done.fault = fault
    except KeyboardInterrupt:
        done.stopped = True
    except Exception as fault:
        done.fault = shelf.blame(fault)
        if done.fault is None:
            raise
    finally:
        bar.close()
        if timer:
            timer.cancel()
        if job.store.writer:
            job.store.writer.close()
    done.computed = job.store.computed
    done.stopped |= job.store.stop.is_set() and done.fault is None
    return done


def finish(request: Request, run_: Run, done: Done) -> dict[str, Any]:
    """Write results and witnesses of the run; return the JSON document, in which files have names and no paths."""
    level = level_of(request.require)
    code = exit_code(done.results, require=level, strict_rate=request.strict_rate)
    code = 2 if done.fault else 5 if done.stopped and not done.results else code
    found: dict[str, Any] = without_folders(document(done.results, request.seed, code), request.files)
    run_.write("results.json", found)
    for name, witness in witnesses(done.results).items():
        Witness.from_json(witness, name).save(run_.folder / "witnesses" / name)
    return found


def complaint(done: Done, code: int) -> str | None:
    """Return the sentence for stderr when the exit code alone does not say what is wrong."""
    if done.fault:
        return str(done.fault)
    if done.stopped:
        return "stopped before the end; finished records are kept and a resume goes on from them."
    if code == 2:
        left = [r for r in done.results if r.verdict is Verdict.NOT_APPLICABLE]
        why = (
            f"{left[-1].claim}, {left[-1].evidence}: {left[-1].summary}" if left else "the claims have no such evidence"
        )
        return f"nothing that was asked for is applicable ({why})."
    return None


def short_names(files: Iterable[str]) -> dict[str, str]:
    """Return a short name for each path: its last parts, as many as tell it from the others."""
    parts = {f: Path(f).parts for f in files}

    def short(path: str) -> str:
        for n in range(1, len(parts[path])):
            tail = parts[path][-n:]
            if sum(p[-n:] == tail for p in parts.values()) == 1:
                return "/".join(tail)
        return path

    return {f: short(f) for f in parts}


def without_folders(data: Any, files: Iterable[str]) -> Any:
    """Replace the paths of the user's files by short names in all texts, so that results do not depend on folders."""
    names = sorted(short_names(files).items(), key=lambda pair: -len(pair[0]))

    def portable(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {k: portable(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [portable(v) for v in value]
        if isinstance(value, str):
            for path, name in names:
                value = value.replace(path, name)
        return value

    return portable(data)


def witnesses(results: Sequence[Result]) -> dict[str, Mapping[str, Any]]:
    """Return the witnesses of refuted results by file name."""
    found: dict[str, Mapping[str, Any]] = {}
    for result in results:
        if result.witness is not None:
            stem = Path(result.claim).stem if result.claim.endswith(".py") else result.claim
            name = f"{stem}-{result.evidence}-{result.witness['check'].replace(' ', '-')}"
            again = sum(n == name or n.startswith(f"{name}~") for n in found)
            found[f"{name}~{again + 1}" if again else name] = result.witness
    return {f"{n}.json": w for n, w in found.items()}


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
