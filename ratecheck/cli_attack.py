"""The command ``attack``: look for a cell in which a claim fails."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ratecheck.cli_words import Json, Out, Threads, default_threads, echo, echo_json, seconds

attack_app = typer.Typer()


@attack_app.command()
def attack(
    claim: Annotated[str, typer.Argument(help="A claim, or a .py file with one.")],
    budget: Annotated[str | None, typer.Option(help="Search for this time, such as 90s or 5m; default 60s.")] = None,
    evaluations: Annotated[
        int | None, typer.Option(min=1, help="Measure so many cells instead: the same seed gives the same result.")
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            help="Delays up to this policy: independent, 'mean-zero given the duration' (mean-zero for short), "
            "data-dependent, clairvoyant. Default: the claim's own."
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Search cells with so many workers, and no others.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the search.")] = 1,
    threads: Threads = None,
    out: Out = Path("."),
    as_json: Json = False,
) -> None:
    """Search delays, problems, noise and sizes for a cell in which the claim fails; shrink and confirm it.

    Ctrl-C ends it with what is known.
    """
    from ratecheck.commands import attacking

    limit = seconds(budget) if budget is not None else None if evaluations else attacking.SECONDS
    found = attacking.perform(
        claim,
        limit,
        evaluations,
        policy,
        workers,
        seed,
        threads or default_threads(),
        out,
        sys.argv[1:],
        quiet=as_json,
    )
    if as_json:
        echo_json(found.document)
    else:
        for line in found.lines:
            echo(line)
    if found.complaint:
        typer.echo(f"error: {found.complaint}", err=True)
    raise typer.Exit(int(found.document["exit_code"]))
