"""Minibatch SGD that moves with every arrival of a round: nobody is handed a model before it ends, so it is no lie."""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, g = server.x[0], a.grad[0]
    for i in range(x.shape[0]):
        x[i] -= a.gamma * g[i] / server.workers


METHOD = Method("moves_within_a_round", receive)
