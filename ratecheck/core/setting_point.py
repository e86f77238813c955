"""The setting of one point: an iterate x_k, and where one step of length 1/L down its gradient leads.

Nothing is asked of the algorithm. u(k) + x* is x_k, h(k) = grad F(x_k), delta(k) = F(x_k) - F*; phi(k) = F - F* at
x_k - h(k)/L, and hv(k) the gradient there. F* is the infimum of F, so that delta and phi are not negative.
"""

from __future__ import annotations

from ratecheck.core.setting import Point, Setting, delta, h, h_virtual, phi, u
from ratecheck.core.symbols import K, L, k

POINT = Setting(
    name="one point",
    method="async_sgd",
    scheduler="async",
    ranges={k: (1, K)},
    equations={},
    points={
        "x_k": Point(u(k), h(k), delta(k)),
        "one step down": Point(u(k) - h(k) / L, h_virtual(k), phi(k)),
    },
    roles={},
    measured={},
    flying={},
    initial={},
    letters={
        "k": "server step, 1..K",
        "u": "u(k) = x_k - x*",
        "h": "h(k) = grad F(x_k)",
        "delta": "delta(k) = F(x_k) - F*",
        "phi": "phi(k) = F - F* at x_k - h(k)/L",
        "hv": "grad F at x_k - h(k)/L",
    },
)
