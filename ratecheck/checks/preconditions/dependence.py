"""Do delays and gradient noise go together, and do runs differ at all? Measured on the noise that a cell's runs use.

A theorem for independent delays is about schedules made without a look at the noise. A cell's noise is a function of
its key, so an order of arrivals can have been made for it; the same holds for an order recorded where slow gradients
are the noisy ones.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from ratecheck.core.keys import key_of
from ratecheck.core.problem import MEAN
from ratecheck.core.schedule import Schedule
from ratecheck.engine import samples
from ratecheck.engine.build import Built
from ratecheck.engine.compile import seal
from ratecheck.engine.sweep import width_of

Vector = npt.NDArray[np.float64]

#: probability that a cell whose delays are independent of its noise is called dependent
ALARM = 1e-6
#: gradients looked at, and numbers of noise drawn, at most
HANDOUTS, NUMBERS = 8192, 1 << 20
#: fewer runs may be equal by chance
FEW = 16


@dataclass(frozen=True)
class Dependence:
    """Spearman's rank correlation of ``n`` pairs, and a bound on the probability of one as strong by chance."""

    correlation: float
    p_value: float
    n: int


def dependence(delays: npt.ArrayLike, marks: npt.ArrayLike) -> Dependence:
    """Return how delays (n,) and marks (n,), in the order of hand-out, go together.

    The null hypothesis: given the delays, which may depend on each other in any way, the marks are independent with
    one law; ties are allowed. Then T = sum_i a_i u_i, with a_i the centred rank of delay i and u_i the rank of mark i
    among the first i, scaled to [-1, 1], is a sum of independent numbers (Renyi 1962), each with a discrete uniform
    law of mean 0 (with ties u_i is the mean over ways to break them). The uniform law on [-1, 1] has E exp(s u) =
    sinh(s)/s <= exp(s^2/6), term by term; a discrete uniform number plus a small uniform one has that law, so by
    Jensen's inequality it has no larger E exp(s u), and so has a mean over ties. Hence, for every n,

        P(|T| >= t) <= 2 exp(-3 t^2 / (2 sum_i a_i^2)).
    """
    a, b = stats.rankdata(np.asarray(delays, dtype=np.float64)), stats.rankdata(np.asarray(marks, dtype=np.float64))
    n = a.size
    a, b = a - (n + 1) / 2, b - (n + 1) / 2
    spread = float(a @ a)
    if spread == 0 or not b.any():
        return Dependence(0.0, 1.0, n)
    total = float(a @ _ranks_so_far(b))
    return Dependence(
        float(a @ b) / math.sqrt(spread * float(b @ b)), min(1.0, 2 * math.exp(-1.5 * total**2 / spread)), n
    )


def _ranks_so_far(marks: Vector) -> Vector:
    """Return, for each i, (marks before i that are smaller - those that are larger) / (i + 1)."""
    before: list[float] = []
    found = []
    for i, mark in enumerate(marks.tolist()):
        place = bisect.bisect_left(before, mark)
        end = bisect.bisect_right(before, mark, lo=place)
        found.append((place - (i - end)) / (i + 1))
        before.insert(place, mark)
    return np.array(found)


def noise_of(built: Built, handouts: int, block: int = 0) -> Vector:
    """Return the noise (handouts, d, R) that the R runs of a block of the cell meet, at scale 1, number by number.

    Additive noise has unit variance in each coordinate. Where rows are sampled, it is the deviation of the sampled
    gradient from the mean gradient at the start, for worker 0.
    """
    d = built.instance.dimension
    replicates = width_of(built)
    size, key = d * replicates, key_of(int(built.key), "block", block)
    if built.noise.draw is not None:
        found = _row_noise(built, handouts, replicates, key)
    else:
        assert built.noise.fill is not None
        found = samples.noise_of(seal("fill", built.noise.fill), key, built.noise_par, handouts, size)
    return found.reshape(handouts, d, replicates)


def _row_noise(built: Built, handouts: int, replicates: int, key: np.uint64) -> Vector:
    problem, instance = built.problem, built.instance
    assert built.noise.draw is not None
    assert problem.gradient is not None
    draw, gradient = seal("draw", built.noise.draw), seal("gradient", problem.gradient)
    data = problem.layout(instance.data, replicates) if problem.layout else instance.data
    data = np.ascontiguousarray(data, dtype=np.float64)
    start = np.repeat(instance.start, replicates).astype(np.float64)
    mean, found = np.zeros_like(start), np.zeros((handouts, start.size))
    seal("mean_gradient", problem.mean_gradient)(start, 0, data, mean)
    sample = np.zeros(replicates * instance.batch, dtype=np.int64)
    for h in range(handouts):
        draw(key, h, instance.rows, sample)
        gradient(start, 0, sample, data, found[h])
    return found - mean


def delays_of(schedule: Schedule, handouts: int) -> npt.NDArray[np.int64]:
    """Return the delay of each of the first hand-outs (handouts,); of one that is not back, what it is at the end."""
    delays = schedule.steps + 1 - schedule.made_at[:handouts]
    back = schedule.source < handouts
    delays[schedule.source[back]] = schedule.delay[back]
    return delays


def dependent(built: Built) -> str | None:
    """Return a sentence when the cell's delays correlate with its gradient noise, else None.

    Looked at: the size of the noise, and its component along the first gradient; of the first run and summed over the
    first block. The four tests have level ``ALARM`` together.
    """
    schedule, d = built.weighted.schedule, built.instance.dimension
    handouts = min(schedule.handouts, HANDOUTS, max(FEW, NUMBERS // (d * width_of(built))))
    delays = delays_of(schedule, handouts)
    if not built.noisy or delays.min() == delays.max():
        return None
    tests = [dependence(delays, marks) for marks in _marks(built, handouts)]
    worst = min(tests, key=lambda t: t.p_value)
    if worst.p_value * len(tests) > ALARM:
        return None
    return (
        f"delays correlate with gradient noise (rank correlation {worst.correlation:.2f} over {worst.n} gradients, "
        f"p < {ALARM:.0e}): the theorem assumes that they are independent"
    ).replace("e-06", "e-6")


def _marks(built: Built, handouts: int) -> Iterator[Vector]:
    noise = noise_of(built, handouts)
    slope = np.zeros(noise.shape[1])
    data = built.instance.data
    layout = built.problem.layout
    data = np.ascontiguousarray(layout(data, 1) if layout else data, dtype=np.float64)
    whole = MEAN if built.problem.heterogeneous else 0
    seal("mean_gradient", built.problem.mean_gradient)(built.instance.start.astype(np.float64), whole, data, slope)
    for part in (noise[:, :, :1], noise):
        yield np.einsum("hir,hir->h", part, part)
        yield np.einsum("hir,i->h", part, slope)


def identical(built: Built, numbers: Mapping[str, Any]) -> str | None:
    """Return a sentence when all runs measured the same numbers (n,) to the bit although there is noise, else None.

    Runs may be equal by chance where large noise is rare: nothing is said below ``FEW`` runs, nor when the noise
    itself never changed in the first half of the run; nor where every run has a schedule of its own.
    """
    # the virtual iterate sums up gradients by itself, whatever the method does with them
    measured = [np.asarray(v, dtype=np.float64) for n, v in numbers.items() if not n.startswith("virtual")]
    runs = measured[0].size
    if not built.noisy or built.own_schedules or runs < FEW or any((v != v[0]).any() for v in measured):
        return None
    schedule, d = built.weighted.schedule, built.instance.dimension
    used = schedule.source[: max(1, schedule.horizon // 2)]
    used = used[used < max(FEW, NUMBERS // (d * width_of(built)))]
    noise = noise_of(built, int(used.max(initial=0)) + 1)[used, :, :runs]
    if not used.size or noise.min() == noise.max():
        return None
    same = bool((noise == noise[:, :, :1]).all())
    why = "the noise does not depend on its key" if same else "the method does not use the gradient, or rounds it off"
    sigma = built.constants["sigma"]
    level = f"sigma = {sigma:g}" if sigma else "gradients sample rows"
    return f"all {runs} runs of cell {built.cell.label} are identical although {level}: {why}"
