"""The commands ``ratecheck trace ...``: record, import, show."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ratecheck.cli_words import Json, echo, echo_json

trace_app = typer.Typer(no_args_is_help=True, help="Real delay traces: record, import, show.")


@trace_app.command("record")
def trace_record(
    out: Annotated[Path, typer.Option("--out", help="CSV file to write.")],
    workers: Annotated[int, typer.Option(min=1, max=256)] = 4,
    steps: Annotated[int, typer.Option(min=1)] = 5000,
    dimension: Annotated[int, typer.Option(min=1)] = 400,
    batch: Annotated[int, typer.Option(min=1)] = 256,
    rows: Annotated[int, typer.Option(min=1)] = 2000,
    slow: Annotated[int, typer.Option(min=1, help="Make the last worker this many times slower.")] = 1,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Run a real asynchronous parameter server on this machine and write who delivered when."""
    from ratecheck.commands import tracing

    sizes = {
        "workers": workers,
        "steps": steps,
        "dimension": dimension,
        "batch": batch,
        "rows": rows,
        "slow": slow,
        "seed": seed,
    }
    for line in tracing.record_to(out, sizes):
        echo(line)


@trace_app.command("import")
def trace_import(
    source: Path,
    out: Annotated[Path, typer.Option("--out", help="CSV file to write, in ratecheck's form.")],
    form: Annotated[str | None, typer.Option(help="'worker,time', 'worker' or 'delay'; default: detected.")] = None,
    base: Annotated[
        int | None, typer.Option(min=0, max=1, help="Delays count from 0 or from 1; default: detected.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="M, when some workers never deliver.")] = None,
) -> None:
    """Read a CSV of worker,time rows or of one delay per line, and reject what is no schedule of Algorithm 1."""
    from ratecheck.commands import tracing

    for line in tracing.import_to(source, out, form, base, workers):
        echo(line)


@trace_app.command("show")
def trace_show(
    source: Path,
    plot: Annotated[Path | None, typer.Option(help="Write the histogram as .pdf, .svg or .png.")] = None,
    as_json: Json = False,
) -> None:
    """Print M, K, mean and largest delay of a trace, and its histogram."""
    from ratecheck.commands import tracing

    data, lines = tracing.describe(source, plot)
    if as_json:
        echo_json(data)
    else:
        for line in lines:
            echo(line)
