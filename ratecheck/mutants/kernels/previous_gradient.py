"""Asynchronous SGD that applies the gradient of the delivery before. A planted lie."""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, kept, g = server.x[0], server.x[1], a.grad[0]
    for i in range(x.shape[0]):
        x[i] -= a.gamma * kept[i]
        kept[i] = g[i]


METHOD = Method("previous_gradient", receive, slots=("x", "kept"))
