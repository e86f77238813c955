"""SMEGA2: momentum by the mean of M arrivals, and workers are handed a look-ahead to where it will be.

Cohen, Hakimi & Schuster (2022, "SMEGA2: distributed asynchronous deep neural network training with a single momentum
buffer"), whose published code this follows. With s arrivals since the last update of m, of sum G, a gradient g makes
x = x - (g + beta m), old m; G = G + g; at the M-th m = beta m + G/M, G = 0. A worker is handed
x - beta ((M + s (beta - 1)) m + (s/M) G). Printed with a constant rate outside; here it is inside m and G (ours),
which is the same for constant stepsizes.
"""

from typing import Any

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, m, total, g, beta = server.x[0], server.x[1], server.x[2], a.grad[0], server.par[0]
    server.count[0] = (server.count[0] + 1) % server.workers
    for i in range(x.shape[0]):
        x[i] -= a.gamma * g[i] + beta * m[i]
        total[i] += a.gamma * g[i]
    if server.count[0] == 0:
        for i in range(x.shape[0]):
            m[i] = beta * m[i] + total[i] / server.workers
            total[i] = 0 * total[i]


def query(server: Server, worker: int, gamma: Any, out: Any) -> None:
    x, m, total, beta, s = server.x[0], server.x[1], server.x[2], server.par[0], server.count[0]
    for i in range(x.shape[0]):
        ahead = (server.workers + s * (beta - 1)) * m[i] + s * total[i] / server.workers
        out[0, i] = x[i] - beta * ahead


METHOD = Method("smega2", receive, slots=("x", "m", "G"), par={"beta": "9/10"}, count=("s",), query=query)
