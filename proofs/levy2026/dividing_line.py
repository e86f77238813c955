"""The dividing line: only what durations tell of the noise is penalised. Ours.

Who delivers when is decided by how long jobs take, each a function of its own sample; noise is the same at every point.
Let mu(d) = E[noise | duration d] and sigma_mu^2 = E||mu||^2. Then after t deliveries, with n = t + M - 1,
(E||S||^2)^(1/2) <= sqrt(n) sigma + sqrt((M-1) n) sigma_mu for the noise S that is back. The parts that durations say
nothing of add up in squares, whoever is back; the sum of mu over all drawn is a martingale; what is chosen is mu of the
M - 1 in flight. With sigma_mu = 0 that is (t + M - 1) sigma^2, and with sigma_mu = sigma a factor of order M is lost,
as it must be (``dividing_line_sharp``). Looked at: the worst policy that sees labels, and clocks.
"""

from fractions import Fraction

from ratecheck.core.claim import Claim, additive_noise, has
from ratecheck.core.identity import Counting

from ._auxiliary import LIMITS, SOURCE
from ._clocks import Jobs, moments, spread, symmetric
from ._policies import HALF, ZERO, Labels, largest_when_seen, one_sided
from ._told_proof import MIXED as PROOF
from .in_flight_mean_zero import SMALL
from .in_flight_variance import by_size

__all__ = ["CLAIM", "PROOF"]


def labels(workers: int, deliveries: int) -> tuple[Labels, ...]:
    """Return what labels tell: the mean and variance of a noise. Signs in part; a rare large part; sizes alone."""
    rare = {(z, Fraction(1, 4)): chance for z, chance in one_sided(workers, deliveries).items()}
    return ({(-HALF, HALF): HALF, (HALF, HALF): HALF}, rare, {(ZERO, ZERO): HALF, (ZERO, Fraction(2)): HALF})


def mixed() -> tuple[Jobs, ...]:
    """Return jobs with their durations: symmetric noises but for some that are above 0 and slow, or fast."""
    found = []
    for slow, fast in ((50, 1), (1, 50)):
        jobs = {one: chance * Fraction(3, 4) for one, chance in symmetric(HALF, 3, 2, HALF).items()}
        jobs[Fraction(1), slow] = jobs[-Fraction(1), fast] = Fraction(1, 8)
        found.append(jobs)
    return tuple(found)


def room(square: Fraction, draws: int, others: int, var: Fraction, told: Fraction) -> Fraction:
    """Slack of S^2 <= n (sigma + sqrt(M-1) sigma_mu)^2: of its square, with the root on one side alone."""
    over = square / draws - var - others * told
    return 4 * var * others * told - over**2 if over > 0 else -over


def worst(workers: int, deliveries: int) -> Fraction:
    """Slack under the worst policy that sees labels."""
    slacks = []
    for law in labels(workers, deliveries):
        told = sum((c * mean * mean for (mean, _), c in law.items()), ZERO)
        var = told + sum((c * v for (_, v), c in law.items()), ZERO)
        most = largest_when_seen(workers, deliveries, law)
        slacks.append(room(most, deliveries + workers - 1, workers - 1, var, told))
    return min(slacks)


def clocked(workers: int, deliveries: int) -> Fraction:
    """Slack with clocks."""
    deliveries = max(1, min(deliveries, SMALL - 1 - workers))
    return min(
        room(moments(workers, deliveries, jobs)[0], deliveries + workers - 1, workers - 1, *spread(jobs))
        for jobs in mixed()
    )


def both(workers: int, deliveries: int) -> Fraction:
    """Slack with labels, and with clocks."""
    return min(worst(workers, deliveries), clocked(workers, deliveries))


COUNTING = (
    Counting(
        "dividing line",
        by_size(both),
        r"\mathbb{E}\|S\|^2\le(t+M-1)(\sigma+\sqrt{M-1}\,\sigma_\mu)^2",
        lemma="what is back",
    ),
)

CLAIM = Claim(
    title="The dividing line: what durations tell of the noise (ours)",
    source=SOURCE,
    statement=(
        "For delays decided by durations $d$, each a function of its job's sample, and noise that is the same at every "
        "point, $\\mathbb{E}\\|S\\|^2\\le(t+M-1)(\\sigma+\\sqrt{M-1}\\,\\sigma_\\mu)^2$ for the noise that is back, "
        "$\\sigma_\\mu^2=\\mathbb{E}\\|\\mathbb{E}[\\xi\\mid d]\\|^2$."
    ),
    assumptions=(has("sigma"), has("sigma_mu"), additive_noise()),
    outputs={},
    stepsize="constant",
    method="async_mu2_sgd",
    policy="data-dependent",
    counting=COUNTING,
    cases=((1, 4), (2, 4), (3, 4), (4, 3)),
    notes=LIMITS,
)
