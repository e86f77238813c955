"""Delay-filtered asynchronous SGD: a gradient whose delay is above a threshold is thrown away.

x = x - gamma g where the delay, from 0, is at most ``threshold``; the worker starts again at x either way. A baseline
of Dahan, Reshef, Goldstein & Levy (2026, arXiv:2605.02043), known to us in outline only: that every delivery is a step,
those thrown away too, is our reading; where only the others count it is ``ringmaster``, with a threshold larger by 1.
"""

from ratecheck.core.method import Arrival, Method, Server


def receive(server: Server, a: Arrival) -> None:
    x, g = server.x[0], a.grad[0]
    if server.clock[0] - a.stamp <= server.par[0]:
        for i in range(x.shape[0]):
            x[i] -= a.gamma * g[i]


METHOD = Method("delay_filtered_sgd", receive, par={"threshold": 4})
