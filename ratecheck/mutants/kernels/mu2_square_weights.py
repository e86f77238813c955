"""mu^2-SGD with weights k^2 in the differences."""

from typing import Any

from ratecheck.core.method import Arrival, Method, Server


def start(server: Server, x0: Any) -> None:
    for i in range(x0.shape[0]):
        server.x[0, i] = server.x[1, i] = server.x[2, i] = x0[i]


def receive(server: Server, a: Arrival) -> None:
    x, before, w, q = server.x[0], server.x[1], server.x[2], server.x[3]
    k, t = a.stamp + 1, server.clock[0] + 1
    for i in range(x.shape[0]):
        q[i] += k * k * a.grad[0, i] - (k - 1) * (k - 1) * a.grad[1, i]
        w[i] -= a.gamma * q[i]
        before[i] = x[i]
        x[i] = (t * x[i] + 2 * w[i]) / (t + 2)


def query(server: Server, worker: int, gamma: Any, out: Any) -> None:
    for j in range(2):
        for i in range(out.shape[1]):
            out[j, i] = server.x[j, i]


METHOD = Method("mu2_square_weights", receive, slots=("x", "x_before", "w", "q"), start=start, query=query, queries=2)
