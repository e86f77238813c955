"""The stepsize of Theorem 2 without M^2 in the last branch. A planted lie."""

from sympy import Rational, sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import Delta, G, K, L, M, sigma

STEPSIZE = Stepsize(
    cap=1 / (2 * M * L),
    noise=sqrt(Delta / (L * sigma**2 * K)),
    in_flight=(Delta / (L**2 * G**2 * K)) ** Rational(1, 3),
)
