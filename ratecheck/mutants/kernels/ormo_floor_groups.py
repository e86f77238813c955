"""OrMo with groups floor(i/M) for ceil(i/M): the initial gradients share a group with those of x_1 .. x_(M-1)."""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    w, u, g, beta = server.x[0], server.x[1], a.grad[0], server.par[0]
    newest = server.clock[0] // server.workers
    if server.clock[1] == server.clock[0] and newest > server.count[0]:
        server.count[0] = newest
        for i in range(w.shape[0]):
            w[i] -= beta * u[i]
            u[i] = beta * u[i]
    weight, total = 1 + 0 * beta, 1 + 0 * beta
    for _ in range(server.count[0] - a.stamp // server.workers):
        weight = beta * weight
        total = 1 + beta * total
    for i in range(w.shape[0]):
        u[i] += weight * (a.gamma * g[i])
        w[i] -= total * (a.gamma * g[i])


METHOD = Method("ormo_floor_groups", receive, slots=("x", "u"), par={"beta": "9/10"}, count=("group",))
