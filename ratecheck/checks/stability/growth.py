"""Growth along a run: the rate at which a linear method's state grows or shrinks on F = x^2/2, for any arrivals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ratecheck.checks.stability.period import vectors
from ratecheck.core import shelf
from ratecheck.core.keys import wrapping
from ratecheck.core.method import Method
from ratecheck.core.noise import Noise
from ratecheck.core.problem import Problem
from ratecheck.core.schedule import Schedule
from ratecheck.engine.compile import run_kernel, seal
from ratecheck.engine.loop import Kernels
from ratecheck.engine.replay import plan_of
from ratecheck.engine.rows import Rows, nothing
from ratecheck.engine.state import State, allocate, begin, kernels_of, parameters, switches

#: deliveries after which the state is scaled back to one, so that nothing overflows
STRETCH = 512
#: a stepsize whose square does not show; and by how much the effect of a gradient may differ between two quarters
TINY, SETTLED = 2.0**-40, 0.01


class Run:
    """One schedule run by one method from x = 1, compiled, at any stepsize.

    ``ratio`` (N,) are the stepsizes of the deliveries, in units of one common stepsize. Raises CapabilityError where
    the method is not linear in the gradients: then nothing is known from one start.
    """

    def __init__(self, method: Method, schedule: Schedule, ratio: Any, constants: Mapping[str, Any]) -> None:
        self.method, self.schedule, self.ratio = method, schedule, np.asarray(ratio, dtype=float)
        self.handed = np.full(schedule.handouts, self.ratio[-1])
        back = schedule.source[: schedule.horizon]
        self.handed[back] = self.ratio
        self.constants = dict(constants)
        problem: Problem = shelf.PROBLEMS.get("quadratic")
        few = schedule.prefix(min(schedule.horizon, STRETCH))
        weight = np.zeros(few.steps + 1)
        small = (self.ratio[: few.horizon] / 1024, self.handed[: few.handouts] / 1024, weight)
        Rows(method, problem, few, *small, np.ones(1), self.constants).require_linear()
        self.kernels = Kernels(*map(seal, Kernels._fields, kernels_of(method, problem, Noise("none", nothing))))
        self.start = seal("start", method.start) if method.start else None

    def growth(self, stepsize: float) -> float:
        """Return the logarithmic growth of the largest entry of the state, a delivery, over the second half."""
        scaled, levels = 0.0, []
        for state in self._stretches(stepsize, self.kernels, np.ones(1)):
            scale = largest(state)
            if not 0 < scale < np.inf:
                return float("-inf") if scale == 0 else float("inf")
            scaled += float(np.log(scale))
            levels.append(scaled)
            for rows in vectors(state):
                rows /= scale
        half = len(levels) // 2
        return (levels[-1] - levels[half - 1]) / (self.schedule.horizon - half * STRETCH)

    def effect(self) -> float | None:
        """Return what a gradient moves the model by in the end, in units of the stepsize: on F = x, all gradients 1.

        It is the speed over the second half. None where its two quarters differ by more than SETTLED: the method
        remembers for longer than the run.
        """
        kernels = self.kernels._replace(mean_gradient=seal("mean_gradient", level))
        at = [float(state.server.x[0, 0]) for state in self._stretches(TINY, kernels, np.zeros(1))]
        done = np.minimum(np.arange(1, len(at) + 1) * STRETCH, self.schedule.horizon)
        half, last = len(at) // 2 - 1, len(at) - 1
        middle = (half + last) // 2
        early, late, mean = (
            (at[a] - at[b]) / (TINY * float(done[b] - done[a]))
            for a, b in ((half, middle), (middle, last), (half, last))
        )
        return mean if abs(early - late) <= SETTLED * abs(mean) < np.inf else None

    def _stretches(self, stepsize: float, kernels: Kernels, x0: Any) -> Iterator[State]:
        """Yield the state, which may be scaled, after every stretch of deliveries from ``x0`` (1,)."""
        do = switches(self.method, rows=0)
        state = allocate(self.method, self.schedule, x0, parameters(self.method, self.constants, exact=False), 1)
        plan = plan_of(self.schedule, stepsize * self.ratio, stepsize * self.handed, np.zeros(self.schedule.steps + 1))
        arguments = (*kernels, state.server, plan, state.flight, state.stream, do, np.ones(1), np.zeros(1), 0.0,
                     np.uint64(0))  # fmt: skip
        begin(self.method, state, x0, self.start)
        for first in range(0, self.schedule.horizon, STRETCH):
            with np.errstate(all="ignore"), wrapping():
                run_kernel()(first, min(first + STRETCH, self.schedule.horizon), *arguments)
            yield state


def level(x: Any, worker: Any, data: Any, out: Any) -> None:
    """Write the gradient of F = x. A kernel."""
    for i in range(out.shape[0]):
        out[i] = 1.0


def largest(state: State) -> float:
    """Return the largest magnitude in a state, NaN where there is one."""
    return float(np.max([np.max(np.abs(rows), initial=0.0) for rows in vectors(state)]))
