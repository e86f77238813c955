"""The stepsize of Theorem 3 (convex) typed differently: not a lie, so nothing may catch it."""

from sympy import sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, sigma, tau

STEPSIZE = Stepsize(cap=1 / (M * L * 4), noise=B * K / (sigma * sqrt(K) * K), delay=(1 / tau) / (4 * L))
