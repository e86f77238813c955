"""The stepsize of Theorem 3 (convex) with K for sqrt(K). A planted lie."""

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, sigma, tau

STEPSIZE = Stepsize(delay=1 / (4 * L * tau), cap=1 / (4 * M * L), noise=B / (sigma * K))
