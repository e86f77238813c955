"""Naive asynchronous mu^2-SGD: the corrected momentum of mu^2-SGD, with arrivals for the newest gradients.

A baseline of Dahan, Reshef, Goldstein & Levy (2026, arXiv:2605.02043), known to us in outline only; mu^2-SGD is of
Levy (2023, arXiv:2304.04172). At delivery t of a sample z looked at in x_k and x_(k-1),
d = grad f(x_k; z) + (1 - 1/t) (d - grad f(x_(k-1); z)), w = w - gamma t d, x_(t+1) = (t x_t + 2 w)/(t + 2). Without
delays t d is the q of ``async_mu2_sgd``.
"""

from typing import Any

from ratecheck.core.method import Arrival, Method, Server


def start(server: Server, x0: Any) -> None:
    for i in range(x0.shape[0]):
        server.x[0, i] = server.x[1, i] = server.x[2, i] = x0[i]


def receive(server: Server, a: Arrival) -> None:
    x, before, w, d, t = server.x[0], server.x[1], server.x[2], server.x[3], server.clock[0] + 1
    for i in range(x.shape[0]):
        d[i] = a.grad[0, i] + (t - 1) * (d[i] - a.grad[1, i]) / t
        w[i] -= a.gamma * (t * d[i])
        before[i] = x[i]
        x[i] = (t * x[i] + 2 * w[i]) / (t + 2)


def query(server: Server, worker: int, gamma: Any, out: Any) -> None:
    for j in range(2):
        for i in range(out.shape[1]):
            out[j, i] = server.x[j, i]


METHOD = Method("naive_mu2_sgd", receive, slots=("x", "x_before", "w", "d"), start=start, query=query, queries=2)
