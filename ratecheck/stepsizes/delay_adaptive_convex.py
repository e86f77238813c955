"""gamma_k = min{1/(4 L tau_k), 1/(4 M L), B/(sigma sqrt(K))}.

Mishchenko, Bach, Even & Woodworth (2022), Theorem 3, convex case, as printed; sigma = 0 drops the last branch.
"""

from sympy import sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, sigma, tau

STEPSIZE = Stepsize(delay=1 / (4 * L * tau), cap=1 / (4 * M * L), noise=B / (sigma * sqrt(K)))
