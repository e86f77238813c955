"""The commands about the statistics themselves: ``plan``, ``baseline save|compare``, ``selftest``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ratecheck.cli_words import Json, Out, echo, echo_json

statistics_app = typer.Typer()
baseline_app = typer.Typer(no_args_is_help=True, help="Fitted coefficients of a run, kept and compared: save, compare.")
statistics_app.add_typer(baseline_app, name="baseline")

RunName = Annotated[str, typer.Argument(metavar="RUN")]
File = Annotated[Path, typer.Option("--file", help="The baseline, a small JSON file.")]


@statistics_app.command()
def plan(
    claim: str,
    profile: Annotated[str, typer.Option(help="quick, standard, thorough, or another scenario.")] = "quick",
    replicates: Annotated[int | None, typer.Option(help="Runs a cell; default: the scenario's.")] = None,
    cv: Annotated[float, typer.Option(help="Standard deviation over mean of the error between runs.")] = 0.5,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed; default: the scenario's.")] = None,
    as_json: Json = False,
    write: Annotated[Path | None, typer.Option(help="Write the designed grid as a scenario FILE.toml.")] = None,
) -> None:
    """Say before any run what a grid can show: vacuous cells, branches, widths, work; and design a better one."""
    from ratecheck.commands import planning

    found = planning.perform(claim, profile, replicates, cv, seed, write)
    if as_json:
        echo_json(found.document)
    else:
        echo(found.text)
        if write is not None:
            echo(f"\nwritten to {write}: ratecheck check {write}")
    if found.complaint:
        typer.echo(f"error: {found.complaint}", err=True)
        raise typer.Exit(2)


@baseline_app.command("save")
def baseline_save(name: RunName = "latest", file: File = Path("ratecheck-baseline.json"), out: Out = Path(".")) -> None:
    """Keep the fitted coefficients of a run, to compare later ones with."""
    from ratecheck.commands import baselines

    echo(baselines.save(name, file, out))


@baseline_app.command("compare")
def baseline_compare(
    name: RunName = "latest", file: File = Path("ratecheck-baseline.json"), out: Out = Path("."), as_json: Json = False
) -> None:
    """Say which fitted coefficients have moved since; exit 1 when one has, 5 when there is nothing to compare."""
    from ratecheck.commands import baselines

    document, lines = baselines.compare(name, file, out)
    if as_json:
        echo_json(document)
    else:
        for line in lines:
            echo(line)
    raise typer.Exit(int(document["exit_code"]))


@statistics_app.command()
def selftest(seed: Annotated[int, typer.Option(min=0)] = 1, as_json: Json = False) -> None:
    """Put our own verdicts to the test: false alarms on laws at the boundary, misses of planted lies."""
    from ratecheck.commands import selftest as examination

    found, code = examination.perform(seed, as_json)
    if isinstance(found, str):
        echo(found)
    else:
        echo_json(found)
    raise typer.Exit(code)
