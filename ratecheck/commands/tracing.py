"""The trace commands: record on this machine, import a file, describe one, diagnose how its delays and noise go."""

from __future__ import annotations

import shlex
import textwrap
from pathlib import Path
from typing import Any

from ratecheck.core.assumption import POLICIES
from ratecheck.core.shelf import CLAIMS
from ratecheck.core.trace import Trace, histogram, read, summary, write
from ratecheck.errors import TraceError


def record_to(out: Path, sizes: dict[str, int], rows: dict[str, Any], noise: bool) -> list[str]:
    """Record a trace with these sizes (see ``server.record``), write it, and return lines that describe it.

    ``rows`` are the arguments about heavy rows, empty without them.
    """
    from ratecheck.server import record

    if not out.parent.is_dir():  # said before the recording, which would be lost
        raise TraceError(f"the trace cannot be written to {out}: there is no folder {out.parent}.")
    found = record(**sizes, **rows, noise=noise)
    options = (w for n, v in {**sizes, **rows}.items() for w in (f"--{n.replace('_', '-')}", str(v)))
    command = shlex.join(["ratecheck", "trace", "record", *options, *["--noise"] * noise])
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


def diagnose(source: Path, variance: float | None, level: float, seed: int) -> tuple[dict[str, Any], list[str]]:
    """Return what a trace tells of its delays and its noise, and which theorems cover such delays; data and lines."""
    from ratecheck.checks.statistics import mixed_moment

    trace = read(source)
    found = mixed_moment.diagnose(trace, variance=variance, level=level, seed=seed)
    found["theorems"] = theorems = covering(found["policy"])
    known = "given" if variance is not None else f"mean of the {trace.steps:,} gradients delivered"
    lines = [trace.source, *words(trace), f"noise: sigma^2 = {found['sigma_sq']:.4g} ({known})", *_moment(found)]
    lines += [*_flying(found), *_tested(found), f"verdict: {found['verdict']}"]
    for title, covered in (("theorems about such delays", True), ("theorems that assume more", False)):
        rows = [f"  {row['policy']}: {', '.join(row['claims'])}" for row in theorems if row["covers"] is covered]
        lines += [f"{title}:", *rows] if rows else []
    return found, [row for line in lines for row in _wrapped(line)]


def _wrapped(line: str) -> list[str]:
    indent = "  " + line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(line, 118, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def covering(policy: str) -> list[dict[str, Any]]:
    """Return the theorems on the shelf by the largest policy that their bounds cover, and whether that is enough."""
    by_policy: dict[str, list[str]] = {name: [] for name in POLICIES}
    for name in CLAIMS.names():
        claim = CLAIMS.get(name)
        if claim.outputs and claim.expect == "holds" and claim.kind == "upper":
            by_policy[claim.outputs[claim.output].bound.policy or claim.policy].append(name)
    least = POLICIES.index(policy)
    return [{"policy": p, "covers": i >= least, "claims": by_policy[p]} for i, p in enumerate(POLICIES) if by_policy[p]]


def _moment(found: dict[str, Any]) -> list[str]:
    title = "mixed moment (M - 1) mean((tau - 1) |xi|^2) / (T sigma^2) with T = K"
    if found["times"] is None:
        return [f"{title}: 0, no gradient was ever late"]
    return [
        f"{title}: {found['rho']:.4g}{_between(found, 'rho_interval')}",
        f"  {found['times']:.4g} times what independent delays give{_between(found, 'times_interval')}",
        f"  |noise in flight|^2 is on average at most so many times T sigma^2; 1 at T = {found['steps_needed']:,.0f}",
        f"  it rests on about {found['carriers']:,.0f} gradients; the largest makes {found['largest_share']:.1%} of it",
    ]


def _between(found: dict[str, Any], name: str) -> str:
    if found[name] is None:
        return " (too few for an interval)"
    low, high = found[name]
    return f" ({found['confidence']:.0%} interval {low:.4g} to {high:.4g})"


def _flying(found: dict[str, Any]) -> list[str]:
    up_to = found["harmless_delay"]
    harmless = "" if up_to is None else f"; T sigma^2 needs tau <= {up_to:,}"
    return [
        f"in flight at the end: {found['M']} gradients, {found['unseen_share']:.1%} of the time in flight; long ones "
        "are there more often than their share, and their noise is in no number here",
        f"delay cap: tau <= {found['longest']:,} gives E|noise in flight|^2 <= {found['cap_ratio']:.4g} T sigma^2 "
        f"for any dependence{harmless}",
    ]


def _tested(found: dict[str, Any]) -> list[str]:
    tests = dict(found["tests"])
    signed = tests.pop("mean", None)
    lines = [
        f"{name} and size of the noise: rank correlation {test['measured']:.3f}, p = {test['p_value']:.3g}, over "
        f"{test['n']:,} gradients, among neighbours of a worker"
        for name, test in tests.items()
    ]
    last = [*tests][-1]
    if signed is None:
        lines.append(f"noise predicted by the {last}: not known; it takes noise_1, noise_2, .. of enough gradients")
    else:
        share, p_value = signed["measured"], signed["p_value"]
        lines.append(f"noise predicted by the {last}: {share:.2%} of sigma^2 (an unbiased estimate), p = {p_value:.3g}")
        if signed["by_signs"] <= found["each"] < signed["by_orders"]:
            lines.append(
                "  but the noises delivered do not add up to zero: the mean gradient was wrong, or large noises are "
                "rare, or not back"
            )
    passing = f"independent delays pass with probability {1 - found['level']:g} or more"
    return [*lines, f"  rejected is what has p <= {found['each']:.2g}: {passing}; to pass proves nothing"]


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
