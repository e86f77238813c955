"""Synthetic studies of the rate verdict: rows of cells whose error follows a known law, true or wrong.

The rows are those of a run of Theorem 3 of Mishchenko, Bach, Even & Woodworth (2022, arXiv:2206.07638), convex case,
with L = B = 1: the bound (8/3) M/K + 2 sigma/sqrt(K), the branch of its stepsize. Only the errors are made up.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ratecheck.checks.rates import judge

FloatArray = npt.NDArray[np.float64]
Term = Callable[[int, int], float]

#: the part of the bound that the errors are
SLACK = 0.1
#: the branches of the stepsize that may be the smallest whatever the delays are, and what makes each active
BRANCHES = {"cap": "a smaller sigma or K", "noise": "a larger sigma or K"}


@dataclass(frozen=True)
class Law:
    """A law of the error: its optimisation and its noise term relative to the bound's, as functions of M and K."""

    optimisation: Term = lambda m, k: 1.0
    noise: Term = lambda m, k: 1.0


#: the theorem's law, four slower ones and a faster one, by the terms that replace those of M/K + sigma/sqrt(K)
LAWS: dict[str, Law] = {
    "M/K": Law(),
    "tau_max/K, tau_max = M^2": Law(optimisation=lambda m, k: m),
    "sqrt(M) sigma/sqrt(K)": Law(noise=lambda m, k: math.sqrt(m)),
    "M/sqrt(K)": Law(optimisation=lambda m, k: math.sqrt(k / 256)),
    "(M/K)^(2/3)": Law(optimisation=lambda m, k: (k / m) ** (1 / 3)),
    "faster by (M K)^(1/4)": Law(lambda m, k: (m * k / 256) ** -0.25, lambda m, k: (m * k / 256) ** -0.25),
}
TRUE, *WRONG = LAWS

_LONG = tuple(2**n for n in range(8, 17))
#: M, K and sigma of a grid; on "narrow" both spans are too short, on "noisy" only the noise branch is ever active
GRIDS: dict[str, tuple[tuple[int, ...], tuple[int, ...], tuple[float, ...]]] = {
    "planned": ((4, 16, 64), tuple(2**n for n in range(8, 18)), (0.0, 0.5, 4.0)),
    "good": ((2, 8, 32), _LONG, (0.0, 0.3, 3.0)),
    "narrow": ((4, 8), tuple(2**n for n in range(11, 15)), (0.0, 0.3, 3.0)),
    "noisy": ((2, 8, 32), _LONG, (3.0, 10.0, 30.0)),
}


def cells_of(grid: str) -> list[dict[str, Any]]:
    """Return rows of the cells of a grid, without errors. Vacuous ones are left in: ``judge`` has to leave them out."""
    found = []
    for m, k, sigma in itertools.product(*GRIDS[grid]):
        terms = {"optimisation": 8 / 3 * m / k, "noise": 2 * sigma / math.sqrt(k)}
        vacuous = sum(terms.values()) > 1 / 2
        found.append({
            "digest": f"{m}-{k}-{sigma}", "problem": "synthetic", "noise": "synthetic", "delays": "synthetic",
            "output": "R1", "M": m, "K": k, "sigma": sigma, "terms": terms, "tau_max": m * m,
            "branch": "noise" if sigma * math.sqrt(k) > 4 * m else "cap",
            "verdict": "VACUOUS" if vacuous else "HOLDS HERE",
        })  # fmt: skip
    return found


def means(cells: Sequence[Mapping[str, Any]], law: Law) -> FloatArray:
    """Return the mean error of each cell under a law, (cells,)."""
    found = [sum(c["terms"][name] * term(c["M"], c["K"]) for name, term in vars(law).items()) for c in cells]
    return SLACK * np.array(found)


def factors(rng: np.random.Generator, variation: float, shape: tuple[int, ...]) -> FloatArray:
    """Return independent factors of mean 1: gamma up to a coefficient of variation of 1, lognormal above."""
    if variation <= 1:
        return rng.gamma(variation**-2, variation**2, shape)
    spread = math.log1p(variation**2)
    return rng.lognormal(-spread / 2, math.sqrt(spread), shape)


def rows(cells: Sequence[Mapping[str, Any]], errors: FloatArray) -> list[dict[str, Any]]:
    """Return the cells as ``judge`` takes them, with these errors (cells, n)."""
    n = errors.shape[1]
    mean, se = errors.mean(axis=1), errors.std(axis=1, ddof=1) / math.sqrt(n)
    found = []
    for cell, lhs, one in zip(cells, mean.tolist(), se.tolist(), strict=True):
        rhs = sum(cell["terms"].values())
        found.append(
            {**cell, "n": n, "inequalities": {"bound": {"lhs": lhs, "se": one, "rhs": rhs, "ratio": lhs / rhs}}}
        )
    return found


def study(
    law: str, grid: str, variation: float, runs: int, cases: int, *, seed: int = 0, margin: float = 0.1,
    beside: tuple[str, float] | None = None,
) -> Counter[str]:  # fmt: skip
    """Return how often each rate verdict is said in ``cases`` experiments with ``runs`` runs a cell.

    Noise is put into cells with sigma = 0 too, which makes it harder than real runs do. ``beside`` is the law, and the
    variation, of a second problem on the same grid.
    """
    cells = cells_of(grid)
    mean = means(cells, LAWS[law])[:, None]
    other = [{**c, "problem": "another", "digest": f"another {c['digest']}"} for c in cells]
    found: Counter[str] = Counter()
    for case in range(cases):
        rng = np.random.default_rng([seed, case])
        errors = mean * factors(rng, variation, (len(cells), runs))
        table = rows(cells, errors)
        if beside is not None:
            second = means(cells, LAWS[beside[0]])[:, None]
            table += rows(other, second * factors(rng, beside[1], (len(cells), runs)))
        found[judge(table, margin, BRANCHES)["verdict"]] += 1
    return found
