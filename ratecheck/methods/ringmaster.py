"""Ringmaster: a gradient that is ``threshold`` updates late or more is ignored, and the worker starts again.

Maranjyan, Tyurin & Richtarik (2025, "Ringmaster ASGD", arXiv:2501.16168), Algorithm 4, as we remember it: x = x - gamma
g if fewer updates than R = ``threshold`` were made since the worker started, else nothing. Delays count updates; steps
count deliveries, so x_k repeats where nothing is done. The variant that stops computations as soon as they are so late
(their Algorithm 5) is no rule of the server alone: scheduler ``stop_late`` with method ``async_sgd``. For the async
scheduler.
"""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, g, began = server.x[0], a.grad[0], server.tally[a.worker]
    if server.count[0] - began[0] < server.par[0]:
        server.count[0] += 1
        for i in range(x.shape[0]):
            x[i] -= a.gamma * g[i]
    began[0] = server.count[0]


METHOD = Method("ringmaster", receive, par={"threshold": 4}, count=("updates",), tally=("began",),
                schedulers=("async",))  # fmt: skip
