"""The command ``stability``: the largest stepsizes that methods bear."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ratecheck.cli_words import Json, echo, echo_json

stability_app = typer.Typer()


@stability_app.command()
def stability(
    methods: Annotated[list[str] | None, typer.Argument(help="Methods: names or FILE.py; none: those of OrMo.")] = None,
    workers: Annotated[
        str, typer.Option("--M", help="Numbers of workers, with commas; all at the first beta.")
    ] = "4,16",
    beta: Annotated[str, typer.Option(help="Momentum, with commas; all at the first M.")] = "0.9",
    scheduler: Annotated[str, typer.Option(help="A scheduler: a name or FILE.py.")] = "async",
    delays: Annotated[
        str, typer.Option(help="Such as 'gamma(shape=100, slow=1/8)'; 'fixed': they take turns.")
    ] = "fixed",
    stepsize: Annotated[str, typer.Option(help="A rule that is 'stepsize' times a factor.")] = "constant",
    constant: Annotated[list[str] | None, typer.Option(help="A number of that rule, such as damping=32.")] = None,
    exact: Annotated[bool, typer.Option("--exact", help="Enclose in rational arithmetic, up to M = 16.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the delays.")] = 1,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw into this folder: against M, and against beta."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Find the largest stepsize that methods bear: M L gamma on F = L x^2/2, up to the first loss of stability."""
    from ratecheck.commands import stability as finding

    found = finding.perform(
        methods or [], workers, beta, scheduler=scheduler, delays=delays, stepsize=stepsize, exact=exact, seed=seed,
        plot=plot, given=constant or (),
    )  # fmt: skip
    if as_json:
        echo_json(found.document)
    else:
        for line in found.lines:
            echo(line)
