"""gamma = min{1/(2 M L), sqrt(Delta/(L sigma^2 K)), (Delta/(L^2 M^2 G^2 K))^(1/3)}, constant.

Mishchenko, Bach, Even & Woodworth (2022), Theorem 2, as printed; sigma = 0 drops the middle branch.
"""

from sympy import Rational, sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import Delta, G, K, L, M, sigma

STEPSIZE = Stepsize(
    cap=1 / (2 * M * L),
    noise=sqrt(Delta / (L * sigma**2 * K)),
    in_flight=(Delta / (L**2 * M**2 * G**2 * K)) ** Rational(1, 3),
)
