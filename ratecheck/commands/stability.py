"""What ``ratecheck stability`` says: the largest stable stepsizes of methods, as a table and as a plot."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

from ratecheck.checks.stability.stability import LAST, RUN, Limit, Setting, limit
from ratecheck.core import shelf
from ratecheck.core.part import Part, number
from ratecheck.errors import PartError

#: the methods that are compared when none is named: those of the first fact of this claim
COMPARED = "ormo2024.stability"
#: what is said where there is no answer
WITHOUT = {"still": "no gradient moves the model", "short": f"a run of {RUN:,} deliveries is too short: longer memory"}
NOTHING_DRAWN = "nothing is drawn: a plot takes several M, or several beta, where a limit is found, such as --M 4,16"


@dataclass(frozen=True)
class Found:
    """The rows, as plain data, and as lines."""

    document: dict[str, Any]
    lines: list[str]


def perform(methods: Sequence[str], workers: str, betas: str, *, scheduler: str, delays: str, stepsize: str,
            exact: bool, seed: int, plot: Path | None, given: Sequence[str] = ()) -> Found:  # fmt: skip
    """Return the largest stable stepsizes: for all M at the first beta, and for all beta at the first M.

    They are drawn into the folder ``plot``.

    Raises PartError for arguments that are no numbers, CapabilityError when a named method has no answer.
    """
    counts = [whole(text) for text in listed(workers, "--M")]
    values = [beta(text) for text in listed(betas, "--beta")]
    chosen = list(methods) or list(shelf.claim(COMPARED).stability[0].methods)
    rows = []
    grid = [*((m, values[0]) for m in counts), *((counts[0], b) for b in values[1:])]
    for name, (m, b) in product(chosen, grid):
        own = (("beta", b),) if "beta" in shelf.METHODS.get(name).par else ()
        setting = Setting(name, m, scheduler, part(delays), stepsize, (*own, *constant(given)), seed)
        rows.append(row_of(setting, b, limit(setting, exact=exact)))
    document = {"scheduler": scheduler, "delays": part(delays).label, "stepsize": stepsize, "rows": rows}
    lines = table(document)
    if plot is not None:
        from ratecheck.report import stability

        drawn = [str(p) for p in stability.save(document, plot)]
        lines += ["", *(drawn or [NOTHING_DRAWN])]
    return Found(document, lines)


def row_of(setting: Setting, beta: str, found: Limit) -> dict[str, Any]:
    """Return one row as plain data; ``effective``: times what a gradient moves the model by in the end."""
    largest = found.value
    moved = None if found.effect is None else float(found.effect)
    return {
        "method": Part(setting.method).label, "M": setting.workers, "beta": number(beta, "beta"),
        "uses_beta": "beta" in dict(setting.constants), "largest": largest, "effect": moved,
        "effective": None if largest is None or moved is None else largest * moved, "by": found.by,
        "period": found.period, "low": None if found.low is None else str(found.low),
        "high": None if found.high is None else str(found.high), "undecided": found.undecided,
        "effect_exactly": str(found.effect) if isinstance(found.effect, Fraction) else None,
    }  # fmt: skip


def table(document: dict[str, Any]) -> list[str]:
    """Return the table as lines: one a method, M and beta."""
    head = ("method", "M", "beta", "M L gamma", "effect", "effective", "by")
    lines = [head, *dict.fromkeys(map(_cells, document["rows"]))]
    least = (6, 4, 6, 11, 8, 10)
    widths = [max(w, *(len(line[i]) for line in lines)) for i, w in enumerate(least)]
    return [
        " ".join([f"{name:<{widths[0]}}", *(f"{c:>{w}}" for c, w in zip(cells, widths[1:], strict=True)), f" {by}"])
        for name, *cells, by in lines
    ]


def _cells(r: dict[str, Any]) -> tuple[str, ...]:
    """Return the columns of a row. Runs give three digits: other delays of the same kind move the third one."""
    few = r["by"] == "runs"
    beta = f"{r['beta']:.10g}" if r["uses_beta"] else ""
    effect, effective = _digits(r["effect"], 3 if few else None), _digits(r["effective"], 3 if few else 5)
    return r["method"], str(r["M"]), beta, _largest(r), effect, effective, _by(r)


def _largest(r: dict[str, Any]) -> str:
    """Return the largest stable stepsize to four digits and places, or what bounds it."""
    value = r["largest"]
    if value is None:
        return "-" if r["by"] in WITHOUT else f"> {LAST:g}" if r["low"] else f"< {float(Fraction(r['high'])):.2g}"
    return format(value, ".3g" if r["by"] == "runs" else ".4f" if value >= 0.1 else ".4g")


def _digits(value: float | None, digits: int | None) -> str:
    """Return a number with three places, or so many digits where these are fewer (None: it is exact)."""
    if value is None:
        return "-"
    size = int(f"{value:.{digits - 1}e}".partition("e")[2]) if digits else 0  # of the number once it is rounded
    places = min(3, digits - 1 - size) if digits else 3
    return format(round(value, places), f".{max(places, 0)}f")


def _by(r: dict[str, Any]) -> str:
    if r["by"] in WITHOUT:
        return WITHOUT[r["by"]]
    told = f", period {r['period']}" if r["period"] else ""
    open_ = f"; not enclosed: {r['undecided']}" if r["undecided"] else ""
    return f"{'enclosed in rational arithmetic' if r['by'] == 'exact' else r['by']}{told}{open_}"


def listed(text: str, option: str) -> list[str]:
    """Return the entries of a list with commas. Raises PartError when there is none."""
    found = [t.strip() for t in text.split(",") if t.strip()]
    if not found:
        raise PartError(f"{option} takes numbers with commas between, such as 4,16, not {text!r}.")
    return found


def whole(text: str) -> int:
    """Return a number of workers. Raises PartError unless it is a whole number from 1 to 256."""
    if not text.isdigit() or not 1 <= int(text) <= 256:
        raise PartError(f"--M takes whole numbers from 1 to 256, not {text!r}.")
    return int(text)


def beta(text: str) -> str:
    """Return beta as a text that is exact. Raises PartError unless 0 <= beta < 1."""
    if not 0 <= number(text, "--beta") < 1:
        raise PartError(f"--beta takes numbers from 0 to below 1, not {text!r}.")
    return text


def constant(given: Sequence[str]) -> tuple[tuple[str, float], ...]:
    """Read numbers of a stepsize rule, 'damping=32'. Raises PartError."""
    pairs = [text.partition("=") for text in given]
    return tuple(sorted((name.strip(), number(value.strip(), f"--constant {name}")) for name, _, value in pairs))


def part(text: str) -> Part:
    """Read a part as tables print it, such as 'gamma(shape=100, slow=1/8)'. Raises PartError."""
    found = re.fullmatch(r"\s*([\w./-]+)\s*(?:\((.*)\))?\s*", text)
    pairs = [] if found is None or not found[2] else [p.split("=") for p in found[2].split(",")]
    if found is None or any(len(p) != 2 for p in pairs):
        raise PartError(f"--delays takes a name with parameters, such as 'gamma(shape=100, slow=1/8)', not {text!r}.")
    return Part(found[1], {name.strip(): _plain(value.strip()) for name, value in pairs})


def _plain(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
