"""``ratecheck run``: simulate a scenario and draw it, without a claim."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ratecheck.checks.measure import Store, gathered, run_units
from ratecheck.checks.summary import histogram
from ratecheck.commands.progress import Progress
from ratecheck.core import scenario as scenarios
from ratecheck.core.run import Run
from ratecheck.engine.build import Built, build
from ratecheck.engine.sweep import block_width
from ratecheck.errors import AssumptionError, CapabilityError, FormulaError, ScenarioError

NAME = "simulation"


@dataclass(frozen=True)
class Simulated:
    """The rows as data, and lines for the terminal."""

    document: dict[str, Any]
    lines: list[str]


def perform(name: str, seed: int | None, threads: int, out: Path) -> Simulated:
    """Simulate every cell of a scenario; every grid must name a stepsize. Raises ScenarioError when none can run."""
    scenario, folder = scenarios.find(name)
    chosen = scenario.seed if seed is None else seed
    built, left = _build(scenario, folder, chosen)
    if not built:
        raise ScenarioError(f"no cell of scenario {name!r} can run: {left[0] if left else 'it has no grid'}.")
    run = Run.create(out, {"argv": sys.argv[1:], "scenario": scenario.model_dump(mode="json")})
    store = Store(run.records(), run.writer())
    bar = Progress(False)
    replicates = scenario.monte_carlo.replicates
    units = [(b, i) for b in built for i in range(_blocks(b, replicates))]
    try:
        run_units(NAME, units, ("output_gap",), (), store, threads, False,
                  lambda d, t: bar.update(NAME, "runs", d, t), most=replicates)  # fmt: skip
    finally:
        bar.close()
        if store.writer:
            store.writer.close()
    rows = [_row(b, store, replicates) for b in built]
    document = {"version": 1, "seed": chosen, "scenario": scenario.title, "cells": rows, "left_out": left,
                "delay_tables": _delay_tables(built)}  # fmt: skip
    run.write("simulation.json", document)
    from ratecheck.report import plots

    drawn = plots.simulated(document, run.folder / "report")
    return Simulated(
        document,
        [*_table(rows), *(f"left out: {r}" for r in left), *(f"plot {p}" for p in drawn), f"run  {run.folder}"],
    )


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
    return -(-replicates // block_width(built.instance.dimension)) if built.noisy else 1


def _row(built: Built, store: Store, replicates: int) -> dict[str, Any]:
    found = gathered(NAME, built, _blocks(built, replicates), store, ("output_gap",))
    gap = found["output_gap"][: replicates if built.noisy else 1]
    cell, schedule = built.cell, built.weighted.schedule
    last = schedule.horizon - 1
    return {
        "label": cell.label, "method": built.method.name, "stepsize": cell.stepsize, "M": cell.M, "K": cell.K,
        "sigma": built.constants["sigma"], "problem": cell.problem.label, "noise": cell.noise.label,
        "delays": cell.delays.label, "output": cell.output or "R1", "constants": _constants(built), "n": len(gap),
        "mean": float(np.mean(gap)), "se": float(np.std(gap, ddof=1) / math.sqrt(len(gap))) if len(gap) > 1 else 0.0,
        "tau_max": _tau_max(built),
        "time": None if schedule.time is None else float(schedule.time[last]),
    }  # fmt: skip


def _constants(built: Built) -> dict[str, float]:
    """Return the constants declared by hand that the stepsize uses."""
    used = {n for formula in built.stepsize.branches.values() for n in formula.names}
    return {n: v for n, v in built.cell.constants.items() if n in used}


def _delay_tables(built: list[Built]) -> list[dict[str, Any]]:
    """Return a histogram for each delay model and M: the longest cell under the scheduler of largest delays."""
    longest: dict[tuple[str, int], Built] = {}
    for one in built:
        key = (one.cell.delays.label, one.cell.M)
        longest[key] = max(longest.get(key, one), one, key=lambda b: (b.cell.K, _tau_max(b)))
    return [histogram(one, label) for (label, _), one in longest.items()]


def _tau_max(built: Built) -> int:
    schedule = built.weighted.schedule
    return int(schedule.delay[: schedule.horizon].max())


def _table(rows: list[dict[str, Any]]) -> list[str]:
    head = (
        f"{'method':<16} {'M':>4} {'K':>7} {'sigma':>7} {'F(output) - F*':>16} {'std. error':>11}"
        f" {'time':>9}  stepsize, problem, delays"
    )
    body = [
        f"{r['method']:<16} {r['M']:>4} {r['K']:>7} {r['sigma'] or 0:>7.3g}"
        f" {format(r['mean'], '.6g') if math.isfinite(r['mean']) else 'diverged':>16} {r['se']:>11.2g}"
        f" {'' if r['time'] is None else format(r['time'], '.4g'):>9}"
        f"  {r['stepsize']}, {r['problem']}, {r['delays']}"
        for r in rows
    ]
    return [head, *body]
