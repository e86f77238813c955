"""No beta and no stepsize of ordered momentum do without sqrt(M) when delays of O(1/beta) see samples. Ours.

Take M >= 33, K >= M, any beta <= 1/(8M) and gamma <= beta/(4L), tuned to L, Delta, sigma, M and K. Let s be the larger
of what is left, as the mean of E||grad F(x_k)||^2, in the worst of the instances of ``lower_ordered_momentum`` and
``lower_ordered_momentum_slope``. With a = (M - 1) sigma^2/10 these say

    s >= min{L Delta, beta a}   and   s (2 + beta K) >= 4 L Delta.

If s < L Delta, then beta <= s/a, so that 2 s + K s^2/a >= 4 L Delta and K s^2/a >= 2 L Delta. Hence, whatever beta is,
s >= min{L Delta, sqrt((M - 1) L Delta sigma^2/(5K))}. From beta <= 1/(8M) alone, s >= 32 M L Delta/(16 M + K). So both
terms of ``theorem_nonconvex_rate``, 512/3 M L Delta/K and 64/3 sqrt(M L Delta sigma^2/K), are there for ordered
momentum in this class, up to constants; the first because beta is not above 1/(8M). With the beta that makes the two
bounds equal, if it is below 1/(8M) and K L Delta > 2a, 2 s + K s^2/a is 4 L Delta: no more follows from these two.

The min in the first: b^2/2 is L Delta in each world, and (M - 1) sigma^2 = (2n - M + 1) b^2. Where the class has less,
so has the noise of the instance, and (M - 1) beta sigma^2/10 is (2n - M + 1) beta L Delta/5, n >= log(32)/beta, which
is at least 1.36 L Delta.

What it does not say: that another method has to pay (no other is looked at), that one instance is bad for all tunings
(both depend on gamma, beta and K), anything of beta > 1/(8M), gamma > beta/(4L), stepsizes that change, M < 33, or of
delays that do not look at samples (``theorem_nonconvex_rate_independent`` has no sqrt(M) there). It is for the worst
delays of order 1/beta. K counts all deliveries. Up to K = (M - 1) sigma^2/(5 L Delta) the min is L Delta, and only
then it is a rate.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from itertools import product

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Counting

from ._two_worlds import SOURCE

#: of M, K/M, 1/(8 M beta) and L Delta; sigma = 1
WORKERS, TIMES, PARTS = (33, 65, 400), (1, 17, 4096), tuple(2**i for i in range(0, 24, 2))
GAPS = tuple(Fraction(10) ** i for i in range(-6, 7, 2))


def left(workers: int, steps: int, beta: Fraction, gap: Fraction) -> Fraction:
    """Return the larger of the two bounds, L Delta = ``gap`` and sigma = 1."""
    return max(min(gap, beta * Fraction(workers - 1, 10)), 4 * gap / (2 + beta * steps))


def grid() -> Iterator[tuple[int, int, Fraction, Fraction]]:
    """Yield M, K, beta and L Delta; for each M, K, beta the L Delta, too, that makes this beta the best one."""
    for workers, times, part in product(WORKERS, TIMES, PARTS):
        steps, beta = times * workers, Fraction(1, 8 * workers * part)
        even = beta * Fraction(workers - 1, 10) * (2 + beta * steps) / 4
        for gap in (*GAPS, even):
            yield workers, steps, beta, gap


@cache
def _slacks() -> tuple[Fraction, Fraction, Fraction]:
    """Return the least relative slacks of: 2 s + K s^2/a >= 4 L Delta, the root, the term without noise."""
    whole, root, rest = [], [], []
    for workers, steps, beta, gap in grid():
        s, a = left(workers, steps, beta, gap), Fraction(workers - 1, 10)
        small = s < gap
        whole += [(2 * s + steps * s * s / a) / (4 * gap) - 1] if small else []
        root += [steps * s * s / (2 * a * gap) - 1] if small else []
        rest.append(s * (16 * workers + steps) / (32 * workers * gap) - 1)
    return min(whole), min(root), min(rest)


def whole(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack on the grid, where s < L Delta; 0 at the best beta."""
    return _slacks()[0]


def root(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of s^2 >= (M - 1) L Delta sigma^2/(5K) on the grid, where s < L Delta."""
    return _slacks()[1]


def rest(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of s >= 32 M L Delta/(16 M + K) on the grid."""
    return _slacks()[2]


def told(workers: int, steps: int) -> str:
    """Say what is looked at: not M and K of a case."""
    return "a grid of M, K, beta and L Delta"


CLAIM = Claim(
    title="Ordered momentum, tuned in any way, delays that look at samples: a lower bound",
    source=SOURCE,
    statement=(
        "For $M\\ge33$, $K\\ge M$ and any $\\beta\\le1/(8M)$, $\\gamma\\le\\beta/(4L)$ there are a smooth function, "
        "noise of variance at most $\\sigma^2$ and delays of order $1/\\beta$ that look at samples, with a mean of "
        "$\\mathbb{E}\\|\\nabla F(x_k)\\|^2$ of at least $\\min\\{L\\Delta,\\sqrt{(M-1)L\\Delta\\sigma^2/(5K)}\\}$."
    ),
    assumptions=(),
    outputs={},
    stepsize="constant",
    method="ordered_momentum",
    policy="clairvoyant",
    kind="lower",
    counting=(
        Counting("for every beta", whole, r"2s+Ks^2/a\ge4L\Delta\text{ if }s<L\Delta", told=told),
        Counting("root", root, r"s\ge\min\{L\Delta,\sqrt{(M-1)L\Delta\sigma^2/(5K)}\}", told=told),
        Counting("without noise", rest, r"s\ge\frac{32ML\Delta}{16M+K}", told=told),
    ),
    cases=((1, 1),),
    notes=(
        "It rests on lower_ordered_momentum and lower_ordered_momentum_slope, whose derivations are in words. What is "
        "looked at here, on a grid of rational numbers, is what follows from the two.",
        "Both instances depend on gamma, beta and K. Nothing is said of other methods, or of other stepsizes.",
    ),
)
