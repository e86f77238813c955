"""The sum of the stepsizes under the weights as printed: of order K gcap once K >= 2M.

Mishchenko, Bach, Even & Woodworth (2022), Theorem 3, weigh x_k with ghat_k, the stepsize that its gradient is finally
applied with, which may be long after K (output rule RL); the sketch of the proof bounds the sum of ghat_k, k <= K, from
below by a multiple of K gcap for K >= M, gcap = 1/(4ML). Ours: for K >= 2M the sum is at least (3/8) K gcap, and
for K = M no multiple of K gcap will do (``literal_weights_from_m``).

Why. At most M of the gradients of x_1..x_K are not back at K. The delays of the others are at most M on average
(``counting``), so their stepsizes sum to at least (3/4)(K - M) gcap, which is at least (3/8) K gcap for K >= 2M.

Checked for every K in reach of an order, and a gradient that is not back at its end counts 0: it may be late enough.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Counting

from ._literal_weights_proof import PROOF

__all__ = ["CLAIM", "PROOF", "SOURCE", "least", "weights"]

SOURCE = "Mishchenko, Bach, Even & Woodworth (2022), sketch of the proof of Theorem 3"


def weights(worker: Sequence[int], workers: int, late: Callable[[int], Fraction]) -> list[Fraction]:
    """Return ghat_k/gcap = M/max(tauhat_k, M) of x_1..x_N; ``late(k)`` where the gradient is not back at N."""
    steps = len(worker)
    back: dict[int, int] = {}  # the step at which each worker arrives next, seen from the end
    found = []
    for k in range(steps, 0, -1):
        m = worker[k - 1]
        found.append(Fraction(workers, max(back[m] - k, workers)) if m in back else late(k))
        back[m] = k
    return found[::-1]


def least(found: Sequence[Fraction], first: int) -> Fraction:
    """Return the smallest slack of (sum over k <= K) >= (3/8) K over first <= K <= N; 0 when there is no such K."""
    slacks = [sum(found[:k], Fraction(0)) - Fraction(3 * k, 8) for k in range(first, len(found) + 1)]
    return min(slacks, default=Fraction(0))


def from_twice(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack for K >= 2M."""
    return least(weights(worker, workers, lambda k: Fraction(0)), 2 * workers)


COUNTING = (
    Counting(
        "weights from 2M",
        from_twice,
        r"\sum_{k\le K}\hat\gamma_k\ge\tfrac38K\,\frac1{4ML}\text{ for }K\ge2M",
        lemma="later weights",
    ),
)

CLAIM = Claim(
    title="Literal weights: the sum of stepsizes from K = 2M on",
    source=f"{SOURCE}; K >= 2M and the constant ours",
    statement="For every order, $\\sum_{k\\le K}\\hat\\gamma_k\\ge\\frac38K\\frac1{4ML}$ for $K\\ge2M$.",
    assumptions=(),
    outputs={},
    stepsize="delay_adaptive_convex",
    policy="clairvoyant",
    counting=COUNTING,
    notes=(
        "Without noise, and so for any gcap at most 1/(4ML).",
        "For K = M there is no such bound: see mishchenko2022.literal_weights_from_m.",
    ),
)
