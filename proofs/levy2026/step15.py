"""Step (15) under data-dependent delays: the squared noise that has arrived is not the sum of its squares. False.

The fragments' step (15) has E||eps_t||^2 as a sum of squares, with t sigma^2 for the noise: no products of different
noises. But what has arrived by t is chosen by delays that look at the samples. M = 2, t = 2, f = 0, noise +-1, and +1
is slow: E||eps_2||^2 = 5/2, not 2. First in, first out it is 2 (``worst_policy``). With a variance alone the two differ
by a factor of order M. What this does not say: that the paper's theorems are false. We have not seen them, nor what
they assume of delays; noises with mean zero given the duration have no such products.
"""

from collections.abc import Sequence
from fractions import Fraction

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Counting

from ._auxiliary import PAPER
from ._policies import oldest, second_moment, smallest

SOURCE = f"{PAPER}, step (15), as we read the fragments"
LIMITS = (
    "We have fragments of the paper, neither its theorems nor its assumptions on delays.",
    "Right: E||eps||^2 <= 2 E||noise||^2 + 2 E||drift||^2, and E||noise||^2 <= (1 + sqrt(M-1))^2 (t + M - 1) sigma^2.",
)


def slack(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Return t - E S_t^2 for the worse of two policies; of an order only M and t count, for a policy makes its own.

    The delay is a function of the worker's own sign: +1 is slow, -1 being the same by symmetry, or no sign is.
    """
    return min(len(worker) - second_moment(workers, len(worker), policy) for policy in (oldest, smallest))


CLAIM = Claim(
    title="Step (15) when delays look at samples",
    source=SOURCE,
    statement="For data-dependent delays and independent noises of variance $\\sigma^2$, "
    "$\\mathbb{E}\\|\\sum_{k\\text{ back at }t}\\xi_k\\|^2\\le t\\sigma^2$.",
    assumptions=(),
    outputs={},
    stepsize="constant",
    method="async_mu2_sgd",
    policy="data-dependent",
    counting=(Counting("no products of noises", slack, r"\mathbb{E}\|\sum_k\xi_k\|^2\le t\sigma^2"),),
    expect="refuted",
    cases=((2, 2),),
    notes=LIMITS,
)
