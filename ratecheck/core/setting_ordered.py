"""The setting of ordered momentum, where the M gradients at the first model count 1/M each (``ordered_momentum``).

Letters are those of the paper, delivery k for its t: v(k) + x* is the model before delivery k, x_(k-1) of the engine,
h(k) its gradient, n(k) the noise of the gradient handed out there (for k = 1 the mean of the M noises at x_0), d(k) the
method's m after delivery k: d(k) = (1 - beta) d(k-1) + w beta (1 - beta)^(k-i) g for an arriving g of model i, where
w = 1/M at the first model and 1 else, and v(k+1) = v(k) - stepsize d(k).

eh(k) is what momentum without delays, dh(k) = (1 - beta) dh(k-1) + beta (h(k) + n(k)), is apart from h(k). Before the
first delivery momentum is 0 and the model is what it is: d(0) = 0, v(0) = v(1), h(0) = h(1), and eh(0) = -h(1).

What is in flight *after delivery k*, before the next hand-out, are the M - 1 gradients of the other workers, each of a
model i <= k and with the weight wf(k, j) = w beta (1 - beta)^(k-i): d(k) = dh(k) less their sum. s(k) is that sum of
their means, z(k) of their noises. ``checks.steps.flights`` derives this, and compares it with the kernel over all small
arrival orders. So the error of the momentum is d(k) - h(k) = eh(k) - s(k) - z(k).

slopes(k) is the sum over i <= k of (1 - beta)^(2 (k-i)) E||h(i)||^2, noises(k) the same of the n(i).
np(k) is ||noise||^(2 + excess) of the gradient handed out, for k = 1 the mean over the M; powers(k) is the sum over
i <= k of (1 - beta)^(k-i) np(i).
"""

from __future__ import annotations

import sympy as sp

from ratecheck.core import letters, symbols
from ratecheck.core.gram import Ip, vector
from ratecheck.core.setting import Point, Setting, delta, h, h_flying, j, n, n_flying, numbers, s, v, z
from ratecheck.core.symbols import K, M, beta, k, mean_gradient_sq

gamma = symbols.stepsize
#: the method's momentum; what momentum without delays is apart from the gradient
d, eh = vector("d"), vector("eh")
slopes, noises, power, powers = map(numbers, ("slopes", "noises", "np", "powers"))
weight = numbers("wf", real=True)
r = 1 - beta

ORDERED = Setting(
    name="ordered momentum",
    method="ordered_momentum",
    scheduler="async",
    ranges={k: (1, K), j: (1, M - 1)},
    equations={
        "step": (v(k + 1), v(k) - gamma * d(k)),
        "step before": (v(k), v(k - 1) - gamma * d(k - 1)),
        "no momentum at first": (d(0), sp.Integer(0)),
        "error": (eh(k), r * (eh(k - 1) + h(k - 1) - h(k)) + beta * n(k)),
        "error at first": (eh(0), -h(1)),
        "momentum": (d(k), h(k) + eh(k) - s(k) - z(k)),
        "weighed gradients": (s(k), sp.Sum(weight(k, j) * h_flying(k, j), (j, 1, M - 1))),
        "weighed noise": (z(k), sp.Sum(weight(k, j) * n_flying(k, j), (j, 1, M - 1))),
    },
    points={
        "x_k": Point(v(k), h(k), delta(k), n(k)),
        "x_k+1": Point(v(k + 1), h(k + 1), delta(k + 1)),
        "x_k-1": Point(v(k - 1), h(k - 1), delta(k - 1)),
        "x_0": Point(v(1), h(1), delta(1)),
        "in flight": Point(None, h_flying(k, j), None, n_flying(k, j)),
        "x*": Point(sp.Integer(0), sp.Integer(0), sp.Integer(0)),
    },
    roles={
        **{h(k): "model", v(k): "model", n(k): "fresh", n_flying(k, j): "flying", z(k): "noise in flight"},
        **{h(k - 1): "before", eh(k - 1): "before", s(k): "means in flight", power(k): "moment"},
    },
    measured={
        "uniform": {"mean_gradient_sq": (K * mean_gradient_sq, sp.Sum(Ip(h(k), h(k)), (k, 1, K)))},
        "any": {
            "slopes": (slopes(k), r**2 * slopes(k - 1) + Ip(h(k), h(k))),
            "no slopes at first": (slopes(0), sp.Integer(0)),
            "noises": (noises(k), r**2 * noises(k - 1) + Ip(n(k), n(k))),
            "no noises at first": (noises(0), sp.Integer(0)),
            "powers": (powers(k), r * powers(k - 1) + power(k)),
            "no powers at first": (powers(0), sp.Integer(0)),
        },
    },
    flying={},
    initial={},
    lemmas=dict.fromkeys(("step", "step before", "momentum", "weighed gradients", "weighed noise"), "ordered momentum"),
    by_schedule=(weight,),
    one_stepsize=True,
    letters=letters.ORDERED,
)
