"""The stepsize of Theorem 3 (convex) without its cap 1/(4 M L). A planted lie."""

from sympy import sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, sigma, tau

STEPSIZE = Stepsize(delay=1 / (4 * L * tau), noise=B / (sigma * sqrt(K)))
