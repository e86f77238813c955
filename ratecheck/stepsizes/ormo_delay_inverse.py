"""gamma_k = min{gamma, (1 - beta)^2/(2 L max{tau_k - 1, 2M})}: OrMo-DA with steps inverse to long delays.

Shi, Yang & Li (2024, arXiv:2407.19234), Algorithm 5: gamma up to a delay threshold, inverse to L times the delay above
it; their delay is tau - 1 and their threshold 2M. The constant is ours. So that any ``stepsize`` will do, gamma is cut
at (1 - beta)^2/(4ML), the largest that our hypothesis H allows: with that gamma, gamma_k (tau_k - 1) <=
(1 - beta)^2/(2L), and gamma_k = gamma while tau_k - 1 < 2M.
"""

from sympy import Max

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import L, M, beta, stepsize, tau

STEPSIZE = Stepsize(constant=stepsize, delay=(1 - beta) ** 2 / (2 * L * Max(tau - 1, 2 * M)))
