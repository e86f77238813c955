"""Settings in which the output weights grow along the run: asynchronous SGD and minibatch SGD, strongly convex.

w(k) is the product of the claim's growth over x_1..x_k, divided by that over x_1..x_K (``core.schedule.grown``; under
R1 and RL x_0 has no weight and grows by 1). So w(K) = 1, w(0) is ``decay``, and w(k - 1) = w(k) (1 - rate), where
the claim's growth is 1/(1 - rate). In minibatch SGD w(k) is the growth up to x_{k-1}, the point of round k, over that
up to x_{R-1}; its weight before it grows is M stepsizes, one for each hand-out.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sympy as sp

from ratecheck.core import letters
from ratecheck.core.gram import Ip
from ratecheck.core.setting import (
    ASYNC,
    ROUNDS,
    Growth,
    Setting,
    delta,
    g_0,
    g_flying,
    gamma,
    ghat,
    j,
    m,
    numbers,
    u,
    v,
)
from ratecheck.core.symbols import K, M, S, V, W, decay, k, last_sq, mean_gap, mu, virtual_sq

#: positive, once the claim's stepsize is known to make it so (steps of kind growing)
w = numbers("w", positive=True)

_MEASURED = (W, S, V, decay, mean_gap)
_STEPS = (k, 1, K)
_ROUNDS = (k, 1, K / M)


def growing(rate: Any) -> Setting:
    """Return the setting of asynchronous SGD whose weights grow by 1/(1 - rate(k)) at x_k."""
    weighted = {
        "W": (W, sp.Sum(w(k) * ghat(k), _STEPS)),
        "mean_gap": (W * mean_gap, sp.Sum(w(k) * ghat(k) * delta(k), _STEPS)),
        "decay": (decay, w(0)),
        "growth": (w(k - 1), w(k) * (1 - rate)),
        "end": (w(K), sp.Integer(1)),
        "S": (S, w(0) * sp.Sum(g_0(m) ** 2, (m, 1, M)) + sp.Sum(w(k) * ghat(k) ** 2, _STEPS)),
        "V": (V, sp.Sum(w(k) * ghat(k) * sp.Sum(g_flying(k, j) ** 2, (j, 1, M - 1)), _STEPS)),
        "virtual_sq": (virtual_sq, Ip(u(K + 1), u(K + 1))),
    }
    return replace(
        ASYNC, name="asynchronous SGD with growing weights", measured={"R1": weighted, "RL": weighted},
        growth=Growth(w(k), 1 - rate, ghat(k), _MEASURED), letters=letters.GROWING,
    )  # fmt: skip


#: Asynchronous SGD with weights that grow by 1/(1 - mu ghat(k)/4).
ASYNC_GROWING = growing(mu * ghat(k) / 4)

#: Minibatch SGD with a constant stepsize and weights that grow by 1/(1 - mu stepsize) a round; rule R0.
ROUNDS_GROWING = replace(
    ROUNDS,
    name="minibatch SGD with growing weights",
    measured={
        "R0": {
            "W": (W, M * gamma * sp.Sum(w(k), _ROUNDS)),
            "mean_gap": (W * mean_gap, M * gamma * sp.Sum(w(k) * delta(k), _ROUNDS)),
            "decay": (decay, w(0)),
            "growth": (w(k - 1), w(k) * (1 - mu * gamma)),
            "end": (w(K / M), sp.Integer(1)),
            "S": (S, M * gamma**2 * sp.Sum(w(k), _ROUNDS)),
            "last_sq": (last_sq, Ip(v(K / M + 1), v(K / M + 1))),
        },
    },
    growth=Growth(w(k), 1 - mu * gamma, M * gamma, _MEASURED),
    letters=letters.ROUNDS_GROWING,
)
