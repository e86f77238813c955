"""Settings: what the letters of a proof mean for one algorithm. Read this to know what has been proved.

A setting has vectors with the equations that define them, points with gradient and value, and what the measured
quantities of a claim are under each output rule. ``checks.steps.counting`` compares the equations with the engine
over all small arrival orders. Vectors are relative to a minimiser x*, values to F* = F(x*); values, inner products
and squared norms stand for expectations, given the schedule where delays are independent of the samples. Non-convex
functions need not have a minimiser. There F* = inf F, which is all that the derivations of the shelf use: vectors are
relative to any fixed point, and a step at the point "x*" would assume that there is a minimiser.

Asynchronous SGD (Mishchenko, Bach, Even & Woodworth 2022): the virtual iterate xhat_k is x_0 minus every gradient
handed out before x_k, each with its final stepsize.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

import sympy as sp

from ratecheck.core import letters, symbols
from ratecheck.core.gram import Ip, vector
from ratecheck.core.symbols import (
    Gamma_0,
    K,
    M,
    Q,
    V,
    W,
    k,
    last_gap,
    last_sq,
    mean_gap,
    mean_gradient_sq,
    virtual_gap,
    virtual_sq,
)

#: other workers with a gradient in flight after delivery k: j = 1..M-1
j = sp.Symbol("j", positive=True)
#: workers: m = 1..M
m = sp.Symbol("m", positive=True)

h, n, e, u = map(vector, ("h", "n", "e", "u"))
#: grad F(xhat_k)
h_virtual = vector("hv")
h_flying, n_flying, s, z = map(vector, ("hf", "nf", "s", "z"))
y_0, h_0, N_0, S_0 = (vector(name)() for name in ("y0", "h0", "N0", "S0"))
n_0 = vector("n0")


def numbers(name: str, **signs: bool) -> Any:
    """Return a function of indices that stands for numbers, nonnegative unless ``signs`` says otherwise."""
    return sp.Function(name, **(signs or {"nonnegative": True}))


ghat, g_0, g_flying, applied = map(numbers, ("ghat", "ghat0", "ghatf", "gamma"))
#: F(x_k) - F* and F(xhat_k) - F*
delta, phi = map(numbers, ("delta", "phi"))
t, t_0, t_flying, tau = (numbers(name, positive=True) for name in ("t", "t0", "tf", "tau"))
delta_0 = sp.Symbol("delta0", nonnegative=True)
#: 1 where the worker of delivery k has arrived before, 0 at its first arrival
again = numbers("again")
#: the coefficient of x_k on the gradient that worker j of the others has in flight
used = numbers("used", real=True)
#: steps before k: i = 1..k-1
i = sp.Symbol("i", positive=True)
#: number of workers that have arrived by step K
p = sp.Symbol("p", positive=True)


@dataclass(frozen=True)
class Point:
    """A point, relative to x*, with gradient and value; ``noise`` of a stochastic gradient taken there.

    ``own`` is the gradient, there, of the objective of the worker that is handed the point, where workers differ.
    """

    position: Any
    gradient: Any
    value: Any
    noise: Any = None
    own: Any = None
    power: Any = None  #: ||noise||^(2 + excess), where moments beyond the variance are spoken of


@dataclass(frozen=True)
class Growth:
    """Output weights that grow along the run (``core.setting_growing`` has such settings).

    ``letter`` w: w(k) is the claim's growth up to the k-th weighed iterate over that up to the last one, so that
    w(k - 1) = w(k) ``factor`` and w is 1 at the end. ``raw``: the weight of that iterate before it grows; the claim's
    growth there is 1/``factor``, and 1 at a weight of 0. ``measured``: symbols that have no sign unless w > 0.
    """

    letter: Any
    factor: Any
    raw: Any
    measured: tuple[Any, ...]


@dataclass(frozen=True)
class Setting:
    """What the letters mean for ``method`` under ``scheduler``.

    ``ranges`` of indices, ``equations`` of vectors, ``points``, and ``roles``: which vectors are noise, which iterates.

    ``measured[name]`` maps an output rule to the expression that a measured symbol equals; "any" fits every rule.
    ``flying`` and ``initial`` replace what belongs to the hand-out at x_k by what belongs to another hand-out in
    flight at k, and to an initial hand-out.
    """

    name: str
    method: str
    scheduler: str
    ranges: Mapping[sp.Symbol, tuple[Any, Any]]
    equations: Mapping[str, tuple[Any, Any]]
    points: Mapping[str, Point]
    roles: Mapping[Any, str]
    measured: Mapping[str, Mapping[str, tuple[Any, Any]]]
    flying: Mapping[Any, Any]
    initial: Mapping[Any, Any]
    #: equations that are no definitions, and the counting lemma that derives each
    lemmas: Mapping[str, str] = field(default_factory=dict)
    own_objectives: bool = False  #: whether each worker has an objective of its own
    growth: Growth | None = None  #: of the output weights
    #: symbols of a claim that have another name here, and that name
    reads: Mapping[Any, Any] = field(default_factory=dict)
    #: functions whose values the schedule decides, stepsizes apart: no numbers where delays depend on samples
    by_schedule: tuple[Any, ...] = ()
    one_stepsize: bool = False  #: whether its equations have one number for a stepsize, as under a barrier
    inside: tuple[str, ...] = ()  #: points of the convex set of diameter D that the method projects on
    #: points that are the projection on that set of a vector, and the vector
    projected: Mapping[str, Any] = field(default_factory=dict)
    letters: letters.Letters = field(default_factory=dict)  #: what each letter means, in words alone

    def __post_init__(self) -> None:
        """Make the tables read-only: what a letter means is not for a claim's file to change."""
        for one in fields(self):
            table = getattr(self, one.name)
            if isinstance(table, dict):
                inner = {name: MappingProxyType(v) if isinstance(v, dict) else v for name, v in table.items()}
                object.__setattr__(self, one.name, MappingProxyType(inner))

    def read(self, expr: Any) -> sp.Expr:
        """Return an expression of a claim in the letters of the setting."""
        found: sp.Expr = (sp.S.Zero + expr).subs(dict(self.reads))
        return found


_FIRST = sp.Sum(g_0(m), (m, 1, M))
_SLOPES = sp.Sum(ghat(k) * Ip(h(k), h(k)), (k, 1, K))
_WEIGHTED = {"W": (W, sp.Sum(ghat(k), (k, 1, K))),
             "mean_gap": (W * mean_gap, sp.Sum(ghat(k) * delta(k), (k, 1, K))),
             "mean_gradient_sq": (W * mean_gradient_sq, _SLOPES)}  # fmt: skip
_ARRIVED = {"W": (W, _FIRST + sp.Sum(ghat(k), (k, 1, K))),
            "mean_gap": (W * mean_gap, _FIRST * delta_0 + sp.Sum(ghat(k) * delta(k), (k, 1, K))),
            "mean_gradient_sq": (W * mean_gradient_sq, _FIRST * Ip(h_0, h_0) + _SLOPES)}  # fmt: skip

#: Asynchronous SGD; x_k is reached at delivery k, whose worker is then handed x_k.
#: ghat(k), t(k): final stepsize of the gradient of x_k and its delay, closed at K + 1 while it is in flight; ghat0(m)
#: and t0(m) those of worker m's initial gradient; ghatf(k, j) of the gradients that the other workers have in flight.
ASYNC = Setting(
    name="asynchronous SGD",
    method="async_sgd",
    scheduler="async",
    ranges={k: (1, K), j: (1, M - 1), m: (1, M), i: (1, k - 1)},
    equations={
        "start": (u(1), y_0 - S_0),
        "initial gradients": (S_0, sp.Sum(g_0(m) * (h_0 + n_0(m)), (m, 1, M))),
        "start, split": (u(1), y_0 - sp.Sum(g_0(m), (m, 1, M)) * h_0 - N_0),
        "initial noise": (N_0, sp.Sum(g_0(m) * n_0(m), (m, 1, M))),
        "step": (u(k + 1), u(k) - ghat(k) * (h(k) + n(k))),
        "in flight": (e(k), s(k) + z(k)),  # Lemma 1, once s and z are written out
        "error": (e(k), sp.Sum(g_flying(k, j) * (h_flying(k, j) + n_flying(k, j)), (j, 1, M - 1))),  # written out
        "gradients in flight": (s(k), sp.Sum(g_flying(k, j) * h_flying(k, j), (j, 1, M - 1))),
        "noise in flight": (z(k), sp.Sum(g_flying(k, j) * n_flying(k, j), (j, 1, M - 1))),
    },
    points={
        "x_k": Point(u(k) + e(k), h(k), delta(k), n(k)),  # e(k) = x_k - xhat_k
        "x_0": Point(y_0, h_0, delta_0, n_0(m)),
        "in flight": Point(None, h_flying(k, j), None, n_flying(k, j)),
        "xhat_k": Point(u(k), h_virtual(k), phi(k)),
        "xhat_k+1": Point(u(k + 1), h_virtual(k + 1), phi(k + 1)),
        "xhat_1": Point(u(1), h_virtual(1), phi(1)),
        "x*": Point(sp.Integer(0), sp.Integer(0), sp.Integer(0)),
    },
    roles={
        **{h(k): "model", u(k): "virtual", h_virtual(k): "virtual", y_0: "start", h_0: "start"},
        **{n(k): "fresh", n_flying(k, j): "flying", n_0(m): "initial", N_0: "initial noise"},
        **{s(k): "means in flight", z(k): "noise in flight"},
    },
    measured={
        "R1": _WEIGHTED,
        "RL": _WEIGHTED,
        "R0": _ARRIVED,
        "any": {
            "Q": (Q, sp.Sum(g_0(m) ** 2, (m, 1, M)) + sp.Sum(ghat(k) ** 2, (k, 1, K))),
            "V": (V, sp.Sum(ghat(k) * sp.Sum(g_flying(k, j) ** 2, (j, 1, M - 1)), (k, 1, K))),
            "Gamma_0": (Gamma_0, _FIRST),
            "virtual_sq": (virtual_sq, Ip(u(K + 1), u(K + 1))),
            "virtual_gap": (virtual_gap, phi(K + 1)),
        },
    },
    flying={ghat(k): g_flying(k, j), h(k): h_flying(k, j), n(k): n_flying(k, j)},
    initial={ghat(k): g_0(m), h(k): h_0, n(k): n_0(m), t(k): t_0(m)},
    lemmas={"in flight": "in flight", "error": "in flight"},
    letters=letters.ASYNC,
)

gamma = symbols.stepsize
v, n_of, mean_noise = vector("v"), vector("nm"), vector("nbar")

#: Minibatch SGD with a constant stepsize: round k = 1..R goes from x_{k-1} to x_k; v(k) = x_{k-1} - x*, h(k) and
#: delta(k) are taken at x_{k-1}, nm(k, m) is worker m's noise there. R = K/M.
ROUNDS = Setting(
    name="minibatch SGD",
    method="minibatch_sgd",
    scheduler="barrier",
    ranges={k: (1, K / M), m: (1, M)},
    equations={
        "start": (v(1), y_0),
        "step": (v(k + 1), v(k) - gamma * (h(k) + mean_noise(k))),
        "mean noise": (mean_noise(k), sp.Sum(n_of(k, m) / M, (m, 1, M))),
    },
    points={
        "x_k": Point(v(k), h(k), delta(k)),
        "x_k+1": Point(v(k + 1), h(k + 1), delta(k + 1)),
        "x_0": Point(y_0, None, delta(1)),
        "x*": Point(sp.Integer(0), sp.Integer(0), sp.Integer(0)),
    },
    roles={h(k): "model", v(k): "model", mean_noise(k): "fresh noise", n_of(k, m): "fresh", y_0: "start"},
    measured={
        "any": {
            "Q": (Q, K * gamma**2),
            "last_sq": (last_sq, Ip(v(K / M + 1), v(K / M + 1))),
            "last_gap": (last_gap, delta(K / M + 1)),
        },
        "R0": {
            "W": (W, K * gamma),
            "mean_gap": (K / M * mean_gap, sp.Sum(delta(k), (k, 1, K / M))),
            "mean_gradient_sq": (K / M * mean_gradient_sq, sp.Sum(Ip(h(k), h(k)), (k, 1, K / M))),
        },
    },
    flying={},
    initial={},
    letters=letters.ROUNDS,
)
