"""The settings of asynchronous mu^2-SGD with projection, and of its in-order commit. Letters are those of the paper.

k is a delivery, 1..K; y(k) + x* is the paper's x_k, the model before delivery k, which is version k - 1 of the engine,
and w(k) + x* its w_k; h(k) = grad F(x_k), q(k) the direction after delivery k, w_(k+1) = P(w_k - stepsize q_k) and
x_(k+1) = (k x_k + 2 w_(k+1))/(k + 2) = x_k + 2 (w_(k+1) - x_k)/(k + 2), with P the projection on a convex set of
diameter D that has the start and x*. So all w and x are in the set: ``inside``. x_0 is x_1 by definition, as in the
engine, whose output under rule last is x_(K+1).

What a worker that gets x_k sends has mean s(k) = k h(k) - (k-1) h(k-1); n(k) is the noise of what the hand-out after
delivery k brings (at x_(k+1)), n0(m) of the M at x_1. With xi(k) the noise of its sample at x_(k+1) and xc(k) that less
its noise at x_k, n(k) = (k+1) xi(k) - k (xi(k) - xc(k)) = xi(k) + k xc(k). Where the noise of a sample is the same at
every point, xc is 0 and n(k) the noise of one sample; at x_1 it always is (``checks.steps.changing``).
sf(k, j) and nf(k, j) are mean and noise of what worker j of the others has in flight after delivery k, before the
hand-out that follows. eps(k) = q(k) - k h(k) is the error: drift b(k) and noise a(k).

a(k) is all noise drawn, ad(k), less that in flight, af(k). In the in-order commit a(k) is the noise of the first C(k)
samples in the order in which they were drawn (worker 0's at x_1, then those after deliveries 1, 2, ..), and b(k) is
minus the sum of s(C + 1), .., s(k). ``checks.steps.averages`` derives this, and compares it with the kernels.
"""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from ratecheck.core import letters, symbols
from ratecheck.core.gram import vector
from ratecheck.core.setting import Point, Setting, delta, h, i, j, m, n, n_0, n_flying, numbers
from ratecheck.core.symbols import K, M, k, output_gap

gamma = symbols.stepsize
y, w, q, eps, drift, sent, sent_flying = map(vector, ("y", "w", "q", "eps", "b", "s", "sf"))
#: noise in q, drawn so far, in flight
arrived, drawn, flying = map(vector, ("a", "ad", "af"))
#: noise of the sample drawn after delivery k at x_(k+1), and how far that is from its noise at x_k
noise_here, noise_change = map(vector, ("xi", "xc"))
#: ||noise||^(2 + excess): of the hand-out after delivery k, of worker m's at x_1, of what j has in flight
power, power_0, power_flying = map(numbers, ("np", "np0", "npf"))

MU2 = Setting(
    name="asynchronous mu^2-SGD",
    method="async_mu2_sgd_box",
    scheduler="async",
    ranges={k: (1, K), m: (1, M), i: (1, k - 1), j: (1, M - 1)},
    equations={
        "average": (y(k), y(k - 1) + 2 * (w(k) - y(k - 1)) / (k + 1)),
        "last average": (y(K + 1), y(K) + 2 * (w(K + 1) - y(K)) / (K + 2)),
        "direction": (q(k), k * h(k) + eps(k)),
        "error": (eps(k), drift(k) + arrived(k)),
        "next average": (y(k + 1), y(k) + 2 * (w(k + 1) - y(k)) / (k + 2)),
        "noise sent": (n(k), noise_here(k) + k * noise_change(k)),
        "sent": (sent(k), k * h(k) - (k - 1) * h(k - 1)),
        "drift": (drift(k), sp.Sum(h(1) - sent_flying(k, j), (j, 1, M - 1))),
        "noise": (arrived(k), drawn(k) - flying(k)),
        "noise in flight": (flying(k), sp.Sum(n_flying(k, j), (j, 1, M - 1))),
    },
    points={
        "x_k": Point(y(k), h(k), delta(k)),
        "x_k-1": Point(y(k - 1), h(k - 1), delta(k - 1)),
        "x_1": Point(y(1), h(1), delta(1)),
        "x_K": Point(y(K), h(K), delta(K)),
        "x_K+1": Point(y(K + 1), h(K + 1), delta(K + 1)),
        "w_k": Point(w(k), None, None),
        "w_k+1": Point(w(k + 1), None, None),
        "w_1": Point(w(1), None, None),
        "in flight": Point(None, None, None, n_flying(k, j), power=power_flying(k, j)),
        "x*": Point(sp.Integer(0), sp.Integer(0), sp.Integer(0)),
    },
    roles={
        **{n(k): "fresh", n_0(m): "initial", n_flying(k, j): "flying"},
        **{drawn(k): "all drawn", arrived(k): "arrived", power(k): "power", power_0(m): "power"},
        **{noise_here(k): "one sample", noise_change(k): "change"},
    },
    measured={"last": {"output_gap": (output_gap, delta(K + 1))}},
    flying={n(k): n_flying(k, j), power(k): power_flying(k, j)},
    initial={n(k): n_0(m), power(k): power_0(m)},
    lemmas=dict.fromkeys(
        ("average", "next average", "last average", "direction", "error", "drift", "noise", "noise sent"), "mu2"
    ),
    inside=("x_k", "x_k-1", "x_1", "x_K", "x_K+1", "w_k", "w_k+1", "w_1", "x*"),
    projected={"w_k+1": w(k) - gamma * q(k)},
    one_stepsize=True,
    letters=letters.MU2,
)

_OWN = ("drift", "noise", "noise in flight")
#: as above, but for what is in q: see above
IN_ORDER = replace(
    MU2,
    name="asynchronous mu^2-SGD, in-order commit",
    method="async_mu2_sgd_in_order_box",
    equations={name: one for name, one in MU2.equations.items() if name not in _OWN},
    roles={
        **{n(k): "fresh", n_0(m): "initial", arrived(k): "committed"},
        **{noise_here(k): "one sample", noise_change(k): "change"},
    },
    flying={},
    initial={},
    lemmas=dict.fromkeys(
        ("average", "next average", "last average", "direction", "error", "noise sent"), "mu2, in order"
    ),
)
