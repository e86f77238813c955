"""Is a moment of the noise that a cell declares by hand, sigma_r, as large as the noise has it?

What the engine computes from a law needs no such look: the law's own norm is held against draws (``laws``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from itertools import product

import numpy as np

from ratecheck.checks.preconditions.bench import Bench
from ratecheck.checks.preconditions.laws import Vector, moment_fault
from ratecheck.core.keys import key_of, wrapping
from ratecheck.core.noise import Noise
from ratecheck.engine.build import Built
from ratecheck.engine.compile import seal

#: coordinates of noise that are drawn, and batches of rows at each point
SAMPLES, BATCHES = 1 << 17, 1 << 12
#: points at which row sampling is looked at: the start, the minimiser, and one near it
POINTS = 3
#: the declared number's own last digit
SLACK = 1e-12


def understated(built: Built) -> str | None:
    """Return a sentence when E||noise||^r is above sigma_r^r, r = 2 + excess, where the cell declares both, else None.

    One coordinate of the law alone may say so without draws. Else the noise is measured: with as many coordinates as
    the cell has, or on rows at a few points.
    """
    given, excess = (built.constants.get(name) if name in built.cell.constants else None
                     for name in ("sigma_r", "excess"))  # fmt: skip
    if given is None or excess is None or not (given > 0 and excess > 0 and built.noisy):
        return None
    order = 2 + excess
    if built.noise.additive:
        par = tuple(built.noise.parameters(built.cell.noise.par).items())
        return _of_law(built.noise, par, built.instance.dimension, order, given / built.constants["sigma"])
    return _of_rows(built, order, given)


@lru_cache(maxsize=64)
def _of_law(noise: Noise, par: tuple[tuple[str, float], ...], dimension: int, order: float, given: float) -> str | None:
    """Return the sentence for a noise in ``dimension`` coordinates of variance 1/dimension; ``given`` is sigma_r."""
    known: Mapping[str, float] = dict(par)
    one = noise.norm(known, order) / math.sqrt(dimension) if noise.norm else 0.0
    if given < one * (1 - SLACK):
        return (
            f"declared sigma_r = {given:.6g} sigma, but (E|z|^{order:g})^(1/{order:g}) = {one:.6g} sigma for one "
            f"coordinate of noise {noise.name!r} alone"
        )
    assert noise.fill is not None
    draws = np.zeros(SAMPLES // dimension * dimension or dimension)
    with wrapping():
        seal("fill", noise.fill)(key_of("moment"), 0, np.array(list(known.values()) or [0.0]), draws)
    lengths = np.sqrt(np.square(draws).reshape(-1, dimension).mean(axis=1))
    fault = moment_fault("||noise||", lengths, order, given)
    return fault and f"declared sigma_r = {given:.6g} sigma, but {fault}"


def _of_rows(built: Built, order: float, given: float) -> str | None:
    """Return the sentence for a mean of rows drawn at random: exact for one row, by draws for more."""
    bench = Bench(built.problem, built.instance, workers=built.cell.M)
    rows, batch, random = built.instance.rows, built.instance.batch, np.random.default_rng(0)
    for x, worker in product(bench.points[:POINTS], bench.different):
        each = np.array([bench.row_gradient(x, [row], worker) for row in range(rows)])
        noise: Vector = each - each.mean(axis=0)
        if batch > 1:
            noise = noise[random.integers(rows, size=(BATCHES, batch))].mean(axis=1)
        lengths = np.linalg.norm(noise, axis=1)
        loss = bench.rounding(float(np.linalg.norm(each, axis=1).max()))
        found = float((np.maximum(lengths - loss, 0.0) ** order).mean() ** (1 / order))
        if batch == 1 and found > given * (1 + SLACK):
            of_rows = f"(E||noise||^{order:g})^(1/{order:g}) of sampled rows is {found:.6g}"
            return f"declared sigma_r = {given:g}, but {of_rows}"
        fault = moment_fault("||noise||", lengths, order, given) if batch > 1 else None
        if fault:
            return f"declared sigma_r = {given:g}, but {fault}"
    return None
