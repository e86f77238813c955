"""The derivations of the convex theorems where a sample's noise differs from point to point.

What is sent from x_(k+1) has the noise xi + k xc, with xi the noise of its sample there and xc how far that is from
its noise at x_k. The first has variance sigma^2; the second at most sigma_L^2 ||x_(k+1) - x_k||^2, and anytime averages
move by 2 D/(k + 2) at most: k^2 ||x_(k+1) - x_k||^2 <= 4 D^2, on every run. The triangle inequality for root mean
squares makes it (sigma + 2 sigma_L D)^2 for every k; the rest is ``_convex_proof`` with that for sigma.
"""

from sympy import Integer, Rational, sqrt

from ratecheck.core.gram import square
from ratecheck.core.proof import Class, Expectation, Identity, Inequality, Martingale, Step, Triangle, eq, le
from ratecheck.core.setting import m, n, n_0
from ratecheck.core.setting_mu2 import IN_ORDER, MU2, arrived, noise_change, noise_here, w, y
from ratecheck.core.symbols import D, K, L, M, k, sigma, sigma_L, tau_cap

from ._convex_lipschitz import SENT
from ._convex_proof import DRIFT, MISSING, ONE, SIZE, derivation, under_any_policy

_MOVE, _CHANGE = y(k + 1) - y(k), 2 * sigma_L * D
#: the noise of what is sent, from a move of the average to its variance
VARIANCE: tuple[Step, ...] = (
    Class("w_k+1 beside x_k", "diameter", ("w_k+1", "x_k")),
    Identity("next move", eq(square(_MOVE), 4 * square(w(k + 1) - y(k)) / (k + 2) ** 2), by=("next average",)),
    Expectation("noise of a sample", noise_here(k)),
    Expectation("change of its noise", noise_change(k)),
    Inequality(
        "change, k times", le(square(k * noise_change(k)), _CHANGE**2),
        ((k**2, "change of its noise"), (-(sigma_L**2) * k**2, "next move"),
         (4 * sigma_L**2 * k**2 / (k + 2) ** 2, "w_k+1 beside x_k")),
    ),
    Triangle("sum of the two", ((noise_here(k), sigma, "noise of a sample"),
                                (k * noise_change(k), _CHANGE, "change, k times"))),
    Identity("noise sent", eq(square(n(k)), square(noise_here(k) + k * noise_change(k))), by=("noise sent",)),
    Inequality("variance", le(square(n(k)), SENT**2), (("sum of the two",), (-1, "noise sent"))),
    Expectation("noise sent from x_1", n_0(m)),
    Inequality("variance at x_1", le(square(n_0(m)), SENT**2), (("noise sent from x_1",),)),
)  # fmt: skip
_EACH = ("variance", "variance at x_1")
_OF_ARRIVED = (*VARIANCE, Martingale("noise", arrived(k), _EACH))

ANY = derivation(
    MU2, SIZE, (*DRIFT, *VARIANCE, *under_any_policy(_EACH, SENT)), (2 * M * (M + k - 1), Rational(49, 16) * M * K), M,
    (24 * M, Rational(9, 2) * sqrt(M)), one=SENT,
)  # fmt: skip
INDEPENDENT = derivation(
    MU2, SIZE, (*DRIFT, *_OF_ARRIVED), (k, Rational(49, 100) * K), ONE, (24 * M, Rational(5, 2)), one=SENT
)  # fmt: skip
MEAN_ZERO = derivation(
    MU2, SIZE, (*DRIFT, *_OF_ARRIVED), (M + k - 1, Rational(49, 100) * K), ONE,
    (24 * M, Rational(5, 2) + Rational(3, 2) * (M - 1) / K), one=SENT,
)  # fmt: skip
IN_ORDER_COMMIT = derivation(
    IN_ORDER, 3 * (tau_cap - 1) * L * D, (*MISSING, *_OF_ARRIVED), (4 * k, Rational(49, 25) * K), ONE,
    (24 * tau_cap, Integer(4)), one=SENT,
)  # fmt: skip
