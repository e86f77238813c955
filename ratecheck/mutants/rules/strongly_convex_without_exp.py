"""The stepsize of Theorem 3 (strongly convex) without the factor exp(-mu tau/(4ML)). A planted lie."""

from sympy import E, log

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, mu, sigma, tau

STEPSIZE = Stepsize(
    delay=1 / (4 * L * tau),
    cap=1 / (8 * M * L),
    noise=504 * log(E + mu**2 * K**2 * B**2 / sigma**2) / (mu * K),
)
