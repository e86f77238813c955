"""Ordered momentum: an arriving gradient gets the weight that it would have, had it come in time.

Reconstructed from fragments of Dahan, Reshef, Goldstein & Levy (2026, "Bringing order to asynchronous SGD",
arXiv:2605.02043), whose algorithm boxes we did not see: at delivery t of a gradient taken at the k-th model,
m = (1 - beta) m + beta (1 - beta)^(t - k) g and x = x - gamma m, beta the weight of the newest gradient (theirs is at
most 1/(8M)). t - k is the delay, from 0. What becomes of the M gradients at the first model is not in the fragments:
here each counts 1/M, and in ``ordered_momentum_initial_sum`` each counts in full.
"""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, m, g, beta = server.x[0], server.x[1], a.grad[0], server.par[0]
    weight = beta
    if a.stamp == 0:
        weight = beta / server.workers
    for _ in range(server.clock[0] - a.stamp):
        weight = (1 - beta) * weight
    for i in range(x.shape[0]):
        m[i] = (1 - beta) * m[i] + weight * g[i]
        x[i] -= a.gamma * m[i]


METHOD = Method("ordered_momentum", receive, slots=("x", "m"), par={"beta": "1/10"})
