"""Ordered momentum in which each of the M gradients at the first model counts in full, as all others do.

The other reading of what the fragments of Dahan, Reshef, Goldstein & Levy (2026, arXiv:2605.02043) leave open; see
``ordered_momentum``. m = (1 - beta) m + beta (1 - beta)^(t - k) g, x = x - gamma m.
"""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, m, g, beta = server.x[0], server.x[1], a.grad[0], server.par[0]
    weight = beta
    for _ in range(server.clock[0] - a.stamp):
        weight = (1 - beta) * weight
    for i in range(x.shape[0]):
        m[i] = (1 - beta) * m[i] + weight * g[i]
        x[i] -= a.gamma * m[i]


METHOD = Method("ordered_momentum_initial_sum", receive, slots=("x", "m"), par={"beta": "1/10"})
