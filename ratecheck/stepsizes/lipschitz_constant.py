"""gamma = B / (G sqrt(K M)), constant.

Mishchenko, Bach, Even & Woodworth (2022), Theorem 1, as printed.
"""

from sympy import sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, G, K, M

STEPSIZE = Stepsize(constant=B / (G * sqrt(K * M)))
