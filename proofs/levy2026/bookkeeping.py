"""I2, I10: how many gradients are where, and how much noise is in flight along a path. Ours.

I2: |I(t)| - 1 = |T(t)| <= M - 1: as many extra gradients at x_1 are back as others are missing. So deliveries up to t
are |I(t)| and t - |I(t)| others, and M - 1 gradients are in flight.
I10, on every path and for all vectors xi_i: sum over t of ||sum of xi_i in flight after delivery t||^2 is at most
(M - 1) sum over i of d_i ||xi_i||^2, d_i the deliveries after which i is in flight. (Cauchy-Schwarz, M - 1 terms.)
Checked by rows: the difference is a quadratic form whose matrix is diagonally dominant, and so nowhere negative.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Counting

from ._auxiliary import CASES, LIMITS, SOURCE


def handed_out(worker: Sequence[int], delay: Sequence[int], workers: int) -> list[tuple[int, int]]:
    """Return (k, delivery) of each gradient: it is at x_k; one that does not come back in time comes after the end."""
    steps, back = len(worker), {}
    for t, (m, tau) in enumerate(zip(worker, delay, strict=True), 1):
        back[t - tau + 1, m] = t  # taken at version t - tau, by this worker
    made = [(1, m) for m in range(workers)] + [(t + 1, m) for t, m in enumerate(worker, 1)]
    return [(k, back.get((k, m), steps + 1)) for k, m in made]


def flights(worker: Sequence[int], delay: Sequence[int], workers: int) -> Iterator[tuple[int, list[int], int]]:
    """Yield t, the numbers of the gradients in flight after delivery t (and before the next hand-out), and |I(t)|."""
    made = handed_out(worker, delay, workers)
    for t in range(1, len(worker) + 1):
        yield t, [i for i, (k, back) in enumerate(made) if k <= t < back], sum(k == 1 and back <= t for k, back in made)


def as_many(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of I2: minus the largest difference."""
    apart = [0]
    for t, flying, first in flights(worker, delay, workers):
        late = sum(i >= workers for i in flying)
        others = sum(tau < s for s, tau in enumerate(delay[:t], 1))  # deliveries of gradients at x_2, x_3, ..
        apart += [abs(first - 1 - late), abs(t - first - others), abs(len(flying) - workers + 1)]
    return -Fraction(max(apart))


def dominant(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of I10: the least, over the rows of the form's matrix, of diagonal minus magnitudes beside it."""
    count = workers + len(worker)
    form = [[Fraction(0)] * count for _ in range(count)]
    for _, flying, _ in flights(worker, delay, workers):
        for i in flying:
            form[i][i] += workers - 1
            for j in flying:
                form[i][j] -= 1
    return min(2 * row[i] - sum(map(abs, row), Fraction(0)) if row[i] >= 0 else row[i] for i, row in enumerate(form))


COUNTING = (
    Counting("as many", as_many, r"|I(t)|-1=|T(t)|\le M-1"),
    Counting("noise in flight", dominant, r"\sum_t\|\sum_{i\text{ in flight}}\xi_i\|^2\le(M-1)\sum_id_i\|\xi_i\|^2"),
)

CLAIM = Claim(
    title="Bookkeeping: what is in flight, and how much noise that is on a path",
    source=SOURCE,
    statement=(
        "For every arrival order, $|I(t)|-1=|T(t)|\\le M-1$, and for all vectors "
        "$\\sum_t\\|\\sum_{i\\text{ in flight}}\\xi_i\\|^2\\le(M-1)\\sum_id_i\\|\\xi_i\\|^2$."
    ),
    assumptions=(),
    outputs={},
    stepsize="constant",
    policy="clairvoyant",
    counting=COUNTING,
    cases=CASES,
    notes=LIMITS,
)
