"""The stepsize of Theorem 3 (convex) without its branch B/(sigma sqrt(K)). A planted lie."""

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import L, M, tau

STEPSIZE = Stepsize(delay=1 / (4 * L * tau), cap=1 / (4 * M * L))
