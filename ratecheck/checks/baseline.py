"""Baselines: the fitted coefficients of a run, kept in a small file, and which of them a later run has moved.

A bound that is many times loose lets a factor of ten pass below it, and a level slack says nothing of a constant. The
coefficients of the error's terms see it: they are compared with those of a run that is trusted.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ratecheck.core.run import version
from ratecheck.errors import RunError

#: version of the file
VERSION = 1
#: a coefficient has moved beyond this many standard errors of the difference: normal errors do so with probability
#: 0.0027, the false alarm for each coefficient
ERRORS = 3.0
#: and by more than this part of the larger one: a change that anybody would call none moves it by less, and a
#: coefficient without sampling error is compared with this alone
PART = 0.05


@dataclass(frozen=True)
class Change:
    """One coefficient in two runs: ``factor`` is now/then (None when there is no number), ``moved`` the verdict."""

    claim: str
    problem: str
    output: str
    term: str
    then: float
    now: float
    allowed: float
    factor: float | None
    moved: bool


@dataclass(frozen=True)
class Comparison:
    """What a comparison found: coefficients compared, and in sentences what could not be."""

    changes: tuple[Change, ...]
    notes: tuple[str, ...]

    @property
    def moved(self) -> list[Change]:
        """The coefficients that have moved."""
        return [c for c in self.changes if c.moved]

    @property
    def exit_code(self) -> int:
        """0 when nothing moved, 1 when something did, 5 when nothing could be compared."""
        return 5 if not self.changes else int(bool(self.moved))

    def as_json(self) -> dict[str, Any]:
        """Return the comparison as plain data."""
        return {
            "version": VERSION, "coefficients": [asdict(c) for c in self.changes], "notes": list(self.notes),
            "moved": len(self.moved), "exit_code": self.exit_code,
        }  # fmt: skip


def of_results(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the baseline of a run's results: the same bytes for the same run, without dates and paths.

    Raises RunError when no result has fitted coefficients, or when the document is none of ours.
    """
    claims: dict[str, Any] = {}
    try:
        for result in document["results"]:
            entries = list(_entries(result["details"].get("coefficients", [])))
            if result["evidence"] == "monte-carlo" and entries:
                claims[result["claim"]] = {
                    "scenario": result["scenario"], "grid": grid_digest(result["details"]["cells"]),
                    "seed": document["seed"], "entries": entries,
                }  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise RunError(f"results.json of the run is damaged: {type(fault).__name__}: {fault}.") from fault
    if not claims:
        raise RunError(
            "it has no fitted coefficients, which take monte-carlo evidence on cells in which the terms of the bound "
            "can be told apart (ratecheck plan designs some)."
        )
    return {"version": VERSION, "ratecheck": version(), "claims": dict(sorted(claims.items()))}


def grid_digest(cells: Sequence[Mapping[str, Any]]) -> str:
    """Return a digest of which cells were run: their labels, in any order.

    Not the cells' own digests, which the method, the stepsize and the users' files enter: to compare runs on which
    those have changed is what a baseline is for.
    """
    names = sorted(str(c["label"]) for c in cells)
    return hashlib.blake2b(" ".join(names).encode(), digest_size=8).hexdigest()


def _entries(coefficients: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield what a baseline keeps of each fit: the terms that have a finite value and error."""
    for one in sorted(coefficients, key=lambda c: (str(c["problem"]), str(c["output"]))):
        terms = {
            name: {"value": float(t["value"]), "se": float(t["se"])}
            for name, t in sorted(one["terms"].items())
            if math.isfinite(float(t["value"])) and math.isfinite(float(t["se"]))
        }
        if terms:
            yield {"problem": one["problem"], "output": one["output"], "terms": terms}


def read(text: str, where: str) -> dict[str, Any]:
    """Return the baseline in a file's text. Raises RunError naming the file ``where`` and what is wrong with it."""
    remedy = "write it anew with ratecheck baseline save"
    try:
        found = json.loads(text)
        number = found["version"]
        if number == VERSION:
            for claim in found["claims"].values():
                _ = str(claim["grid"]), str(claim["scenario"]), int(claim["seed"])
                for entry in claim["entries"]:
                    _ = str(entry["problem"]), str(entry["output"])
                    for name, term in entry["terms"].items():
                        _lawful(name, term)
    except json.JSONDecodeError as fault:
        raise RunError(f"{where} is no JSON (line {fault.lineno}: {fault.msg}); {remedy}.") from fault
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as fault:
        raise RunError(f"{where} is no baseline, or damaged ({type(fault).__name__}: {fault}); {remedy}.") from fault
    if number != VERSION:
        raise RunError(f"{where} is a baseline of version {number!r}, and this ratecheck reads {VERSION}; {remedy}.")
    return dict(found)


def _lawful(name: str, term: Mapping[str, Any]) -> None:
    for key in ("value", "se"):
        value = term[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"{key} of term {name!r} is {value!r}, no finite number")
    if term["se"] < 0:
        raise ValueError(f"se of term {name!r} is negative")


def compare(then: Mapping[str, Any], now: Mapping[str, Any]) -> Comparison:
    """Compare two baselines, claim by claim and term by term; what only one of them has is noted."""
    changes: list[Change] = []
    notes = list(_missing("claim", then["claims"], now["claims"]))
    for claim in sorted(set(then["claims"]) & set(now["claims"])):
        old, new = then["claims"][claim], now["claims"][claim]
        if old["grid"] != new["grid"]:
            notes.append(
                f"{claim}: the run is on other cells (scenario {new['scenario']}) than the baseline "
                f"(scenario {old['scenario']}), so its coefficients are not compared"
            )
            continue
        if old["seed"] != new["seed"]:
            notes.append(
                f"{claim}: the run has seed {new['seed']} and the baseline {old['seed']}, so delays differ and "
                f"coefficients are not compared; run with --seed {old['seed']}"
            )
            continue
        before, after = _by_name(old["entries"]), _by_name(new["entries"])
        notes += _missing(f"{claim}: coefficient", before, after)
        changes += [
            _change((claim, *name), before[name], after[name]) for name in sorted(set(before) & set(after))
        ]  # fmt: skip
    return Comparison(tuple(changes), tuple(notes))


Name = tuple[str, str, str]


def _by_name(entries: Sequence[Mapping[str, Any]]) -> dict[Name, Mapping[str, float]]:
    return {(e["problem"], e["output"], name): term for e in entries for name, term in e["terms"].items()}


def _missing(what: str, then: Mapping[Any, Any], now: Mapping[Any, Any]) -> Iterator[str]:
    for some, others, word in ((then, now, "in the baseline and not in the run"), (now, then, "new in the run")):
        for name in sorted(set(some) - set(others)):
            yield f"{what} {name if isinstance(name, str) else ', '.join(name)} is {word}"


def _change(name: tuple[str, str, str, str], then: Mapping[str, float], now: Mapping[str, float]) -> Change:
    difference = abs(now["value"] - then["value"])
    scale = max(abs(now["value"]), abs(then["value"]))
    allowed = max(ERRORS * math.hypot(now["se"], then["se"]), PART * scale)
    factor = now["value"] / then["value"] if then["value"] else None
    finite = factor if factor is not None and math.isfinite(factor) else None
    return Change(*name, then["value"], now["value"], allowed, finite, difference > allowed)
