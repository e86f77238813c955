"""Asynchronous mu^2-SGD with projection: every w is put back into the box of half-width B around the start.

The set is ours: it contains a minimiser at distance B from the start, and projecting on it takes no square root; the
fragments of Dahan, Reshef, Goldstein & Levy (2026, arXiv:2605.02043) have any compact convex set. See
``async_mu2_sgd`` for the rest.
"""

from typing import Any

from ratecheck.core.method import Arrival, Method, Server, of_box


def start(server: Server, x0: Any) -> None:
    for i in range(x0.shape[0]):
        server.x[0, i] = server.x[1, i] = server.x[2, i] = server.x[4, i] = x0[i]


def receive(server: Server, a: Arrival) -> None:
    x, before, w, q, middle, half = server.x[0], server.x[1], server.x[2], server.x[3], server.x[4], server.par[0]
    k, t = a.stamp + 1, server.clock[0] + 1
    for i in range(x.shape[0]):
        q[i] += k * a.grad[0, i] - (k - 1) * a.grad[1, i]
        w[i] = min(max(w[i] - a.gamma * q[i], middle[i] - half), middle[i] + half)
        before[i] = x[i]
        x[i] = (t * x[i] + 2 * w[i]) / (t + 2)


def query(server: Server, worker: int, gamma: Any, out: Any) -> None:
    for j in range(2):
        for i in range(out.shape[1]):
            out[j, i] = server.x[j, i]


METHOD = Method("async_mu2_sgd_box", receive, slots=("x", "x_before", "w", "q", "start"), par={"B": None}, start=start,
                query=query, queries=2, symbolic=False, diameter=of_box)  # fmt: skip
