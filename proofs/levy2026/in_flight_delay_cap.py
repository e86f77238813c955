"""How much noise is in flight when delays are capped: only what was drawn lately. Ours.

All delays at most tau + 1 (1 is none, so tau deliveries of others at most): in flight after delivery t are hand-outs of
the last tau deliveries, and initial ones if t <= tau, at most min{tau, t} + M - 1 in all. So with unit weights E||F||^2
<= (M - 1) (min{tau, t} + M - 1) sigma^2; with weights (M - 1) sigma^2 times the squares of those of the last tau
models. (Of ordered momentum they sum to beta^2 min{tau, 1/beta} at most: see ``theorem_nonconvex_delay_cap``.) Looked
at: all caps from M to t + 1, under the worst policy that keeps to them.
"""

from collections.abc import Iterator
from fractions import Fraction

from ratecheck.core.claim import Claim, has
from ratecheck.core.identity import Counting

from ._auxiliary import LIMITS, SOURCE
from ._flight_proof import CAPPED as PROOF
from ._flights import Weight, drawn, largest_in_flight, momentum, unit
from ._policies import variance
from .in_flight_variance import by_size, laws

__all__ = ["CLAIM", "PROOF"]

BETA = Fraction(1, 4)
Found = tuple[int, Fraction, Fraction]


def capped(workers: int, deliveries: int, weight: Weight) -> Iterator[Found]:
    """Yield tau, sigma^2 and the largest E F^2 for each cap and law."""
    for cap in range(workers, deliveries + 2):
        for law in laws(workers, deliveries):
            yield cap - 1, variance(law), largest_in_flight(workers, deliveries, law, weight, cap)


def lately(workers: int, deliveries: int) -> Fraction:
    """Slack with unit weights."""
    others = workers - 1
    slacks = (
        others * (min(tau, deliveries) + others) * var - most for tau, var, most in capped(workers, deliveries, unit)
    )
    return min(slacks, default=Fraction(0))


def lately_weighted(workers: int, deliveries: int) -> Fraction:
    """Slack with the weights of ordered momentum, of E F^2 <= (M-1) sigma^2 sum of c^2; and that this sum is small."""
    weight = momentum(workers, deliveries, BETA)
    slacks = []
    for tau, var, most in capped(workers, deliveries, weight):
        late = sum((weight(k) ** 2 for k in drawn(workers, deliveries) if k > deliveries - tau), Fraction(0))
        slacks.append((workers - 1) * var * late - most)
        slacks.append(min(tau * BETA**2, BETA) - late)
    return min(slacks, default=Fraction(0))


COUNTING = (
    Counting("lately", by_size(lately), r"\mathbb{E}\|F\|^2\le(M-1)(\min\{\tau,t\}+M-1)\sigma^2", lemma="lately"),
    Counting(
        "lately, weighted",
        by_size(lately_weighted),
        r"\mathbb{E}\|F\|^2\le(M-1)\sigma^2\sum_{k>t-\tau}c_k^2",
        lemma="lately",
    ),
)

CLAIM = Claim(
    title="Noise in flight under a cap on delays (ours)",
    source=SOURCE,
    statement=(
        "For delays that may look at all samples in flight and are at most $\\tau+1$, "
        "$\\mathbb{E}\\|F\\|^2\\le(M-1)(\\min\\{\\tau,t\\}+M-1)\\sigma^2$; with weights, $(M-1)\\sigma^2$ times the "
        "sum of $c_k^2$ over what was drawn at $x_k$, $k>t-\\tau$."
    ),
    assumptions=(has("sigma"), has("tau_cap")),
    outputs={},
    stepsize="constant",
    method="async_mu2_sgd",
    policy="clairvoyant",
    counting=COUNTING,
    cases=((1, 4), (2, 4), (3, 4), (4, 4)),
    notes=LIMITS,
)
