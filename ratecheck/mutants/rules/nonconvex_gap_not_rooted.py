"""The stepsize of Theorem 3 (non-convex) with Delta for its root in the noise branch: a fault of dimension."""

from sympy import sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import Delta, K, L, M, sigma, tau

STEPSIZE = Stepsize(delay=1 / (4 * L * tau), cap=1 / (2 * M * L), noise=Delta / sqrt(K * L * sigma**2))
