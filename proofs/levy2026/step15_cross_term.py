"""Step (15) under independent delays: noise and drift have a product, too. False as an equality, and harmless.

eps_t = q_t - t grad f(x_t) is the noise that has arrived and the drift, the sum over T(t) of sbar_1 - sbar_k, which has
earlier noise in it. M = 2, t = 2, worker 0 then worker 1, f = L x^2/2, additive noise: E eps_2^2 is larger than
E noise^2 + E drift^2 by (8/3) L eta sigma^2. A factor 2 on the right repairs it: (a + b)^2 <= 2 a^2 + 2 b^2.
"""

from collections.abc import Sequence
from fractions import Fraction

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Counting

from .bookkeeping import handed_out
from .step15 import LIMITS, SOURCE

#: coefficients of something on the noises of the hand-outs
Row = list[Fraction]


def plus(*terms: tuple[Fraction | int, Row]) -> Row:
    """Return a combination of rows."""
    return [sum((c * row[i] for c, row in terms), Fraction(0)) for i in range(len(terms[0][1]))]


def second_moments(
    worker: Sequence[int], delay: Sequence[int], workers: int, eta: Fraction = Fraction(1)
) -> tuple[Fraction, Fraction, Fraction]:
    """Return E eps_t^2, E noise^2 and E drift^2 at the end t, without their parts from x_1: L = sigma = 1, x_1 = 0.

    Run on rows: noise i is that of hand-out i, the same in both points that its sample is looked at in.
    """
    made, zero = handed_out(worker, delay, workers), [Fraction(0)] * (workers + len(worker))
    unit = [[Fraction(i == j) for j in range(len(zero))] for i in range(len(zero))]
    x, w, q, steps = [zero, zero], zero, zero, len(worker)  # x[k] is x_k, and x[0] is not used

    def mean(k: int) -> Row:
        return plus((k, x[k]), (-(k - 1), x[k - 1]))

    for t in range(1, steps + 1):
        (now,) = (i for i, (_, back) in enumerate(made) if back == t)
        q = plus((1, q), (1, mean(made[now][0])), (1, unit[now]))
        w = plus((1, w), (-eta, q))
        x.append(plus((Fraction(t, t + 2), x[t]), (Fraction(2, t + 2), w)))
    error = plus((1, q), (-steps, x[steps]))
    noise = plus((1, zero), *((1, unit[i]) for i, (_, back) in enumerate(made) if back <= steps))
    missing = [k for k, back in made if 1 < k <= steps < back]
    drift = plus((1, zero), *((1, plus((1, mean(1)), (-1, mean(k)))) for k in missing))
    assert error == plus((1, noise), (1, drift)), "I6"
    square_of_error, square_of_noise, square_of_drift = (sum(c * c for c in row) for row in (error, noise, drift))
    return Fraction(square_of_error), Fraction(square_of_noise), Fraction(square_of_drift)


def slack(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Return minus how far the two sides are apart, in units of L eta sigma^2 for L eta = 1."""
    error, noise, drift = second_moments(worker, delay, workers)
    return -abs(error - noise - drift)


CLAIM = Claim(
    title="Step (15) when delays are independent: noise times drift",
    source=SOURCE,
    statement="For every arrival order, "
    "$\\mathbb{E}\\|\\epsilon_t\\|^2=\\mathbb{E}\\|\\text{noise}\\|^2+\\mathbb{E}\\|\\text{drift}\\|^2$.",
    assumptions=(),
    outputs={},
    stepsize="constant",
    method="async_mu2_sgd",
    policy="independent",
    counting=(Counting("no product with the drift", slack, r"\mathbb{E}\langle\text{noise},\text{drift}\rangle=0"),),
    expect="refuted",
    cases=((2, 2),),
    notes=LIMITS,
)
