"""How much noise is in flight when more than a variance is known: moments of order r > 2, or a bound. Ours.

E||F||^2 <= ((M-1)^(1-1/r) (n sigma_r^r)^(1/r))^2 for E||xi||^r <= sigma_r^r, and ((M-1) sigma_inf)^2 for ||xi|| <=
sigma_inf; n = t + M - 1. Derived is, for every a > 0, u^2 <= (2 a^(2-r) u^r + (r-2) a^2)/r summed over what is in
flight: E||F||^2 <= (M-1) (2 a^(2-r) n sigma_r^r + (r-2) (M-1) a^2)/r, which is the first at its least, a^r =
n sigma_r^r/(M-1). Looked at: the first for r = 4 and 3, under the worst policy.
"""

from fractions import Fraction

from ratecheck.core.claim import Claim, above_zero, has
from ratecheck.core.identity import Counting

from ._auxiliary import LIMITS, SOURCE
from ._flight_proof import MOMENTS as PROOF
from ._flights import largest_in_flight, unit
from .in_flight_variance import by_size, laws

__all__ = ["CLAIM", "PROOF"]


def moments(workers: int, deliveries: int) -> Fraction:
    """Slack of the r-th powers, (E F^2)^r <= (M-1)^(2r-2) (n E|z|^r)^2, for r = 3 and 4."""
    draws, slacks = deliveries + workers - 1, []
    for law in laws(workers, deliveries):
        most = largest_in_flight(workers, deliveries, law, unit)
        for r in (3, 4):
            moment = sum((Fraction(chance * abs(z) ** r) for z, chance in law.items()), Fraction(0))
            slacks.append(Fraction((workers - 1) ** (2 * r - 2) * (draws * moment) ** 2 - most**r))
    return min(slacks)


def bounded(workers: int, deliveries: int) -> Fraction:
    """Slack of E F^2 <= (M-1)^2 sigma_inf^2."""
    return min(
        (workers - 1) ** 2 * max(map(abs, law)) ** 2 - largest_in_flight(workers, deliveries, law, unit)
        for law in laws(workers, deliveries)
    )


COUNTING = (
    Counting("moments", by_size(moments), r"\mathbb{E}\|F\|^2\le(M-1)^{2-2/r}(t+M-1)^{2/r}\sigma_r^2", lemma="flight"),
    Counting("bounded", by_size(bounded), r"\mathbb{E}\|F\|^2\le(M-1)^2\sigma_\infty^2", lemma="what is back"),
)

CLAIM = Claim(
    title="Noise in flight: what moments and bounds give (ours)",
    source=SOURCE,
    statement=(
        "For delays that may look at all samples in flight, "
        "$\\mathbb{E}\\|F\\|^2\\le(M-1)^{2-2/r}(t+M-1)^{2/r}\\sigma_r^2$ where "
        "$\\mathbb{E}\\|\\xi\\|^r\\le\\sigma_r^r$, $r>2$, and "
        "$(M-1)^2\\sigma_\\infty^2$ where $\\|\\xi\\|\\le\\sigma_\\infty$."
    ),
    assumptions=(has("sigma_r"), above_zero("excess"), has("sigma_inf")),
    outputs={},
    stepsize="constant",
    method="async_mu2_sgd",
    policy="clairvoyant",
    counting=COUNTING,
    cases=((1, 4), (2, 4), (3, 4), (4, 3)),
    notes=(*LIMITS, "Derived for every a > 0; the bound with r is that for the best a, where M > 1."),
)
