"""The stepsize of Theorem 3 (convex) with sigma^2 for sigma: a fault of dimension. A planted lie."""

from sympy import sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, sigma, tau

STEPSIZE = Stepsize(delay=1 / (4 * L * tau), cap=1 / (4 * M * L), noise=B / (sigma**2 * sqrt(K)))
