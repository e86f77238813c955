"""gamma_k = min{(1 - beta)^2/(4ML), (1 - beta) sqrt(8 Delta/(3 L sigma^2 K)), (1 - beta)^2/(2 L max{tau_k - 1, 2M})}.

OrMo-DA (Shi, Yang & Li 2024, Algorithm 5) as in ``ormo_delay_inverse``, with the stepsize that balances the bound of
Theorem 2; constants ours. Gradients that are not late get the smaller of the first two; sigma = 0 drops the second.
"""

from sympy import Max, sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import Delta, K, L, M, beta, sigma, tau

STEPSIZE = Stepsize(
    cap=(1 - beta) ** 2 / (4 * M * L),
    noise=(1 - beta) * sqrt(8 * Delta / (3 * L * sigma**2 * K)),
    delay=(1 - beta) ** 2 / (2 * L * Max(tau - 1, 2 * M)),
)
