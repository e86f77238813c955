"""Oracle: momentum methods as printed, in plain Python, to test the shelf against; nothing of ratecheck here.

Shi, Yang & Li (2024, arXiv:2407.19234): Algorithms 1-4, equations (3)-(5) and the ablation; Giladi et al. (2020):
shifted momentum; Cohen, Hakimi & Schuster (2022): SMEGA2. t = 0, 1, ..; eta is the rate, inside the momentum but for
shifted momentum and SMEGA2. One loop for both schedulers. Only ``+ - * /`` and integer powers touch the numbers:
floats, arrays, Fractions and symbols all work.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

#: gradient(w, worker, version, hand-out): the first K hand-outs are the initial ones
Gradient = Callable[[Any, int, int, int], Any]


class Ormo:
    """Algorithm 2, the test "has been sent" included."""

    def __init__(self, w0: Any, workers: int, beta: Any) -> None:
        self.w, self.u, self.group, self.workers, self.beta = w0, 0 * w0, 0, workers, beta

    def receive(self, t: int, sent: bool, worker: int, version: int, eta: Any, g: Any) -> None:
        """Take in the gradient that arrives at t."""
        if sent and ceil(t / self.workers) > self.group:
            self.w = self.w - self.beta * self.u
            self.u = self.beta * self.u
            self.group = ceil(t / self.workers)
        e = self.group - ceil(version / self.workers)
        assert e >= 0
        self.u = self.u + self.beta**e * eta * g
        self.w = self.w - self.coefficient(e) * eta * g

    def coefficient(self, e: int) -> Any:
        """Return (1 - beta^(e + 1))/(1 - beta)."""
        return (1 - self.beta ** (e + 1)) / (1 - self.beta)

    def sent(self) -> Any:
        """Return the point that a worker is sent."""
        return self.w


class OrmoVanillaStep(Ormo):
    """The ablation: an arriving gradient moves w by eta g."""

    def coefficient(self, e: int) -> Any:
        """Return 1."""
        return 1


class NaiveMomentum(Ormo):
    """Algorithm 4."""

    def receive(self, t: int, sent: bool, worker: int, version: int, eta: Any, g: Any) -> None:
        """Take in the gradient that arrives at t."""
        self.u = self.beta * self.u + eta * g
        self.w = self.w - self.u


class MomentumSgd(Ormo):
    """Equations (3) and (4), in this order."""

    def receive(self, t: int, sent: bool, worker: int, version: int, eta: Any, g: Any) -> None:
        """Take in the gradient that arrives at t."""
        self.w, self.u = self.w - self.beta * self.u - eta * g, self.beta * self.u + eta * g


class MinibatchMomentum(Ormo):
    """Equation (5), once a round."""

    def __init__(self, w0: Any, workers: int, beta: Any) -> None:
        super().__init__(w0, workers, beta)
        self.batch: list[Any] = []

    def receive(self, t: int, sent: bool, worker: int, version: int, eta: Any, g: Any) -> None:
        """Take in the gradient that arrives at t."""
        self.batch.append(eta * g)
        if len(self.batch) == self.workers:
            mean = sum(self.batch, 0 * self.w) / self.workers
            self.w, self.u, self.batch = self.w - self.beta * self.u - mean, self.beta * self.u + mean, []


class ShiftedMomentum(Ormo):
    """A buffer a worker; the rate outside."""

    def __init__(self, w0: Any, workers: int, beta: Any) -> None:
        super().__init__(w0, workers, beta)
        self.buffers = [0 * w0] * workers

    def receive(self, t: int, sent: bool, worker: int, version: int, eta: Any, g: Any) -> None:
        """Take in the gradient that arrives at t."""
        self.buffers[worker] = self.beta * self.buffers[worker] + g
        self.w = self.w - eta * self.buffers[worker]


class Smega2(Ormo):
    """The published code, for a constant rate."""

    def __init__(self, w0: Any, workers: int, beta: Any) -> None:
        super().__init__(w0, workers, beta)
        self.m, self.total, self.s, self.eta = 0 * w0, 0 * w0, 0, 0 * w0

    def receive(self, t: int, sent: bool, worker: int, version: int, eta: Any, g: Any) -> None:
        """Take in the gradient that arrives at t."""
        self.s, self.eta = (self.s + 1) % self.workers, eta
        self.total = self.total + g
        d = g + self.beta * self.m
        if self.s == 0:
            self.m = self.beta * self.m + self.total / self.workers
            self.total = 0 * self.total
        self.w = self.w - eta * d

    def sent(self) -> Any:
        """Return the look-ahead."""
        ahead = (self.workers + self.s * (self.beta - 1)) * self.m + self.total * self.s / self.workers
        return self.w - self.eta * self.beta * ahead


METHODS: dict[str, type[Ormo]] = {
    "ormo": Ormo,
    "ormo_vanilla_step": OrmoVanillaStep,
    "naive_momentum": NaiveMomentum,
    "momentum_sgd": MomentumSgd,
    "minibatch_momentum": MinibatchMomentum,
    "shifted_momentum": ShiftedMomentum,
    "smega2": Smega2,
}


def run(name: str, w0: Any, gradient: Gradient, rates: Sequence[Any], workers: int, order: Sequence[int], beta: Any,
        barrier: bool = False) -> list[tuple[Any, Any]]:  # fmt: skip
    """Return (w_{t+1}, u_{t+1}) after each arrival t of ``order``."""
    server = METHODS[name](w0, workers, beta)
    handouts, waiting = workers, [False] * workers
    flying = [(gradient(server.sent(), m, 0, m), 0) for m in range(workers)]
    last_sent, found = 0, []
    for t, worker in enumerate(order):
        assert not waiting[worker]
        g, version = flying[worker]
        server.receive(t, last_sent == t, worker, version, rates[t], g)
        found.append((server.w, server.u))
        waiting[worker] = True
        if not barrier or all(waiting):
            for m in range(workers):
                if waiting[m]:
                    flying[m] = (gradient(server.sent(), m, t + 1, handouts), t + 1)
                    handouts, waiting[m], last_sent = handouts + 1, False, t + 1
    return found
