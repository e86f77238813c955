"""Asynchronous SGD that throws away the gradients taken at the start. A planted lie."""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, g = server.x[0], a.grad[0]
    if a.stamp > 0:
        for i in range(x.shape[0]):
            x[i] -= a.gamma * g[i]


METHOD = Method("ignores_first_gradients", receive)
