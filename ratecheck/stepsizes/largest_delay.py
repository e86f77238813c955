"""gamma = min{1/(2 L sqrt(M tau)), sqrt(Delta/(K L sigma^2))}, constant, tau the largest delay (at least M).

Ours, for the setting with bounded delays of the earlier work that Mishchenko, Bach, Even & Woodworth (2022), section
1, compare with; gradients in flight at K count as back at K + 1. sigma = 0 drops the last branch.
"""

from sympy import Max, sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import Delta, K, L, M, sigma, tau_closed

STEPSIZE = Stepsize(cap=1 / (2 * L * sqrt(M * Max(M, tau_closed))), noise=sqrt(Delta / (K * L * sigma**2)))
