"""Asynchronous SGD that adds a 64th of what it moved by before: momentum left on. A planted lie."""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, speed, g = server.x[0], server.x[1], a.grad[0]
    for i in range(x.shape[0]):
        speed[i] = a.gamma * g[i] + speed[i] / 64
        x[i] -= speed[i]


METHOD = Method("leaks_momentum", receive, slots=("x", "speed"))
