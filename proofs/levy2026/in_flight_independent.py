"""Noise in flight when delays are independent of the samples: no more than M - 1 noises. Ours.

Then who is in flight is a number, and the noises there are orthogonal to each other, each drawn after the points of the
ones before: E||F||^2 = sum over the M - 1 in flight of E||xi||^2 <= (M - 1) sigma^2, and for what is back E||S||^2 <= t
sigma^2: step (15) without its drift, as the fragments have it. Noise need not be the same at every point. Looked at on
all orders: f = x^2/2, gradients x (1 + z) with z = +-1, so that the noise of a sample has all earlier ones in it.
"""

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import product

from ratecheck.core.claim import Claim, has
from ratecheck.core.identity import Counting

from ._auxiliary import LIMITS, SOURCE
from ._flight_proof import INDEPENDENT as PROOF
from .bookkeeping import handed_out

__all__ = ["CLAIM", "PROOF"]

SHORT, RATE = 5, Fraction(1, 2)
#: second moments: of each noise drawn, of the sum in flight, of the sum that is back; numbers of those in flight
Found = tuple[list[Fraction], Fraction, Fraction, list[int]]


@lru_cache(maxsize=4096)
def moments(worker: tuple[int, ...], delay: tuple[int, ...], workers: int) -> Found:
    """Return the second moments at the end of an order, over all samples, for steps of 1/2 from x_1 = 1."""
    made, steps = handed_out(worker, delay, workers), len(worker)
    number = {back: i for i, (_, back) in enumerate(made) if back <= steps}
    flying = [i for i, (k, back) in enumerate(made) if k <= steps < back]
    drawn = workers + steps - 1
    each, in_flight, back = [Fraction(0)] * drawn, Fraction(0), Fraction(0)
    for signs in product((-1, 1), repeat=drawn):
        x, at, noise = Fraction(1), [Fraction(1)] * workers, [Fraction(z) for z in signs[:workers]]
        for t in range(1, steps + 1):
            i = number[t]
            x -= RATE * (at[i] + noise[i])
            if t < steps:
                at.append(x)
                noise.append(x * signs[workers + t - 1])
        each = [e + z * z / 2**drawn for e, z in zip(each, noise, strict=True)]
        in_flight += sum((noise[i] for i in flying), Fraction(0)) ** 2 / 2**drawn
        back += sum((noise[i] for i in number.values()), Fraction(0)) ** 2 / 2**drawn
    return each, in_flight, back, flying


def of_order(worker: Sequence[int], delay: Sequence[int], workers: int) -> Found:
    """Return the moments after the first deliveries of an order."""
    return moments(tuple(worker[:SHORT]), tuple(delay[:SHORT]), workers)


def few(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of E F^2 <= (M - 1) sigma^2; minus the difference where E F^2 is not the sum of its squares."""
    each, in_flight, _, flying = of_order(worker, delay, workers)
    apart = abs(in_flight - sum((each[i] for i in flying), Fraction(0)))
    return -apart or (workers - 1) * max(each) - in_flight


def arrived(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of E S^2 <= t sigma^2; minus the difference where E S^2 is not the sum of its squares."""
    each, _, back, flying = of_order(worker, delay, workers)
    apart = abs(back - sum((e for i, e in enumerate(each) if i not in flying), Fraction(0)))
    return -apart or min(len(worker), SHORT) * max(each) - back


COUNTING = (
    Counting("in flight", few, r"\mathbb{E}\|F\|^2\le(M-1)\sigma^2", lemma="what is back"),
    Counting("back", arrived, r"\mathbb{E}\|S\|^2\le t\sigma^2", lemma="what is back"),
)

CLAIM = Claim(
    title="Noise in flight and back under independent delays (ours)",
    source=SOURCE,
    statement=(
        "For delays that are independent of the samples, $\\mathbb{E}\\|F\\|^2\\le(M-1)\\sigma^2$ for the noise in "
        "flight and $\\mathbb{E}\\|S\\|^2\\le t\\sigma^2$ for the noise that is back."
    ),
    assumptions=(has("sigma"),),
    outputs={},
    stepsize="constant",
    method="async_mu2_sgd",
    policy="independent",
    counting=COUNTING,
    cases=((1, 4), (2, 4), (3, 4)),
    notes=LIMITS,
)
