"""gamma_k = min{1/(8 L tau_k), 1/(4 M L), sqrt(Delta/(K L sigma^2))}.

Mishchenko, Bach, Even & Woodworth (2022), Theorem 4, as printed; sigma = 0 drops the last branch.
"""

from sympy import sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import Delta, K, L, M, sigma, tau

STEPSIZE = Stepsize(delay=1 / (8 * L * tau), cap=1 / (4 * M * L), noise=sqrt(Delta / (K * L * sigma**2)))
