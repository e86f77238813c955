"""gamma_k = gamma while tau_k - 1 <= 2M, and gamma c/(tau_k - 1) above: the practical variant of OrMo-DA.

In the experiments of Shi, Yang & Li (2024, arXiv:2407.19234) the rate of a gradient with a large delay is multiplied by
a factor that we do not know. Candidates are c = 2M (``ormo_delay_scaled``), M and 1: c is the number ``damping`` of the
cell, and a reproduction should say which it took. Their delay is tau - 1.
"""

from sympy import Piecewise

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import M, damping, stepsize, tau

STEPSIZE = Stepsize(rule=Piecewise((stepsize, tau <= 2 * M + 1), (stepsize * damping / (tau - 1), True)))
