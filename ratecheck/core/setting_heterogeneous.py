"""The setting of asynchronous SGD where every worker m has an objective F_m of its own and F is their mean.

As ``setting.ASYNC``, whose letters keep their meaning: h(k) = grad F(x_k), values and points are those of F. What is
applied is another thing: x_k is handed to the worker m that has just arrived, and its stochastic gradient there is
q(k) + n(k), q(k) = grad F_m(x_k). Initially worker m is handed x_0 and computes q0(m) + n0(m), q0(m) = grad F_m(x_0);
qf(k, j) are the means of the gradients that the other workers have in flight. ||q(k) - h(k)|| <= zeta is Assumption 2
of Mishchenko, Bach, Even & Woodworth (2022), here the class inequality "dissimilar". No point has a stochastic gradient
that deviates from h(k) by noise alone, so none has ``noise``.
"""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from ratecheck.core import letters
from ratecheck.core.gram import vector
from ratecheck.core.setting import (
    ASYNC,
    N_0,
    Point,
    delta,
    delta_0,
    e,
    g_0,
    g_flying,
    ghat,
    h,
    h_0,
    h_virtual,
    j,
    m,
    n,
    n_0,
    n_flying,
    s,
    t,
    t_0,
    u,
    y_0,
    z,
)
from ratecheck.core.symbols import M, k

q, q_0, q_flying = map(vector, ("q", "q0", "qf"))
#: the sum of the means of the initial gradients, each with its final stepsize
Q_0 = vector("Q0")()

_IN_FLIGHT = (j, 1, M - 1)
_WORKERS = (m, 1, M)

HETEROGENEOUS = replace(
    ASYNC,
    name="asynchronous SGD with an objective for each worker",
    equations={
        "start": (u(1), y_0 - Q_0 - N_0),
        "initial means": (Q_0, sp.Sum(g_0(m) * q_0(m), _WORKERS)),
        "initial noise": (N_0, sp.Sum(g_0(m) * n_0(m), _WORKERS)),
        "step": (u(k + 1), u(k) - ghat(k) * (q(k) + n(k))),
        "in flight": (e(k), s(k) + z(k)),  # Lemma 1, once s and z are written out
        "gradients in flight": (s(k), sp.Sum(g_flying(k, j) * q_flying(k, j), _IN_FLIGHT)),
        "noise in flight": (z(k), sp.Sum(g_flying(k, j) * n_flying(k, j), _IN_FLIGHT)),
    },
    points={
        "x_k": Point(u(k) + e(k), h(k), delta(k), own=q(k)),
        "x_0": Point(y_0, h_0, delta_0, own=q_0(m)),
        **{name: ASYNC.points[name] for name in ("xhat_k", "xhat_k+1", "xhat_1", "x*")},
    },
    roles={
        **{h(k): "model", q(k): "model", u(k): "virtual", h_virtual(k): "virtual"},
        **{y_0: "start", h_0: "start", q_0(m): "start"},
        **{n(k): "fresh", n_flying(k, j): "flying", n_0(m): "initial", N_0: "initial noise"},
        **{s(k): "means in flight", z(k): "noise in flight"},
    },
    flying={ghat(k): g_flying(k, j), q(k): q_flying(k, j), n(k): n_flying(k, j)},
    initial={ghat(k): g_0(m), q(k): q_0(m), n(k): n_0(m), t(k): t_0(m)},
    lemmas={"in flight": "in flight"},
    own_objectives=True,
    letters=letters.HETEROGENEOUS,
)
