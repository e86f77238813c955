"""Our side of the benchmark: the one file here that touches the engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from benchmarks.cell import Cell, Outcome


def ours(cell: Cell) -> Callable[[], Outcome]:
    """Return a function that runs the cell end to end: clock, stepsizes and weights, trajectory.

    The parts, the objective and the compiled kernels are made here, once.
    """
    from ratecheck.core import cell as core
    from ratecheck.core import shelf, symbols
    from ratecheck.core.part import Part
    from ratecheck.core.stepsize import Stepsize
    from ratecheck.engine.build import build
    from ratecheck.engine.schedule import make, weigh
    from ratecheck.engine.sweep import simulate

    problem = Part("quadratic", {"spectrum": cell.spectrum.tolist()})
    delays = Part(cell.clock, {"spread": cell.spread})
    setting = core.Cell(problem, Part("gaussian"), delays, cell.M, cell.K, cell.sigma)
    stepsize = Stepsize(
        delay=1 / (4 * symbols.L * symbols.tau),
        cap=1 / (4 * symbols.M * symbols.L),
    )
    built = build(setting, cell.seed, method="async_sgd", scheduler="asynchronous", stepsize=stepsize)
    clock = shelf.DELAYS.get(cell.clock)
    durations = clock.parameters(delays.par)

    def run() -> Outcome:
        schedule = make(built.scheduler, clock, durations, cell.M, cell.K, built.key)
        weighted = weigh(schedule, stepsize, built.constants, "R1")
        found = simulate(dataclasses.replace(built, weighted=weighted), 0, cell.R, ("output_gap",))
        shape = (cell.d, cell.R)
        return Outcome(found.last.reshape(shape).T, found.average.reshape(shape).T)

    return run
