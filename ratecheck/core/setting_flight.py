"""The setting of the noise in flight: what has been drawn, what is in flight and what is back after delivery K.

Of asynchronous mu^2-SGD, whose direction q is the sum of all that has come back (Dahan, Reshef, Goldstein & Levy 2026);
noise is that of what a worker sends, and sigma^2 bounds its variance. Letters are for one delivery, the K-th, at the
moment before the hand-out that follows it: M samples were drawn at x_0 and one at each of x_1..x_(K-1), M - 1 are in
flight and K are back. K is any number, so what is derived holds at every delivery.

``drawn(k)`` is the sum of all noises drawn before the hand-out at x_k, so that ``drawn(K)`` has all M + K - 1 of them;
``flight`` the sum of the noises in flight, ``back`` of those that came back. ``told`` is the part of a noise that how
long its job takes tells of: E[noise | duration, point]; ``rest`` is the other part. ``heavy`` is a noise times a weight
c that K and the hand-out's number fix.

What is told of a noise and of the moment at which it is drawn: ``checks.steps.drawn``. That what is drawn is in flight
or back, each once, and what the error of q is besides noise: ``checks.steps.in_flight``, inductions, compared with the
engine over all small arrival orders.
"""

from __future__ import annotations

import sympy as sp

from ratecheck.core import letters
from ratecheck.core.gram import vector
from ratecheck.core.setting import Point, Setting, h, j, m, n, n_0, n_flying, numbers
from ratecheck.core.symbols import K, M, k

#: a delivery, 1..K, by which a noise came back
a = sp.Symbol("a", positive=True)
drawn, drawn_told, n_back = map(vector, ("drawn", "drawnt", "nb"))
flight, flight_told, flight_heavy = (vector(name)() for name in ("flight", "flightt", "flightc"))
back, back_rest = (vector(name)() for name in ("back", "backr"))
#: the parts of each noise: of the hand-out at x_k, of worker m's first, of what j has in flight, of delivery a
told, told_0, told_flying = map(vector, ("told", "told0", "toldf"))
rest, rest_0, rest_back = map(vector, ("rest", "rest0", "restb"))
#: noises times their weights
heavy, heavy_0, heavy_flying = map(vector, ("nc", "nc0", "ncf"))
weight, weight_0 = map(numbers, ("c", "c0"))
#: 1 where it was drawn at x_k, k >= K + 1 - tau_cap (k = 0 for the M at x_0), else 0: numbers that k and K fix
lately, lately_0 = map(numbers, ("lately", "lately0"))
#: ||noise||^(2 + excess)
power, power_0, power_flying = map(numbers, ("np", "np0", "npf"))
#: error of the direction, q - K grad F, and what it has besides the noise
error, drift = (vector(name)() for name in ("error", "drift"))
#: means of what is sent from x_0, and by what j has in flight
sent_0, sent_flying = map(vector, ("sent0", "sentf"))

_OTHERS, _WORKERS = (j, 1, M - 1), (m, 1, M)

FLIGHT = Setting(
    name="noise in flight",
    method="async_mu2_sgd",
    scheduler="async",
    ranges={k: (1, K - 1), j: (1, M - 1), m: (1, M), a: (1, K)},
    equations={
        "first": (drawn(1), sp.Sum(n_0(m), _WORKERS)),
        "next": (drawn(k + 1), drawn(k) + n(k)),
        "in flight": (flight, sp.Sum(n_flying(K, j), _OTHERS)),
        "weighted": (flight_heavy, sp.Sum(heavy_flying(j), _OTHERS)),
        "back": (back, sp.Sum(n_back(a), (a, 1, K))),
        "arrived": (back, drawn(K) - flight),
        "parts": (n(k), rest(k) + told(k)),
        "parts at x_0": (n_0(m), rest_0(m) + told_0(m)),
        "first, told": (drawn_told(1), sp.Sum(told_0(m), _WORKERS)),
        "next, told": (drawn_told(k + 1), drawn_told(k) + told(k)),
        "in flight, told": (flight_told, sp.Sum(told_flying(j), _OTHERS)),
        "back, rest": (back_rest, sp.Sum(rest_back(a), (a, 1, K))),
        "arrived, in parts": (back, back_rest + drawn_told(K) - flight_told),
        "drift": (drift, sp.Sum(sent_0() - sent_flying(j), _OTHERS)),
        "error": (error, back + drift),
    },
    points={"in flight": Point(None, None, None, n_flying(K, j), power=power_flying(j))},
    roles={
        **{n(k): "sample", n_0(m): "sample at x_0", drawn(k): "drawn", drawn(1): "drawn at x_0", flight: "flight"},
        **{n_flying(K, j): "one in flight", back: "back", n_back(a): "one back", h(k): "model"},
        **{told(k): "told", told_0(m): "told at x_0", drawn_told(k): "drawn, told", drawn_told(1): "all told at x_0"},
        **{rest(k): "rest", rest_0(m): "rest at x_0", drawn_told(K): "all told", back_rest: "back, rest"},
        **{heavy(k): "weighted", heavy_0(m): "weighted", power(k): "power", power_0(m): "power"},
    },
    measured={},
    flying={},
    initial={},
    lemmas={
        **dict.fromkeys(("arrived", "arrived, in parts", "in flight", "back", "back, rest"), "what is back"),
        "error": "drift",
    },
    letters=letters.FLIGHT,
)
