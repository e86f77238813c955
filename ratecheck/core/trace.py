"""Trace: the order in which the gradients of a real run arrived, read from and written to CSV files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ratecheck.core.trace_file import FORMS, Table, table
from ratecheck.errors import TraceError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trace:
    """Arrivals k = 1..K of Algorithm 1 of Mishchenko, Bach, Even and Woodworth (2022, arXiv:2206.07638).

    Every worker is handed x_0 at the start, and version k right after arrival k if that arrival was its own,
    so the order of the workers is the whole schedule. ``workers`` is M, ``worker`` (K,) int64 in 0..M-1,
    ``time`` (K,) seconds (None when nobody took the time), ``source`` says in words where the trace comes
    from. Raises TraceError when the arrays are not such a schedule.

    Beside the schedule may stand, of the gradient that each arrival brought: ``duration`` (K,) seconds it took,
    ``noise_sq`` (K,) = ||xi||^2, the squared distance from the mean gradient at the point where it was computed, and
    ``noise`` (K, p), the vector xi itself or p linear functions of it that keep its length on average (a sketch).
    """

    workers: int
    worker: Ints
    time: Floats | None = None
    source: str = ""
    duration: Floats | None = None
    noise_sq: Floats | None = None
    noise: Floats | None = None

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
        for name, marks in (("duration", self.duration), ("noise_sq", self.noise_sq), ("noise", self.noise)):
            shape = self.worker.shape if name != "noise" or marks is None else (self.worker.size, marks.shape[-1])
            if marks is None:
                continue
            if marks.shape != shape or not np.isfinite(marks).all() or (name != "noise" and marks.min() < 0):
                least = "" if name == "noise" else ", from 0 on,"
                raise TraceError(f"a trace needs finite numbers{least} as the {name} of each arrival, or none at all.")

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

    A header may name more columns: ``duration`` (seconds), ``noise_sq`` = ||xi||^2, and ``noise_1``, ``noise_2``, ..,
    the parts of xi. Parts without ``noise_sq`` are the whole vector, and ``noise_sq`` is the sum of their squares.

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
    rows = table(Path(path), form)
    most = workers or rows.workers
    column = rows.whole(rows.form.split(",")[0])
    source = f"{rows.path.name}, one {rows.form} a line"
    if rows.form == "delay":
        base = _base(column[0], rows.where(1)) if base is None else base
        source += f", counted from {base}"
        return _marked(from_delays([line + 1 - base for line in column], most, source, rows.where), rows)
    if base is not None:
        raise TraceError(f"{path} has rows {rows.form}, so base, the counting of delays, has no meaning.")
    count, worker = _numbered(column, most, rows.where)
    return _marked(Trace(count, worker, _times(rows) if rows.form == "worker,time" else None, source), rows)


def write(path: str | Path, trace: Trace, comments: Iterable[str] = (), *, form: str | None = None) -> None:
    """Write a trace as CSV: ``# workers: M``, the ``comments`` (where it comes from, the command), a header.

    ``form`` is one of FORMS; by default ``worker,time``, or ``worker`` for a trace without times, and
    ``read`` gives both back exactly. ``delay`` (counted from 1) keeps the delays, but no times and no worker
    numbers. What is known of the gradients follows in columns of its own. Raises TraceError when the trace lacks
    the times asked for or the file cannot be written.
    """
    form = form or ("worker" if trace.time is None else "worker,time")
    if form not in FORMS or (form == "worker,time" and trace.time is None):
        raise TraceError(f"a trace with{'out' * (trace.time is None)} times has no form {form!r}.")
    head = [f"# workers: {trace.workers}", *(f"# {line}" for text in comments for line in text.splitlines())]
    rows = [str(value) for value in (trace.delay if form == "delay" else trace.worker).tolist()]
    if form == "worker,time" and trace.time is not None:
        rows = [f"{row},{_seconds(time)}" for row, time in zip(rows, trace.time.tolist(), strict=True)]
    marks = _marks(trace)
    for column in marks.values():
        rows = [f"{row},{value!r}" for row, value in zip(rows, column.tolist(), strict=True)]
    try:
        text = "\n".join([*head, ",".join([form, *marks]), *rows]) + "\n"
        Path(path).write_text(text, encoding="utf-8", newline="\n")
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


def _times(rows: Table) -> Floats:
    times = rows.numbers("time")
    late = np.flatnonzero(np.diff(times) < 0)
    if late.size:
        k = int(late[0]) + 2
        raise TraceError(f"{rows.where(k)}: time {rows.columns['time'][k - 1]} is before that of the row above; "
                         "sort by time.")  # fmt: skip
    return times


def _marked(trace: Trace, rows: Table) -> Trace:
    """Return the trace with what the file tells of its gradients."""
    duration, noise_sq = (
        rows.numbers(n, negative=False) if n in rows.columns else None for n in ("duration", "noise_sq")
    )
    noise = rows.parts()
    if noise is not None and noise_sq is None:
        with np.errstate(over="ignore"):  # Trace says it
            noise_sq = np.square(noise).sum(axis=1)
    return replace(trace, duration=duration, noise_sq=noise_sq, noise=noise)


def _marks(trace: Trace) -> dict[str, Floats]:
    """Return the columns of what is known of the gradients, by name."""
    named = {"duration": trace.duration, "noise_sq": trace.noise_sq}
    found = {name: column for name, column in named.items() if column is not None}
    parts = [] if trace.noise is None else list(trace.noise.T)
    return {**found, **{f"noise_{i}": part for i, part in enumerate(parts, start=1)}}


def _seconds(time: float) -> str:
    return f"{time:.6f}" if float(f"{time:.6f}") == time else repr(time)
