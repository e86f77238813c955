"""Rennala SGD: one update by the mean of S gradients at the present model; all others are ignored.

Tyurin & Richtarik (2023, "Optimal time complexities of parallel stochastic optimization methods", arXiv:2305.12387), as
we remember it: workers never wait, gradients of earlier models are ignored, and the S-th = ``batch``-th gradient at the
present one makes x = x - (gamma/S) sum. Steps count deliveries, so x_k repeats between updates.
"""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, total, g, batch = server.x[0], server.x[1], a.grad[0], server.par[0]
    if a.stamp >= server.count[0]:
        server.count[1] += 1
        for i in range(x.shape[0]):
            total[i] += a.gamma * g[i]
    if server.count[1] >= batch:
        server.count[0] = server.clock[0] + 1
        server.count[1] = 0
        for i in range(x.shape[0]):
            x[i] -= total[i] / batch
            total[i] = 0 * total[i]


METHOD = Method("rennala", receive, slots=("x", "total"), par={"batch": 4}, count=("since", "collected"))
