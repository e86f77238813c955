"""Ringleader, for workers with data of their own: every update is the mean over workers of the means they sent.

Maranjyan & Richtarik (2025, arXiv:2509.22860), known to us in outline only. First gradients are collected until every
worker has sent one; then each worker's next arrival joins its mean and makes x = x - (gamma/M) sum_i G_i/b_i, once a
worker, the one that completed the collection first. Who was served starts at the new x and collects for the next time.
Here all start at the present x, and the others' b_i are as they are. For the async scheduler.
"""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, mine, tally, updates = server.x[0], server.mine, server.tally, server.count
    later = tally[a.worker, 2]  # 1: served, and collecting for the next time
    tally[a.worker, later] += 1
    for i in range(x.shape[0]):
        mine[a.worker, later, i] += a.grad[0, i]
    if tally[a.worker, 0] == 1 and later == 0:
        updates[0] += 1  # workers that have sent something
    if updates[0] == server.workers and later == 0:
        for m in range(server.workers):
            for i in range(x.shape[0]):
                x[i] -= a.gamma * mine[m, 0, i] / (tally[m, 0] * server.workers)
        tally[a.worker, 2] = 1
        updates[1] += 1
    if updates[1] == server.workers:
        updates[0], updates[1] = 0, 0
        for m in range(server.workers):
            tally[m, 0], tally[m, 1], tally[m, 2] = tally[m, 1], 0, 0
            updates[0] += min(tally[m, 0], 1)
            for i in range(x.shape[0]):
                mine[m, 0, i], mine[m, 1, i] = mine[m, 1, i], 0 * mine[m, 1, i]


METHOD = Method("ringleader", receive, mine=("G", "G_next"), tally=("b", "b_next", "served"), count=("ready", "served"),
                schedulers=("async",))  # fmt: skip
