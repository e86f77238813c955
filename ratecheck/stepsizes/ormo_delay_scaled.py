"""gamma_k = gamma min{1, 2M/(tau_k - 1)}: OrMo-DA with a tuned stepsize, scaled down for delays above 2M.

Shi, Yang & Li (2024, arXiv:2407.19234), Algorithm 5, in the form without L; their delay is tau - 1. The factor is ours:
it is continuous at the threshold, and with gamma <= (1 - beta)^2/(4ML) our hypothesis H holds (see
``ormo_delay_inverse``).
"""

from sympy import Max

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import M, stepsize, tau

STEPSIZE = Stepsize(constant=stepsize, delay=stepsize / Max((tau - 1) / (2 * M), 1))
