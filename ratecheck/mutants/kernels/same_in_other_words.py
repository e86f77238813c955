"""Asynchronous SGD, written differently: not a lie, so nothing may catch it."""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, g = server.x[0], a.grad[0]
    for i in range(x.shape[0]):
        x[i] = x[i] - a.gamma * (1000 * g[i]) / 1000


METHOD = Method("same_in_other_words", receive)
