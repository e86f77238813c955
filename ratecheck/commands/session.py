"""From a request to a run on disk: does the job, keeps what came out, and says in a sentence what went wrong."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ratecheck.checks.job import document, exit_code, run, unreached
from ratecheck.checks.measure import Store
from ratecheck.commands.progress import Progress
from ratecheck.commands.request import Request, level_of
from ratecheck.core import shelf
from ratecheck.core.ledger import Ledger, Standing
from ratecheck.core.run import Run
from ratecheck.core.verdict import Result, Verdict
from ratecheck.core.witness import Witness
from ratecheck.errors import RatecheckError, RunError


@dataclass
class Done:
    """What came out of a job: results, how many blocks were computed now, and what ended it early, if anything did."""

    results: list[Result] = field(default_factory=list)
    computed: int = 0
    fault: RatecheckError | None = None
    stopped: bool = False


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
        with contextlib.redirect_stdout(sys.stderr):  # what a user's optimiser prints is no result
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
    standings = _entered(request, run_, done) if request.ledger and done.results else []
    expected = {r.claim: r.expected for r in done.results}
    level, named = level_of(request.require), request.claims if request.named else ()
    code = exit_code(done.results, require=level, named=named, strict_rate=request.strict_rate)
    if any(s.verdict is Verdict.REFUTED and expected.get(s.claim) == "holds" for s in standings) and code != 2:
        code = 1
    code = 2 if done.fault else 5 if done.stopped and not done.results else code
    found: dict[str, Any] = document(done.results, request.seed, code)
    if standings:
        found["ledger"] = [{"claim": s.claim, "verdict": str(s.verdict), "summary": str(s)} for s in standings]
    found = without_folders(found, request.files)
    run_.write("results.json", found)
    for name, witness in witnesses(done.results).items():
        Witness.from_json(witness, name).save(run_.folder / "witnesses" / name)
    return found


def _entered(request: Request, run_: Run, done: Done) -> list[Standing]:
    """Add the run to its ledger and return what the ledger says now; a run that does not belong there is a fault.

    The first run of a ledger fixes its tests: when it was stopped, it enters once it has been resumed to its end.
    """
    ledger = Ledger.open(request.ledger or "")
    if done.stopped and not ledger.lines:
        _note(f"nothing is in the ledger yet: ratecheck resume {run_.name} goes on, and enters it at the end.")
        return []
    try:
        if not ledger.add(done.results, request.seed, request.files):
            _note(f"nothing new for the ledger: seed {request.seed} is in it, or no cell of this run has e-values.")
    except RunError as fault:
        done.fault = done.fault or fault
    return ledger.standings()


def _note(text: str) -> None:
    print(f"ledger: {text}", file=sys.stderr)  # noqa: T201


def complaint(request: Request, done: Done, code: int) -> str | None:
    """Return the sentence for stderr when the exit code alone does not say what is wrong."""
    if done.fault:
        return str(done.fault)
    if done.stopped:
        return "stopped before the end; finished records are kept and a resume goes on from them."
    if code == 2:
        left = [r for r in done.results if r.verdict is Verdict.NOT_APPLICABLE]
        why = "the claims have no such evidence"
        if left:
            why = f"{left[-1].claim}, {left[-1].evidence}: {left[-1].summary.rstrip('.')}"
        return f"nothing that was asked for is applicable ({why})."
    level = level_of(request.require)
    if code == 3 and level:
        holds = [r for r in done.results if r.expected == "holds"]
        below = unreached(holds, level, request.claims if request.named else ())
        return f"not every claim reaches {level}: {'; '.join(f'{c}, {why}' for c, why in below.items())}."
    return None


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
