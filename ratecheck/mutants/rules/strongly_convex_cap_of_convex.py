"""The stepsize of Theorem 3 (strongly convex) with the cap 1/(4 M L) of the convex case. A planted lie."""

from sympy import E, exp, log

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, mu, sigma, tau

STEPSIZE = Stepsize(
    delay=exp(-mu * tau / (4 * M * L)) / (4 * L * tau),
    cap=1 / (4 * M * L),
    noise=504 * log(E + mu**2 * K**2 * B**2 / sigma**2) / (mu * K),
)
