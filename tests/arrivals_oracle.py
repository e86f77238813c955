"""Oracle: methods under delays as their papers, or we, say them, in plain Python; nothing of ratecheck here.

Written from definitions over all that has arrived, not from recursions: ordered momentum and asynchronous mu^2-SGD of
Dahan, Reshef, Goldstein & Levy (2026), their in-order commits, and the baselines. Delivery t = 1, 2, ..; model k = 1 is
the start. A gradient comes as (worker, k, vectors at the points that were sent). Only ``+ - * /`` and integer powers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

#: gradient(point, worker, hand-out): the first M hand-outs are the initial ones
Gradient = Callable[[Any, int, int], Any]


@dataclass
class Server:
    """What all have: the iterates x_1.., the arrivals in order as (t, worker, k, gradients), and the numbers."""

    x0: Any
    workers: int
    par: dict[str, Any]
    x: list[Any] = field(default_factory=list)
    arrived: list[tuple[int, int, int, list[Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.x = [self.x0]
        self.begin()

    def begin(self) -> None:
        """Prepare what the method needs more."""

    def points(self) -> list[Any]:
        """Return the points that a worker is sent."""
        return [self.x[-1]]

    def total(self, terms: Any) -> Any:
        """Return a sum of vectors."""
        return sum(terms, 0 * self.x0)

    def committed(self) -> list[tuple[int, list[Any]]]:
        """Return (k, gradients) of the models 1..C whose gradients are all there; the first one is worker 0's."""
        there = {k: g for _, worker, k, g in self.arrived if k > 1 or worker == 0}
        count = next(k for k in range(1, len(there) + 2) if k not in there) - 1
        return [(k, there[k]) for k in range(1, count + 1)]

    def receive(self, t: int, worker: int, k: int, g: list[Any], eta: Any) -> None:
        """Take in a gradient and append the next model."""
        self.arrived.append((t, worker, k, g))
        self.x.append(self.move(t, worker, k, g, eta))

    def move(self, t: int, worker: int, k: int, g: list[Any], eta: Any) -> Any:
        """Return the next model."""
        raise NotImplementedError


class OrderedMomentum(Server):
    """Weights beta (1 - beta)^(t - k), the initial ones divided by ``share``."""

    initial_share = True

    def momentum(self, t: int) -> Any:
        """Return m_t from all arrivals."""
        beta = self.par["beta"]
        share = self.workers if self.initial_share else 1
        return self.total(beta * (1 - beta) ** (t - k) * g[0] / (share if k == 1 else 1) for _, _, k, g in self.arrived)

    def move(self, t: int, worker: int, k: int, g: list[Any], eta: Any) -> Any:
        """x - eta m."""
        return self.x[-1] - eta * self.momentum(t)


class OrderedMomentumInitialSum(OrderedMomentum):
    """The initial gradients count in full."""

    initial_share = False


class OrderedMomentumInOrder(OrderedMomentum):
    """Only what is committed."""

    def momentum(self, t: int) -> Any:
        """Return m_t from the commits."""
        beta = self.par["beta"]
        return self.total(beta * (1 - beta) ** (t - k) * g[0] for k, g in self.committed())


class Polyak(OrderedMomentum):
    """The age of an arrival is t minus the delivery it came at."""

    def momentum(self, t: int) -> Any:
        """Return m_t from all arrivals."""
        beta = self.par["beta"]
        return self.total(beta * (1 - beta) ** (t - s) * g[0] for s, _, _, g in self.arrived)


class Mu2(Server):
    """q from all arrivals, w from all q, x from all w."""

    def begin(self) -> None:
        """w_1 is the start."""
        self.w = [self.x0]

    def points(self) -> list[Any]:
        """Return x_k and x_(k-1)."""
        return [self.x[-1], self.x[-2] if len(self.x) > 1 else self.x[-1]]

    def direction(self, t: int) -> Any:
        """Return q_t."""
        return self.total(k * g[0] - (k - 1) * g[1] for _, _, k, g in self.arrived)

    def put_back(self, w: Any) -> Any:
        """Return the projection."""
        return w

    def move(self, t: int, worker: int, k: int, g: list[Any], eta: Any) -> Any:
        """The mean of all w with weights 1, 2, .."""
        self.w.append(self.put_back(self.w[-1] - eta * self.direction(t)))
        weights = range(1, len(self.w) + 1)
        return self.total(i * w for i, w in zip(weights, self.w, strict=True)) / sum(weights)


class Mu2InOrder(Mu2):
    """Only what is committed."""

    def direction(self, t: int) -> Any:
        """Return q_t."""
        return self.total(k * g[0] - (k - 1) * g[1] for k, g in self.committed())


class Mu2Box(Mu2):
    """w in a box around the start."""

    def put_back(self, w: Any) -> Any:
        """Return the nearest point."""
        half = self.par["B"]
        out = w.copy()
        for i, x in enumerate(self.x0):
            out[i] = min(max(w[i], x - half), x + half)
        return out


class Mu2InOrderBox(Mu2Box, Mu2InOrder):
    """Only what is committed, and w in the box."""


class NaiveMu2(Mu2):
    """q_t = t d_t, d_t = g + (1 - 1/t) (d_(t-1) - g')."""

    def direction(self, t: int) -> Any:
        """Return t d_t = t g + (t - 1) (d_(t-1) - g') by its recursion over arrivals."""
        d = 0 * self.x0
        for s, _, _, g in self.arrived:
            d = g[0] + (d - g[1]) - (d - g[1]) / s
        return t * d


class Filtered(Server):
    """No step for a delay above the threshold."""

    def move(self, t: int, worker: int, k: int, g: list[Any], eta: Any) -> Any:
        """x - eta g or x."""
        return self.x[-1] if t - k > self.par["threshold"] else self.x[-1] - eta * g[0]


class Ringmaster(Server):
    """The delay is how many *updates* were made since model k was handed out."""

    def begin(self) -> None:
        """Updates made before each model."""
        self.updates = [0]

    def move(self, t: int, worker: int, k: int, g: list[Any], eta: Any) -> Any:
        """x - eta g or x."""
        late = self.updates[-1] - self.updates[k - 1] >= self.par["threshold"]
        self.updates.append(self.updates[-1] + (not late))
        return self.x[-1] if late else self.x[-1] - eta * g[0]


class Rennala(Server):
    """The gradients of the present model alone."""

    def begin(self) -> None:
        """The batch, and the updates before each model."""
        self.batch: list[Any] = []
        self.updates = [0]

    def apply(self, mean: Any) -> Any:
        """Return the next model."""
        return self.x[-1] - mean

    def move(self, t: int, worker: int, k: int, g: list[Any], eta: Any) -> Any:
        """x, or x - mean when the batch is full."""
        if self.updates[k - 1] == self.updates[-1]:
            self.batch.append(eta * g[0])
        full = len(self.batch) == self.par["batch"]
        after = self.apply(self.total(self.batch) / len(self.batch)) if full else self.x[-1]
        self.updates.append(self.updates[-1] + full)
        self.batch = [] if full else self.batch
        return after


class AsyncMinibatches(Rennala):
    """With momentum."""

    def begin(self) -> None:
        """u is zero."""
        super().begin()
        self.u = 0 * self.x0

    def apply(self, mean: Any) -> Any:
        """u = beta u + mean, x - u."""
        self.u = self.par["beta"] * self.u + mean
        return self.x[-1] - self.u


class Ringleader(Server):
    """A list of gradients a worker, for this time and for the next."""

    def begin(self) -> None:
        """Empty tables."""
        self.table: dict[int, list[Any]] = {m: [] for m in range(self.workers)}
        self.after: dict[int, list[Any]] = {m: [] for m in range(self.workers)}
        self.served: set[int] = set()

    def move(self, t: int, worker: int, k: int, g: list[Any], eta: Any) -> Any:
        """x minus the mean of means, for a worker not yet served when all have sent something."""
        if worker in self.served:
            self.after[worker].append(g[0])
            return self.x[-1]
        self.table[worker].append(g[0])
        if not all(self.table.values()):
            return self.x[-1]
        mean = self.total(self.total(gs) / len(gs) for gs in self.table.values()) / self.workers
        self.served.add(worker)
        if len(self.served) == self.workers:
            self.table, self.after, self.served = self.after, {m: [] for m in range(self.workers)}, set()
        return self.x[-1] - eta * mean


METHODS: dict[str, type[Server]] = {
    "ordered_momentum": OrderedMomentum,
    "ordered_momentum_initial_sum": OrderedMomentumInitialSum,
    "ordered_momentum_in_order": OrderedMomentumInOrder,
    "polyak_momentum": Polyak,
    "async_mu2_sgd": Mu2,
    "async_mu2_sgd_in_order": Mu2InOrder,
    "async_mu2_sgd_box": Mu2Box,
    "async_mu2_sgd_in_order_box": Mu2InOrderBox,
    "naive_mu2_sgd": NaiveMu2,
    "delay_filtered_sgd": Filtered,
    "ringmaster": Ringmaster,
    "rennala": Rennala,
    "async_minibatches": AsyncMinibatches,
    "ringleader": Ringleader,
}


def run(name: str, x0: Any, gradient: Gradient, rates: Sequence[Any], workers: int, order: Sequence[int],
        par: dict[str, Any]) -> list[Any]:  # fmt: skip
    """Return x_2, x_3, .. when workers deliver in this order and start again at once."""
    server = METHODS[name](x0, workers, par)
    flying = {m: (1, [gradient(p, m, m) for p in server.points()]) for m in range(workers)}
    for t, worker in enumerate(order, 1):
        k, g = flying[worker]
        server.receive(t, worker, k, g, rates[t - 1])
        flying[worker] = (t + 1, [gradient(p, worker, workers + t - 1) for p in server.points()])
    return server.x[1:]
