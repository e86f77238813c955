"""The stepsize of Theorem 3 (convex) with delays counted from 0, so that no delay divides by 0. A planted lie."""

from sympy import sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, sigma, tau

STEPSIZE = Stepsize(delay=1 / (4 * L * (tau - 1)), cap=1 / (4 * M * L), noise=B / (sigma * sqrt(K)))
