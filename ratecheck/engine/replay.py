"""Exact replay: the same loop and kernels on Fractions, sympy symbols or coefficient rows, one step at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from ratecheck.core.identity import Flying, View
from ratecheck.core.method import Method
from ratecheck.core.schedule import Schedule
from ratecheck.engine import loop
from ratecheck.engine.state import State, allocate, begin, no_draw, no_fill, no_query, parameters, switches


def objects(values: Any) -> Any:
    """Return a one-dimensional object array of plain Python numbers (never numpy integers, which overflow)."""
    listed = values.tolist() if isinstance(values, np.ndarray) else list(values)
    out = np.empty(len(listed), dtype=object)
    out[:] = listed
    return out


def plan_of(schedule: Schedule, gamma: Any, gamma_hat: Any, weight: Any, *, exact: bool = False) -> loop.Plan:
    """Return the loop's plan; ``exact=True`` turns every array into plain Python numbers."""
    n, h = schedule.horizon, schedule.handouts
    wholes = (schedule.worker[:n], schedule.job[:n], schedule.stamp[:n], schedule.counted[:n])
    handed = (schedule.offset[: n + 2], schedule.to_worker[:h], schedule.to_job[:h])
    cast = objects if exact else np.ascontiguousarray
    first = np.full(schedule.steps + 1, -1, dtype=np.int64)
    versions, earliest = np.unique(schedule.made_at[:h], return_index=True)
    first[versions] = earliest
    arrays = (*map(cast, wholes), cast(gamma), *map(cast, handed), cast(gamma_hat), cast(weight), cast(first))
    return loop.Plan._make(arrays)


def one(name: str) -> Any:
    """Return the coefficient of a vector in its own row: one, whatever the vector is called."""
    return Fraction(1)


def replay_rows(
    method: Method, schedule: Schedule, gamma: list[Any], gamma_hat: list[Any], constants: Mapping[str, Any],
    visit: Callable[[View], None],
    unit: Callable[[str], Any] = one,
) -> None:  # fmt: skip
    """Run the method with free gradients and show the state after each delivery to ``visit``.

    Vectors are rows of coefficients: entry 0 belongs to x_0, entry 1 + h to the gradient of hand-out h taken *at the
    model of its version*, and the last entry to gradients taken anywhere else. Where a sample is looked at in q points,
    entry 1 + j H + h belongs to the gradient at point j > 0 of hand-out h, wherever that is. Two rows are equal exactly
    when the vectors are equal for every objective, every sample and every start, so one replay covers them all. The
    virtual iterate is computed here, by its definition, not by the method. ``unit`` may put symbols for the ones,
    to see whether a kernel compares numbers.
    """
    handouts = schedule.handouts
    size = method.queries * handouts + 2
    x0 = objects([Fraction(0)] * size)
    x0[0] = unit("x_0")
    par = parameters(method, constants, exact=True)
    state = allocate(method, schedule, x0, par, replicates=1)
    server = state.server
    looks = [0]  # how many points the present sample was looked at in

    def gradient(point: Any, worker: int, sample: Any, data: Any, out: Any) -> None:
        h, j = sample[0], looks[0]
        out[:] = Fraction(0)
        right = j > 0 or all(p == x for p, x in zip(point, server.x[0], strict=True))
        out[1 + j * handouts + h if right else size - 1] = unit(f"g_{h}" if j == 0 else f"g_{h}_{j}")
        looks[0] += 1

    def draw(key: Any, h: int, rows: int, out: Any) -> None:
        out[0], looks[0] = h, 0

    plan = plan_of(schedule, gamma, gamma_hat, [0] * (schedule.steps + 1), exact=True)
    begin(method, state, x0)
    virtual = x0.copy()
    issued: tuple[Flying, ...] = ()
    do = switches(method, rows=1)
    for n in range(schedule.horizon):
        loop.run(n, n + 1, method.receive, method.query or no_query, gradient, no_fill, no_fill, no_fill, draw,
                 server, plan, state.flight, state.stream, do, None, None, 0, 0)  # fmt: skip
        for h in range(plan.offset[n], plan.offset[n + 1]):
            virtual[1 + h] -= gamma_hat[h]
        issued += just_issued(n, schedule, plan, state)
        visit(view_of(n, x0, virtual, method, schedule, plan, state, issued))


def flying_of(h: int, schedule: Schedule, plan: loop.Plan, state: State) -> Flying:
    """Return the gradient of hand-out h, which the worker's next hand-out will overwrite."""
    gradient, *others = state.flight.grad[int(plan.to_job[h])]
    return Flying(int(plan.to_worker[h]), int(schedule.made_at[h]), plan.gamma_hat[h], gradient, h, tuple(others))


def just_issued(n: int, schedule: Schedule, plan: loop.Plan, state: State) -> tuple[Flying, ...]:
    """Return copies of the gradients handed out between deliveries n and n + 1."""
    made = (flying_of(h, schedule, plan, state) for h in range(int(plan.offset[n]), int(plan.offset[n + 1])))
    return tuple(replace(f, gradient=f.gradient.copy(), others=tuple(g.copy() for g in f.others)) for f in made)


def view_of(n: int, x0: Any, virtual: Any, method: Method, schedule: Schedule, plan: loop.Plan, state: State,
            issued: tuple[Flying, ...] | None = None) -> View:  # fmt: skip
    """Return what identities see after delivery n + 1 and before the hand-outs that follow it."""
    made = int(plan.offset[n + 1])
    flying = np.flatnonzero(schedule.out(n + 1, made))
    now = int(schedule.source[n])
    return View(
        step=int(schedule.version[n]),
        workers=schedule.workers,
        arrived=int(plan.worker[n]),
        gamma=plan.gamma[n],
        x=state.server.x[0],
        start=x0,
        virtual=virtual,
        vectors={**dict(enumerate(state.server.x)), **dict(zip(method.slots, state.server.x, strict=True))},
        par=dict(zip(method.par, state.server.par, strict=True)),
        in_flight=tuple(flying_of(h, schedule, plan, state) for h in (*flying.tolist(), now)),
        issued=issued,
    )


__all__ = ["no_draw", "objects", "plan_of", "replay_rows", "view_of"]
