"""Asynchronous SGD that drops what the last worker sends. A planted lie."""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, g = server.x[0], a.grad[0]
    if a.worker + 1 < server.workers:
        for i in range(x.shape[0]):
            x[i] -= a.gamma * g[i]


METHOD = Method("drops_last_worker", receive)
