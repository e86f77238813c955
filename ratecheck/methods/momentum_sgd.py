"""SGD with momentum for one worker: x = x - beta u - gamma g, u = beta u + gamma g.

Equations (3) and (4) of Shi, Yang & Li (2024, arXiv:2407.19234), after Polyak (1964); the rate is inside the momentum,
and x moves by the new momentum. With several workers it is the naive asynchronous momentum.
"""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, u, g, beta = server.x[0], server.x[1], a.grad[0], server.par[0]
    for i in range(x.shape[0]):
        x[i] -= beta * u[i] + a.gamma * g[i]
        u[i] = beta * u[i] + a.gamma * g[i]


METHOD = Method("momentum_sgd", receive, slots=("x", "u"), par={"beta": "9/10"})
