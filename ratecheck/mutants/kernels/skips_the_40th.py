"""Asynchronous SGD that loses the 40th gradient: later than any arrival order that is enumerated. A planted lie."""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, g = server.x[0], a.grad[0]
    if server.clock[0] != 39:
        for i in range(x.shape[0]):
            x[i] -= a.gamma * g[i]


METHOD = Method("skips_the_40th", receive)
