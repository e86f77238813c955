"""Polyak momentum, asynchronous: every arriving gradient has the weight of the newest one, however late it is.

m = (1 - beta) m + beta g, x = x - gamma m: a baseline of Dahan, Reshef, Goldstein & Levy (2026, arXiv:2605.02043),
whose rule we know in outline only: which gradients have which weight is our reading.
With one rate it is ``naive_momentum`` with 1 - beta for beta and gamma beta for gamma.
"""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, m, g, beta = server.x[0], server.x[1], a.grad[0], server.par[0]
    for i in range(x.shape[0]):
        m[i] = (1 - beta) * m[i] + beta * g[i]
        x[i] -= a.gamma * m[i]


METHOD = Method("polyak_momentum", receive, slots=("x", "m"), par={"beta": "1/10"})
