"""Ordered momentum with the exponent t - k + 1: delays counted from 1."""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, m, g, beta = server.x[0], server.x[1], a.grad[0], server.par[0]
    weight = beta
    if a.stamp == 0:
        weight = beta / server.workers
    for _ in range(server.clock[0] - a.stamp + 1):
        weight = (1 - beta) * weight
    for i in range(x.shape[0]):
        m[i] = (1 - beta) * m[i] + weight * g[i]
        x[i] -= a.gamma * m[i]


METHOD = Method("ordered_momentum_one_late", receive, slots=("x", "m"), par={"beta": "1/10"})
