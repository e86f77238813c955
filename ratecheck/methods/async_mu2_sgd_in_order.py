"""Asynchronous mu^2-SGD that takes its s_k in in the order of k, and holds back those that came too early. Ours.

q is the sum of s_1..s_C, as far as all of them are there: then the delays may look at samples, and the noise of q is at
most 4 t sigma^2 in the mean (Doob). s_1 is worker 0's; the other initial ones are not used. A repair of
``async_mu2_sgd`` of Dahan, Reshef, Goldstein & Levy (2026, arXiv:2605.02043). For the async scheduler.
"""

from typing import Any

from ratecheck.core.method import Arrival, Method, Server


def start(server: Server, x0: Any) -> None:
    for i in range(x0.shape[0]):
        server.x[0, i] = server.x[1, i] = server.x[2, i] = x0[i]


def receive(server: Server, a: Arrival) -> None:
    x, rows, t = server.x, server.tag.shape[0], server.clock[0] + 1
    if a.stamp > 0 or a.worker == 0:
        server.tag[a.stamp % rows] = a.stamp + 1
        for i in range(x.shape[1]):
            server.held[a.stamp % rows, i] = (a.stamp + 1) * a.grad[0, i] - a.stamp * a.grad[1, i]
    while server.tag[server.count[0] % rows] == server.count[0] + 1:
        for i in range(x.shape[1]):
            x[3, i] += server.held[server.count[0] % rows, i]
        server.count[0] += 1
    for i in range(x.shape[1]):
        x[2, i] -= a.gamma * x[3, i]
        x[1, i] = x[0, i]
        x[0, i] = (t * x[0, i] + 2 * x[2, i]) / (t + 2)


def query(server: Server, worker: int, gamma: Any, out: Any) -> None:
    for i in range(out.shape[1]):
        out[0, i], out[1, i] = server.x[0, i], server.x[1, i]


METHOD = Method("async_mu2_sgd_in_order", receive, ("x", "x_before", "w", "q"), count=("C",), start=start, query=query,
                queries=2, rows=lambda schedule: int(schedule.steps) + 1, schedulers=("async",))  # fmt: skip
