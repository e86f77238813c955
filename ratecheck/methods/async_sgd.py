"""Asynchronous SGD: the server applies every gradient when it arrives.

x_k = x_{k-1} - gamma_k g, where g was computed by the arriving worker at the version it was handed; the worker is
then handed x_k. Mishchenko, Bach, Even & Woodworth (2022), Algorithm 1. With the theorems' stepsizes, delay-adaptive.
"""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, g = server.x[0], a.grad[0]
    for i in range(x.shape[0]):
        x[i] -= a.gamma * g[i]


METHOD = Method("async_sgd", receive)
