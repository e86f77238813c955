"""Simulates blocks of replicates of a cell, compiled or plain, and measures what claims speak about."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ratecheck.core.identity import Flying, View
from ratecheck.core.keys import key_of, wrapping
from ratecheck.core.method import Arrival
from ratecheck.core.symbols import MEASURED
from ratecheck.engine import loop
from ratecheck.engine.build import Built
from ratecheck.engine.replay import just_issued, plan_of, view_of
from ratecheck.engine.state import (
    State,
    allocate,
    begin,
    kernels_of,
    no_query,
    no_receive,
    parameters,
    switches,
)
from ratecheck.errors import PartError

Floats = npt.NDArray[np.float64]

#: deliveries between two looks at the stop flag
CHUNK = 65_536


class Stopped(Exception):
    """A simulation was asked to stop; nothing of the unfinished block is kept."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one block measured: arrays (R,) by name, the averages (D,) and last iterates (D,).

    ``curve`` has what was measured along the run, by name: F and the problem's scores, arrays (milestones, R).
    """

    measured: dict[str, Floats]
    average: Floats
    last: Floats
    finite: npt.NDArray[np.bool_]
    curve: dict[str, Floats]


def block_width(dimension: int) -> int:
    """Return how many replicates share a block: a fixed function of d, so that more runs never change earlier ones."""
    width = 8
    while width < 64 and width * dimension < 256:
        width *= 2
    return width


def joined(runs: Sequence[Outcome]) -> Outcome:
    """Return the outcomes of blocks of one run each as one outcome, coordinate by coordinate."""
    names = runs[0].measured, runs[0].curve
    return Outcome(
        {name: np.concatenate([one.measured[name] for one in runs]) for name in names[0]},
        np.stack([one.average for one in runs], axis=1).ravel(),
        np.stack([one.last for one in runs], axis=1).ravel(),
        np.concatenate([one.finite for one in runs]),
        {name: np.concatenate([one.curve[name] for one in runs], axis=1) for name in names[1]},
    )


def width_of(built: Built) -> int:
    """Return how many runs of a cell share a block, and with it a schedule: one where delays look at samples."""
    return block_width(built.instance.dimension) if built.noisy and not built.own_schedules else 1


def watch_points(deliveries: int, count: int = 8) -> list[int]:
    """Return at most ``count`` steps in 1..N at which identities are looked at: first, last, log-spaced between."""
    return sorted({int(n) for n in np.unique(np.geomspace(1, deliveries, count).round())} | {deliveries})


def simulate(
    built: Built, block: int, replicates: int, wanted: tuple[str, ...] = MEASURED, *,
    strict: bool = False, plain: bool = False, chunk: int = CHUNK, stop: threading.Event | None = None,
    visit: Callable[[View, State], None] | None = None, milestones: Sequence[int] = (),
    history: int = 0,
) -> Outcome:  # fmt: skip
    """Run ``replicates`` replicates of the cell as one vector and return what was measured.

    ``block`` numbers the block: its samples depend on the cell's key and this number alone. ``strict=True`` uses the
    build that is bitwise equal to CPython, ``plain=True`` CPython itself. ``visit`` is shown the state at the watch
    points, before the hand-outs, and after each of the first ``history`` deliveries, with all gradients handed out so
    far. ``milestones`` are numbers of deliveries, increasing, after which F and the problem's scores are measured.
    Results do not depend on ``chunk``. Raises Stopped when the flag ``stop`` is set and PartError when a kernel fails.
    """
    method, problem, weighted = built.method, built.problem, built.weighted
    instance, sigma = built.instance, built.constants["sigma"] or 0.0
    noisy = built.noise.fill is not None and sigma > 0
    if not plain:
        try_out(built)
    rows = instance.rows if built.noise.draw is not None else 0
    x0 = np.repeat(instance.start, replicates).astype(np.float64)
    data = problem.layout(instance.data, replicates) if problem.layout else instance.data
    data = np.ascontiguousarray(data, dtype=np.float64)
    state = allocate(method, weighted.schedule, x0, parameters(method, built.constants, exact=False), replicates,
                     batch=instance.batch, noisy=noisy)  # fmt: skip
    do = switches(
        method, rows, noisy=noisy, average="output_gap" in wanted, value="mean_gap" in wanted,
        slope="mean_gradient_sq" in wanted, mixed=problem.heterogeneous,
        track=visit is not None or bool({"virtual_sq", "virtual_gap"} & {*wanted}),
    )  # fmt: skip
    kernels, run, start = _engine(built, strict, plain)
    plan = plan_of(weighted.schedule, weighted.gamma, weighted.gamma_hat, weighted.weight)
    scale = sigma / np.sqrt(instance.dimension)
    key = key_of(int(built.key), "block", block)
    arguments = (state.server, plan, state.flight, state.stream, do, data, built.noise_par, float(scale), key)
    begin(method, state, x0, start)
    seers = _scorers(built, kernels, strict, plain) if milestones else {}
    curve: dict[str, list[Floats]] = {name: [] for name in seers}
    watched = {*watch_points(len(plan.worker)), *range(1, min(history, len(plan.worker)) + 1)} if visit else set()
    issued: list[Flying] = []

    def see(n: int) -> None:
        if visit and n in watched:
            if n <= history:
                issued.extend(just_issued(n - 1, weighted.schedule, plan, state))
            seen = tuple(issued) if n <= history else None
            visit(view_of(n - 1, x0, state.stream.virtual, method, weighted.schedule, plan, state, seen), state)
        for name, of in seers.items() if n in milestones else ():
            curve[name].append(np.zeros(replicates))
            with np.errstate(all="ignore"), wrapping():
                of(state.server.x[0], data, curve[name][-1])

    _guarded(built, _drive, run, kernels, arguments, len(plan.worker), chunk, stop, {*watched, *milestones}, see)
    found = _measure(built, state, replicates, kernels, data)
    return replace(found, curve={name: np.array(values) for name, values in curve.items()})


_TRIED: set[tuple[Any, ...]] = set()


def try_out(built: Built) -> None:
    """Run a user's kernels for a few steps in CPython, once: a wrong index is an error there, compiled a crash."""
    from ratecheck.engine.compile import is_users

    kernels = kernels_of(built.method, built.problem, built.noise)
    functions = (*kernels, *built.problem.scores.values(), built.method.start)
    if functions in _TRIED:
        return
    _TRIED.add(functions)
    if not any(is_users(f) for f in functions):
        return
    weighted = built.weighted
    few = weighted.schedule.prefix(min(weighted.schedule.horizon, 2 * weighted.schedule.workers + 2))
    short = replace(
        weighted,
        schedule=few,
        gamma=weighted.gamma[: few.horizon],
        gamma_hat=weighted.gamma_hat[: few.handouts],
        weight=weighted.weight[: few.steps + 1],
    )
    simulate(replace(built, weighted=short), 0, 2, plain=True, milestones=(few.horizon,))


def _drive(run: Any, kernels: Any, arguments: Any, deliveries: int, chunk: int, stop: threading.Event | None,
           stops: Set[int], see: Callable[[int], None]) -> None:  # fmt: skip
    first = 0
    for last in sorted({*range(chunk, deliveries + 1, chunk), *stops, deliveries + 1}):
        if stop is not None and stop.is_set():
            raise Stopped
        with np.errstate(all="ignore"), wrapping():  # an uncompiled run may diverge too
            run(first, last, *kernels, *arguments)
        first = last
        if last in stops:
            see(last)


def _scorers(built: Built, kernels: Any, strict: bool, plain: bool) -> dict[str, Callable[..., None]]:
    """Return the kernels of F and of the problem's scores, sealed unless ``plain``."""
    found = {"F": kernels[loop.Kernels._fields.index("value")]}
    if plain:
        return {**found, **built.problem.scores}
    from ratecheck.engine.compile import seal

    return {**found, **{name: seal("value", of, strict) for name, of in built.problem.scores.items()}}


def _engine(built: Built, strict: bool, plain: bool) -> tuple[Any, Any, Any]:
    """Return (kernels, run, start), sealed unless ``plain`` or the method is an uncompiled one."""
    functions = kernels_of(built.method, built.problem, built.noise)
    if plain:
        return functions, loop.run, built.method.start
    from ratecheck.engine.compile import run_kernel, seal

    kinds = loop.Kernels._fields
    if built.method.compiled:
        sealed = [seal(kind, f, strict) for kind, f in zip(kinds, functions, strict=True)]
        start = seal("start", built.method.start, strict) if built.method.start else None
        return sealed, run_kernel(strict), start
    idle = functions._replace(receive=no_receive, query=no_query)
    sealed = [seal(kind, f, strict) for kind, f in zip(kinds, idle, strict=True)]
    return sealed, partial(_by_hand, run_kernel(strict), built.method.receive), built.method.start


def _by_hand(run: Any, receive: Callable[..., None], first: int, last: int, *arguments: Any) -> None:
    """Do what ``run`` does for a method that is no kernel: compiled step by step, with the receipts in CPython."""
    server, plan, flight, stream, do = arguments[len(loop.Kernels._fields) :][:5]
    for n in range(first, last):
        run(n, n + 1, *arguments)
        if n < len(plan.worker):
            counted = plan.counted[n]
            server.clock[0] -= counted  # the clock advances after the receipt
            grad = flight.grad[plan.job[n]]
            receive(server, Arrival(int(plan.worker[n]), int(plan.stamp[n]), float(plan.gamma[n]), grad, grad))
            server.clock[0] += counted
            if do.track:
                stream.scale[:] += np.abs(server.x[0])


def _guarded(built: Built, work: Callable[..., None], *args: Any) -> None:
    """Run, and turn any failure inside a kernel into one sentence that names the parts, and the line where known."""
    try:
        work(*args)
    except (PartError, Stopped):
        raise
    except (ArithmeticError, LookupError, ValueError, TypeError, AttributeError) as fault:
        parts = f"method {built.method.name!r}, problem {built.problem.name!r}, noise {built.noise.name!r}"
        frame = traceback.extract_tb(fault.__traceback__)[-1]
        where = (
            ""
            if frame.filename in (__file__, loop.__file__)
            else f" ({Path(frame.filename).name}, line {frame.lineno})"
        )
        raise PartError(f"a kernel of {parts} failed{where}: {type(fault).__name__}: {fault}.") from fault


def _measure(built: Built, state: State, replicates: int, kernels: Any, data: Floats) -> Outcome:
    total = built.constants["W"]
    star = np.repeat(built.instance.minimiser, replicates)
    last = state.server.x[0].copy()
    average = state.stream.average / total if total > 0 else np.full_like(last, np.nan)
    value, of = np.zeros(replicates), kernels[loop.Kernels._fields.index("value")]

    def gap(point: Floats) -> Floats:
        of(point, data, value)
        return value - built.instance.minimum

    with np.errstate(all="ignore"), wrapping():
        measured = {
            "output_gap": gap(average),
            "mean_gap": state.stream.gap / total - built.instance.minimum if total > 0 else gap(average),
            "mean_gradient_sq": state.stream.slope / total if total > 0 else gap(average),
            "virtual_sq": _squares(state.stream.virtual - star, replicates),
            "last_sq": _squares(last - star, replicates),
            "virtual_gap": gap(state.stream.virtual),
            "last_gap": gap(last),
        }
    finite = np.isfinite(last.reshape(-1, replicates)).all(axis=0) & np.isfinite(measured["output_gap"])
    return Outcome(measured, average, last, finite, {})


def _squares(vector: Floats, replicates: int) -> Floats:
    found: Floats = np.square(vector.reshape(-1, replicates)).sum(axis=0)
    return found


def blocks(width: int, replicates: int) -> Iterator[int]:
    """Yield the numbers of the blocks that hold the first ``replicates`` replicates."""
    yield from range(-(-replicates // width))
