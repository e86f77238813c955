"""Do the delays of a recorded run look at the noise, and does it matter? The mixed moment, and two tests.

The gradient of arrival k is in flight after tau_k - 1 iterations, and M - 1 gradients are in flight after each. With
N_t the sum of their noises xi, Cauchy-Schwarz and counting each gradient once per iteration give, on every run,

    sum_t ||N_t||^2  <=  (M - 1) sum_k (tau_k - 1) ||xi_k||^2,

those still in flight at the end counted with K minus the version they were made at. So the mean of ||N_t||^2 over
t = 1..T is at most rho T sigma^2 with the mixed moment rho = (M - 1) mean((tau - 1) ||xi||^2) / (T sigma^2), T = K, and
T sigma^2 is what T independent noises add up to. (Dahan, Reshef, Goldstein & Levy 2026, arXiv:2605.02043, are about
delays that may depend on data; the inequality and the tests are ours.) If delays are independent of the noise, nothing
needs to be small: then E ||N_t||^2 <= (M - 1) sigma^2.

Tests, of what theorems assume about delays:

- *independent*: within groups of consecutive gradients of one worker, all orders of the noises are equally likely given
  the delays. Groups take out what differs between workers and what drifts along the run. The statistics are the rank
  correlations of ||xi||^2 with delay and with duration in the groups, their p-values those of random orders within
  groups: exact.
- *mean zero given the duration*: E[xi | duration] = 0. Gradients are binned by duration; U estimates without bias
  sigma_mu^2, the mean over bins of ||E[xi | bin]||^2, and is compared with its law under random signs of the xi (exact
  for symmetric noise) and in random orders (exact for independent delays): the larger p-value counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from ratecheck.core.assumption import POLICIES
from ratecheck.core.trace import Trace
from ratecheck.errors import TraceError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: probability that delays which are independent of the noise are called dependent, shared out to the tests evenly
LEVEL = 0.01
#: random orders, and random signs, of a test
SHUFFLES = 999
#: gradients the tests look at, at most
PAIRS = 8192
#: consecutive gradients of a worker in a group
GROUP = 8
#: fewest gradients in a bin of durations
FEWEST = 32
#: largest share of the time in flight that gradients may have which are not back
UNSEEN = 0.1
#: batches of consecutive arrivals for intervals, their confidence, and the fewest arrivals in one
BATCHES, CONFIDENCE, BATCH = 20, 0.95, 4
#: fewest gradients that the mixed moment may rest on for an interval, counted by (sum)^2 / (sum of squares)
CARRIERS = 50

#: the verdicts
INDEPENDENT = "delays look independent of the noise: theorems for independent delays are not contradicted here"
INDEPENDENT_UNSIGNED = f"{INDEPENDENT} by the sizes of the noise, and of its direction too little was recorded"
SIZE = (
    "delays depend on the size of the noise: theorems for independent delays do not apply; 'mean-zero given the "
    "duration' fits what was recorded"
)
SIZE_UNSIGNED = (
    "delays depend on the size of the noise: theorems for independent delays do not apply; whether its mean is zero "
    "given the duration cannot be told from sizes (record noise_1, noise_2, ..)"
)
PREDICT = "delays predict the noise: only theorems for data-dependent delays apply"
HIDDEN = (
    "nothing can be said: too much of the time in flight belongs to gradients that are not back, and what comes back "
    "shows nothing against independent delays"
)


class Tested(NamedTuple):
    """What a test measured (a rank correlation, or sigma_mu^2 as a share of the variance), its p-value, pairs used.

    The p-value is the larger one of those by random orders and by random signs (which the rank correlation has not).
    """

    measured: float
    p_value: float
    n: int
    by_orders: float
    by_signs: float | None = None


def diagnose(trace: Trace, *, variance: float | None = None, level: float = LEVEL, seed: int = 0) -> dict[str, Any]:
    """Return the mixed moment of a trace, the two tests and what they say about the policy of its delays.

    ``variance`` is sigma^2; by default the mean of ||xi||^2 over the gradients delivered. ``seed`` is that of the
    random orders. Raises TraceError when the trace tells no noise, or numbers are out of range.
    """
    if trace.noise_sq is None:
        raise TraceError("the trace tells nothing of the noise: it needs a column noise_sq, as of 'record --noise'.")
    if not 0 < level < 1:
        raise TraceError(f"the level lies between 0 and 1, and {level:g} does not.")
    if not (variance is None or 0 < variance < math.inf):
        raise TraceError(f"the variance is a positive number, and {variance:g} is not.")
    with np.errstate(over="ignore"):
        mean = float(trace.noise_sq.mean())
        parts = 0.0 if trace.noise is None else float(np.square(trace.noise).sum())
    if not (0 < mean < math.inf and parts < math.inf):
        raise TraceError(f"the mean of noise_sq is {mean:g}; it must be positive, and no square of noise too large.")
    tests, flying = _tests(trace, seed), _flying(trace)
    each = level / len(tests)
    found = {name: tests[name].p_value <= each for name in tests}
    return {
        "M": trace.workers, "K": trace.steps, "mean_delay": trace.mean_delay, "max_delay": trace.max_delay,
        "sigma_sq": mean if variance is None else variance, "confidence": CONFIDENCE,
        **_moment(trace, trace.noise_sq / mean, 1.0 if variance is None else variance / mean, variance is None),
        **flying,
        "level": level, "each": each, "tests": {name: test._asdict() for name, test in tests.items()},
        **_verdict(
            found["delay"] or found.get("duration", False), found.get("mean"), flying["unseen_share"] > UNSEEN
        ),
    }  # fmt: skip


def _verdict(size: bool, signed: bool | None, hidden: bool) -> dict[str, Any]:
    """Return the smallest policy that is not contradicted, whether that was looked at in full, and the words.

    ``signed`` is None when only sizes are known; ``hidden`` says that much was not seen.
    """
    if signed:
        return {"policy": POLICIES[2], "known": True, "verdict": PREDICT}
    if size:
        words = SIZE_UNSIGNED if signed is None else SIZE
        return {"policy": POLICIES[1], "known": signed is not None, "verdict": words}
    if hidden:
        return {"policy": POLICIES[0], "known": False, "verdict": HIDDEN}
    words = INDEPENDENT_UNSIGNED if signed is None else INDEPENDENT
    return {"policy": POLICIES[0], "known": signed is not None, "verdict": words}


def _moment(trace: Trace, noise_sq: Floats, variance: float, own: bool) -> dict[str, Any]:
    """Return the mixed moment, what independence would make of it, their ratio and intervals. Units: mean noise 1."""
    late = trace.delay - 1.0
    product = late * noise_sq
    total, idle = float(product.mean()), float(late.mean())
    scale = (trace.workers - 1) / (trace.steps * variance)
    rho, independent = scale * total, scale * idle
    found: dict[str, Any] = {"rho": rho, "independent": independent, "steps_needed": rho * trace.steps}
    found |= {"rho_interval": None, "times": None, "times_interval": None, "carriers": 0.0, "largest_share": None}
    if total > 0:
        relative = product / total
        shares = product / product.sum()
        found |= {"times": total / idle, "carriers": float(1 / (shares @ shares)), "largest_share": float(shares.max())}
        if trace.steps >= BATCH * BATCHES and found["carriers"] >= CARRIERS:
            found["rho_interval"] = _interval(rho, relative - noise_sq if own else relative)
            found["times_interval"] = _interval(total / idle, relative - noise_sq - late / idle)
    return found


def _interval(value: float, relative: Floats) -> list[float]:
    """Return a confidence interval for a product of means, from what each arrival adds to its logarithm.

    By batch means: batches of consecutive arrivals are taken as independent, so that delays and noises may depend on
    their neighbours' as far as a batch reaches, and their means as normal. It cannot know of large noises or long
    delays so rare that none was seen.
    """
    means = np.array([part.mean() for part in np.array_split(relative, BATCHES)])
    width = float(stats.t.ppf((1 + CONFIDENCE) / 2, BATCHES - 1) * means.std(ddof=1) / math.sqrt(BATCHES))
    return [value * math.exp(-min(width, 50.0)), value * math.exp(min(width, 50.0))]


def _flying(trace: Trace) -> dict[str, Any]:
    """Return what the gradients in flight at the end, whose noise nobody saw, hide; and what a delay cap would give.

    The delays tau_k - 1, and those in flight, counted with K minus their version, sum up to (M - 1) K.
    """
    workers, steps = trace.workers, trace.steps
    last = np.zeros(workers, dtype=np.int64)
    np.maximum.at(last, trace.worker, np.arange(1, steps + 1))
    unseen = int((steps - last).sum())
    longest = max(trace.max_delay, int(steps - last.min()) + 1)
    most = steps / (workers - 1) - (workers - 1) + 1 if workers > 1 else math.inf
    return {
        "unseen_share": unseen / ((workers - 1) * steps) if workers > 1 else 0.0,
        "longest": longest,
        "cap_ratio": (workers - 1) * (min(longest - 1, steps) + workers - 1) / steps,
        "harmless_delay": math.floor(most) if 1 <= most < math.inf else None,
    }


def _tests(trace: Trace, seed: int) -> dict[str, Tested]:
    """Return the tests: of sizes with ``delay`` and ``duration``, and of the ``mean`` of the noise given the duration.

    Where nobody took the time there is no ``duration``, and its place in ``mean`` takes the delay. There is no ``mean``
    where no parts of the noise are known.
    """
    assert trace.noise_sq is not None
    durations = _durations(trace)
    by = {"delay": trace.delay.astype(np.float64)} | ({} if durations is None else {"duration": durations})
    known = np.flatnonzero(np.isfinite(by[[*by][-1]]))
    known = known[np.argsort(trace.worker[known], kind="stable")]  # each worker's gradients in their order
    group = _groups(trace.worker[known])
    keep = _spread(group)
    known, group = known[keep], group[keep]
    found = {name: _size(values[known], trace.noise_sq[known], group, seed) for name, values in by.items()}
    if trace.noise is not None and known.size >= 2 * FEWEST:
        found["mean"] = _signed(trace.noise[known], _bins(by[[*by][-1]][known]), group, seed)
    return found


def _size(late: Floats, noise_sq: Floats, group: Ints, seed: int) -> Tested:
    """Return the rank correlation of delays or durations (n,) with sizes of noise (n,) in groups, and its p-value."""
    a, b = _ranks(late, group), _ranks(noise_sq, group)
    found, spread = float(a @ b), math.sqrt(float(a @ a) * float(b @ b))
    others = [abs(float(a @ b[order])) for order in _orders(group, seed)]
    # sums of the same products in another order are equal up to rounding
    p_value = _p_value(abs(found) - 1e-9 * spread, others)
    return Tested(found / spread if spread else 0.0, p_value, late.size, p_value)


def _signed(noise: Floats, bins: Ints, group: Ints, seed: int) -> Tested:
    """Return sigma_mu^2 / sigma^2 of noises (n, p), and the p-value of mean zero in every bin."""
    scale = float(np.square(noise).sum(axis=1).mean())
    by_bin = np.argsort(bins, kind="stable")
    starts = np.flatnonzero(np.diff(bins[by_bin], prepend=-1))
    others = np.maximum(np.diff(np.append(starts, bins.size)) - 1, 1)  # one gradient alone tells nothing: 0 / 1

    def estimate(xi: Floats) -> float:
        xi = xi[by_bin]
        sums = np.add.reduceat(xi, starts, axis=0)
        squares = np.add.reduceat(np.square(xi).sum(axis=1), starts)
        return float(((np.square(sums).sum(axis=1) - squares) / others).sum() / bins.size)

    found = estimate(noise)
    draw = np.random.default_rng([seed, 1])
    flipped = [estimate(noise * draw.choice((-1.0, 1.0), (bins.size, 1))) for _ in range(SHUFFLES)]
    mixed = [estimate(noise[order]) for order in _orders(group, seed)]
    least = found - 1e-9 * scale  # as in _size
    by_orders, by_signs = _p_value(least, mixed), _p_value(least, flipped)
    return Tested(found / scale if scale else 0.0, max(by_orders, by_signs), bins.size, by_orders, by_signs)


def _orders(group: Ints, seed: int) -> Iterator[Ints]:
    """Yield random orders (n,) within groups, which stand in ascending order."""
    draw = np.random.default_rng([seed, 0])
    for _ in range(SHUFFLES):
        yield np.argsort(group + draw.random(group.size))


def _p_value(found: float, others: list[float]) -> float:
    return (1 + sum(other >= found for other in others)) / (1 + len(others))


def _durations(trace: Trace) -> Floats | None:
    """Return how long each gradient took (K,), NaN for a worker's first unless told; None when nobody took the time."""
    if trace.duration is not None or trace.time is None:
        return trace.duration
    order = np.argsort(trace.worker, kind="stable")
    found = np.empty(trace.steps)
    found[order] = np.diff(trace.time[order], prepend=np.nan)
    found[order[np.diff(trace.worker[order], prepend=-1) != 0]] = np.nan
    return found


def _groups(worker: Ints) -> Ints:
    """Return group numbers 0, 1, .. of workers in ascending order: GROUP in turn, the rest in a worker's last group."""
    count = np.bincount(worker)
    place = np.arange(worker.size) - (np.cumsum(count) - count)[worker]
    most = np.maximum(count // GROUP, 1)
    found: Ints = (np.cumsum(most) - most)[worker] + np.minimum(place // GROUP, most[worker] - 1)
    return found


def _spread(group: Ints) -> npt.NDArray[np.bool_]:
    """Return whether each is looked at (n,): all, or groups spread evenly so that about PAIRS are."""
    part = min(1.0, PAIRS / max(1, group.size))
    return np.asarray(np.floor((group + 1) * part) > np.floor(group * part))


def _ranks(values: Floats, group: Ints) -> Floats:
    """Return the ranks of values (n,), less the mean rank of their group."""
    ranks = stats.rankdata(values)
    count = np.maximum(np.bincount(group), 1)
    return np.asarray(ranks - (np.bincount(group, weights=ranks) / count)[group])


def _bins(durations: Floats) -> Ints:
    """Return the bin of each duration (n,): quarters, the longest halved on as long as FEWEST are in one; ties stay."""
    levels = [0.25, 0.5, 0.75]
    while durations.size * (1 - levels[-1]) / 2 >= FEWEST:
        levels.append((1 + levels[-1]) / 2)
    edges = np.unique(np.quantile(durations, levels, method="inverted_cdf"))
    found: Ints = np.searchsorted(edges, durations, "left").astype(np.int64)
    return found
