"""What Theorem 2 needs of stepsizes, and that both rules of OrMo-DA have it. Ours.

Shi, Yang & Li (2024), Algorithm 5, gives the threshold 2M; we do not know its constant. Any rule will do with
(H1) gamma_k <= (1 - beta)^2/(4ML),  (H2) gamma_k (tau_k - 1) <= (1 - beta)^2/(2L),
(H3) gamma_k = gamma, the same number, where tau_k - 1 <= 2M.
Looked at: the rules ``ormo_delay_inverse`` and ``ormo_delay_scaled``, with the largest gamma and a seventh of it, for
the delays of every small arrival order and of long ones. Units: L = 1.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Counting
from ratecheck.core.shelf import STEPSIZES

from ._auxiliary import SOURCE
from .coefficients import BETAS

RULES = ("ormo_delay_inverse", "ormo_delay_scaled")
#: long delays, where small cases have none: worker 0 alone for a while, then the others
LATE = tuple((workers, (0,) * (5 * workers) + tuple(range(workers))) for workers in (2, 3, 4))


def largest(beta: Fraction, workers: int) -> Fraction:
    """Return the largest gamma that (H1) allows."""
    return (1 - beta) ** 2 / (4 * workers)


@lru_cache(maxsize=4096)
def applied(rule: str, beta: Fraction, gamma: Fraction, workers: int, tau: int) -> Fraction:
    """Return what the rule makes of gamma at delay tau."""
    found = STEPSIZES.get(rule).exact(1, tau, {"L": 1, "M": workers, "K": 1, "beta": beta, "stepsize": gamma})
    return Fraction(int(found.p), int(found.q))


def tried(delay: Sequence[int], workers: int) -> Iterator[tuple[Fraction, Fraction, int, Fraction]]:
    """Yield (beta, gamma, tau, gamma_k) over rules, betas, gammas and the delays of an order."""
    for rule in RULES:
        for beta in BETAS:
            for gamma in (largest(beta, workers), largest(beta, workers) / 7):
                for tau in sorted(set(delay)):
                    yield beta, gamma, tau, applied(rule, beta, gamma, workers, tau)


def short(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of (H1)."""
    return min(largest(beta, workers) - used for beta, _, _, used in tried(delay, workers))


def shorter_when_late(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of (H2)."""
    return min((1 - beta) ** 2 / 2 - used * (tau - 1) for beta, _, tau, used in tried(delay, workers))


def same_when_in_time(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of (H3): minus the largest difference."""
    apart = (abs(used - gamma) for _, gamma, tau, used in tried(delay, workers) if tau - 1 <= 2 * workers)
    return -max(apart, default=Fraction(0))


COUNTING = (
    Counting("H1", short, r"\gamma_k\le\frac{(1-\beta)^2}{4ML}", LATE),
    Counting("H2", shorter_when_late, r"\gamma_k(\tau_k-1)\le\frac{(1-\beta)^2}{2L}", LATE),
    Counting("H3", same_when_in_time, r"\gamma_k=\gamma\ \text{where}\ \tau_k-1\le2M", LATE),
)

CLAIM = Claim(
    title="OrMo-DA: what Theorem 2 needs of stepsizes (ours)",
    source=f"ours, for Algorithm 5 of {SOURCE}",
    statement=(
        "With $\\gamma\\le(1-\\beta)^2/(4ML)$, both "
        "$\\gamma_k=\\min\\{\\gamma,(1-\\beta)^2/(2L\\max\\{\\tau_k-1,2M\\})\\}$ and "
        "$\\gamma_k=\\gamma\\min\\{1,2M/(\\tau_k-1)\\}$ have $\\gamma_k\\le(1-\\beta)^2/(4ML)$, "
        "$\\gamma_k(\\tau_k-1)\\le(1-\\beta)^2/(2L)$, and $\\gamma_k=\\gamma$ for $\\tau_k-1\\le2M$."
    ),
    assumptions=(),
    outputs={},
    stepsize="ormo_delay_inverse",
    method="ormo",
    policy="clairvoyant",
    counting=COUNTING,
)
