"""Is what a cell declares of its noise by hand, sigma_r, sigma_inf and G, as large as the noise has it?

What the engine computes from a law needs no such look: the law's own norm and bound are held against draws (``laws``).
A bound that a law declares is taken as the largest number that it draws, however rare.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import product

import numpy as np

from ratecheck.checks.preconditions.bench import sealed
from ratecheck.checks.preconditions.laws import Vector, moment_fault
from ratecheck.core.keys import key_of, wrapping
from ratecheck.core.noise import Noise
from ratecheck.engine.build import Built
from ratecheck.engine.compile import seal

#: coordinates of noise that are drawn, and batches of rows at each point
SAMPLES, BATCHES = 1 << 17, 1 << 12
#: points at which row sampling is looked at: the start, the minimiser, and one near it
POINTS = 3
#: points on each ray, beside the bench's own, at which gradients are looked at
RAYS = 4
#: the declared number's own last digit
SLACK = 1e-12


def understated(built: Built) -> str | None:
    """Return a sentence when the cell declares sigma_r, sigma_inf or G below what its noise has, else None.

    sigma_inf of sampled rows is held against them where a problem declares it, too.
    """
    given = {n: v for n in ("sigma_r", "sigma_inf", "G") if (v := built.constants.get(n)) is not None}
    by_hand = {n: v for n, v in given.items() if n in built.cell.constants}
    if not built.noisy:
        return None
    if not built.noise.additive:
        return _moment(built, by_hand) or (_of_longest_row(built, given["sigma_inf"]) if "sigma_inf" in given else None)
    return (
        _moment(built, by_hand)
        or ("sigma_inf" in by_hand and _of_bound(built, by_hand["sigma_inf"]))
        or ("G" in by_hand and _of_gradients(built, by_hand["G"]))
        or None
    )


def _moment(built: Built, by_hand: Mapping[str, float]) -> str | None:
    """Return the sentence when E||noise||^r is above sigma_r^r, r = 2 + excess, where the cell declares both.

    One coordinate of the law alone may say so without draws. Else the noise is measured: with as many coordinates as
    the cell has, or on rows at a few points.
    """
    given, excess = by_hand.get("sigma_r"), built.constants.get("excess")
    if given is None or excess is None or not excess > 0:
        return None
    order = 2 + excess
    if built.noise.additive:
        return _of_law(built.noise, _par(built), built.instance.dimension, order, given / built.constants["sigma"])
    return _of_rows(built, order, given)


def _par(built: Built) -> tuple[tuple[str, float], ...]:
    return tuple(built.noise.parameters(built.cell.noise.par).items())


def _drawn(noise: Noise, known: Mapping[str, float], size: int) -> Vector:
    """Return coordinates (size,) of additive noise, of variance 1."""
    assert noise.fill is not None
    draws = np.zeros(size)
    with wrapping():
        seal("fill", noise.fill)(key_of("moment"), 0, np.array(list(known.values()) or [0.0]), draws)
    return draws


@lru_cache(maxsize=64)
def _ends(noise: Noise, par: tuple[tuple[str, float], ...]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return two pairs of numbers, one of which one coordinate of variance 1 comes near to with some chance.

    Its bound b is met on one side, or on both if the law is symmetric; on the other side is what was drawn. Where the
    law says no bound, b is the largest draw.
    """
    known: Mapping[str, float] = dict(par)
    draws = _drawn(noise, known, SAMPLES)
    bound = noise.bound(known) if noise.bound else float(np.abs(draws).max())
    low, high = (-bound, bound) if noise.symmetric(known) else (float(draws.min()), float(draws.max()))
    return (-bound, high), (low, bound)


def _of_bound(built: Built, given: float) -> str | None:
    """Return the sentence when additive noise is longer than sigma_inf = ``given``.

    Coordinates are independent, so the longest noise has sigma/sqrt(d) times the bound in each: sigma times the bound.
    """
    bound = max(map(abs, _ends(built.noise, _par(built))[0]))
    longest = built.constants["sigma"] * bound
    if given >= longest * (1 - SLACK):
        return None
    if math.isinf(longest):
        return f"declared sigma_inf = {given:g}, but noise {built.noise.name!r} has no bound"
    return f"declared sigma_inf = {given:g}, but noise {built.noise.name!r} has lengths up to {longest:.6g}"


def _of_gradients(built: Built, given: float) -> str | None:
    """Return the sentence when a gradient and additive noise are together longer than G = ``given``.

    With independent coordinates each may have the worse end of its law at once. At a few points, of every worker.
    """
    bench, longest = sealed(built), np.zeros(2)
    ends = np.array(_ends(built.noise, _par(built))) * built.constants["sigma"] / math.sqrt(built.instance.dimension)
    if np.isinf(ends).any():
        return f"declared G = {given:g}, but noise {built.noise.name!r} has no bound, nor has a sampled gradient"
    with np.errstate(all="ignore"):  # F may overflow at the far points tried
        for x, worker in product((*bench.points, *bench.rays(fine=RAYS)), bench.different):
            worst = np.abs(bench.gradient(x, worker) + ends[:, :, None]).max(axis=1)
            sizes = np.linalg.norm(worst, axis=1)
            longest = np.fmax(longest, sizes - bench.gradient_rounding(x) - bench.rounding(float(sizes.max())))
    found = float(longest.min())
    if found <= given * (1 + SLACK):
        return None
    return f"declared G = {given:g}, but gradients with noise {built.noise.name!r} have lengths up to {found:.6g}"


@lru_cache(maxsize=64)
def _of_law(noise: Noise, par: tuple[tuple[str, float], ...], dimension: int, order: float, given: float) -> str | None:
    """Return the sentence for a noise in ``dimension`` coordinates of variance 1/dimension; ``given`` is sigma_r."""
    known: Mapping[str, float] = dict(par)
    one = noise.norm(known, order) / math.sqrt(dimension) if noise.norm else 0.0
    if given < (1 - SLACK) and one <= 1:
        return f"declared sigma_r = {given:.6g} sigma, but no moment of order {order:g} is below sigma"
    if given < one * (1 - SLACK):
        return (
            f"declared sigma_r = {given:.6g} sigma, but (E|z|^{order:g})^(1/{order:g}) = {one:.6g} sigma for one "
            f"coordinate of noise {noise.name!r} alone"
        )
    draws = _drawn(noise, known, SAMPLES // dimension * dimension or dimension)
    lengths = np.sqrt(np.square(draws).reshape(-1, dimension).mean(axis=1))
    fault = moment_fault("||noise||", lengths, order, given)
    return fault and f"declared sigma_r = {given:.6g} sigma, but {fault}"


def _deviations(built: Built) -> Iterator[tuple[Vector, float]]:
    """Yield what each row's gradient (n, d) is off their mean at a few points, for each worker, and its rounding."""
    bench, rows = sealed(built), built.instance.rows
    for x, worker in product(bench.points[:POINTS], bench.different):
        each = np.array([bench.row_gradient(x, [row], worker) for row in range(rows)])
        yield each - each.mean(axis=0), bench.rounding(float(np.linalg.norm(each, axis=1).max()))


def _of_longest_row(built: Built, given: float) -> str | None:
    """Return the sentence when a row is further off than sigma_inf = ``given``; a batch may be that row repeated."""
    found = max(float(np.linalg.norm(noise, axis=1).max()) - loss for noise, loss in _deviations(built))
    if found <= given * (1 + SLACK):
        return None
    return f"declared sigma_inf = {given:g}, but the gradient of a sampled row is {found:.6g} off"


def _of_rows(built: Built, order: float, given: float) -> str | None:
    """Return the sentence for a mean of rows drawn at random: exact for one row, by draws for more."""
    batch, random = built.instance.batch, np.random.default_rng(0)
    for noise, loss in _deviations(built):
        if batch > 1:
            noise = noise[random.integers(len(noise), size=(BATCHES, batch))].mean(axis=1)
        lengths = np.maximum(np.linalg.norm(noise, axis=1) - loss, 0.0)
        found = float((lengths**order).mean() ** (1 / order))
        if (batch == 1 or given == 0) and found > given * (1 + SLACK):
            of_rows = f"(E||noise||^{order:g})^(1/{order:g}) of sampled rows is {found:.6g}"
            return f"declared sigma_r = {given:g}, but {of_rows}"
        fault = moment_fault("||noise||", lengths, order, given) if batch > 1 and given > 0 else None
        if fault:
            return f"declared sigma_r = {given:g}, but {fault}"
    return None
