"""The loop: one plain function that replays a schedule through a method's kernels.

It runs compiled in float64 (``compile.py``) and, the same function object, in CPython on Fractions, on sympy symbols
and on coefficient rows (``replay.py``). There is no second loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ratecheck.core.method import Arrival, Server
from ratecheck.core.problem import MEAN

#: coordinates of noise made at a time: a piece stays in the first-level cache. Even, for laws that make pairs
PIECE = 2048


def draw_all(draw: Any, key: Any, rows: Any, out: Any) -> None:
    """Write the rows that each hand-out samples, one hand-out after the other, into ``out`` (H, n)."""
    for handout in range(out.shape[0]):
        draw(key, handout, rows, out[handout])


class Plan(NamedTuple):
    """A weighted schedule as plain arrays; see ``core.schedule`` for the fields."""

    worker: Any
    job: Any
    stamp: Any
    counted: Any
    gamma: Any  # (N,)
    offset: Any  # (N + 2,)
    to_worker: Any
    to_job: Any
    gamma_hat: Any  # (H,)
    weight: Any  # (K + 1,)
    first: Any  # (K + 1,) the first hand-out of each version; -1: it is not handed out


class Flight(NamedTuple):
    """Gradients in flight (gradient in flight, not a snapshot) and the buffers that make them."""

    grad: Any  # (J, q, D)
    at: Any  # (J, q, D), or (0, q, D) when points are not kept
    asked: Any  # (q, D) points handed out, for methods with a query
    noise: Any  # (rows * D,) one block of noise, and in block[0] its number (-1: none yet)
    block: Any  # int64 (1,)
    sample: Any  # int64 (R * batch,)


class Stream(NamedTuple):
    """What a run accumulates; never K x d."""

    average: Any  # (D,) sum_k weight_k x_k
    gap: Any  # (R,) sum_k weight_k F(x_k)
    slope: Any  # (R,) sum_k weight_k ||grad F||^2, at the point that is handed out (x_k where none is)
    value: Any  # (R,) scratch
    virtual: Any  # (D,) virtual iterate: x_0 minus all gamma_hat * gradient handed out so far
    scale: Any  # (D,) sum of magnitudes added up, for the rounding bound of identities
    full: Any  # (D,) scratch: the gradient of F where a worker's is another


class Switch(NamedTuple):
    """What to do: integers, so that one compiled loop serves every run."""

    rows: int  # > 0: gradients sample from this many rows; 0: mean gradient, plus noise
    noisy: int  # 1: add noise
    average: int  # 1: stream the weighted average of x_k
    query: int  # 1: the method has its own query
    points: int  # 1: the method wants the points back
    value: int  # 1: stream F(x_k)
    slope: int  # 1: stream ||grad F(x_k)||^2; 2: likewise, and F is the mean of objectives that differ by worker
    track: int  # 1: track virtual iterate and rounding scale


class Kernels(NamedTuple):
    """The kernels of one run, in the order ``run`` takes them."""

    receive: Callable[..., None]
    query: Callable[..., None]
    gradient: Callable[..., None]
    mean_gradient: Callable[..., None]
    value: Callable[..., None]
    fill: Callable[..., None]
    draw: Callable[..., None]


def hand_out(
    h: int,
    query: Any,
    gradient: Any,
    mean_gradient: Any,
    fill: Any,
    draw: Any,
    server: Server,
    plan: Plan,
    flight: Flight,
    stream: Stream,
    do: Switch,
    data: Any,
    noise_par: Any,
    sigma: Any,
    key: Any,
) -> None:
    """Make hand-out ``h``: the worker's gradient is computed now and stays in flight until its delivery."""
    size = server.x.shape[1]
    job = plan.to_job[h]
    worker = plan.to_worker[h]
    g = plan.gamma_hat[h]
    server.clock[1] = server.clock[0]
    asks = do.query + do.points
    points = flight.asked
    if do.points > 0:
        points = flight.at[job]
    if do.query > 0:
        query(server, worker, g, points)
    elif do.points > 0:
        for i in range(size):
            points[0, i] = server.x[0, i]
    if do.rows > 0:
        draw(key, h, do.rows, flight.sample)
    for j in range(flight.grad.shape[1]):
        grad = flight.grad[job, j]
        point = server.x[0]
        if asks > 0:
            point = points[j]
        if do.rows > 0:
            gradient(point, worker, flight.sample, data, grad)
        else:
            mean_gradient(point, worker, data, grad)
        if do.slope > 0 and j == 0 and plan.first[server.clock[0]] == h and plan.weight[server.clock[0]] > 0:
            full = grad
            if do.rows > 0 or do.slope > 1:
                full = stream.full
                mean_gradient(point, MEAN if do.slope > 1 else worker, data, full)
            add_squares(plan.weight[server.clock[0]], full, stream.slope)
        if do.noisy > 0:
            length = flight.noise.shape[0]
            rows = length // size
            row = h - flight.block[0] * rows
            if row < 0 or row >= rows:
                flight.block[0] = h // rows
                row = h - flight.block[0] * rows
                for i in range(0, length, PIECE):
                    fill(key, flight.block[0] * length + i, noise_par, flight.noise[i : i + PIECE])
            noise = flight.noise[row * size :]
            for i in range(size):
                grad[i] += sigma * noise[i]
    if do.track > 0:
        grad = flight.grad[job, 0]
        for i in range(size):
            stream.virtual[i] -= g * grad[i]
            stream.scale[i] += abs(stream.virtual[i]) + abs(g * grad[i])


def add_squares(weight: Any, vector: Any, out: Any) -> None:
    """Add ``weight * ||vector_r||^2`` of each replicate r to ``out`` (R,)."""
    replicates = out.shape[0]
    for i in range(vector.shape[0] // replicates):
        row = vector[i * replicates :]
        for r in range(replicates):
            out[r] += weight * row[r] * row[r]


def stream_point(weight: Any, x: Any, value: Any, stream: Stream, do: Switch, data: Any) -> None:
    """Add ``weight * x`` (and ``weight * F(x)``) to the running sums."""
    average = stream.average
    if do.average > 0:
        for i in range(x.shape[0]):
            average[i] += weight * x[i]
    if do.value > 0:
        value(x, data, stream.value)
        for r in range(stream.gap.shape[0]):
            stream.gap[r] += weight * stream.value[r]


def run(
    first: int,
    last: int,
    receive: Any,
    query: Any,
    gradient: Any,
    mean_gradient: Any,
    value: Any,
    fill: Any,
    draw: Any,
    server: Server,
    plan: Plan,
    flight: Flight,
    stream: Stream,
    do: Switch,
    data: Any,
    noise_par: Any,
    sigma: Any,
    key: Any,
) -> None:
    """Process ``first <= n < last``: x_k is streamed, the hand-outs after delivery n made, delivery n + 1 received.

    Called for n = 0..N in any chunks, with the same result to the bit; n = N has no delivery. After ``run(.., n)``
    the state stands between the receipt of delivery n and the hand-outs that follow it, which is where Lemma 1 of
    Mishchenko et al. (2022) reads the gradients in flight. ``sigma`` is the noise scale per coordinate, ``key`` the
    key of the samples.
    """
    size = server.x.shape[1]
    for n in range(first, last):
        if n == 0 or plan.counted[n - 1] > 0:
            k = server.clock[0]
            stream_point(plan.weight[k], server.x[0], value, stream, do, data)
            if do.slope > 0 and plan.first[k] < 0 and plan.weight[k] > 0:
                mean_gradient(server.x[0], MEAN if do.slope > 1 else 0, data, stream.full)
                add_squares(plan.weight[k], stream.full, stream.slope)
        for h in range(plan.offset[n], plan.offset[n + 1]):
            hand_out(h, query, gradient, mean_gradient, fill, draw,
                     server, plan, flight, stream, do, data, noise_par, sigma, key)  # fmt: skip
        if n < plan.worker.shape[0]:
            grad = flight.grad[plan.job[n]]
            at = grad
            if do.points > 0:
                at = flight.at[plan.job[n]]
            if plan.counted[n] > 0:
                receive(server, Arrival(plan.worker[n], plan.stamp[n], plan.gamma[n], at, grad))
            x = server.x[0]
            if do.track > 0:
                for i in range(size):
                    stream.scale[i] += abs(x[i]) + abs(plan.gamma[n] * grad[0, i])
            server.clock[0] += plan.counted[n]
