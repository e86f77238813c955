"""Oracle: asynchronous SGD as printed, in plain Python, to test the engine against; nothing of ratecheck here.

Algorithm 1 of Mishchenko, Bach, Even and Woodworth (2022), arXiv:2206.07638: every worker starts at x_0 with
its own sample; at step k the gradient of worker m_k arrives, x_k = x_{k-1} - gamma_k g, and m_k starts again at
x_k with a fresh sample. Only ``+ - * /`` touch the numbers: floats, arrays, Fractions and symbols all work.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Run:
    """Iterates and weights have K + 1 entries (x_0 .. x_K), the others K (steps 1 .. K)."""

    iterates: list[Any]
    workers: list[int]
    delays: list[int]
    gammas: list[Any]
    weights: list[Any]
    average: Any


def order_of(durations: Callable[[int, int], Any], workers: int, steps: int) -> list[int]:
    """Return who arrives at steps 1..K; ``durations(m, n)`` is the time worker m's n-th task takes (n = 0, 1, ..).

    Simultaneous arrivals are served in the order of worker numbers.
    """
    tasks = [0] * workers
    heap = [(durations(m, 0), m) for m in range(workers)]
    heapq.heapify(heap)
    order = []
    for _ in range(steps):
        time, m = heapq.heappop(heap)
        order.append(m)
        tasks[m] += 1
        heapq.heappush(heap, (time + durations(m, tasks[m]), m))
    return order


def simulate(
    x0: Any,
    gradient: Callable[[Any, int, int], Any],
    stepsize: Callable[[int, int], Any],
    workers: int,
    order: Sequence[int],
    rule: str = "R1",
) -> Run:
    """Run K = len(order) steps; ``gradient(x, worker, handout)``: the first M hand-outs are the initial ones.

    ``stepsize(k, tau)`` is gamma_k, with tau = 1 for a gradient taken at x_{k-1}. Output weights: under rule
    "R0", gamma_j goes to the iterate that step j's gradient was taken at, x_0 included; under "R1", x_i (i >= 1)
    gets the stepsize finally applied to its gradient, or, if it is still in flight, the one it would have at
    step K + 1. Raises ValueError for another rule.
    """
    steps = len(order)
    iterates, delays, gammas, weights = [x0], [], [], [0] * (steps + 1)
    taken_at = [0] * workers
    in_flight = [gradient(x0, m, m) for m in range(workers)]
    for k in range(1, steps + 1):
        m = order[k - 1]
        tau = k - taken_at[m]
        gamma = stepsize(k, tau)
        x = iterates[-1] - gamma * in_flight[m]
        if rule == "R0" or taken_at[m] > 0:
            weights[taken_at[m]] = weights[taken_at[m]] + gamma
        in_flight[m], taken_at[m] = gradient(x, m, workers + k - 1), k
        iterates.append(x)
        delays.append(tau)
        gammas.append(gamma)
    if rule == "R1":
        for i in taken_at:
            if i > 0:
                weights[i] = stepsize(steps + 1, steps + 1 - i)
    elif rule != "R0":
        raise ValueError(f"output rule {rule!r}")
    average = sum(w * x for w, x in zip(weights, iterates, strict=True)) / sum(weights)
    return Run(iterates, list(order), delays, gammas, weights, average)
