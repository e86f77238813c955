"""The derivations of the lemmas about distances: what sums to what, for all beta, M and K.

r is 1 - beta. ``kept`` is what the lemmas call c; late sums are said with any stepsizes for weights.
"""

from sympy import Integer

from ratecheck.core.gram import Ip, square
from ratecheck.core.proof import (
    Cauchy,
    Class,
    Counting,
    Expectation,
    Identity,
    Inequality,
    Minkowski,
    Power,
    Proof,
    Rule,
    Square,
    eq,
    le,
)
from ratecheck.core.setting import e, g_0, ghat, h, h_0, i, m, u
from ratecheck.core.setting_ormo import ORMO, age, age_0, kept, kept_0, means, noise, r, uhat, yhat
from ratecheck.core.symbols import M, k, sigma
from ratecheck.core.symbols import stepsize as gamma

from ._distance_proof import KEPT, distance, over_hand_outs

_OVER = r * (2 - r)
_WEIGHTS = (kept_0(k, m), kept(k, i))
_TOTAL = Inequality("sum of c", le(KEPT, M / r - 1), (("kept total",),))
_SQUARES = over_hand_outs(kept_0(k, m) ** 2, kept(k, i) ** 2)

COEFFICIENTS = Proof(
    ORMO,
    (
        Counting("coefficients", "kept"),
        Counting("kept total", "kept total"),
        _TOTAL,
        Counting("sum of squares of c", "kept squares"),
        Inequality("1", le(1, 1), ()),
        Counting(
            "sum of c along the run", "kept windows",
            {"weight": Integer(1), "cap": Integer(1), "below": "1", "attribute": ghat(k)},
        ),
        Counting("sum in the momentum", "age total"),
    ),
    proves={"": {name: name for name in (
        "coefficients", "sum of c", "sum of squares of c", "sum of c along the run", "sum in the momentum")}},
)  # fmt: skip

DISTANCE = Proof(
    ORMO,
    (Counting("coefficients", "kept"), *distance()[2:]),
    proves={"": {"coefficients": "coefficients", "distance, gradients": "distance"}},
)

LEMMA_4 = Proof(
    ORMO,
    (
        Counting("coefficients", "kept"),
        Class("beta", "momentum"),
        Counting("kept total", "kept total"),
        _TOTAL,
        Counting("noise in the distance", "kept squares"),
        Rule("ghat", ghat(k), says=eq(ghat(k), gamma)),
        Rule("ghat0", g_0(m), says=eq(g_0(m), gamma)),
        Minkowski("distance", e(k), "gradients kept", _WEIGHTS, "sum of c", ("ghat0", "ghat")),
        Inequality("roundings", le((M - 1) * _OVER + M * (1 - r) ** 2, M), ((r, "beta"), (r,))),
    ),
    proves={"": {"coefficients": "coefficients", "gradients in the distance": "distance",
                 "noise in the distance": "noise in the distance", "roundings": "roundings"}},
)  # fmt: skip

_AGES = over_hand_outs(age_0(k, m), age(k, i))
_MEANS = over_hand_outs(age_0(k, m) * g_0(m) ** 2 * Ip(h_0, h_0), age(k, i) * ghat(i) ** 2 * Ip(h(i), h(i)))
_NOISES = over_hand_outs(age_0(k, m) ** 2 * g_0(m) ** 2, age(k, i) ** 2 * ghat(i) ** 2)
LEMMA_10 = Proof(
    ORMO,
    (
        Counting("lemma3", "lemma 3"),
        Counting("lemma8", "lemma 8"),
        Counting("sum in the momentum", "age total"),
        Identity("apart", eq(square(u(k) - yhat(k)), (1 - r) ** 2 / r**2 * square(uhat(k))), by=("lemma 3",)),
        Identity("in two parts", eq(square(uhat(k)), square(means(k) + noise(k))), by=("lemma 8",)),
        Cauchy("means", means(k), "means of uhat", (age_0(k, m), age(k, i))),
        Expectation("noises", noise(k)),
        Inequality(
            "momentum", le(square(uhat(k)), 2 * _AGES * _MEANS + 2 * sigma**2 * _NOISES),
            ((-1, "in two parts"), (Square(means(k) - noise(k)),), (2, "means"), (2, "noises")),
        ),
        Inequality(
            "lemma 10", le(square(u(k) - yhat(k)), 2 * (1 - r) ** 2 / r**2 * (_AGES * _MEANS + sigma**2 * _NOISES)),
            ((-1, "apart"), (1 / r**2, Power(1 - r), "momentum")),
        ),
    ),
    proves={"": {"lemma3": "lemma3", "lemma8": "lemma8", "sum in the momentum": "sum in the momentum",
                 "lemma 10, gradients": "lemma 10"}},
)  # fmt: skip
