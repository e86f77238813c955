"""gamma = min{1/L, B sqrt(M)/(sigma sqrt(R))} with R = K/M rounds, the stepsize on the mean of M gradients.

Our explicit constants for minibatch SGD on convex smooth functions, the baseline of Mishchenko, Bach, Even &
Woodworth (2022), section 1.
"""

from sympy import sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, sigma

STEPSIZE = Stepsize(cap=1 / L, noise=B * M / (sigma * sqrt(K)))
