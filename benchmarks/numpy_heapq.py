"""The plain simulator everybody writes: NumPy and heapq, one replicate."""

from __future__ import annotations

import heapq

import numpy as np

from benchmarks.cell import Cell, Outcome


def schedule(cell: Cell) -> tuple[list[int], list[float], list[float]]:
    """Return workers (K), stepsizes (K) and output weights of x_1..x_K (K), in lists: faster than arrays here."""
    clock = np.random.default_rng([cell.seed, 1])
    means: list[float] = cell.means.tolist()

    def duration(m: int) -> float:
        return means[m] * float(clock.standard_exponential()) if cell.clock == "exponential" else means[m]

    heap = [(duration(m), m) for m in range(cell.M)]
    heapq.heapify(heap)
    taken_at = [0] * cell.M
    workers, gammas, weights = [], [], [0.0] * (cell.K + 1)
    for k in range(1, cell.K + 1):
        time, m = heap[0]
        gamma = min(cell.adaptive / (k - taken_at[m]), cell.cap)
        workers.append(m)
        gammas.append(gamma)
        weights[taken_at[m]] = gamma
        taken_at[m] = k
        heapq.heapreplace(heap, (time + duration(m), m))
    for stamp in taken_at:
        weights[stamp] = min(cell.adaptive / (cell.K + 1 - stamp), cell.cap)
    return workers, gammas, weights[1:]


def run(cell: Cell) -> Outcome:
    """Run one replicate end to end."""
    workers, gammas, weights = schedule(cell)
    rng = np.random.default_rng([cell.seed, 2])
    a, scale, d = cell.spectrum, cell.scale, cell.d
    x, average = cell.start, np.zeros(d)
    flight = [a * x + scale * rng.standard_normal(d) for _ in range(cell.M)]
    for m, gamma, weight in zip(workers, gammas, weights, strict=True):
        x -= gamma * flight[m]
        average += weight * x
        flight[m] = a * x + scale * rng.standard_normal(d)
    return Outcome(x[None], average[None] / sum(weights))
