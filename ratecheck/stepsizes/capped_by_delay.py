"""gamma_k = min{gamma, gamma M / tau_k} = gamma M / max{M, tau_k}: a tuned stepsize, less for delays above M.

The delay-adaptive rule of the experiment of Mishchenko, Bach, Even & Woodworth (2022), Figure 1; gamma is the number
``stepsize`` of the cell. With gamma = 1/(4ML) it is the rule of their Theorem 3 without noise.
"""

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import M, stepsize, tau

STEPSIZE = Stepsize(delay=stepsize * M / tau, constant=stepsize)
