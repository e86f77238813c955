"""The stepsize of Theorem 3 (convex) with sqrt(M) for M in its cap. A planted lie."""

from sympy import sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, sigma, tau

STEPSIZE = Stepsize(delay=1 / (4 * L * tau), cap=1 / (4 * sqrt(M) * L), noise=B / (sigma * sqrt(K)))
