"""Delays that look at the size of the noise alone: what is back adds up in squares. Ours.

Who delivers when is decided by how long jobs take, each a function of its own sample, and E[noise | duration] = 0 at
every point. Then, given all durations, what is back is a number of noises that are orthogonal to each other, so that
E||S||^2 = E sum over what is back of ||xi||^2 <= (t + M - 1) sigma^2: at most the squares of all that was drawn. (Not t
sigma^2: jobs with large noise may be the fast ones.) Looked at: symmetric noises, the large ones slow or fast.
"""

from fractions import Fraction

from ratecheck.core.claim import Claim, has
from ratecheck.core.identity import Counting

from ._auxiliary import LIMITS, SOURCE
from ._clocks import Jobs, moments, spread, symmetric
from ._policies import HALF
from ._told_proof import MEAN_ZERO as PROOF
from .in_flight_variance import by_size

__all__ = ["CLAIM", "PROOF"]

#: noises drawn, at most, in an enumeration
SMALL = 6


def clocks() -> tuple[Jobs, ...]:
    """Return noises +-1, or 0, with their durations: the large are slow, or fast, or half of them a little faster."""
    few = Fraction(1, 4)
    return symmetric(few, 50, 1), symmetric(few, 1, 50), symmetric(HALF, 2, 3)


def back(workers: int, deliveries: int) -> Fraction:
    """Slack of E S^2 <= (t + M - 1) sigma^2; minus the difference where E S^2 is not the sum of its squares."""
    deliveries, slacks = max(1, min(deliveries, SMALL + 1 - workers)), []
    for jobs in clocks():
        square, squares = moments(workers, deliveries, jobs)
        slacks.append(-abs(square - squares) or (deliveries + workers - 1) * spread(jobs)[0] - square)
    return min(slacks)


COUNTING = (
    Counting("back", by_size(back), r"\mathbb{E}\|S\|^2\le(t+M-1)\sigma^2", lemma="what is back"),
)  # fmt: skip

CLAIM = Claim(
    title="Noise that is back when durations tell nothing of its mean (ours)",
    source=SOURCE,
    statement=(
        "For delays decided by durations $d$ with $\\mathbb{E}[\\xi\\mid d]=0$, "
        "$\\mathbb{E}\\|S\\|^2\\le(t+M-1)\\sigma^2$."
    ),
    assumptions=(has("sigma"),),
    outputs={},
    stepsize="constant",
    method="async_mu2_sgd",
    policy="mean-zero given the duration",
    counting=COUNTING,
    cases=((1, 4), (2, 4), (3, 4), (4, 3)),
    notes=LIMITS,
)
