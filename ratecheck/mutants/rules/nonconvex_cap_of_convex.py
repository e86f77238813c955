"""The stepsize of Theorem 3 (non-convex) with the cap 1/(4 M L) of the convex case. A planted lie."""

from sympy import sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import Delta, K, L, M, sigma, tau

STEPSIZE = Stepsize(delay=1 / (4 * L * tau), cap=1 / (4 * M * L), noise=sqrt(Delta / (K * L * sigma**2)))
