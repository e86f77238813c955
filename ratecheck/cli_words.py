"""What the commands share: options, and how results are printed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Out = Annotated[Path, typer.Option(help="Folder in which runs are kept (under .ratecheck/runs).")]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads; the result does not depend on it.")]


def default_threads() -> int:
    """Return the number of processors this process may use, at most 8."""
    return min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def seconds(text: str) -> float:
    """Read a time such as 90s, 10m or 1h. Raises ScenarioError for anything else."""
    from ratecheck.errors import ScenarioError

    units = {"s": 1, "m": 60, "h": 3600}
    try:
        found = float(text[:-1]) * units[text[-1]] if text[-1:] in units else float(text)
    except ValueError:
        found = -1.0
    if not 0 < found < float("inf"):
        raise ScenarioError(f"--budget takes a time such as 90s, 10m or 1h, not {text!r}.")
    return found


def echo(text: str = "") -> None:
    """Print to stdout."""
    typer.echo(text)


def echo_json(data: Any) -> None:
    """Print data as JSON without NaN or Infinity."""
    from ratecheck.core.run import finite

    typer.echo(json.dumps(finite(data), indent=1, allow_nan=False))
