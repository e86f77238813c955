"""The stepsize of Theorem 3 (convex) with sqrt(tau) for tau. A planted lie."""

from sympy import sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, sigma, tau

STEPSIZE = Stepsize(delay=1 / (4 * L * sqrt(tau)), cap=1 / (4 * M * L), noise=B / (sigma * sqrt(K)))
