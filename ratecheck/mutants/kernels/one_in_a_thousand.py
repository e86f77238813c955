"""Asynchronous SGD with every step too long by one part in a thousand. A planted lie."""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, g = server.x[0], a.grad[0]
    for i in range(x.shape[0]):
        x[i] -= a.gamma * (1001 * g[i]) / 1000


METHOD = Method("one_in_a_thousand", receive)
