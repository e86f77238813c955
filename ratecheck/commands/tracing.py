"""The trace commands: record on this machine, import a file, describe one."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from ratecheck.core.trace import Trace, histogram, read, summary, write
from ratecheck.errors import TraceError


def record_to(out: Path, sizes: dict[str, int]) -> list[str]:
    """Record a trace with these sizes (see ``server.record``), write it, and return lines that describe it."""
    from ratecheck.server import record

    if not out.parent.is_dir():  # said before the recording, which would be lost
        raise TraceError(f"the trace cannot be written to {out}: there is no folder {out.parent}.")
    found = record(**sizes)
    command = shlex.join(["ratecheck", "trace", "record", *(w for n, v in sizes.items() for w in (f"--{n}", str(v)))])
    write(out, found.trace, [found.trace.source, f"command: {command}"])
    pace = found.trace.steps / found.seconds
    fall = f"F fell from {found.initial:.4g} to {found.final:.4g}"
    first = f"{found.trace.steps:,} steps in {found.seconds:.2f} s ({pace:,.0f} steps/s); {fall}"
    return [first, *words(found.trace), f"written to {out}"]


def import_to(source: Path, out: Path, form: str | None, base: int | None, workers: int | None) -> list[str]:
    """Read a trace in any form, write it in ours, and return lines that describe it."""
    trace = read(source, form=form, base=base, workers=workers)
    write(out, trace, [f"imported from {trace.source}"])
    return [f"read as {trace.source}", *words(trace), f"written to {out}"]


def describe(source: Path, plot: Path | None) -> tuple[dict[str, Any], list[str]]:
    """Return a trace's numbers as data and as lines; draw its histogram to ``plot`` when given."""
    trace = read(source)
    data = {**summary(trace), "source": trace.source, "histogram": histogram(trace)}
    lines = [f"{trace.source}", *words(trace), *_bars(trace)]
    if plot is not None:
        from ratecheck.report import plots

        table = {
            "delays": source.stem,
            "M": trace.workers,
            "K": trace.steps,
            "mean": trace.mean_delay,
            "max": trace.max_delay,
            "bins": [{"low": b["first"], "high": b["last"], "count": b["count"]} for b in data["histogram"]],
        }
        plots.histogram(table, plot)
        lines.append(f"plot {plot}")
    return data, lines


def words(trace: Trace) -> list[str]:
    """Return one line with M, K and the delays."""
    s = summary(trace)
    return [
        f"M = {s['M']} workers, K = {s['K']:,} steps, delay: mean {s['mean_delay']:.4g}, half <= {s['q50']}, "
        f"99 % <= {s['q99']}, largest {s['max_delay']}"
    ]


def _bars(trace: Trace, width: int = 40) -> list[str]:
    bins = histogram(trace)
    most = max(b["count"] for b in bins)
    lines = []
    for b in bins:
        name = str(b["first"]) if b["first"] == b["last"] else f"{b['first']}-{b['last']}"
        here = "  <- M" if b["first"] <= trace.workers <= b["last"] else ""
        lines.append(f"{name:>11} {b['count']:>7} {'#' * round(width * b['count'] / most)}{here}")
    return lines
