"""The stepsize of OrMo-DA with 1 - beta for its square. A planted lie."""

from sympy import Max, sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import Delta, K, L, M, beta, sigma, tau

STEPSIZE = Stepsize(
    cap=(1 - beta) / (4 * M * L),
    noise=(1 - beta) * sqrt(8 * Delta / (3 * L * sigma**2 * K)),
    delay=(1 - beta) / (2 * L * Max(tau - 1, 2 * M)),
)
