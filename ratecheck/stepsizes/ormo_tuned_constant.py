"""gamma = (1 - beta) min{1/(2ML), sqrt(Delta/(L sigma^2 K)), (2 Delta (1 - beta)^2/(L^2 M^2 G^2 K))^(1/3)}, constant.

For OrMo with bounded gradients (Shi, Yang & Li 2024, Theorem 1); constants ours. Each of the three balances a term of
the bound with 4 Delta (1 - beta)/(gamma K). sigma = 0 drops the second.
"""

from sympy import Rational, sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import Delta, G, K, L, M, beta, sigma

STEPSIZE = Stepsize(
    cap=(1 - beta) / (2 * M * L),
    noise=(1 - beta) * sqrt(Delta / (L * sigma**2 * K)),
    in_flight=(1 - beta) ** Rational(5, 3) * (2 * Delta / (L**2 * M**2 * G**2 * K)) ** Rational(1, 3),
)
