"""The commands ``ratecheck trace ...``: record, import, show, diagnose."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ratecheck.cli_words import Json, echo, echo_json

trace_app = typer.Typer(no_args_is_help=True, help="Real delay traces: record, import, show, diagnose.")


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
    heavy: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the rows with large residuals that take longer.")
    ] = 0,
    heavy_cost: Annotated[int, typer.Option(min=1, help="A batch with a heavy row takes so many times as long.")] = 10,
    heavy_shift: Annotated[
        float, typer.Option(min=0, help="How far the heavy rows' own solution lies from the others'.")
    ] = 0,
    noise: Annotated[bool, typer.Option("--noise", help="Write the noise of each gradient too.")] = False,
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
    rows_of = {"heavy": heavy, "heavy_cost": heavy_cost, "heavy_shift": heavy_shift} if heavy else {}
    for line in tracing.record_to(out, sizes, rows_of, noise):
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
    """Read a CSV of worker,time rows or of one delay per line, and reject what is no schedule of Algorithm 1.

    A header may name columns duration, noise_sq, noise_1, noise_2, .. too.
    """
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


@trace_app.command("diagnose")
def trace_diagnose(
    source: Path,
    variance: Annotated[
        float | None, typer.Option(help="sigma^2; default: the mean of noise_sq over the gradients delivered.")
    ] = None,
    level: Annotated[
        float, typer.Option(help="Largest probability that independent delays are called dependent.")
    ] = 0.01,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random orders.")] = 0,
    as_json: Json = False,
) -> None:
    """Tell from a trace with noise whether its delays look at the noise, how much, and which theorems cover that."""
    from ratecheck.commands import tracing

    data, lines = tracing.diagnose(source, variance, level, seed)
    if as_json:
        echo_json(data)
    else:
        for line in lines:
            echo(line)
