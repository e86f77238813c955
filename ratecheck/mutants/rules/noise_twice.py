"""The stepsize of Theorem 3 (convex) with its noise branch doubled. A planted lie."""

from sympy import sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, sigma, tau

STEPSIZE = Stepsize(delay=1 / (4 * L * tau), cap=1 / (4 * M * L), noise=2 * B / (sigma * sqrt(K)))
