"""Asynchronous SGD that uses the stepsize of the delivery before. A planted lie."""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, kept, g = server.x[0], server.x[1], a.grad[0]
    for i in range(x.shape[0]):
        x[i] -= kept[i] * g[i]
        kept[i] = 0 * kept[i] + a.gamma


METHOD = Method("previous_stepsize", receive, slots=("x", "kept"))
