"""The constant stepsize below the largest delay with tau for sqrt(M tau). A planted lie."""

from sympy import Max, sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import Delta, K, L, M, sigma, tau_closed

STEPSIZE = Stepsize(cap=1 / (2 * L * Max(M, tau_closed)), noise=sqrt(Delta / (K * L * sigma**2)))
