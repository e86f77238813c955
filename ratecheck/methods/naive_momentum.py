"""Naive asynchronous momentum: every arriving gradient makes a full momentum step.

u = beta u + gamma g, x = x - u. The baseline "naive ASGDm" of Shi, Yang & Li (2024, arXiv:2407.19234), Algorithm 4; the
rate is inside the momentum. The formula is ours, from the paper's words.
"""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, u, g, beta = server.x[0], server.x[1], a.grad[0], server.par[0]
    for i in range(x.shape[0]):
        u[i] = beta * u[i] + a.gamma * g[i]
        x[i] -= u[i]


METHOD = Method("naive_momentum", receive, slots=("x", "u"), par={"beta": "9/10"})
