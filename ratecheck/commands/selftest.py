"""``ratecheck selftest``: the tables of our own errors, as text or as one document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from ratecheck.checks.selftest import examine
from ratecheck.commands.progress import Progress

#: heads of the columns, for the layers' names are too long
HEADS = {
    "dimensions": "dim", "exact": "exact", "stepsize": "step", "moments": "mom", "floats": "float", "bound": "bound",
    "conditional": "cond", "master": "mast", "rate": "rate", "baseline": "base", "preconditions": "pre",
}  # fmt: skip

Found = Mapping[str, Any]


def perform(seed: int, as_json: bool) -> tuple[str | dict[str, Any], int]:
    """Return the tables as text, or as plain data, and the exit code: 1 when a promise is broken, else 0."""
    progress = Progress(quiet=False)
    found = examine(seed, say=partial(progress.update, "selftest"))
    progress.close()
    code = 1 if found["faults"] else 0
    return ({"version": 1, **found, "exit_code": code} if as_json else text(found)), code


def text(found: Found) -> str:
    """Return the tables in words, and last what they come to."""
    blocks = (_alarms(found), _power(found), _rates(found), _battery(found), _verdict(found))
    return "\n\n".join("\n".join(block) for block in blocks)


def _alarms(found: Found) -> Iterator[str]:
    first = found["alarms"][0]
    yield (
        f"False alarms at E[R] = 1 with a look after each of {first['runs']} runs: of {first['repetitions']:,} "
        f"sequences at alpha = {first['alpha']:g}"
    )
    yield f"  (more than {first['limit']} would be a fault)"
    yield f"  {'law':34}{'kappa':>8}{'REFUTED':>12}{'HOLDS HERE':>12}"
    refuted = {row["law"]: row["alarms"] for row in found["alarms"]}
    for row in found["holds"]:
        yield f"  {row['law']:34}{row['kappa']:>8.3g}{refuted.pop(row['law'], ''):>12}{row['alarms']:>12}"


def _power(found: Found) -> Iterator[str]:
    first = found["power"][0]
    yield f"Misses: of {first['repetitions']} sequences at alpha = {first['alpha']:g}, within {first['most']} runs"
    yield f"  {'law':34}{'mean/bound':>12}{'verdict':>12}{'missed':>8}{'mean runs':>11}"
    for key, word in (("power", "REFUTED"), ("hold_power", "HOLDS HERE")):
        for row in found[key]:
            yield f"  {row['law']:34}{row['mean']:>12g}{word:>12}{row['missed']:>8}{row['runs']:>11.0f}"


def _rates(found: Found) -> Iterator[str]:
    yield f"Rates: what is said of {found['rates'][0]['cases']} planned experiments of each law of the error"
    for row in found["rates"]:
        words = ", ".join(f"{word} {count}" for word, count in row["words"].items())
        yield f"  {row['law']:28}{'true ' if row['true'] else 'wrong'}  {words}"


def _battery(found: Found) -> Iterator[str]:
    layers = found["layers"]
    yield "Planted lies by the layer that saw them: X where it must, x where it did too"
    kind = ""
    for row in found["mutants"]:
        if row["kind"] != kind:
            kind = row["kind"]
            yield f"  {kind:40}" + "".join(f"{HEADS[layer]:>6}" for layer in layers)
        marks = [_mark(row, layer) for layer in layers]
        note = "" if row["status"] == "caught" else f"  {row['status']}"
        yield f"    {row['name']:38}" + "".join(f"{m:>6}" for m in marks) + note
    totals = found["totals"]
    for word, counts in (("seen by", totals["by_layer"]), ("seen by it alone", totals["alone"])):
        yield f"  {word:40}" + "".join(f"{counts[layer]:>6}" for layer in layers)


def _mark(row: Found, layer: str) -> str:
    if layer not in row["caught"]:
        return "."
    return "X" if layer in row["expected"] else "x"


def _verdict(found: Found) -> Iterator[str]:
    totals, faults = found["totals"], found["faults"]
    refuted = sum(bool(row["control"]) for row in found["mutants"])
    yield (
        f"{totals['caught']} of {totals['lies']} planted lies caught, {refuted} of their true versions refuted, "
        f"{totals['equivalent']} equivalent ones told from lies; seed {found['seed']}"
    )
    yield from (f"BROKEN: {fault}" for fault in faults) if faults else ("all is as promised",)
