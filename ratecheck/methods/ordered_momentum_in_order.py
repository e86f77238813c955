"""Ordered momentum that takes gradients in by the order of their models, and holds back those that came early. Ours.

m is the sum of beta (1 - beta)^(t - k) g_k over k <= C, as far as the gradients at the first C models are all there:
then the delays may look at samples, and the noise of m is no larger than without delays, up to a constant (Doob). The
first gradient is that of worker 0; the other initial ones are not used. x = x - gamma m. A repair of
``ordered_momentum`` of Dahan, Reshef, Goldstein & Levy (2026, arXiv:2605.02043). For the async scheduler.
"""

from typing import Any

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, m, beta, rows, last = server.x[0], server.x[1], server.par[0], server.tag.shape[0], server.count[0]
    if a.stamp > 0 or a.worker == 0:
        server.tag[a.stamp % rows] = a.stamp + 1
        for i in range(x.shape[0]):
            server.held[a.stamp % rows, i] = a.grad[0, i]
    for i in range(x.shape[0]):
        m[i] = (1 - beta) * m[i]
    while server.tag[last % rows] == last + 1:  # models count from 0
        weight = beta
        for _ in range(server.clock[0] - last):
            weight = (1 - beta) * weight
        for i in range(x.shape[0]):
            m[i] += weight * server.held[last % rows, i]
        last += 1
    server.count[0] = last
    for i in range(x.shape[0]):
        x[i] -= a.gamma * m[i]


def held_back(schedule: Any) -> int:
    return int(schedule.steps) + 1


METHOD = Method("ordered_momentum_in_order", receive, slots=("x", "m"), par={"beta": "1/10"}, count=("C",),
                rows=held_back, schedulers=("async",))  # fmt: skip
