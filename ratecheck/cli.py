"""The command line. stdout carries the result, stderr the progress; bad input is one sentence and exit code 2."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from ratecheck.cli_attack import attack_app
from ratecheck.cli_stability import stability_app
from ratecheck.cli_statistics import statistics_app
from ratecheck.cli_trace import trace_app
from ratecheck.cli_words import Json, Out, Threads, default_threads, echo, echo_json, seconds
from ratecheck.errors import RatecheckError

app = typer.Typer(
    name="ratecheck", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Check convergence theorems of asynchronous SGD the way code is checked.",
)  # fmt: skip
app.add_typer(trace_app, name="trace")
for commands in (statistics_app, stability_app, attack_app):
    app.add_typer(commands)

Targets = Annotated[
    list[str] | None, typer.Argument(help="Claims, one scenario, or .py/.toml files; none: every claim.")
]


@app.callback(invoke_without_command=True)
def _top(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        from ratecheck.core.run import version as installed

        echo(f"ratecheck {installed()}")
        raise typer.Exit


@app.command("list")
def list_(
    kind: Annotated[
        str | None, typer.Argument(help="claims, methods, schedulers, stepsizes, problems, noises, delays, scenarios")
    ] = None,
    as_json: Json = False,
) -> None:
    """List what is on the shelves."""
    from ratecheck.core import scenario, shelf
    from ratecheck.errors import UnknownName

    found: dict[str, dict[str, str]] = {}
    for name, one in shelf.SHELVES.items():
        if kind in (None, name):
            found[name] = {n: _first_line(one.module(n).__doc__) for n in one.names()}
    if kind in (None, "scenarios"):
        found["scenarios"] = {n: scenario.find(n)[0].title for n in scenario.names()}
    if not found:
        raise UnknownName(f"unknown kind {kind!r}{shelf.did_you_mean(str(kind), [*shelf.SHELVES, 'scenarios'])}")
    if as_json:
        echo_json(found)
        return
    for name, parts in found.items():
        echo(name)
        width = max(map(len, parts), default=0)
        for part, line in parts.items():
            echo(f"  {part:<{width}}  {line}")


def _first_line(doc: str | None) -> str:
    return (doc or "").strip().split("\n")[0].rstrip(".")


@app.command()
def show(
    claim: str, latex: Annotated[bool, typer.Option("--latex", help="Print LaTeX.")] = False, as_json: Json = False
) -> None:
    """Show a claim: statement, assumptions, stepsize, bounds, identities."""
    from ratecheck.core import shelf
    from ratecheck.report.statement import as_data, as_latex, as_text

    found = shelf.claim(claim)
    rule = shelf.STEPSIZES.get(found.stepsize) if isinstance(found.stepsize, str) else found.stepsize
    if latex:
        echo(as_latex(found, rule))
        return
    from ratecheck.checks.symbolic import check as derive

    derivation = derive(claim, found, "")
    chain = derivation.as_json() if derivation else None
    if as_json:
        echo_json(as_data(claim, found, rule, chain))
    else:
        echo(as_text(claim, found, rule, chain))


@app.command()
def check(
    targets: Targets = None,
    profile: Annotated[str, typer.Option(help="quick, standard, thorough, or another scenario.")] = "quick",
    evidence: Annotated[
        str | None, typer.Option(help="Kinds of evidence, comma-separated: symbolic,exact,monte-carlo,attack.")
    ] = None,
    method: Annotated[str | None, typer.Option(help="A method instead of the claim's: a name or FILE.py.")] = None,
    stepsize: Annotated[str | None, typer.Option(help="A stepsize instead of the claim's: a name or FILE.py.")] = None,
    trace: Annotated[
        Path | None, typer.Option(help="Run on this recorded trace instead of the scenario's delays.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed; default: the scenario's.")] = None,
    threads: Threads = None,
    budget: Annotated[str | None, typer.Option(help="Stop after this time, such as 90s or 10m.")] = None,
    alpha: Annotated[float | None, typer.Option(help="False-alarm probability of the whole check.")] = None,
    kappa: Annotated[float | None, typer.Option(help="Declared bound on E[(error/bound)^2].")] = None,
    force: Annotated[bool, typer.Option("--force", help="Run where an assumption fails, too.")] = False,
    strict_rate: Annotated[bool, typer.Option("--strict-rate", help="Exit 4 when a rate is SLOWER.")] = False,
    reproducible: Annotated[
        bool, typer.Option("--reproducible", help="Use the build that equals CPython bit for bit.")
    ] = False,
    ledger: Annotated[
        Path | None, typer.Option(help="Add the evidence of this run, with a fresh seed, to FILE.")
    ] = None,
    out: Out = Path("."),
    as_json: Json = False,
    require: Annotated[
        str | None, typer.Option(help="Exit 3 unless every claim reaches this verdict; a named one must be applicable.")
    ] = None,
) -> None:
    """Check claims: the main job. Without arguments every claim, on the quick profile."""
    from ratecheck.commands import request
    from ratecheck.core.run import Run

    limit = seconds(budget) if budget is not None else None
    asked = request.ask(
        targets or [], profile=profile, evidence=evidence, method=method, stepsize=stepsize, trace=trace, seed=seed,
        alpha=alpha, kappa=kappa, force=force, strict=reproducible, require=require, strict_rate=strict_rate,
        ledger=ledger,
    )  # fmt: skip
    run = Run.create(out, {"argv": sys.argv[1:], "request": asked.__dict__})
    _work(asked, run, threads or default_threads(), limit, as_json)


def _work(request: Any, run: Any, threads: int, budget: float | None, as_json: bool) -> NoReturn:
    from ratecheck.commands import session

    done = session.perform(request, run, threads=threads, budget=budget, quiet=as_json)
    document = session.finish(request, run, done)
    if as_json:
        echo_json(document)
    else:
        from ratecheck.report import text

        echo(text.verdicts(document["results"]))
        for name in session.witnesses(done.results):
            echo(f"replay   ratecheck replay {shlex.quote(str(run.folder / 'witnesses' / name))}")
        for one in document.get("ledger", ()):
            echo(f"ledger   {one['claim']}: {one['summary']}")
        echo(f"run      {run.folder}   ({done.computed} blocks computed; page: ratecheck report {run.argument})")
        if done.stopped:
            echo(f"resume   ratecheck resume {run.argument}")
    if why := session.complaint(request, done, document["exit_code"]):
        typer.echo(f"error: {why}", err=True)
    raise typer.Exit(int(document["exit_code"]))


@app.command()
def resume(name: Annotated[str, typer.Argument(metavar="RUN")], threads: Threads = None,
           budget: Annotated[str | None, typer.Option(help="Stop after this time, such as 90s or 10m.")] = None,
           out: Out = Path("."), as_json: Json = False) -> None:  # fmt: skip
    """Go on with a run that was stopped or killed; finished records are not computed again."""
    from ratecheck.commands import simulation
    from ratecheck.commands.request import resumed
    from ratecheck.core.run import Run

    run = Run.find(name, out)
    limit = seconds(budget) if budget is not None else None
    asked, workers = resumed(run), threads or default_threads()
    if asked.evidence:
        _work(asked, run, workers, limit, as_json)
    _tell(simulation.simulate(asked, run, workers, limit), as_json)


@app.command()
def replay(
    target: Annotated[str, typer.Argument(metavar="WITNESS.json|RUN")],
    cell: Annotated[str | None, typer.Option(help="A cell of the run: its digest, or words of its label.")] = None,
    out: Out = Path("."),
    as_json: Json = False,
) -> None:
    """Reproduce one refutation, or one cell of a run, to the last bit."""
    from ratecheck.checks import reproduce
    from ratecheck.core.witness import Witness
    from ratecheck.errors import RunError

    if target.endswith(".json"):
        found = reproduce.witness(Witness.load(Path(target)))
    elif cell is None:
        raise RunError(f"name a cell of run {target!r}: ratecheck replay {target} --cell 'M=4 K=256'.")
    else:
        found = _replay_cell(target, cell, out)
    if as_json:
        echo_json({"same": found.same, "found": found.found})
    else:
        for line in found.lines:
            echo(line)
        echo("reproduced to the last bit" if found.same else "NOT reproduced: the stored numbers differ")
    raise typer.Exit(0 if found.same else 1)


def _replay_cell(target: str, cell: str, out: Path) -> Any:
    from ratecheck.checks import reproduce
    from ratecheck.commands import session
    from ratecheck.commands.request import resumed
    from ratecheck.core.run import Run

    run = Run.find(target, out)
    claim, row = reproduce.stored_cell(run.read("results.json"), cell)
    request = resumed(run)
    files = {short: full for full, short in session.short_names(request.files).items()}
    return reproduce.cell_again(request.job(1), files.get(claim, claim), row)


@app.command("run")
def run_(scenario: str, seed: Annotated[int | None, typer.Option(min=0)] = None, threads: Threads = None,
         out: Out = Path("."), as_json: Json = False) -> None:  # fmt: skip
    """Simulate a scenario and draw it, without a claim."""
    from ratecheck.commands import simulation

    _tell(simulation.perform(scenario, seed, threads or default_threads(), out), as_json)


def _tell(found: Any, as_json: bool) -> None:
    if found.stopped:
        typer.echo(f"error: {found.stopped}", err=True)
        raise typer.Exit(5)
    if as_json:
        echo_json(found.document)
    else:
        for line in found.lines:
            echo(line)


@app.command()
def report(name: Annotated[str, typer.Argument(metavar="RUN")] = "latest", out: Out = Path(".")) -> None:
    """Write the page, the plots and their tables of a run; also of one that is not finished."""
    from ratecheck.core.run import Run

    run = Run.find(name, out)
    from ratecheck.report import html

    echo(str(html.write(run.folder)))


@app.command()
def doctor(as_json: Json = False) -> None:
    """Say whether this machine and installation can do the work, and how fast."""
    from ratecheck.commands import doctor as examination

    found = examination.examine()
    if as_json:
        echo_json(found)
    else:
        for name, line in found["lines"].items():
            echo(f"{name:<12} {line}")
    raise typer.Exit(0 if found["healthy"] else 1)


def main() -> NoReturn:
    """Run the command line; every error that ratecheck raises on purpose is one sentence on stderr and exit code 2."""
    try:
        app()
    except RatecheckError as fault:
        why = str(fault)
    except OSError as fault:
        why = f"{fault.filename or 'a file'}: {fault.strerror or fault}."
    except ArithmeticError as fault:
        why = f"a number is too large for 64 bits, or none: {fault}; look at sigma, the constants and the bound."
    except MemoryError as fault:
        why = f"this needs more memory than there is: {fault}; choose a smaller K, M or dimension."
    except Exception as fault:
        from ratecheck.core.shelf import blame

        guilty = blame(fault)
        if guilty is None:
            raise
        why = str(guilty)
    typer.echo(f"error: {why}", err=True)
    sys.exit(2)
