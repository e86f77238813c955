"""gamma = (1 - beta) min{(1 - beta)/(4ML), sqrt((1 - beta)/(8 M D))/L, sqrt(2 Delta/(3 L sigma^2 K))}, constant.

D = tau - 1 + M beta/(1 - beta) with tau the largest delay, gradients in flight at K back at K + 1 (initial ones left
out). For OrMo without bounded gradients; ours. Below D = 1 the second is above the first, so D counts as 1 there.
sigma = 0 drops the third.
"""

from sympy import Max, sqrt

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import Delta, K, L, M, beta, sigma, tau_closed

STEPSIZE = Stepsize(
    cap=(1 - beta) ** 2 / (4 * M * L),
    longest=(1 - beta) / L * sqrt((1 - beta) / (8 * M * Max(tau_closed - 1 + M * beta / (1 - beta), 1))),
    noise=(1 - beta) * sqrt(2 * Delta / (3 * L * sigma**2 * K)),
)
