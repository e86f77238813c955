"""Schedules are made here, by one kernel, from a clock, an order, a trace or a rule; and weighed with stepsizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ratecheck.core.delays import Delays
from ratecheck.core.formula import Formula
from ratecheck.core.keys import wrapping
from ratecheck.core.schedule import Floats, Schedule, Weighted, grown
from ratecheck.core.scheduler import Scheduler
from ratecheck.core.stepsize import Stepsize
from ratecheck.engine.clock import Look, empty_desk, empty_tape, simulate
from ratecheck.engine.compile import is_users, schedule_kernel
from ratecheck.errors import AssumptionError, CapabilityError, PartError

#: deliveries simulated beyond the horizon, at most, until every gradient in flight is back (output rule RL)
CLOSING = 200
#: output rules
RULES = ("R0", "R1", "RL", "uniform", "last")
#: delays that do not look at samples
BLIND = Look()


def _no_duration(key: Any, worker: int, number: int, mean: float, par: Any) -> float:
    return mean


def _no_pick(flying: Any, state: Any, par: Any) -> int:
    return -1


def from_order(scheduler: Scheduler, workers: int, order: npt.NDArray[np.int64]) -> Schedule:
    """Return the schedule in which workers deliver in this order (plain Python; for small cases and traces).

    Raises CapabilityError when a worker is to deliver that has nothing in flight.
    """
    with wrapping():
        return _record(simulate, (scheduler.decide, _no_duration, _no_pick), scheduler, workers, order,
                       np.ones(workers), np.zeros(1), np.uint64(0), len(order), None)  # fmt: skip


def make(
    scheduler: Scheduler,
    delays: Delays,
    par: dict[str, Any],
    workers: int,
    steps: int,
    key: np.uint64,
    *,
    close: bool = False,
    noise: Callable[[int], Floats] | None = None,
) -> Schedule:
    """Return a schedule with ``steps`` counted deliveries, made by the compiled kernel.

    ``par`` are the delays' merged parameters, ``noise(H)`` the noises (H, d) of the first H hand-outs, for delays that
    look at them (without it a clock does not). ``close=True`` simulates on until every gradient in flight at the
    horizon is back (needs a clock). Raises CapabilityError when the scheduler needs durations and the delays have
    none, when gradients stay out too long to close, or when a rule is to look at samples and there are none.
    """
    if scheduler.needs_durations and not delays.is_clock:
        raise CapabilityError(
            f"scheduler {scheduler.name!r} needs durations, and delays {delays.name!r} are an order of arrivals only; "
            "use a clock such as 'exponential' or 'fixed'."
        )
    numbers = np.zeros(1) if delays.order else delays.numbers(par)
    means, order = delays.means(workers, par) if delays.is_clock else np.ones(workers), np.zeros(0, dtype=np.int64)
    kernels = scheduler.decide, delays.duration or _no_duration, delays.pick or _no_pick
    if any(is_users(kernel) for kernel in kernels):
        _try_out(kernels, scheduler, delays, par, workers, means, numbers, key, noise)
    kernel = schedule_kernel(*kernels)
    total, limit = steps, CLOSING * steps
    while True:
        if delays.order is not None:
            order = np.asarray(delays.order(workers, total, par, key), dtype=np.int64)
            if order.shape[0] < total or order.min() < 0 or order.max() >= workers:
                raise PartError(f"delays {delays.name!r} gives no order of {total} arrivals of {workers} workers.")
        look = _look(delays, par, workers, _handouts(scheduler, workers, total), noise)
        found = _record(kernel, (), scheduler, workers, order, means, numbers, key, total, steps, look)
        if found.steps >= steps and (found.closed or not close):
            return found
        if total >= limit or (close and not delays.is_clock):
            raise CapabilityError(
                f"after {total} deliveries of delays {delays.name!r} some gradients in flight at step {steps} "
                "are not back: output rule RL needs them; use R1 or R0."
            )
        total = min(2 * total, limit)


def _look(
    delays: Delays, par: dict[str, Any], workers: int, handouts: int, noise: Callable[[int], Floats] | None
) -> Look:
    """Return what the delays see of the first hand-outs' noises. Raises CapabilityError for a rule without noises."""
    if delays.pick is not None:
        if noise is None:
            raise CapabilityError(f"delays {delays.name!r} look at the samples in flight, and there are none here.")
        seen = np.ascontiguousarray(noise(handouts), dtype=np.float64)
        return Look(noise=seen, memory=np.zeros(delays.memory(workers, seen.shape[1])))
    if delays.stretch is not None and noise is not None:
        return Look(delays.factors(noise(handouts), par))
    return BLIND


def _try_out(kernels: Any, scheduler: Scheduler, delays: Delays, par: Any, workers: int, means: Any, numbers: Any,
             key: Any, noise: Any) -> None:  # fmt: skip
    """Run a user's kernels for a few steps in CPython: there a wrong index is an error, compiled it is a crash."""
    none, few = np.zeros(0, dtype=np.int64), 4 * workers
    try:
        look = _look(delays, par, workers, _handouts(scheduler, workers, few), noise)
        with wrapping():
            _record(simulate, kernels, scheduler, workers, none, means, numbers, key, few, None, look)
    except (ArithmeticError, LookupError, ValueError, TypeError, AttributeError, NameError) as fault:
        raise PartError(
            f"a kernel of scheduler {scheduler.name!r} or of the delays failed: {type(fault).__name__}: {fault}."
        ) from fault


def _handouts(scheduler: Scheduler, workers: int, deliveries: int) -> int:
    """Return the largest number of hand-outs that so many deliveries can come with."""
    return workers + deliveries * scheduler.most(workers)


def _record(kernel: Any, functions: Any, scheduler: Scheduler, workers: int, order: Any, means: Any, numbers: Any,
            key: Any, total: int, steps: int | None, look: Look = BLIND) -> Schedule:  # fmt: skip
    handouts = _handouts(scheduler, workers, total)
    tape = empty_tape(total, handouts, stops=scheduler.stops)
    desk = empty_desk(workers, workers, handouts, scheduler.begin(workers, key), look)
    made = int(kernel(*functions, np.asarray(order, dtype=np.int64), means, numbers, key, tape, desk))
    if made == -total - 2:
        raise PartError(
            f"scheduler {scheduler.name!r} hands out to a worker that is not among the {workers}, more work than they "
            "can have, or takes work back and does not declare stops=True."
        )
    if made < 0 and not len(order):
        raise PartError(f"pick names no worker with a task in flight, of {workers}, for delivery {-made}.")
    if made < 0:
        raise CapabilityError(
            f"in this order worker {order[-made - 1]} delivers as number {-made} with nothing in flight."
        )
    counted = np.cumsum(tape.counted[:made])
    horizon = made if steps is None else int(np.searchsorted(counted, steps)) + 1
    used = int(tape.offset[made + 1])
    return Schedule(
        workers,
        workers,
        tape.worker[:made],
        tape.job[:made],
        tape.stamp[:made],
        tape.counted[:made],
        tape.source[:made],
        tape.offset[: made + 2],
        tape.to_worker[:used],
        tape.to_job[:used],
        tape.made_at[:used],
        min(horizon, made),
        None if len(order) or len(look.noise) else tape.time[:made],
        tape.until[:used] if scheduler.stops else None,
    )


def weigh(
    schedule: Schedule, stepsize: Stepsize, constants: dict[str, Any], output: str, growth: Formula | None = None
) -> Weighted:
    """Put stepsizes on a schedule under an output rule: R0 arrival-weighted, R1 horizon-closed, RL literal, uniform.

    R0: the weight of x_j is the stepsize its gradient was applied with, x_0 included, gradients in flight 0.
    R1: gradients in flight of x_i (i >= 1) are closed as if all came back at K + 1; initial ones in flight get 0.
    RL (as printed in Mishchenko et al. 2022): the true final stepsize; raises CapabilityError unless all return.
    A gradient that was stopped before it came back has weight 0 under every rule.
    uniform: x_0..x_{K-1} alike, the mean of the stepsizes applied each, so that W is their sum; gradients in flight of
    x_i (i >= 1) are closed as under R1.
    last: no average, all weight is on x_K; gradients in flight 0.
    The stepsize may use the largest delays of the schedule; ``growth`` is that of the claim's weights, if they grow.
    Raises AssumptionError for a stepsize that is negative, or 0 in every step.
    """
    if output not in RULES:
        raise CapabilityError(f"unknown output rule {output!r}; there are {', '.join(RULES)}.")
    horizon, steps, handouts = schedule.horizon, schedule.steps, schedule.handouts
    constants = {**constants, **schedule.longest}
    reach = len(schedule.worker) if output == "RL" else horizon
    gamma = stepsize.table(schedule.version[:reach], schedule.delay[:reach], constants)
    if gamma.min() < 0 or not gamma.any():
        word = "negative" if gamma.any() else "0"
        raise AssumptionError(f"the stepsize is {word} for these constants, and a stepsize is a number above 0.")
    made_at = schedule.made_at[:handouts]
    gamma_hat = np.zeros(len(schedule.made_at))
    gamma_hat[schedule.source[:reach]] = np.where(schedule.counted[:reach] > 0, gamma, 0.0)
    if output == "RL" and not schedule.closed:
        raise CapabilityError("output rule RL needs every gradient in flight to return, and this schedule ends before.")
    if output in ("R1", "uniform"):
        flying = schedule.flying & (made_at > 0)
        late = steps + 1 - made_at[flying]
        gamma_hat[:handouts][flying] = stepsize.table(np.full_like(late, steps + 1), late, constants)
    gamma_hat = gamma_hat[:handouts]
    weight = np.bincount(made_at, weights=gamma_hat, minlength=steps + 1).astype(np.float64)
    if output != "R0":
        weight[0] = 0.0
    if output == "uniform":
        weight = np.where(np.arange(steps + 1) < steps, gamma[:horizon][schedule.counted[:horizon] > 0].mean(), 0.0)
    if output == "last":
        weight = np.where(np.arange(steps + 1) == steps, 1.0, 0.0)
    along = np.ones(steps + 2)
    if growth is not None:
        along = grown(np.broadcast_to(growth.table({**constants, "weight": weight}), weight.shape))
        weight = weight * along[1:]
    return Weighted(schedule, gamma[:horizon], gamma_hat, weight, along)
