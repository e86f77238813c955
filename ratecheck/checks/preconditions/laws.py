"""Challenges of random laws: noises and delay models; see ``challenge``.

Keys are fixed, so the same part always gets the same answer. Moments of a noise are tested at level ``ALARM`` each
for any number of draws and any law that is as declared, however rare its large values (Bernstein's inequality, on
draws that are cut where the declared moments bound what that takes away). Durations are tested in normal
approximation, and only truncated where one draw would decide.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from ratecheck.checks.preconditions.orders import order_faults, policy_faults
from ratecheck.core.delays import Delays
from ratecheck.core.keys import key_of, wrapping
from ratecheck.core.noise import Noise

Vector = npt.NDArray[np.float64]

#: probability that one test rejects a law that is as declared
ALARM = 1e-6
#: its two-sided quantile
Z = float(stats.norm.isf(ALARM / 2))
#: noise is drawn in this many blocks
BLOCKS = 8
#: orders in which a declared norm is held against draws
ORDERS = (2.5, 3.0, 6.0)


def _mean_fault(what: str, draws: Vector, declared: float) -> str | None:
    """Return a sentence when the mean of ``draws`` (n,) is more than Z standard errors from ``declared``."""
    mean, error = float(draws.mean()), float(draws.std()) / math.sqrt(draws.size)
    if abs(mean - declared) <= Z * error + draws.size * 2.0**-52 * max(abs(mean), abs(declared)):
        return None
    return f"{what} is declared {declared:.6g}, and {draws.size} draws give {mean:.6g} +- {error:.2g}"


def _tail_fault(what: str, draws: Vector, declared: float) -> str | None:
    """As ``_mean_fault`` for non-negative draws with a heavy tail: only a truncated mean above it refutes."""
    cut = np.minimum(draws, math.sqrt(draws.size) * declared)
    fault = _mean_fault(what, cut, declared)
    return fault if fault and cut.mean() > declared else None


def _chance(variance: float, largest: float, size: int, level: float) -> float:
    """Return how far a mean of ``size`` independent numbers lies above its expectation with chance exp(-level).

    Bernstein's inequality, for this variance (or more) and numbers at most ``largest`` above their expectation.
    """
    return math.sqrt(2 * variance * level / size) + largest * level / (3 * size)


def _said(what: str, declared: float, mean: float, chance: float, size: int) -> str:
    return f"{what} is declared {declared:.6g}, and {size} draws give {mean:.6g} (chance explains {chance:.2g})"


def _centre_fault(draws: Vector, fourth: float, bound: float) -> str | None:
    """Return a sentence when the mean is not 0, for a law of variance 1 with this fourth moment and bound.

    Draws are cut to [-c, c]; what that moves the mean by is at most E (|z| - c)+ <= E z^2 / (4 c), and at most
    27 E z^4 / (256 c^3), since t - c <= t^2 / (4 c) and t - c <= 27 t^4 / (256 c^3).
    """
    found = []
    for cut in (4.0, 8.0, 16.0, 32.0, 64.0):
        moved = 0.0 if bound <= cut else min(1 / (4 * cut), 27 * fourth / (256 * cut**3))
        level = math.log(2 * 5 / ALARM)
        chance = moved + _chance(1.0, cut + moved, draws.size, level) + draws.size * 2.0**-52
        mean = float(np.clip(draws, -cut, cut).mean())
        found.append((abs(mean) - chance, _said("the mean", 0.0, mean, chance, draws.size)))
    return max(found)[1] if max(found)[0] > 0 else None


def _above_fault(what: str, draws: Vector, declared: float) -> str | None:
    """Return a sentence when the mean of ``draws`` (n,), not negative, is above ``declared``, whatever their law.

    Cut draws have a smaller mean; six cuts share the level. The variance is that of the cut draws themselves
    (empirical Bernstein inequality, Maurer and Pontil 2009, Theorem 4).
    """
    size, level = draws.size, math.log(2 * 6 / ALARM)
    found = []
    for cut in declared * 4.0 ** np.arange(1, 7):
        kept = np.minimum(draws, cut)
        chance = math.sqrt(2 * float(kept.var(ddof=1)) * level / size) + 7 * cut * level / (3 * (size - 1))
        found.append((float(kept.mean()) - declared - chance, _said(what, declared, float(kept.mean()), chance, size)))
    return max(found)[1] if max(found)[0] > 0 else None


def moment_fault(of: str, lengths: Vector, order: float, norm: float) -> str | None:
    """Return a sentence when E length^order is above norm^order, for draws ``lengths`` (n,) of any law."""
    if not math.isfinite(norm):
        return None
    with np.errstate(over="ignore"):  # what is too large to be told is cut
        shares = (lengths / norm) ** order
    return _above_fault(f"E{of}^{order:g}, in units of {norm:.6g}^{order:g},", shares, 1.0)


def _below_fault(what: str, draws: Vector, declared: float, variance: float) -> str | None:
    """Return a sentence when the mean of ``draws`` (n,), not negative and of this variance, is below ``declared``."""
    if not math.isfinite(variance):
        return None
    chance = _chance(max(0.0, variance), declared, draws.size, math.log(1 / ALARM)) + draws.size * 2.0**-52 * declared
    mean = float(draws.mean())
    return _said(what, declared, mean, chance, draws.size) if mean < declared - chance else None


def _sign_fault(draws: Vector) -> str | None:
    """Return a sentence when signs are not fair among draws of some size: they are, given all sizes, if z is as -z.

    Exact: a binomial test for each of eight sizes, nested halves of the draws, which share the level.
    """
    signs = np.sign(draws[np.argsort(-np.abs(draws), kind="stable")])
    for halvings in range(8):
        large = signs[: signs.size >> halvings]
        above, below = int((large > 0).sum()), int((large < 0).sum())
        if above + below and stats.binomtest(above, above + below).pvalue < ALARM / 8:
            return f"its law is declared symmetric, and of its {large.size} largest draws {above} are positive"
    return None


def _dependence_fault(what: str, a: Vector, b: Vector | None = None) -> str | None:
    """Return a sentence when bounded sequences (n,) are correlated at some lag (one with itself: lag >= 1).

    All lags are tried and have level ``ALARM`` together, by Bernstein's inequality (rare marks: no normal limit).
    """
    early, late = a - a.mean(), (a if b is None else b) - (a if b is None else b).mean()
    scale = float(early.std() * late.std())
    if scale == 0 or a.size < 128:
        return None
    spectrum = np.fft.rfft(early, 2 * a.size).conj() * np.fft.rfft(late, 2 * a.size)
    lags = np.arange(1 if b is None else 0, a.size)
    sums, level = np.abs(np.fft.irfft(spectrum)[lags]) / scale, math.log(2 * lags.size / ALARM)
    largest = float(np.abs(early).max() * np.abs(late).max()) / scale * level / 3
    limits = largest + np.sqrt(largest**2 + 2 * level * (a.size - lags))
    worst = int((sums / limits).argmax())
    if sums[worst] <= limits[worst]:
        return None
    score = float(sums[worst]) / math.sqrt(a.size - int(lags[worst]))
    return f"{what} are correlated at lag {lags[worst]} ({score:.1f} standard deviations)"


def _marks(draws: Vector) -> list[Vector]:
    """Return what dependence is looked for in: on which side of the median, and how far from it."""
    centred = draws - np.median(draws)
    return [np.sign(centred), np.sign(np.abs(centred) - np.median(np.abs(centred)))]


def challenge_noise(
    noise: Noise, par: Mapping[str, Any] | None = None, *, fill: Callable[..., None] | None = None,
    samples: int = 1 << 14, seed: int = 0,
) -> list[str]:  # fmt: skip
    """Return a sentence for everything the noise declares that ``samples`` draws refute.

    ``fill`` may be a compiled form of its kernel, which allows more samples.
    """
    given = noise.parameters(par or {})
    key = key_of("challenge", seed)
    with wrapping():
        if noise.draw is not None:
            found = list(_row_faults(noise.draw, samples, key))
        elif noise.fill is not None:
            found = list(_noise_faults(noise, fill or noise.fill, given, samples, key))
        else:
            found = []
    return [f"noise {noise.name!r}: {sentence}." for sentence in found]


def _noise_faults(
    noise: Noise, fill: Callable[..., None], given: Mapping[str, float], samples: int, key: np.uint64
) -> Iterator[str]:
    numbers, size = np.array(list(given.values()) or [0.0]), samples // BLOCKS // 2 * 2
    blocks, again = np.zeros((BLOCKS, size)), np.zeros(size)
    for b in range(BLOCKS):
        fill(key, b * size, numbers, blocks[b])
    fill(key, size, numbers, again)
    if not np.array_equal(again, blocks[1]):
        yield "the same key and position do not give the same numbers"
    draws = blocks.ravel()
    if not np.isfinite(draws).all():
        yield "it draws numbers that are not finite"
        return
    fourth = noise.fourth_moment(given) if noise.fourth_moment else math.inf
    bound = noise.bound(given) if noise.bound else math.inf
    square = np.square(draws)
    faults = [
        _centre_fault(draws, fourth, bound),
        _above_fault("the variance", square, 1.0),
        _below_fault("the variance", square, 1.0, fourth - 1),
        _above_fault("the fourth moment", np.square(square), fourth) if math.isfinite(fourth) else None,
        *(moment_fault("|z|", np.abs(draws), order, noise.norm(given, order)) for order in ORDERS if noise.norm),
    ]
    if np.abs(draws).max() > bound * (1 + 2.0**-50):
        faults.append(f"|z| <= {bound:g} is declared, and {np.abs(draws).max():g} was drawn")
    if noise.symmetric(given):
        faults.append(_sign_fault(draws))
    faults += [_dependence_fault("its draws", mark) for mark in _marks(draws)]
    fill(key + np.uint64(1), 0, numbers, again)
    pairs = zip(_marks(again), _marks(blocks[0]), strict=True)
    faults += [_dependence_fault("draws by two keys", a, b) for a, b in pairs]
    yield from (fault for fault in faults if fault)


def _row_faults(draw: Callable[..., None], samples: int, key: np.uint64) -> Iterator[str]:
    rows, size = 10, 16
    drawn = np.full((samples // size, size), -1, dtype=np.int64)
    again = np.zeros(size, dtype=np.int64)
    for handout in range(drawn.shape[0]):
        draw(key, handout, rows, drawn[handout])
    draw(key, 1, rows, again)
    if not np.array_equal(again, drawn[1]):
        yield "the same key and hand-out do not give the same rows"
    if drawn.min() < 0 or drawn.max() >= rows:
        yield f"it draws row {drawn.max() if drawn.min() >= 0 else drawn.min()} of {rows}"
        return
    if stats.chisquare(np.bincount(drawn.ravel(), minlength=rows)).pvalue < ALARM:
        yield "rows are not drawn uniformly"
    fault = _dependence_fault("rows drawn", drawn.ravel().astype(float))
    if fault:
        yield fault


def challenge_delays(
    delays: Delays, par: Mapping[str, Any] | None = None, *, workers: Sequence[int] = (1, 2, 3, 5),
    steps: int = 400, seed: int = 0,
) -> list[str]:  # fmt: skip
    """Return a sentence for everything the delay model declares that draws or ``steps`` deliveries refute.

    Each number of ``workers`` is tried; a recorded order is tried with its own.
    """
    given = delays.parameters(par or {})
    key = key_of("challenge", seed)
    if delays.recorded is not None:
        workers, steps = [delays.recorded(given)[0]], min(steps, delays.recorded(given)[1])
    with wrapping():
        found = list(_clock_faults(delays, given, key)) if delays.is_clock else []
        found += policy_faults(delays, given, key)
        for count in workers:
            found += order_faults(delays, given, count, steps, key)
    return [f"delays {delays.name!r}: {sentence}." for sentence in dict.fromkeys(found)]


def _clock_faults(delays: Delays, given: Mapping[str, Any], key: np.uint64, samples: int = 2048) -> Iterator[str]:
    duration, numbers = delays.duration, delays.numbers(given)
    assert duration is not None

    def draws(worker: int, mean: float) -> Vector:
        return np.array([float(duration(key, worker, n, mean, numbers)) for n in range(samples)])

    first, second, slow = draws(0, 1.0), draws(1, 1.0), draws(2, 3.0)
    if not np.array_equal(first, draws(0, 1.0)):
        yield "the same key, worker and number do not give the same duration"
    every = np.concatenate([first, second, slow])
    if not (np.isfinite(every).all() and every.min() > 0):
        yield f"it draws a duration of {every.min():g}"
        return
    if first.min() == first.max():
        return
    for sample, mean in ((first, 1.0), (second, 1.0), (slow, 3.0)):
        light = sample.max() < 0.02 * sample.sum()
        fault = (_mean_fault if light else _tail_fault)("the mean duration", sample, mean)
        if fault:
            yield fault
    for a, b in zip(_marks(first), _marks(second), strict=True):
        jobs: tuple[tuple[str, Vector, Vector | None], ...] = (
            ("durations of one worker", a, None),
            ("durations of two workers", a, b), ("durations of two workers", b, a),
        )  # fmt: skip
        yield from (fault for job in jobs if (fault := _dependence_fault(*job)))
