"""Minibatch SGD with momentum: the server waits for all M workers, then makes one momentum step with their mean.

U = beta U + (1/M) sum_m gamma_m g^m, W = W - U: equation (5) of Shi, Yang & Li (2024, arXiv:2407.19234), whose rate is
M times that of the form with one gradient a step ("SSGDm", OrMo under the barrier). For the barrier scheduler.
"""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, u, total, g, beta = server.x[0], server.x[1], server.x[2], a.grad[0], server.par[0]
    for i in range(x.shape[0]):
        total[i] += a.gamma * g[i]
    if (server.clock[0] + 1) % server.workers == 0:
        for i in range(x.shape[0]):
            u[i] = beta * u[i] + total[i] / server.workers
            x[i] -= u[i]
            total[i] = 0 * total[i]


METHOD = Method("minibatch_momentum", receive, slots=("x", "u", "total"), par={"beta": "9/10"}, schedulers=("barrier",))
