"""Minibatch SGD that sums the M gradients of a round for their mean. A planted lie."""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, total, g = server.x[0], server.x[1], a.grad[0]
    for i in range(x.shape[0]):
        total[i] += a.gamma * g[i]
    if (server.clock[0] + 1) % server.workers == 0:
        for i in range(x.shape[0]):
            x[i] -= total[i]
            total[i] = 0 * total[i]


METHOD = Method("sums_the_batch", receive, slots=("x", "total"))
