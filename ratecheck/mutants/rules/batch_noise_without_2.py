"""The stepsize of minibatch SGD (non-convex) without the 2 in its noise branch. A planted lie."""

from sympy import sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import Delta, K, L, M, sigma

STEPSIZE = Stepsize(cap=1 / L, noise=sqrt(Delta / (L * K * sigma**2)) * M)
