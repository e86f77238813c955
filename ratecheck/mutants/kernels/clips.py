"""Asynchronous SGD that clips gradients at 1/8 from above. A planted lie."""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, g = server.x[0], a.grad[0]
    for i in range(x.shape[0]):
        step = a.gamma * g[i]
        if 8 * g[i] > 1:
            step = a.gamma / 8
        x[i] -= step


METHOD = Method("clips", receive, symbolic=False)
