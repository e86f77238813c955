"""Trace: the order in which the gradients of a real run arrived, read from and written to CSV files."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ratecheck.errors import TraceError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

#: the forms of a row; as a header line they also name the form of a file
FORMS = ("worker,time", "worker", "delay")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WORKERS = re.compile(r"#\s*workers:\s*(.*)")


@dataclass(frozen=True, eq=False)
class Trace:
    """Arrivals k = 1..K of Algorithm 1 of Mishchenko, Bach, Even and Woodworth (2022, arXiv:2206.07638).

    Every worker is handed x_0 at the start, and version k right after arrival k if that arrival was its own,
    so the order of the workers is the whole schedule. ``workers`` is M, ``worker`` (K,) int64 in 0..M-1,
    ``time`` (K,) seconds (None when nobody took the time), ``source`` says in words where the trace comes
    from. Raises TraceError when the arrays are not such a schedule.
    """

    workers: int
    worker: Ints
    time: Floats | None = None
    source: str = ""

    def __post_init__(self) -> None:
        if self.worker.ndim != 1 or self.worker.size == 0 or self.worker.dtype != np.int64:
            raise TraceError("a trace needs an int64 vector of workers with at least one arrival.")
        if self.worker.min() < 0 or self.worker.max() >= self.workers:
            raise TraceError(f"a trace of M = {self.workers} workers numbers them from 0 to M - 1.")
        if self.time is not None:
            if self.time.shape != self.worker.shape or not np.isfinite(self.time).all():
                raise TraceError("a trace needs one finite time for each arrival, or no times.")
            if (np.diff(self.time) < 0).any():
                raise TraceError("the times of a trace must not go backwards.")

    @property
    def steps(self) -> int:
        """K: the number of arrivals."""
        return self.worker.size

    @cached_property
    def delay(self) -> Ints:
        """Delay tau >= 1 of each arrival (K,): k minus the version its worker was given (0 at first)."""
        order = np.argsort(self.worker, kind="stable")  # the arrivals of worker 0, then those of worker 1, ...
        stamp = np.concatenate(([0], order[:-1] + 1))
        stamp[np.diff(self.worker[order], prepend=-1) != 0] = 0
        delay = np.empty_like(self.worker)
        delay[order] = order + 1 - stamp
        return delay

    @property
    def mean_delay(self) -> float:
        """Mean delay; at most M, because the delays of one worker sum to the number of its last arrival."""
        return float(self.delay.mean())

    @property
    def max_delay(self) -> int:
        """Largest delay among the arrivals."""
        return int(self.delay.max())


def from_delays(
    delay: Sequence[int],
    workers: int | None = None,
    source: str = "",
    where: Callable[[int], str] = "arrival {0}".format,
) -> Trace:
    """Return the trace with these delays (tau >= 1), finding out whose gradient each arrival brought.

    Version 0 is handed to all M workers and each later version k to the worker of arrival k alone, so arrival
    k with version j = k - tau belongs to the worker of arrival j; workers are numbered by their first
    arrivals. M is the number of uses of version 0, or ``workers`` when that is larger. Raises TraceError for
    the first arrival that fits no schedule; ``where(k)`` words the place of arrival k.
    """
    worker: list[int] = []
    used: dict[int, int] = {}
    fresh = 0
    for k, tau in enumerate(delay, start=1):
        version, place = k - tau, f"{where(k)}: delay {tau} (counted from 1)"
        if tau < 1:
            raise TraceError(f"{place} uses a version that does not exist yet; is the trace counted from 0?")
        if version < 0:
            raise TraceError(f"{place} reaches back beyond the start, where at most {k} is possible.")
        if version in used:
            first = f"version {version} a second time (first at {where(used[version])})"
            raise TraceError(f"{place} uses {first}; after the start a version is handed to one worker only.")
        if version == 0 and fresh == workers:
            raise TraceError(f"{place} is a first arrival, one more than the M = {workers} told.")
        worker.append(worker[version - 1] if version else fresh)
        if version:
            used[version] = k
        else:
            fresh += 1
    return Trace(max(fresh, workers or 0), np.array(worker, dtype=np.int64), None, source)


def read(path: str | Path, *, form: str | None = None, base: int | None = None, workers: int | None = None) -> Trace:
    """Return the trace in a CSV file (UTF-8): rows ``worker,time``, or ``worker``, or one delay a line.

    Lines that start with ``#`` are comments; the first ``# workers: 8`` tells M. A first row ``worker,time``,
    ``worker`` or ``delay`` names the form; without it, and without ``form``, two columns are worker and time
    and one column holds delays. Whole numbers may be written as floats (``3.000e+00``).

    ``base`` says whether delays are counted from 0 (tau = line + 1) or from 1 (tau = line). When not told,
    the first line decides: the first arrival can only use version 0 and has tau = 1, so it reads 0 or 1
    accordingly, and no file is valid in both countings. ``source`` of the result says which one it was.

    ``workers`` is M and wins over the comment; when nobody tells M, it is the number of workers seen. The
    file may number its workers as it likes: 0..M-1 stay, 1..M are lowered by one, other numbers are ranked.

    Raises TraceError, with the line in the file, for whatever is not a schedule of Algorithm 1.
    """
    for name, value, allowed in (("form", form, FORMS), ("base", base, (0, 1))):
        if value is not None and value not in allowed:
            raise TraceError(f"{name} of a trace must be {' or '.join(map(str, allowed))}, not {value!r}.")
    if workers is not None and workers < 1:
        raise TraceError(f"a trace needs at least one worker, not {workers}.")
    table = _table(Path(path), form)
    most = workers or table.workers
    what = table.form.split(",")[0]
    column = [_whole(row[0], table.where(k), what) for k, row in enumerate(table.rows, start=1)]
    source = f"{table.path.name}, one {table.form} a line"
    if table.form == "delay":
        base = _base(column[0], table.where(1)) if base is None else base
        source += f", counted from {base}"
        return from_delays([line + 1 - base for line in column], most, source, table.where)
    if base is not None:
        raise TraceError(f"{path} has rows {table.form}, so base, the counting of delays, has no meaning.")
    count, worker = _numbered(column, most, table.where)
    return Trace(count, worker, _times(table) if table.form == "worker,time" else None, source)


def write(path: str | Path, trace: Trace, comments: Iterable[str] = (), *, form: str | None = None) -> None:
    """Write a trace as CSV: ``# workers: M``, the ``comments`` (where it comes from, the command), a header.

    ``form`` is one of FORMS; by default ``worker,time``, or ``worker`` for a trace without times, and
    ``read`` gives both back exactly. ``delay`` (counted from 1) keeps the delays, but no times and no worker
    numbers. Raises TraceError when the trace lacks the times asked for or the file cannot be written.
    """
    form = form or ("worker" if trace.time is None else "worker,time")
    if form not in FORMS or (form == "worker,time" and trace.time is None):
        raise TraceError(f"a trace with{'out' * (trace.time is None)} times has no form {form!r}.")
    head = [f"# workers: {trace.workers}", *(f"# {line}" for text in comments for line in text.splitlines())]
    rows = [str(value) for value in (trace.delay if form == "delay" else trace.worker).tolist()]
    if form == "worker,time" and trace.time is not None:
        rows = [f"{row},{_seconds(time)}" for row, time in zip(rows, trace.time.tolist(), strict=True)]
    try:
        Path(path).write_text("\n".join([*head, form, *rows]) + "\n", encoding="utf-8", newline="\n")
    except OSError as error:
        raise TraceError(f"the trace cannot be written to {path} ({error.strerror}).") from error


def summary(trace: Trace) -> dict[str, Any]:
    """Return M, K, mean and largest delay, and the delays that 50, 90 and 99 % of arrivals do not exceed."""
    size = {"mean_delay": trace.mean_delay, "max_delay": trace.max_delay}
    quantiles = {f"q{p}": int(np.percentile(trace.delay, p, method="inverted_cdf")) for p in (50, 90, 99)}
    return {"M": trace.workers, "K": trace.steps, **size, **quantiles}


def histogram(trace: Trace) -> list[dict[str, Any]]:
    """Return the bins of a histogram of the delays: ``first`` and ``last`` delay in it, ``count``, ``share``.

    One bin an integer while the largest delay is at most 32, else two a doubling: 1, 2, 3, 4-5, 6-7, 8-11,
    ... The bins follow each other without gaps from 1 to the one of the largest delay; empty ones are kept.
    """
    top = trace.max_delay
    halves = {k for i in range(top.bit_length() + 1) for k in (2**i, 3 * 2**i // 2)}
    edges = np.array(sorted(halves) if top > 32 else range(1, top + 2))
    edges = edges[: 1 + np.searchsorted(edges, top, "right")]  # up to the first edge beyond the largest delay
    counts = np.bincount(np.searchsorted(edges, trace.delay, "right") - 1, minlength=edges.size - 1)
    bins = zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True)
    return [{"first": a, "last": b - 1, "count": n, "share": n / trace.steps} for a, b, n in bins]


class _Table(NamedTuple):
    """The rows of a file as text, the line each stands on, their form, and M as told by a comment."""

    path: Path
    rows: list[list[str]]
    lines: list[int]
    form: str
    workers: int | None

    def where(self, k: int) -> str:
        return f"{self.path}, line {self.lines[k - 1]}"


def _table(path: Path, form: str | None) -> _Table:
    told: int | None = None
    rows: list[list[str]] = []
    lines: list[int] = []
    for number, line in enumerate(_text(path).split("\n"), start=1):
        comment = _WORKERS.fullmatch(line.strip())
        if comment and told is None:
            told = _whole(comment[1], f"{path}, line {number}", "number of workers")
            if told < 1:
                raise TraceError(f"{path}, line {number}: a trace needs at least one worker, not {told}.")
        if line.strip() and not line.lstrip().startswith("#"):
            rows.append([cell.strip(' \t"') for cell in line.split(",")])
            lines.append(number)
    header = ",".join(rows[0]).lower() if rows else ""
    if header in FORMS:
        if form not in (None, header):
            raise TraceError(f"{path}, line {lines[0]}: the header is {header}, but the form told is {form}.")
        form, rows, lines = header, rows[1:], lines[1:]
    if not rows:
        raise TraceError(f"{path} holds no arrivals; a trace has one row for each.")
    form = form or ("delay" if len(rows[0]) == 1 else "worker,time")
    table, width = _Table(path, rows, lines, form, told), 1 + form.count(",")
    for k, row in enumerate(rows, start=1):
        if len(row) != width:
            raise TraceError(f"{table.where(k)}: columns found {len(row)}, needed {width} ({form}).")
    return table


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


def _whole(text: str, where: str, what: str) -> int:
    value = _number(text)
    if not value.is_integer() or abs(value) >= 2**53:  # beyond 2^53 a float does not name one integer
        raise TraceError(f"{where}: the {what} must be a whole number, not {text[:40]!r}.")
    return int(value)


def _base(first: int, where: str) -> int:
    if first in (0, 1):
        return first
    only = "the first arrival can only use version 0, so its delay is 1 (0 when counted from 0)"
    raise TraceError(f"{where}: {only}, not {first}; is the beginning of the trace missing?")


def _numbered(names: list[int], most: int | None, where: Callable[[int], str]) -> tuple[int, Ints]:
    """Return M and the workers of all arrivals as 0..M-1."""
    seen: set[int] = set()
    for k, name in enumerate(names, start=1):
        if len(seen) == most and name not in seen:
            raise TraceError(f"{where(k)}: worker {name} is one more than the M = {most} told.")
        seen.add(name)
    workers = most or len(seen)
    for low in (0, 1):
        if min(seen) >= low and max(seen) < workers + low:
            return workers, np.array(names, dtype=np.int64) - low
    rank = {name: m for m, name in enumerate(sorted(seen))}
    return workers, np.array([rank[name] for name in names], dtype=np.int64)


def _times(table: _Table) -> Floats:
    times: list[float] = []
    for k, (_, text) in enumerate(table.rows, start=1):
        times.append(_number(text))
        if not math.isfinite(times[-1]):
            raise TraceError(f"{table.where(k)}: the time must be a number, not {text[:40]!r}.")
        if times[-1] < times[max(0, k - 2)]:
            raise TraceError(f"{table.where(k)}: time {text} is before that of the row above; sort by time.")
    return np.array(times)


def _seconds(time: float) -> str:
    return f"{time:.6f}" if float(f"{time:.6f}") == time else repr(time)
