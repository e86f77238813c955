"""The stepsize of Theorem 3 (convex) times 8. A planted lie."""

from sympy import sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, sigma, tau

STEPSIZE = Stepsize(delay=2 / (L * tau), cap=2 / (M * L), noise=8 * B / (sigma * sqrt(K)))
