"""The sum of the stepsizes under the weights as printed, claimed for K >= M. False; declared so.

Mishchenko, Bach, Even & Woodworth (2022), Theorem 3: the sketch of the proof bounds the sum of ghat_k, k <= K, from
below by a multiple of K gcap = K/(4ML) for K >= M. At K = M all workers may have come back once, and then a single one
comes back again and again: of the gradients of x_1..x_M one counts in full and the others as little as one likes, so
that the sum is about gcap. With M = 5, 20, 100 workers and 10^5 arrivals of the single one it is 0.200, 0.0502, 0.0110
of K gcap. The theorem survives, by a bound of every single iterate (``theorem3_convex`` under RL); for K >= 2M the sum
is as large as claimed (``literal_weights``).

The multiple here is 3/8. A gradient that is not back at the end of an order counts as if it came back next, which is
the most that it can count: the order is a counterexample whatever comes after it.
"""

from collections.abc import Sequence
from fractions import Fraction

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Counting

from .literal_weights import SOURCE, least, weights


def from_once(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack for K >= M, in favour of the claim."""
    end = len(worker) + 1
    return least(weights(worker, workers, lambda k: Fraction(workers, max(end - k, workers))), workers)


#: all five workers once, then worker 0 thirty times
LONG = (5, (0, 1, 2, 3, 4, *(0,) * 30))

COUNTING = (
    Counting(
        "weights from M", from_once, r"\sum_{k\le K}\hat\gamma_k\ge\tfrac38K\,\frac1{4ML}\text{ for }K\ge M", (LONG,)
    ),
)

CLAIM = Claim(
    title="Gap: the sum of stepsizes at K = M under the literal weights",
    source=f"{SOURCE}, for K >= M",
    statement="For every order, $\\sum_{k\\le K}\\hat\\gamma_k\\ge\\frac38K\\frac1{4ML}$ for $K\\ge M$.",
    assumptions=(),
    outputs={},
    stepsize="delay_adaptive_convex",
    policy="clairvoyant",
    counting=COUNTING,
    expect="refuted",
    notes=(
        "A step of the sketch; the theorem holds all the same. See mishchenko2022.literal_weights, and rule RL of "
        "mishchenko2022.theorem3_convex.",
    ),
)
