"""Shifted momentum: a momentum for each worker, which only that worker's gradients enter.

v_m = beta v_m + g, x = x - gamma v_m when worker m delivers g. Giladi, Nacson, Hoffer & Soudry (2020, ICLR,
"At stability's edge"), whose published code this follows. Under round robin (ours) it is heavy ball with the momentum
shifted by M steps: x_{k+1} = x_k + beta (x_{k+1-M} - x_{k-M}) - gamma g. The rate is outside the momentum.
"""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, v, g, beta = server.x[0], server.mine[a.worker, 0], a.grad[0], server.par[0]
    for i in range(x.shape[0]):
        v[i] = beta * v[i] + g[i]
        x[i] -= a.gamma * v[i]


METHOD = Method("shifted_momentum", receive, mine=("v",), par={"beta": "9/10"})
