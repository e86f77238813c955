"""The stepsize of Theorem 3 (convex) with L^2 for L: a fault of dimension. A planted lie."""

from sympy import sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, sigma, tau

STEPSIZE = Stepsize(delay=1 / (4 * L**2 * tau), cap=1 / (4 * M * L), noise=B / (sigma * sqrt(K)))
