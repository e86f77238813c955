"""OrMo, ordered momentum: each gradient joins the momentum with the weight that its age in groups has earned.

Shi, Yang & Li (2024, NeurIPS, arXiv:2407.19234), Algorithm 2; with a delay-adaptive stepsize, their OrMo-DA. The
gradient of version i is of group ceil(i/M): M gradients each, the initial ones group 0. When the newest group of the
momentum falls behind the model handed out, w = w - beta u, u = beta u, and it advances by one. An arriving gradient
that is e groups old then enters as u = u + beta^e gamma g, w = w - (1 + beta + .. + beta^e) gamma g. The rate is inside
the momentum. Under the async scheduler the newest group is ceil((k - 1)/M) at step k; under the barrier this is
minibatch SGD with momentum. The formulas are written from the paper's words; its Proposition 1 and Remark 3 fix them.
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
    weight, total = 1 + 0 * beta, 1 + 0 * beta
    for _ in range(server.count[0] - (a.stamp + server.workers - 1) // server.workers):
        weight = beta * weight
        total = 1 + beta * total
    for i in range(w.shape[0]):
        u[i] += weight * (a.gamma * g[i])
        w[i] -= total * (a.gamma * g[i])


METHOD = Method("ormo", receive, slots=("x", "u"), par={"beta": "9/10"}, count=("group",))
