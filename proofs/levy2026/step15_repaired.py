"""Step (15), repaired: a factor 2 for the cross term, and for the noise what an adversary can make of it. Ours.

eps_t = noise + drift (I6, ``mu2_error``), so ||eps_t||^2 <= 2 ||noise||^2 + 2 ||drift||^2 on every path. With
n = t + M - 1, N the sum of all n noises and F that of the M - 1 in flight, noise = N - F (I9), and for any delays that
do not foresee samples not yet drawn E||N||^2 <= n sigma^2 (a martingale) and
E||F||^2 <= (M - 1) E sum over all n of ||xi||^2 <= (M - 1) n sigma^2 (Cauchy-Schwarz, M - 1 terms). Hence
E||noise||^2 <= (1 + sqrt(M - 1))^2 n sigma^2, of the right order where all we know is the variance. For delays that are
independent of the samples it is at most t sigma^2 (``in_flight_independent``). Looked at here: the first for all orders
on a quadratic, the second for three laws, under the worst policy.
"""

from collections.abc import Sequence
from fractions import Fraction

from ratecheck.core.claim import Claim, has
from ratecheck.core.identity import Counting

from ._auxiliary import LIMITS, SOURCE
from ._flight_proof import REPAIRED as PROOF
from .in_flight_variance import back, by_size
from .step15_cross_term import second_moments

__all__ = ["CLAIM", "PROOF"]


def of_orders(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of E||eps||^2 <= 2 E||noise||^2 + 2 E||drift||^2."""
    error, noise, drift = second_moments(worker, delay, workers)
    return 2 * noise + 2 * drift - error


COUNTING = (
    Counting(
        "with a factor 2",
        of_orders,
        r"\mathbb{E}\|\epsilon_t\|^2\le2\,\mathbb{E}\|\text{noise}\|^2+2\,\mathbb{E}\|\text{drift}\|^2",
        lemma="drift",
    ),
    Counting(
        "under the worst policy",
        by_size(back),
        r"\mathbb{E}\|\text{noise}\|^2\le(1+\sqrt{M-1})^2(t+M-1)\sigma^2",
        lemma="what is back",
    ),
)

CLAIM = Claim(
    title="Step (15), repaired (ours)",
    source=SOURCE,
    statement=(
        "$\\mathbb{E}\\|\\epsilon_t\\|^2\\le2\\,\\mathbb{E}\\|\\text{noise}\\|^2"
        "+2\\,\\mathbb{E}\\|\\text{drift}\\|^2$, and "
        "$\\mathbb{E}\\|\\text{noise}\\|^2\\le(1+\\sqrt{M-1})^2(t+M-1)\\sigma^2$ for delays that may look at "
        "samples in flight."
    ),
    assumptions=(has("sigma"),),
    outputs={},
    stepsize="constant",
    method="async_mu2_sgd",
    policy="clairvoyant",
    counting=COUNTING,
    cases=((1, 4), (2, 4), (3, 4), (4, 3)),
    notes=LIMITS,
)
