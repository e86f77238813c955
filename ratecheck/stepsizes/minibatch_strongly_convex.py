"""gamma = min{1/(2L), ln(e + mu^2 M R^2 B^2/sigma^2)/(mu R)}, R = K/M rounds: the stepsize on the mean of M gradients.

Our explicit constants for minibatch SGD on strongly convex smooth functions, the baseline of Mishchenko, Bach, Even &
Woodworth (2022), section 1; sigma = 0 drops the last branch.
"""

from sympy import E, log

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, mu, sigma

STEPSIZE = Stepsize(cap=1 / (2 * L), noise=M * log(E + mu**2 * K**2 * B**2 / (M * sigma**2)) / (mu * K))
