"""The arrays of one run, in float64 for the compiled loop or as objects for exact numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ratecheck.core.method import Method, Server
from ratecheck.core.noise import Noise
from ratecheck.core.part import number
from ratecheck.core.problem import Problem
from ratecheck.core.schedule import Schedule
from ratecheck.engine.loop import PIECE, Flight, Kernels, Stream, Switch
from ratecheck.errors import PartError


def aligned(shape: tuple[int, ...]) -> Any:
    """Return float64 zeros that begin on a 64-byte line: vector loads that straddle lines cost 5 %."""
    size = math.prod(shape)
    memory = np.zeros(size + 8)
    first = (-memory.ctypes.data % 64) // 8
    return memory[first : first + size].reshape(shape)


@dataclass
class State:
    """Everything the loop reads and writes besides the plan."""

    server: Server
    flight: Flight
    stream: Stream


def parameters(method: Method, constants: Mapping[str, Any], *, exact: bool) -> list[Any]:
    """Return the method's numbers: a constant of the cell where it has the name, else the default.

    Raises PartError naming the parameter and the names in reach when nobody defines it.
    """
    values = []
    for name, default in method.par.items():
        value = constants.get(name, default)
        if value is None:
            reach = ", ".join(sorted(n for n, v in constants.items() if v is not None))
            raise PartError(f"method {method.name!r} needs a number {name!r}, which nobody defines; in reach: {reach}.")
        values.append(Fraction(value) if exact else number(value, f"method {method.name!r}, {name}"))
    return values


def allocate(
    method: Method,
    schedule: Schedule,
    x0: Any,
    par: list[Any],
    replicates: int,
    *,
    batch: int = 1,
    noisy: bool = False,
) -> State:
    """Return zeroed arrays for a run from ``x0`` (D,); their dtype is that of ``x0`` (float64 or object)."""
    exact = x0.dtype == object
    zero: Any = Fraction(0) if exact else 0.0
    size, workers, jobs = x0.shape[0], schedule.workers, schedule.jobs

    def real(*shape: int) -> Any:
        if exact:
            return np.full(shape, zero, dtype=object)
        return aligned(shape)

    def whole(*shape: int) -> Any:
        return np.full(shape, 0, dtype=object if exact else np.int64)

    ring = method.rows(schedule) if method.rows else 0
    numbers = real(len(par))
    numbers[:] = par
    server = Server(
        whole(2), real(len(method.slots), size), real(workers, len(method.mine), size), real(ring, size), whole(ring),
        whole(len(method.count)), whole(workers, len(method.tally)), numbers, workers, replicates,
    )  # fmt: skip
    rows = max(1, PIECE // size) if noisy else 0
    block = rows * size + (rows * size) % 2  # an even length, for laws that make numbers in pairs
    block_number = whole(1)
    block_number[0] = -1 - schedule.handouts  # no block yet
    flight = Flight(
        real(jobs, method.queries, size), real(jobs if method.points else 0, method.queries, size),
        real(method.queries, size), real(block), block_number, whole(replicates * batch),
    )  # fmt: skip
    stream = Stream(real(size), real(replicates), real(replicates), real(replicates), x0.copy(), real(size), real(size))
    return State(server, flight, stream)


def begin(method: Method, state: State, x0: Any, start: Any = None) -> None:
    """Put the model at ``x0`` through the method's own start (or its compiled form ``start``)."""
    if method.start is None:
        state.server.x[0, :] = x0
    else:
        (start or method.start)(state.server, x0)


def kernels_of(method: Method, problem: Problem, noise: Noise) -> Kernels:
    """Return the plain kernels of a run, with do-nothing kernels where a part has none."""
    return Kernels(
        method.receive, method.query or no_query, problem.gradient or no_gradient, problem.mean_gradient, problem.value,
        noise.fill or no_fill, noise.draw or no_draw,
    )  # fmt: skip


def switches(method: Method, rows: int, *, noisy: bool = False, average: bool = False, value: bool = False,
             slope: bool = False, track: bool = False, mixed: bool = False) -> Switch:  # fmt: skip
    """Return the loop's integers from truth values. ``mixed``: the workers' objectives differ."""
    return Switch(rows, int(noisy), int(average), int(method.query is not None), int(method.points), int(value),
                  int(slope) * (1 + mixed), int(track))  # fmt: skip


def no_receive(server: Any, a: Any) -> None:
    """Stand in for a receive that is done by hand."""


def no_query(server: Any, worker: Any, gamma: Any, out: Any) -> None:
    """Stand in for a query that a method does not have."""


def no_gradient(x: Any, worker: Any, sample: Any, data: Any, out: Any) -> None:
    """Stand in for a sampled gradient that a problem does not have."""


def no_fill(key: Any, position: Any, par: Any, out: Any) -> None:
    """Stand in for additive noise."""


def no_draw(key: Any, handout: Any, rows: Any, out: Any) -> None:
    """Stand in for row sampling."""
