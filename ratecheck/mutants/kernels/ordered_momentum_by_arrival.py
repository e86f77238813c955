"""Ordered momentum with the weights of arrivals: beta for every gradient, however late."""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, m, g, beta = server.x[0], server.x[1], a.grad[0], server.par[0]
    weight = beta
    if a.stamp == 0:
        weight = beta / server.workers
    for i in range(x.shape[0]):
        m[i] = (1 - beta) * m[i] + weight * g[i]
        x[i] -= a.gamma * m[i]


METHOD = Method("ordered_momentum_by_arrival", receive, slots=("x", "m"), par={"beta": "1/10"})
