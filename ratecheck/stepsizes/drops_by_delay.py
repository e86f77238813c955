"""The rule ``drops``, times 2M/(tau - 1) where that is below 1: OrMo-DA as it is trained in practice.

gamma_k = gamma (1, 1/10, 1/100 by k as in ``drops``) min{1, 2M/(tau_k - 1)}, the cut of ``ormo_delay_scaled``. That
delays above 2M cut the rate is of Shi, Yang & Li (2024, arXiv:2407.19234); by how much is not in the text that we have.
"""

from sympy import Piecewise

from ratecheck.core.stepsize import DROPS, Stepsize
from ratecheck.core.symbols import M, stepsize, tau

STEPSIZE = Stepsize(constant=stepsize * DROPS * Piecewise((1, tau - 1 <= 2 * M), (2 * M / (tau - 1), True)))
