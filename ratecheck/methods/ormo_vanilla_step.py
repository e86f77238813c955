"""OrMo with a vanilla SGD step: the momentum is OrMo's, and an arriving gradient moves the model by gamma g alone.

The ablation of Shi, Yang & Li (2024, arXiv:2407.19234), appendix A.3: w = w - gamma g for
w = w - (1 + beta + .. + beta^e) gamma g; see ``ormo``.
"""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    w, u, g, beta = server.x[0], server.x[1], a.grad[0], server.par[0]
    newest = (server.clock[0] + server.workers - 1) // server.workers
    if server.clock[1] == server.clock[0] and newest > server.count[0]:
        server.count[0] = newest
        for i in range(w.shape[0]):
            w[i] -= beta * u[i]
            u[i] = beta * u[i]
    weight = 1 + 0 * beta
    for _ in range(server.count[0] - (a.stamp + server.workers - 1) // server.workers):
        weight = beta * weight
    for i in range(w.shape[0]):
        u[i] += weight * (a.gamma * g[i])
        w[i] -= a.gamma * g[i]


METHOD = Method("ormo_vanilla_step", receive, slots=("x", "u"), par={"beta": "9/10"}, count=("group",))
