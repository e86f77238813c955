"""The stepsize of Theorem 1 without sqrt(M). A planted lie."""

from sympy import sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, G, K

STEPSIZE = Stepsize(constant=B / (G * sqrt(K)))
