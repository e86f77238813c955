"""``ratecheck baseline save|compare``: the fitted coefficients of stored runs, and what has moved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ratecheck.checks import baseline
from ratecheck.checks.baseline import Change, Comparison
from ratecheck.core.run import Run, dumps
from ratecheck.errors import RunError


def save(name: str, file: Path, out: Path) -> str:
    """Write the baseline of a run and return a line about it. Raises RunError when the run has no coefficients."""
    run = Run.find(name, out)
    found = _of(run)
    scratch = file.with_name(f"{file.name}.tmp")
    try:
        try:
            scratch.write_text(dumps(found), encoding="utf-8")
            scratch.replace(file)
        finally:
            scratch.unlink(missing_ok=True)
    except OSError as fault:
        raise RunError(f"{file} cannot be written: {fault.strerror}.") from fault
    count = sum(len(e["terms"]) for c in found["claims"].values() for e in c["entries"])
    return f"{_count(count)} of {', '.join(found['claims'])} written to {file}"


def compare(name: str, file: Path, out: Path) -> tuple[dict[str, Any], list[str]]:
    """Return the comparison of a run with a baseline, as data with its exit code and as lines."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as fault:
        raise RunError(f"{file} cannot be read: {fault.strerror}; ratecheck baseline save writes one.") from fault
    except UnicodeDecodeError as fault:
        raise RunError(f"{file} is not UTF-8 text; write it anew with ratecheck baseline save.") from fault
    then = baseline.read(text, str(file))
    run = Run.find(name, out)
    found = baseline.compare(then, _of(run))
    return {**found.as_json(), "run": run.name, "baseline": file.name}, list(_words(found))


def _of(run: Run) -> dict[str, Any]:
    try:
        return baseline.of_results(run.read("results.json"))
    except RunError as fault:
        raise RunError(f"run {run.name}: {fault}") from fault


def _words(found: Comparison) -> Iterator[str]:
    for one in found.changes:
        yield _line(one)
    for note in found.notes:
        yield f"note     {note}"
    if not found.changes:
        yield "nothing to compare"
        return
    moved = len(found.moved)
    yield (
        f"{moved} of {_count(len(found.changes))} moved: by more than {baseline.ERRORS:g} standard errors of the "
        f"difference and {baseline.PART:.0%} (false alarm at most 0.3 % each)"
    )


def _line(one: Change) -> str:
    mark = "MOVED" if one.moved else "same"
    factor = f", factor {one.factor:.3g}" if one.factor is not None else ""
    where = f"{one.claim}, {one.problem}, {one.output}: {one.term}"
    return f"{mark:<9}{where} {one.then:.4g} -> {one.now:.4g}{factor} (within {one.allowed:.2g} is the same)"


def _count(number: int) -> str:
    return f"{number} coefficient{'' if number == 1 else 's'}"
