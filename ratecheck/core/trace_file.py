"""The CSV files of traces as tables of text: comments, header, columns by name, and numbers in their cells."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ratecheck.errors import TraceError

#: the forms of a row; as a header line they also name the form of a file
FORMS = ("worker,time", "worker", "delay")
#: columns that a header may name beside those of the form; and noise_1, noise_2, ..
EXTRA = ("duration", "noise_sq")
_PARTS = re.compile(r"noise_[1-9]\d*", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WORKERS = re.compile(r"#\s*workers:\s*(.*)")


class Table(NamedTuple):
    """The columns of a file as text, the line each row stands on, its form, and M as told by a comment."""

    path: Path
    columns: dict[str, list[str]]
    lines: list[int]
    form: str
    workers: int | None

    def where(self, k: int) -> str:
        """Return the place of arrival k."""
        return f"{self.path}, line {self.lines[k - 1]}"

    def whole(self, name: str) -> list[int]:
        """Return a column of whole numbers. Raises TraceError for anything else in it."""
        return [whole(text, self.where(k), name) for k, text in enumerate(self.columns[name], start=1)]

    def numbers(self, name: str, *, negative: bool = True) -> npt.NDArray[np.float64]:
        """Return a column of numbers (K,). Raises TraceError for anything else in it."""
        found = [_number(text) for text in self.columns[name]]
        for k, value in enumerate(found, start=1):
            if not math.isfinite(value) or (value < 0 and not negative):
                kind = "a number" if negative else "a number from 0"
                raise TraceError(f"{self.where(k)}: the {name} must be {kind}, not {self.columns[name][k - 1][:40]!r}.")
        return np.array(found)

    def parts(self) -> npt.NDArray[np.float64] | None:
        """Return noise_1, noise_2, .. as an array (K, p), None without them. Raises TraceError when one is missing."""
        count = sum(name not in EXTRA for name in self.columns if name.startswith("noise_"))
        names = [f"noise_{i}" for i in range(1, count + 1)]
        missing = next((name for name in names if name not in self.columns), None)
        if missing:
            raise TraceError(f"{self.path} has {count} columns of parts of the noise, but no {missing}.")
        return np.stack([self.numbers(name) for name in names], axis=1) if names else None


def table(path: Path, form: str | None) -> Table:
    """Return the table in a file, of this form when the file does not name one. Raises TraceError."""
    told: int | None = None
    rows: list[list[str]] = []
    lines: list[int] = []
    for number, line in enumerate(_text(path).split("\n"), start=1):
        comment = _WORKERS.fullmatch(line.strip())
        if comment and told is None:
            told = whole(comment[1], f"{path}, line {number}", "number of workers")
            if told < 1:
                raise TraceError(f"{path}, line {number}: a trace needs at least one worker, not {told}.")
        if line.strip() and not line.lstrip().startswith("#"):
            rows.append([cell.strip(' \t"') for cell in line.split(",")])
            lines.append(number)
    names = _header([cell.lower() for cell in rows[0]], f"{path}, line {lines[0]}") if rows else []
    if names:
        named = next((f for f in FORMS if {*f.split(",")} == {*names} & {"worker", "time", "delay"}), None)
        if named is None:
            raise TraceError(f"{path}, line {lines[0]}: the columns {','.join(names)} are not those of {_choice()}.")
        if form not in (None, named):
            raise TraceError(f"{path}, line {lines[0]}: the header is {named}, but the form told is {form}.")
        form, rows, lines = named, rows[1:], lines[1:]
    if not rows:
        raise TraceError(f"{path} holds no arrivals; a trace has one row for each.")
    form = form or ("delay" if len(rows[0]) == 1 else "worker,time")
    names = names or form.split(",")
    found = Table(path, {name: [row[i] for row in rows if i < len(row)] for i, name in enumerate(names)}, lines, form,
                  told)  # fmt: skip
    for k, row in enumerate(rows, start=1):
        if len(row) != len(names):
            raise TraceError(f"{found.where(k)}: columns found {len(row)}, needed {len(names)} ({','.join(names)}).")
    return found


def _header(cells: list[str], where: str) -> list[str]:
    """Return the names in a first row, [] when it is no header. Raises TraceError for one that is none of ours."""
    if not {*cells} & {"worker", "delay"}:
        return []
    for i, name in enumerate(cells):
        if not (name in ("worker", "time", "delay", *EXTRA) or _PARTS.fullmatch(name)):
            raise TraceError(
                f"{where}: no trace has a column {name[:40]!r}; beside {_choice()} there may be {', '.join(EXTRA)}, "
                "noise_1, noise_2, .."
            )
        if name in cells[:i]:
            raise TraceError(f"{where}: the header names {name} twice.")
    return cells


def _choice() -> str:
    return " or ".join(FORMS)


def _text(path: Path) -> str:
    text, bad = "", -1
    try:
        data = path.read_bytes()
        bad = data.find(b"\0")
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise TraceError(f"the trace {path} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        bad = error.start if bad < 0 else bad
    if bad >= 0:
        line = data.count(b"\n", 0, bad) + 1
        raise TraceError(f"{path}, line {line}: this is not UTF-8 text; a trace is a CSV file.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _number(text: str) -> float:
    """Return the number that a cell holds, NaN when it holds none ("1_000" and "inf" are none either)."""
    return float(text) if _NUMBER.fullmatch(text) else math.nan


def whole(text: str, where: str, what: str) -> int:
    """Return the whole number in a cell; ``what`` names it. Raises TraceError."""
    value = _number(text)
    if not value.is_integer() or abs(value) >= 2**53:  # beyond 2^53 a float does not name one integer
        raise TraceError(f"{where}: the {what} must be a whole number, not {text[:40]!r}.")
    return int(value)
