"""gamma_k = gamma min{1, 2M/(tau_k - 1)}, gamma = (1 - beta) min{(1 - beta)/(4ML), sqrt(8 Delta/(3 L sigma^2 K))}.

OrMo-DA (Shi, Yang & Li 2024, Algorithm 5) as in ``ormo_delay_scaled``, with the stepsize gamma that balances the bound
of Theorem 2; constants ours. sigma = 0 drops the second.
"""

from sympy import Max, sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import Delta, K, L, M, beta, sigma, tau

_CAP, _NOISE = (1 - beta) ** 2 / (4 * M * L), (1 - beta) * sqrt(8 * Delta / (3 * L * sigma**2 * K))
_LATE = 2 * M / Max(tau - 1, 2 * M)

STEPSIZE = Stepsize(cap=_CAP, noise=_NOISE, late_cap=_CAP * _LATE, late_noise=_NOISE * _LATE)
