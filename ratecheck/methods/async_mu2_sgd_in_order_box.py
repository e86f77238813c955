"""In-order commit for asynchronous mu^2-SGD with projection: every w is put back into the box around the start. Ours.

See ``async_mu2_sgd_in_order`` for what is taken in when, ``async_mu2_sgd_box`` for the box. For the async scheduler.
"""

from typing import Any

from ratecheck.core.method import Arrival, Method, Server, of_box


def start(server: Server, x0: Any) -> None:
    for i in range(x0.shape[0]):
        server.x[0, i] = server.x[1, i] = server.x[2, i] = server.x[4, i] = x0[i]


def receive(server: Server, a: Arrival) -> None:
    x, rows, t, half = server.x, server.tag.shape[0], server.clock[0] + 1, server.par[0]
    if a.stamp > 0 or a.worker == 0:
        server.tag[a.stamp % rows] = a.stamp + 1
        for i in range(x.shape[1]):
            server.held[a.stamp % rows, i] = (a.stamp + 1) * a.grad[0, i] - a.stamp * a.grad[1, i]
    while server.tag[server.count[0] % rows] == server.count[0] + 1:
        for i in range(x.shape[1]):
            x[3, i] += server.held[server.count[0] % rows, i]
        server.count[0] += 1
    for i in range(x.shape[1]):
        x[2, i] = min(max(x[2, i] - a.gamma * x[3, i], x[4, i] - half), x[4, i] + half)
        x[1, i] = x[0, i]
        x[0, i] = (t * x[0, i] + 2 * x[2, i]) / (t + 2)


def query(server: Server, worker: int, gamma: Any, out: Any) -> None:
    for i in range(out.shape[1]):
        out[0, i], out[1, i] = server.x[0, i], server.x[1, i]


METHOD = Method("async_mu2_sgd_in_order_box", receive, ("x", "x_before", "w", "q", "start"), par={"B": None},
                count=("C",), start=start, query=query, queries=2, rows=lambda schedule: int(schedule.steps) + 1,
                symbolic=False, diameter=of_box, schedulers=("async",))  # fmt: skip
