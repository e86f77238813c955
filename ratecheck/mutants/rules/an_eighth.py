"""The stepsize of Theorem 3 (convex) divided by 8. A planted lie."""

from sympy import sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, sigma, tau

STEPSIZE = Stepsize(delay=1 / (32 * L * tau), cap=1 / (32 * M * L), noise=B / (8 * sigma * sqrt(K)))
