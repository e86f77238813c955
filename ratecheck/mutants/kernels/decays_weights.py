"""Asynchronous SGD with weight decay left on. A planted lie."""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, g = server.x[0], a.grad[0]
    for i in range(x.shape[0]):
        x[i] -= a.gamma * (g[i] + x[i] / 1000)


METHOD = Method("decays_weights", receive)
