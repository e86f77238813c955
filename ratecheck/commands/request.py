"""What was asked on the command line, as plain data that is kept with the run: enough to do the job again."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydantic

from ratecheck.checks.job import Job, claims_of, evidence_of, with_trace
from ratecheck.core import scenario as scenarios
from ratecheck.core import shelf
from ratecheck.core.ledger import Ledger
from ratecheck.core.part import merged
from ratecheck.core.run import Run, source_digest
from ratecheck.core.shelf import did_you_mean
from ratecheck.core.verdict import Verdict
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
    ledger: str | None = None  #: the file that evidence is added to
    named: bool = True  #: False where no claim was named: every claim of the shelf

    def parsed(self) -> scenarios.Scenario:
        """Return the scenario. Raises RunError when the request is damaged."""
        try:
            return scenarios.Scenario.model_validate(self.scenario)
        except pydantic.ValidationError as fault:
            raise RunError(f"the manifest of the run holds no usable scenario: {scenarios.sentence(fault)}") from fault

    def job(self, threads: int) -> Job:
        """Return the job, without a store. Raises RunError when the request is damaged."""
        return Job(
            claims_of(self.claims), self.parsed(), self.name, self.seed, self.evidence, threads, self.method,
            self.stepsize, self.force, self.strict, Path(self.folder) if self.folder else None,
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
    ledger: Path | None = None,
) -> Request:
    """Turn the arguments of ``check`` into a request. Raises a RatecheckError for bad ones.

    With a ``ledger`` and no seed a fresh one is drawn: evidence multiplies over independent runs only.
    """
    level_of(require)
    if ledger is not None:
        seed = secrets.randbits(48) if seed is None else seed
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
    if ledger is not None:
        Ledger.open(ledger).require_alpha(scenario.monte_carlo.alpha)
    names = claims or [str(folder / n) if n.endswith(".py") and folder else n for n in scenario.claims]
    request = Request(
        [_full(n) for n in names or shelf.CLAIMS.names()], scenario.model_dump(mode="json"), name,
        str(folder) if folder else None, scenario.seed if seed is None else seed, list(kinds),
        _full(method) if method else None, _full(stepsize) if stepsize else None, force, strict, require, strict_rate,
    )  # fmt: skip
    for claim in claims_of(request.claims).values():
        claim.require_dimensions()
    request.files, request.named = _digests(request, scenario, folder), bool(names)
    request.ledger = str(ledger.resolve()) if ledger else None
    return request


def simulation(name: str, seed: int | None) -> Request:
    """Return the request to simulate a scenario, which asks for no evidence. Raises a RatecheckError for a bad one."""
    scenario, folder = scenarios.find(name)
    chosen = scenario.seed if seed is None else seed
    request = Request([], scenario.model_dump(mode="json"), name, str(folder), chosen, [])
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
