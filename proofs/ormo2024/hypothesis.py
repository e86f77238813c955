"""What Theorem 2 needs of stepsizes, and that both rules of OrMo-DA have it: here the inverse one. Ours.

Shi, Yang & Li (2024), Algorithm 5, gives the threshold 2M; we do not know its constant. Any rule will do with
(H1) gamma_k <= (1 - beta)^2/(4ML),  (H2) gamma_k (tau_k - 1) <= (1 - beta)^2/(2L),
(H3) gamma_k = gamma, the same number, where tau_k - 1 <= 2M.
Looked at: the largest gamma and a seventh of it, for the delays of every small arrival order and of long ones, in
units of L = 1; and derived for all of them. The other rule is in ``hypothesis_scaled``.
"""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache

from ratecheck.core.claim import Claim, above_zero, at_most, fraction, has
from ratecheck.core.identity import Counting
from ratecheck.core.shelf import STEPSIZES
from ratecheck.core.symbols import L, M
from ratecheck.core.symbols import beta as momentum

from ._auxiliary import SOURCE
from ._hypothesis_proof import INVERSE as PROOF
from .coefficients import BETAS

__all__ = ["CLAIM", "PROOF"]

RULE = "ormo_delay_inverse"
#: long delays, where small cases have none: worker 0 alone for a while, then the others
LATE = tuple((workers, (0,) * (5 * workers) + tuple(range(workers))) for workers in (2, 3, 4))
#: the arrivals, their delays, M
Slack = Callable[[Sequence[int], Sequence[int], int], Fraction]


def largest(beta: Fraction, workers: int) -> Fraction:
    """Return the largest gamma that (H1) allows."""
    return (1 - beta) ** 2 / (4 * workers)


@lru_cache(maxsize=4096)
def applied(rule: str, beta: Fraction, gamma: Fraction, workers: int, tau: int) -> Fraction:
    """Return what the rule makes of gamma at delay tau."""
    found = STEPSIZES.get(rule).exact(1, tau, {"L": 1, "M": workers, "K": 1, "beta": beta, "stepsize": gamma})
    return Fraction(int(found.p), int(found.q))


def tried(rule: str, delay: Sequence[int], workers: int) -> Iterator[tuple[Fraction, Fraction, int, Fraction]]:
    """Yield (beta, gamma, tau, gamma_k) over betas, gammas and the delays of an order."""
    for beta in BETAS:
        for gamma in (largest(beta, workers), largest(beta, workers) / 7):
            for tau in sorted(set(delay)):
                yield beta, gamma, tau, applied(rule, beta, gamma, workers, tau)


def short(rule: str) -> Slack:
    """Slack of (H1)."""
    return lambda worker, delay, workers: min(
        largest(beta, workers) - used for beta, _, _, used in tried(rule, delay, workers)
    )


def shorter_when_late(rule: str) -> Slack:
    """Slack of (H2)."""
    return lambda worker, delay, workers: min(
        (1 - beta) ** 2 / 2 - used * (tau - 1) for beta, _, tau, used in tried(rule, delay, workers)
    )


def never_longer(rule: str) -> Slack:
    """Slack of gamma_k <= gamma."""
    return lambda worker, delay, workers: min(gamma - used for _, gamma, _, used in tried(rule, delay, workers))


def same_when_in_time(rule: str) -> Slack:
    """Slack of (H3), where gamma_k is never longer: the least of gamma_k - gamma, and of 0 where it is late."""

    def slack(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
        apart = (used - gamma for _, gamma, tau, used in tried(rule, delay, workers) if tau - 1 <= 2 * workers)
        return min(min(apart, default=Fraction(0)), Fraction(0))

    return slack


def counting(rule: str) -> tuple[Counting, ...]:
    """Return what the rule has."""
    return (
        Counting("H1", short(rule), r"\gamma_k\le\frac{(1-\beta)^2}{4ML}", LATE),
        Counting("H2", shorter_when_late(rule), r"\gamma_k(\tau_k-1)\le\frac{(1-\beta)^2}{2L}", LATE),
        Counting("never longer", never_longer(rule), r"\gamma_k\le\gamma", LATE),
        Counting("H3", same_when_in_time(rule), r"\gamma_k\ge\gamma\ \text{where}\ \tau_k-1\le2M", LATE),
    )


def statement(rule: str) -> str:
    """Return the claim's words, for the formula of its rule."""
    return (
        f"With $\\gamma\\le(1-\\beta)^2/(4ML)$, ${rule}$ has $\\gamma_k\\le(1-\\beta)^2/(4ML)$, "
        "$\\gamma_k(\\tau_k-1)\\le(1-\\beta)^2/(2L)$, and $\\gamma_k=\\gamma$ for $\\tau_k-1\\le2M$."
    )


CLAIM = Claim(
    title="OrMo-DA: what Theorem 2 needs of stepsizes, inverse to long delays (ours)",
    source=f"ours, for Algorithm 5 of {SOURCE}",
    statement=statement("\\gamma_k=\\min\\{\\gamma,(1-\\beta)^2/(2L\\max\\{\\tau_k-1,2M\\})\\}"),
    assumptions=(
        fraction("beta"),
        has("L"),
        above_zero("stepsize"),
        at_most("stepsize", (1 - momentum) ** 2 / (4 * M * L)),
    ),
    outputs={},
    stepsize=RULE,
    method="ormo",
    policy="clairvoyant",
    counting=counting(RULE),
)
