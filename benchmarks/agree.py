"""Do all sides simulate the same thing? ``python -m benchmarks.agree`` compares each with the exact law of the cell.

With the schedule given, x_K and the weighted average are sums of independent normals, so each coordinate is normal
with a mean and a variance that follow from the coefficients of every sample. The squared deviations, summed over
coordinates and replicates, are chi-squared; a side fails when that sum has a tail probability below LEVEL. At
most 16 such probabilities are looked at, so that correct code fails with probability 0.1 percent at most (seeds
being fixed, it does so always or never). Noise that is 10 percent too strong is seen. Without noise the sides must
agree to rounding, which sees wrong weights and stepsizes, and the C code's schedule must be NumPy's to the bit.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import stats

from benchmarks import numpy_heapq
from benchmarks.cell import Cell, Outcome, Vector
from benchmarks.ours import ours
from benchmarks.reference import Reference, library

LEVEL = 1e-3 / 16
CELL = Cell(d=3, R=1024, M=8, K=300, clock="fixed", sigma=0.3)
WIDTHS = (1, 4, 10, 100)  # 3, 12, 30, 300 coordinates take different ways through the C code
Law = tuple[Vector, Vector]  # mean (d,), standard deviation (d,)


def laws(cell: Cell) -> tuple[Law, Law]:
    """Return the exact laws of x_K and of the weighted average, given the schedule of the fixed clock."""
    workers, gammas, weights = numpy_heapq.schedule(cell)
    a = cell.spectrum[:, None]
    x = np.zeros((cell.d, 1 + cell.M + cell.K))  # coefficients of 1 and of each sample
    x[:, 0] = cell.start
    average = np.zeros_like(x)
    flight = []
    for m in range(cell.M):
        flight.append(a * x)
        flight[m][:, 1 + m] += cell.scale
    for k, (m, gamma, weight) in enumerate(zip(workers, gammas, weights, strict=True), 1):
        x = x - gamma * flight[m]
        average += weight * x
        flight[m] = a * x
        flight[m][:, cell.M + k] += cell.scale
    average /= sum(weights)
    return _law(x), _law(average)


def _law(coefficients: npt.NDArray[np.float64]) -> Law:
    return coefficients[:, 0], np.sqrt(np.square(coefficients[:, 1:]).sum(axis=1))


def tails(cell: Cell, outcome: Outcome) -> list[float]:
    """Return two-sided tail probabilities of the sum of squared deviations: of x_K and of the average."""
    found = []
    for law, values in zip(laws(cell), outcome, strict=True):
        mean, deviation = law
        total = np.square((values - mean) / deviation).sum()
        found.append(2 * min(stats.chi2.cdf(total, values.size), stats.chi2.sf(total, values.size)))
    return found


def replicated(cell: Cell) -> Outcome:
    """Run the NumPy simulator once per replicate."""
    runs = [numpy_heapq.run(dataclasses.replace(cell, seed=cell.seed + r)) for r in range(cell.R)]
    return Outcome(np.concatenate([r.last for r in runs]), np.concatenate([r.average for r in runs]))


def difference(side: Callable[[Cell], Outcome], cell: Cell) -> float:
    """Return the largest difference between a side and NumPy, on a cell without noise."""
    plain = numpy_heapq.run(cell)
    return max(float(np.abs(u - v).max()) for u, v in zip(side(cell), plain, strict=True))


def sides() -> dict[str, Callable[[Cell], Outcome]]:
    """Return every simulator that runs here, by name."""
    found: dict[str, Callable[[Cell], Outcome]] = {"NumPy": replicated, "ours": lambda cell: ours(cell)()}
    if library() is not None:
        found["C"] = lambda cell: Reference(cell)()
        found["C -"] = lambda cell: Reference(cell, fused=False)()  # noise made before the update loop
    return found


def normals_of_c(count: int = 2_000_000) -> list[float]:
    """Return tail probabilities for the C code's normals: Kolmogorov-Smirnov of each half, correlation of halves."""
    code = library()
    assert code is not None
    z = np.empty(count)
    code.fill_normals(12345, 0, count // 2, 1.0, z)
    first, second = z[: count // 2], z[count // 2 :]
    return [
        float(stats.kstest(first, "norm").pvalue),
        float(stats.kstest(second, "norm").pvalue),
        float(stats.pearsonr(first, second).pvalue),
        float(stats.pearsonr(first[1:], first[:-1]).pvalue),
        float(stats.pearsonr(np.square(first), np.square(second)).pvalue),
        float(stats.norm.sf(abs(np.mean(z**4) - 3) / np.sqrt(96 / count)) * 2),
    ]


def main() -> int:
    """Print the comparisons; return 1 if one fails."""
    fine = True
    for name, side in sides().items():
        probabilities = tails(CELL, side(CELL))
        error = max(difference(side, dataclasses.replace(CELL, sigma=0.0, R=R)) for R in WIDTHS)
        good = min(probabilities) > LEVEL and error < 1e-12
        fine &= good
        print(f"{name:6s} tails {probabilities[0]:.3f} {probabilities[1]:.3f}  no noise: {error:.1e}  {_word(good)}")
    if library() is not None:
        reference = Reference(CELL)
        reference.schedule()
        who, gamma, weight = numpy_heapq.schedule(CELL)
        same = np.array_equal(reference.who[CELL.M :], who) and np.array_equal(reference.gamma[CELL.M :], gamma)
        same = same and np.array_equal(reference.weight[CELL.M :], weight)
        probabilities = normals_of_c()
        good = same and min(probabilities) > LEVEL
        fine &= good
        listed = " ".join(f"{p:.3f}" for p in probabilities)
        print(f"C      schedule as NumPy's: {same}  normals: {listed}  {_word(good)}")
    return 0 if fine else 1


def _word(good: bool) -> str:
    return "agrees" if good else "DISAGREES"


if __name__ == "__main__":
    raise SystemExit(main())
