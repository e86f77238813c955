"""Asynchronous SGD with the wrong sign in the first coordinate: coefficient rows cannot see it. A planted lie."""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, g = server.x[0], a.grad[0]
    for i in range(x.shape[0]):
        x[i] -= a.gamma * g[i]
    for i in range(server.replicates):
        x[i] += 2 * a.gamma * g[i]


METHOD = Method("first_sign_wrong", receive)
