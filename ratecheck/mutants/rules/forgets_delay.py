"""The stepsize of Theorem 3 (convex) without its branch 1/(4 L tau). A planted lie."""

from sympy import sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, sigma

STEPSIZE = Stepsize(cap=1 / (4 * M * L), noise=B / (sigma * sqrt(K)))
