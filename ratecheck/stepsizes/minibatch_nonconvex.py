"""gamma = min{1/L, sqrt(2 Delta M/(L R sigma^2))} with R = K/M rounds, the stepsize on the mean of M gradients.

Our explicit constants for minibatch SGD on smooth functions, the baseline of Mishchenko, Bach, Even & Woodworth
(2022), section 1; sigma = 0 drops the last branch.
"""

from sympy import sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import Delta, K, L, M, sigma

STEPSIZE = Stepsize(cap=1 / L, noise=sqrt(2 * Delta / (L * K * sigma**2)) * M)
