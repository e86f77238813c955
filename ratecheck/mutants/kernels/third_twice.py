"""Asynchronous SGD that applies the third gradient twice. A planted lie."""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, g = server.x[0], a.grad[0]
    times = 1
    if server.clock[0] == 2:
        times = 2
    for i in range(x.shape[0]):
        x[i] -= times * a.gamma * g[i]


METHOD = Method("third_twice", receive)
