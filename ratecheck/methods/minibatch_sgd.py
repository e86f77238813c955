"""Minibatch SGD: the server waits for all M workers, then moves by the mean of their gradients.

x_r = x_{r-1} - (1 / M) sum_m gamma_m g^m, in theory with one gamma for all; R = K / M rounds, each of which counts M
deliveries. The baseline of Mishchenko, Bach, Even & Woodworth (2022), section 1. For the barrier scheduler.
"""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, total, g = server.x[0], server.x[1], a.grad[0]
    for i in range(x.shape[0]):
        total[i] += a.gamma * g[i]
    if (server.clock[0] + 1) % server.workers == 0:
        for i in range(x.shape[0]):
            x[i] -= total[i] / server.workers
            total[i] = 0 * total[i]


METHOD = Method("minibatch_sgd", receive, slots=("x", "total"), schedulers=("barrier",))
