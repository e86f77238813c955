"""``ratecheck run``: simulate a scenario and draw it, without a claim."""

from __future__ import annotations

import math
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ratecheck.checks.measure import Store, fault_of, milestones, of_schedule, run_units
from ratecheck.checks.summary import histogram
from ratecheck.commands import request, tuning
from ratecheck.commands.ordering import compared, order, table
from ratecheck.commands.progress import Progress
from ratecheck.commands.request import Request
from ratecheck.core import scenario as scenarios
from ratecheck.core.run import Run, record_key
from ratecheck.engine.build import Built, build
from ratecheck.engine.sweep import width_of
from ratecheck.errors import AssumptionError, CapabilityError, FormulaError, ScenarioError

NAME = "simulation"
#: what runs of one cell measured, by name: output_gap (n,), and along the run F, scores and time (points, n). tau_max
#: and time are of each schedule: n of them where every run has its own, else one
Runs = dict[str, Any]
OF_SCHEDULES = ("time", "tau_max")


@dataclass(frozen=True)
class Simulated:
    """The rows as data, and lines for the terminal; or a sentence, where it was stopped before the end."""

    document: dict[str, Any]
    lines: list[str]
    stopped: str = ""


def perform(name: str, seed: int | None, threads: int, out: Path) -> Simulated:
    """Simulate every cell of a scenario; every grid must name a stepsize. Raises ScenarioError when none can run."""
    asked = request.simulation(name, seed)
    _checked(asked)
    return simulate(asked, Run.create(out, {"argv": sys.argv[1:], "request": asked.__dict__}), threads)


def _checked(asked: Request) -> tuple[scenarios.Scenario, Path, list[Built], list[str]]:
    """Return scenario, folder, the cells of the first seed, and why others cannot run."""
    scenario, folder = asked.parsed(), Path(asked.folder or ".")
    built, left = _build(scenario, folder, asked.seed)
    if not built:
        why = left[0].rstrip(".") if left else "it has no grid"
        raise ScenarioError(f"no cell of scenario {asked.name!r} can run: {why}.")
    return scenario, folder, built, left


def simulate(asked: Request, run: Run, threads: int, budget: float | None = None) -> Simulated:
    """Simulate into the run's folder and draw it. Records that are there are not computed again."""
    scenario, folder, built, left = _checked(asked)
    chosen, seeds = asked.seed, scenario.simulation.seeds
    store, bar, measured = Store(run.records(), run.writer()), Progress(False), []
    timer = threading.Timer(budget or 0, store.stop.set)
    timer.daemon = True
    if budget:
        timer.start()
    try:
        for one in range(chosen, chosen + seeds):
            cells = built if one == chosen else _build(scenario, folder, one)[0]
            measured.append(_measured(cells, one, scenario, store, threads, bar))
    except KeyboardInterrupt:
        return Simulated({}, [], (
            f"stopped with {len(measured)} of {seeds} seeds done; finished records are kept, and "
            f"ratecheck resume {run.argument} goes on from them."
        ))  # fmt: skip
    finally:
        timer.cancel()
        bar.close()
        if store.writer:
            store.writer.close()
    runs = [together(list(of_seeds)) for of_seeds in zip(*measured, strict=True)]
    rows = [_row(b, r, scenario.simulation.points) for b, r in zip(built, runs, strict=True)]
    document = {"version": 1, "seed": chosen, "seeds": seeds, "scenario": scenario.title,
                "alpha": scenario.monte_carlo.alpha, "cells": rows, "left_out": left, "pairs": [],
                "labels": scenario.simulation.labels, "delay_tables": _delay_tables(built)}  # fmt: skip
    if scenario.simulation.tuned:
        document |= _tuned(built, runs, scenario)
    elif seeds > 1:
        document["pairs"] = compared(rows, [r["output_gap"] for r in runs], scenario.monte_carlo.alpha)
    run.write("simulation.json", document)
    from ratecheck.report import plots, tuned

    drawn = plots.simulated(document, run.folder / "report")
    lines = tuned.lines(document) if scenario.simulation.tuned else [*table(rows), *order(document)]
    lines += [*(f"left out: {r}" for r in left), *(f"plot {p}" for p in drawn)]
    return Simulated(document, [*lines, f"run  {run.folder}"])


def _measured(built: list[Built], seed: int, scenario: scenarios.Scenario, store: Store, threads: int,
              bar: Progress) -> list[Runs]:  # fmt: skip
    """Simulate the cells under one seed; return for each the errors (n,), and the curves (points, n), of its runs."""
    most, points, name = scenario.monte_carlo.replicates, scenario.simulation.points, f"{NAME} {seed}"
    units = _in_turn(built, most)
    run_units(name, units, ("output_gap",), (), store, threads, False,
              lambda d, t: bar.update(NAME, f"seed {seed}, runs", d, t), most=most, points=points)  # fmt: skip
    if fault := next((f for b in built if (f := fault_of(name, b, _blocks(b, most), store))), None):
        raise AssumptionError(fault)
    return [_runs(b, [store.records[record_key(name, b.cell.digest, i)] for i in range(_blocks(b, most))],
                  most if b.noisy else 1, points) for b in built]  # fmt: skip


def _in_turn(built: list[Built], most: int) -> list[tuple[Built, int]]:
    """Return every (cell, block), those on the same samples one after the other: where delays look, on one schedule."""
    alike: dict[int, list[Built]] = {}
    for one in built:
        alike.setdefault(int(one.key), []).append(one)
    counts = [(group, max(_blocks(b, most) for b in group)) for group in alike.values()]
    return [(b, i) for group, count in counts for i in range(count) for b in group if i < _blocks(b, most)]


def _tuned(built: list[Built], runs: list[Runs], scenario: scenarios.Scenario) -> dict[str, Any]:
    name = scenario.simulation.tuned or ""
    rows = tuning.tuned(built, [r["output_gap"] for r in runs], name, scenario.claims)
    return {"constant": name, "tuned": rows, "exponents": tuning.exponents(rows), "delay_tables": []}


def _runs(built: Built, records: list[dict[str, Any]], count: int, points: int) -> Runs:
    """Return the numbers of the first ``count`` runs, as float arrays: NaN where not finite."""
    gap = np.concatenate([np.array(r["measured"]["output_gap"], dtype=float) for r in records])
    names = records[0].get("curve", {})
    curve = {n: np.concatenate([np.array(r["curve"][n], dtype=float) for r in records], axis=1) for n in names}
    if curve:
        curve["F"] = curve["F"] - built.instance.minimum
    shared = None if built.own_schedules else of_schedule(built, milestones(built.cell.K, points))
    schedules = [r["schedule"] for r in records] if shared is None else [shared]
    clock = {} if schedules[0]["time"] is None else {"time": np.array([s["time"] for s in schedules]).T}
    longest = {"tau_max": np.array([s["tau_max"] for s in schedules])}
    return {"output_gap": gap[:count], **{n: v[:, :count] for n, v in curve.items()}, **clock, **longest}


def together(of_seeds: list[Runs]) -> Runs:
    """Return the runs of all seeds; of several seeds each is one run, the mean of its own (they share delays)."""
    if len(of_seeds) == 1:
        return of_seeds[0]
    means = {n: np.stack([one[n].mean(axis=-1) for one in of_seeds], axis=-1) for n in of_seeds[0]}
    return means | {n: np.concatenate([one[n] for one in of_seeds], axis=-1) for n in OF_SCHEDULES if n in means}


def _build(scenario: scenarios.Scenario, folder: Path | None, seed: int) -> tuple[list[Built], list[str]]:
    found, left = [], []
    for cell in scenario.cells(folder):
        if cell.stepsize is None:
            raise ScenarioError(f"scenario {scenario.title!r}: without a claim every grid needs a key 'stepsize'.")
        try:
            found.append(
                build(cell, seed, method="async_sgd", scheduler="async", stepsize=cell.stepsize, folder=folder)
            )
        except (AssumptionError, CapabilityError, FormulaError) as fault:
            left.append(f"{cell.label}: {fault}")
    return found, left


def _blocks(built: Built, replicates: int) -> int:
    return -(-replicates // width_of(built)) if built.noisy else 1


def _row(built: Built, runs: Runs, points: int) -> dict[str, Any]:
    cell = built.cell
    mean, se = _mean(runs["output_gap"])
    row = {
        "label": cell.label, "method": built.method.name, "scheduler": built.scheduler.name, "stepsize": cell.stepsize,
        "M": cell.M, "K": cell.K,
        "sigma": built.constants["sigma"], "problem": cell.problem.label, "noise": cell.noise.label,
        "delays": cell.delays.label, "output": cell.output or "R1", "constants": _constants(built),
        "above": _above(built),
        "n": len(runs["output_gap"]), "mean": float(mean), "se": float(se), "tau_max": int(runs["tau_max"].max()),
        **_clock(built, runs),
    }  # fmt: skip
    if points:
        time = _times(built, runs)
        row["curve"] = {"K": milestones(cell.K, points), "time": None if time is None else time.tolist()}
        for name in ("F", *built.problem.scores):
            row["curve"][name] = dict(zip(("mean", "se"), (v.tolist() for v in _mean(runs[name])), strict=True))
    return row


def _times(built: Built, runs: Runs) -> Any:
    """Return the times (points,) along the runs, None without a clock.

    That of the schedule, its mean over seeds; the median where every run has a schedule of its own: one run in which
    something is held back for good would be all that a mean shows.
    """
    if "time" not in runs:
        return None
    return np.median(runs["time"], axis=-1) if built.own_schedules else runs["time"].mean(axis=-1)


def _clock(built: Built, runs: Runs) -> dict[str, Any]:
    """Return the time at the end, and where every run has its own the shortest and the longest."""
    times = _times(built, runs)
    if times is None:
        return {"time": None, "time_range": None}
    last = runs["time"][-1]
    return {
        "time": float(times[-1]),
        "time_range": [float(last.min()), float(last.max())] if built.own_schedules else None,
    }


def _mean(values: Any) -> tuple[Any, Any]:
    """Return mean and standard error over the last axis; the error of one run is 0."""
    n = values.shape[-1]
    with np.errstate(all="ignore"):
        mean = values.mean(axis=-1)
        return mean, values.std(axis=-1, ddof=1) / math.sqrt(n) if n > 1 else 0 * mean


def _above(built: Built) -> str:
    """Return what is subtracted from F: F*, where nobody knows that a lower bound ('' if that is 0)."""
    return "F*" if built.instance.solved else "a lower bound" if built.instance.minimum else ""


def _constants(built: Built) -> dict[str, float]:
    """Return the constants declared by hand that the stepsize uses."""
    used = {n for formula in built.stepsize.branches.values() for n in formula.names}
    return {n: v for n, v in built.cell.constants.items() if n in used}


def _delay_tables(built: list[Built]) -> list[dict[str, Any]]:
    """Return a histogram for each scheduler, delay model and M: of the longest cell.

    One that works in rounds has the delays 1..M in each, whatever the clock: no histogram where there are others.
    """
    longest: dict[tuple[str, str, int], Built] = {}
    for one in [b for b in built if b.scheduler.every is None] or built:
        key = (one.scheduler.name, one.cell.delays.label, one.cell.M)
        longest[key] = max(longest.get(key, one), one, key=lambda b: (b.cell.K, of_schedule(b)["tau_max"]))
    return [histogram(one, label) for (_, label, _), one in longest.items()]
