"""The stepsize of minibatch SGD with sqrt(M) for M in its noise branch: K read as rounds. A planted lie."""

from sympy import sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, sigma

STEPSIZE = Stepsize(cap=1 / L, noise=B * sqrt(M) / (sigma * sqrt(K)))
