"""Asynchronous mini-batching: a method for one machine, fed with means of B gradients at its present query point.

Attia, Gaash & Koren (2024, arXiv:2408.07503), known to us in outline only: stale gradients are dropped, and any
first-order method may be fed. Here it is SGD with momentum, u = beta u + mean of gamma g, x = x - u, B = ``batch``;
without momentum it is ``rennala``. Steps count deliveries, so x_k repeats between updates.
"""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, u, total, g, batch, beta = server.x[0], server.x[1], server.x[2], a.grad[0], server.par[0], server.par[1]
    if a.stamp >= server.count[0]:
        server.count[1] += 1
        for i in range(x.shape[0]):
            total[i] += a.gamma * g[i]
    if server.count[1] >= batch:
        server.count[0] = server.clock[0] + 1
        server.count[1] = 0
        for i in range(x.shape[0]):
            u[i] = beta * u[i] + total[i] / batch
            x[i] -= u[i]
            total[i] = 0 * total[i]


METHOD = Method("async_minibatches", receive, slots=("x", "u", "total"), par={"batch": 4, "beta": "9/10"},
                count=("since", "collected"))  # fmt: skip
