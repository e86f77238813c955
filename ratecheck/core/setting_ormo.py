"""The settings of asynchronous SGD with momentum: OrMo, and naive momentum.

As ``setting.ASYNC``, whose letters keep their meaning, but for two. The virtual iterate, u(k) + x*, is x_0 minus every
gradient handed out before x_k, each with its final stepsize over 1 - beta: asynchronous SGD with longer steps. And what
is applied is the method's: ``kept(k, i)`` is the share of the gradient of x_i, i < k, that x_k is still apart from the
virtual iterate by, ``kept0(k, m)`` that of worker m's initial gradient:
x_k - xhat_k = 1/(1 - beta) (sum of kept0(k, m) ghat0(m) g0(m) + sum over i < k of kept(k, i) ghat(i) g(i)).
It is 1 in flight. In OrMo (Shi, Yang & Li 2024) it is beta^(I - G(i) + 1) after the delivery, where G(i) = ceil(i/M) is
the group of the gradient and I = ceil((k - 1)/M) the newest one of the momentum; with naive momentum, beta^(k - l + 1)
after delivery l. ``checks.steps.ordered`` derives this, and compares it with the kernels over all small arrival orders.

``r`` stands for 1 - beta: a claim is read with beta = 1 - r, and assumes 0 <= beta < 1, so that 0 < r <= 1.
"""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from ratecheck.core import letters
from ratecheck.core.gram import Ip, vector
from ratecheck.core.setting import (
    ASYNC,
    N_0,
    Point,
    applied,
    delta,
    delta_0,
    e,
    g_0,
    g_flying,
    ghat,
    h,
    h_0,
    h_flying,
    h_virtual,
    i,
    j,
    m,
    n,
    n_0,
    n_flying,
    numbers,
    phi,
    s,
    t,
    t_0,
    u,
    y_0,
    z,
)
from ratecheck.core.symbols import K, M, W, beta, k, mean_gradient_sq, stepsize

r = sp.Symbol("r", positive=True)
#: at most the right side less the left one, of each strict inequality between constants that a claim assumes
gap = sp.Symbol("gap", positive=True)
kept, kept_0 = map(numbers, ("kept", "kept0"))
#: momentum, and the sequences uhat and yhat of Shi, Yang & Li: the recursions with every gradient handed out before x_k
momentum, uhat, yhat = map(vector, ("u_k", "uhat", "yhat"))
#: uhat in mean and noise
means, noise = map(vector, ("uh", "un"))
#: x_k - yhat in mean and noise of what is in flight, and the coefficient of each, 1 - beta^(e + 1), times 1 - beta
means_ahead, noise_ahead = map(vector, ("sf", "zf"))
ahead = numbers("ahead")
#: beta to the number of groups that a gradient is behind the newest one, and 1 once it is delivered, 0 before
age, age_0, back, back_0 = map(numbers, ("age", "age0", "back", "back0"))
#: steps since a worker was handed what it has in flight at K; 1 where tau(k) - 1 is at least N, for late(k, N)
aged, late = map(numbers, ("aged", "late"))

_WORKERS = (m, 1, M)
_BEFORE = (i, 1, k - 1)
_SUM_0 = sp.Sum(g_0(m), _WORKERS)

ORMO = replace(
    ASYNC,
    name="ordered momentum",
    method="ormo",
    ranges={k: (1, K), m: (1, M), i: (1, k - 1), j: (1, M - 1)},
    equations={
        "start": (u(1), y_0 - _SUM_0 * h_0 / r - N_0 / r),
        "initial noise": (N_0, sp.Sum(g_0(m) * n_0(m), _WORKERS)),
        "step": (u(k + 1), u(k) - ghat(k) * (h(k) + n(k)) / r),
        "kept": (e(k), s(k) + z(k)),  # once s and z are written out
        "means kept": (
            s(k),
            sp.Sum(kept_0(k, m) * g_0(m) * h_0 / r, _WORKERS) + sp.Sum(kept(k, i) * ghat(i) * h(i) / r, _BEFORE),
        ),
        "noise kept": (
            z(k),
            sp.Sum(kept_0(k, m) * g_0(m) * n_0(m) / r, _WORKERS) + sp.Sum(kept(k, i) * ghat(i) * n(i) / r, _BEFORE),
        ),
        "gradients kept": (
            e(k),
            sp.Sum(kept_0(k, m) * g_0(m) * (h_0 + n_0(m)) / r, _WORKERS)
            + sp.Sum(kept(k, i) * ghat(i) * (h(i) + n(i)) / r, _BEFORE),
        ),
        "lemma 3": (yhat(k), u(k) + (1 - r) * uhat(k) / r),
        "lemma 2, in flight": (yhat(k), u(k) + e(k) - means_ahead(k) - noise_ahead(k)),  # once these are written out
        "means ahead": (means_ahead(k), sp.Sum(ahead(k, j) * g_flying(k, j) * h_flying(k, j) / r, (j, 1, M - 1))),
        "noise ahead": (noise_ahead(k), sp.Sum(ahead(k, j) * g_flying(k, j) * n_flying(k, j) / r, (j, 1, M - 1))),
        "lemma 8": (uhat(k), means(k) + noise(k)),  # once these are written out
        "means of uhat": (
            means(k),
            sp.Sum(age_0(k, m) * g_0(m) * h_0, _WORKERS) + sp.Sum(age(k, i) * ghat(i) * h(i), _BEFORE),
        ),
        "noise of uhat": (
            noise(k),
            sp.Sum(age_0(k, m) * g_0(m) * n_0(m), _WORKERS) + sp.Sum(age(k, i) * ghat(i) * n(i), _BEFORE),
        ),
    },
    points={
        "x_k": Point(u(k) + e(k), h(k), delta(k), n(k)),  # e(k) = x_k - xhat_k
        "x_0": Point(y_0, h_0, delta_0, n_0(m)),
        "xhat_k": Point(u(k), h_virtual(k), phi(k)),
        "xhat_k+1": Point(u(k + 1), h_virtual(k + 1), phi(k + 1)),
        "xhat_1": Point(u(1), h_virtual(1), phi(1)),
        "x*": ASYNC.points["x*"],
    },
    roles={
        **{h(k): "model", u(k): "virtual", h_virtual(k): "virtual", y_0: "start", h_0: "start"},
        **{n(k): "fresh", n_0(m): "initial", N_0: "initial noise", z(k): "noise kept", noise(k): "noise kept"},
        **{n_flying(k, j): "flying", means_ahead(k): "means in flight", noise_ahead(k): "noise in flight"},
    },
    measured={
        **{rule: ASYNC.measured[rule] for rule in ("R1", "R0", "RL")},
        # the virtual iterates that a run measures have no 1/(1 - beta): they are others
        "any": {what: ASYNC.measured["any"][what] for what in ("Q", "V", "Gamma_0")},
    },
    flying={ghat(k): g_flying(k, j)},
    initial={ghat(k): g_0(m), h(k): h_0, n(k): n_0(m), t(k): t_0(m)},
    lemmas={
        **{"kept": "kept", "gradients kept": "kept"},
        **{name: name for name in ("lemma 3", "lemma 8", "lemma 2, in flight")},
    },
    reads={beta: 1 - r},
    by_schedule=(kept, kept_0, age, age_0, ahead),
    letters=letters.ORMO,
)

#: the stepsize of a gradient that is not late, where a rule makes it of a constant ``stepsize``
full = sp.Symbol("full", positive=True)
ADAPTED = replace(ORMO, reads={**ORMO.reads, stepsize: full})

#: the mean over x_0..x_(K-1), for which steps up to K - 1 count: k = 1..K-1
UNIFORM = replace(
    ORMO,
    ranges={**ORMO.ranges, k: (1, K - 1)},
    measured={
        "uniform": {
            "W": (W, sp.Sum(applied(k), (k, 1, K - 1)) + applied(K)),
            "mean_gradient_sq": (K * mean_gradient_sq, Ip(h_0, h_0) + sp.Sum(Ip(h(k), h(k)), (k, 1, K - 1))),
        }
    },
)
_OF_ORMO = (yhat(k), uhat(k), means(k), noise(k), means_ahead(k), noise_ahead(k))
NAIVE = replace(
    UNIFORM,
    name="naive momentum",
    method="naive_momentum",
    equations={name: one for name, one in UNIFORM.equations.items() if one[0] not in _OF_ORMO},
    roles={vector: role for vector, role in UNIFORM.roles.items() if vector not in _OF_ORMO},
    lemmas={"kept": "kept, naive", "gradients kept": "kept, naive"},
)
