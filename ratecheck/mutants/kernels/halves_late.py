"""Asynchronous SGD that halves gradients with delay above 2. A planted lie."""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, g = server.x[0], a.grad[0]
    share = 1
    if server.clock[0] - a.stamp >= 2:
        share = 2
    for i in range(x.shape[0]):
        x[i] -= a.gamma * g[i] / share


METHOD = Method("halves_late", receive)
