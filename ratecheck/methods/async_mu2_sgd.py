"""Asynchronous mu^2-SGD: anytime averaging, and every sample is looked at in two successive averages.

Reconstructed from fragments of Dahan, Reshef, Goldstein & Levy (2026, arXiv:2605.02043), whose algorithm boxes we did
not see, and from Levy (2023, arXiv:2304.04172). A worker that gets the k-th average x_k, and x_(k-1), sends
s = k grad f(x_k; z) - (k - 1) grad f(x_(k-1); z) of one sample z. Delivery t makes q = q + s, w = w - gamma q, and
x_(t+1) = (t x_t + 2 w)/(t + 2), the mean of w_1..w_(t+1) with weights 1..t+1 (weights k are ours). No projection.
"""

from typing import Any

from ratecheck.core.method import Arrival, Method, Server


def start(server: Server, x0: Any) -> None:
    for i in range(x0.shape[0]):
        server.x[0, i] = server.x[1, i] = server.x[2, i] = x0[i]


def receive(server: Server, a: Arrival) -> None:
    x, before, w, q = server.x[0], server.x[1], server.x[2], server.x[3]
    k, t = a.stamp + 1, server.clock[0] + 1
    for i in range(x.shape[0]):
        q[i] += k * a.grad[0, i] - (k - 1) * a.grad[1, i]
        w[i] -= a.gamma * q[i]
        before[i] = x[i]
        x[i] = (t * x[i] + 2 * w[i]) / (t + 2)


def query(server: Server, worker: int, gamma: Any, out: Any) -> None:
    for j in range(2):
        for i in range(out.shape[1]):
            out[j, i] = server.x[j, i]


METHOD = Method("async_mu2_sgd", receive, slots=("x", "x_before", "w", "q"), start=start, query=query, queries=2)
