"""gamma_k = min{exp(-mu tau_k/(4ML))/(4 L tau_k), 1/(8 M L), (16/3) ln(e + mu^2 K^2 B^2/sigma^2)/(mu K)}.

The rule of Mishchenko, Bach, Even & Woodworth (2022), Theorem 3, strongly convex case, with 16/3 (ours) for the
printed 504: shorter steps once noise matters. sigma = 0 drops the last branch.
"""

from sympy import E, Rational, exp, log

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, mu, sigma, tau

STEPSIZE = Stepsize(
    delay=exp(-mu * tau / (4 * M * L)) / (4 * L * tau),
    cap=1 / (8 * M * L),
    noise=Rational(16, 3) * log(E + mu**2 * K**2 * B**2 / sigma**2) / (mu * K),
)
