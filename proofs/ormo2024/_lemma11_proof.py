"""The derivation of Lemma 11: what is in flight, in mean and noise. No point in flight has seen a sample in flight.

r is 1 - beta. ``ahead`` is 1 - beta^(e + 1) of the gradient that one of the M - 1 others has in flight.
"""

from sympy import Sum

from ratecheck.core.gram import Ip, square
from ratecheck.core.proof import Cauchy, Counting, Expectation, Identity, Inequality, Proof, eq, le, total
from ratecheck.core.setting import e, g_flying, h_flying, j, u
from ratecheck.core.setting_ormo import ORMO, ahead, means_ahead, noise_ahead, r, yhat
from ratecheck.core.symbols import M, k, sigma

_APART = square(u(k) + e(k) - yhat(k))
_OF_MEANS = g_flying(k, j) ** 2 * Ip(h_flying(k, j), h_flying(k, j))
_OF_NOISES = g_flying(k, j) ** 2
_SHARE = ahead(k, j)
_MEANS, _NOISES = (Sum(one, (j, 1, M - 1)) for one in (_OF_MEANS, _OF_NOISES))

PROOF = Proof(
    ORMO,
    (
        Counting("lemma 2", "lemma 2"),
        Counting("in flight", "lemma 2, in flight"),
        Counting("at most 1", "ahead"),
        Identity(
            "apart", eq(_APART, square(means_ahead(k) + noise_ahead(k))), by=("lemma 2, in flight",),
        ),
        Cauchy("M - 1 means", means_ahead(k), "means ahead"),
        Expectation("unseen", noise_ahead(k), means_ahead(k)),
        Expectation("noises", noise_ahead(k)),
        Inequality("square", le(_SHARE**2, 1), (("at most 1",), (_SHARE, "at most 1"))),
        Inequality(
            "means", le(square(means_ahead(k)), (M - 1) * _MEANS / r**2),
            (("M - 1 means",), total(j, (M - 1) / r**2 * _OF_MEANS, "square")),
        ),
        Inequality(
            "noises, each whole", le(square(noise_ahead(k)), sigma**2 * _NOISES / r**2),
            (("noises",), total(j, sigma**2 / r**2 * _OF_NOISES, "square")),
        ),
        Inequality(
            "lemma 11", le(_APART, ((M - 1) * _MEANS + sigma**2 * _NOISES) / r**2),
            ((-1, "apart"), (-2, "unseen"), ("means",), ("noises, each whole",)),
        ),
    ),
    proves={"": {"lemma2": "lemma 2", "lemma 11, gradients": "lemma 11", "lemma 11, noises": "noises, each whole"}},
)  # fmt: skip
