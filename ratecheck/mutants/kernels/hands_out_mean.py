"""Asynchronous SGD that hands out the mean of the last two models. A planted lie."""

from typing import Any

from ratecheck.core.method import Arrival, Method, Server


def start(server: Server, x0: Any) -> None:
    for i in range(x0.shape[0]):
        server.x[0, i] = x0[i]
        server.x[1, i] = x0[i]


def receive(server: Server, a: Arrival) -> None:
    x, previous, g = server.x[0], server.x[1], a.grad[0]
    for i in range(x.shape[0]):
        previous[i] = x[i]
        x[i] -= a.gamma * g[i]


def query(server: Server, worker: int, gamma: Any, out: Any) -> None:
    for i in range(out.shape[1]):
        out[0, i] = (server.x[0, i] + server.x[1, i]) / 2


METHOD = Method("hands_out_mean", receive, slots=("x", "previous"), start=start, query=query)
