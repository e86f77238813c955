"""The stepsize of Theorem 3 (convex) with the cap 1/(2 M L) of the non-convex case. A planted lie."""

from sympy import sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, sigma, tau

STEPSIZE = Stepsize(delay=1 / (4 * L * tau), cap=1 / (2 * M * L), noise=B / (sigma * sqrt(K)))
