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


def echo(text: str = "") -> None:
    """Print to stdout."""
    typer.echo(text)


def echo_json(data: Any) -> None:
    """Print data as JSON without NaN or Infinity."""
    from ratecheck.core.run import finite

    typer.echo(json.dumps(finite(data), indent=1, allow_nan=False))
