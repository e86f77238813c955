"""gamma_k = min{exp(-mu tau_k/(4ML))/(4 L tau_k), 1/(8 M L), 504 ln(e + mu^2 K^2 B^2/sigma^2)/(mu K)}.

Mishchenko, Bach, Even & Woodworth (2022), Theorem 3, strongly convex case, as printed; sigma = 0 drops the last branch.
"""

from sympy import E, exp, log

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, mu, sigma, tau

STEPSIZE = Stepsize(
    delay=exp(-mu * tau / (4 * M * L)) / (4 * L * tau),
    cap=1 / (8 * M * L),
    noise=504 * log(E + mu**2 * K**2 * B**2 / sigma**2) / (mu * K),
)
