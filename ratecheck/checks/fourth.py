"""Exact second moments of errors, E[lhs^2]: fourth moments of the iterates, from coefficient rows, without samples.

For methods linear in the gradients, the diagonal quadratic and additive noise with independent coordinates, along
each coordinate an error is a quadratic form q = z' A z in z = (start, noises of the hand-outs). With v the variance,
kurtosis and skewness those of the noise of one coordinate, and indices h, l over noises, 0 the start x_0:

    E q   = x_0^2 A_00 + v sum_h A_hh
    Var q = 4 x_0^2 v sum_h A_0h^2 + (kurtosis - 1) v^2 sum_h A_hh^2 + 2 v^2 sum_{h != l} A_hl^2
            + 4 x_0 skewness v^(3/2) sum_h A_0h A_hh

and coordinates are independent, so means and variances add. It is the oracle for proven second moments (``kappa``).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import sympy as sp

from ratecheck.checks import moments
from ratecheck.core import shelf
from ratecheck.core.claim import Claim
from ratecheck.core.formula import Formula
from ratecheck.core.symbols import MEASURED
from ratecheck.engine.build import Built
from ratecheck.engine.rows import Rows, nothing, unit
from ratecheck.errors import CapabilityError

#: largest number of coefficients, steps x hand-outs: a matrix of 32 MB and a second for each eigenvalue
LARGEST = 4_000_000
#: measured quantities that are squares of one vector, or sums of them over the iterates
COVERED = ("output_gap", "mean_gap", "virtual_sq", "last_sq")


class Square(NamedTuple):
    """``mean`` = E[lhs] and ``square`` = E[lhs^2] of the left side of an inequality, in float64."""

    mean: float
    square: float


class Forms(NamedTuple):
    """What the moments need of a form A (1 + H, 1 + H): see the formulas of the module."""

    start: float  # A_00
    linear: float  # sum_h A_0h^2
    trace: float  # sum_h A_hh
    diagonal: float  # sum_h A_hh^2
    mixed: float  # sum_{h != l} A_hl^2
    third: float  # sum_h A_0h A_hh


def second_moments(claim: Claim, built: Built, *, skewness: float = 0.0) -> dict[str, Square]:
    """Return the exact moments of the left side of each inequality of the claim, conditional on the schedule.

    ``skewness`` is E z^3 of one coordinate of the noise at unit variance: noises declare E z^4 but not E z^3; it is 0
    for a symmetric law. Raises CapabilityError where this does not apply, with the reason: what ``moments`` refuses,
    another problem than the diagonal quadratic, too many steps, no finite fourth moment, a skewness that no law with
    this fourth moment has, a left side with other quantities.
    """
    statement = claim.outputs.get(built.cell.output)
    if statement is None:
        raise CapabilityError(f"the claim says nothing about output rule {built.cell.output}.")
    numbers = moments.numbers_of(built, exact=False)
    _require(built)
    kurtosis = _kurtosis(built, skewness)
    starts = _starts(built, numbers.spectrum)
    lefts = {n: _coefficients(i.lhs, built) for n, i in statement.inequalities().items()}
    means, variances = dict.fromkeys(lefts, 0.0), dict.fromkeys(lefts, 0.0)
    v = numbers.variance
    for e, a in enumerate(numbers.spectrum.tolist()):
        paths = _paths(built, numbers, a)
        for name, coefficients in lefts.items():
            f = _forms(sum(c * paths[n] for n, c in coefficients.items()))
            energy, count = numbers.energy[e], numbers.count[e]
            means[name] += energy * f.start + count * v * f.trace
            spread = (kurtosis - 1) * f.diagonal + 2 * f.mixed
            variances[name] += 4 * energy * v * f.linear + count * v**2 * spread
            variances[name] += 4 * starts[e] * skewness * v**1.5 * f.third
    return {n: Square(float(means[n]), float(means[n] ** 2 + variances[n])) for n in lefts}


def _require(built: Built) -> None:
    schedule = built.weighted.schedule
    if moments.problem_of(built) != moments.DIAGONAL:
        raise CapabilityError(
            f"exact second moments of errors need problem {moments.DIAGONAL}, not {built.problem.name!r}: along other "
            "axes the coordinates of the noise are not independent."
        )
    size = schedule.steps * schedule.handouts
    if size > LARGEST:
        raise CapabilityError(f"exact second moments would take {size:.2g} coefficients, {LARGEST:.2g} are allowed.")
    if not built.weighted.weight.sum() > 0:
        raise CapabilityError(f"under output rule {built.cell.output} no iterate of this schedule has a weight.")


def _kurtosis(built: Built, skewness: float) -> float:
    if built.noise.fill is None:
        return 1.0  # no noise: multiplied by a variance of 0
    par = dict(zip(built.noise.par, built.noise_par.tolist(), strict=False))
    kurtosis = built.noise.fourth_moment(par) if built.noise.fourth_moment else math.inf
    if not math.isfinite(kurtosis):
        raise CapabilityError(f"noise {built.noise.name!r} has, or declares, no finite fourth moment here.")
    if skewness**2 > (kurtosis - 1) * (1 + 1e-12):  # the two-point laws attain equality, up to rounding
        raise CapabilityError(
            f"no law with fourth moment {kurtosis:g} has skewness {skewness:g}: its square is at most {kurtosis - 1:g}."
        )
    return kurtosis


def _starts(built: Built, spectrum: Any) -> Any:
    """Return the sum of the start's coordinates for each distinct eigenvalue (E,)."""
    where = np.searchsorted(spectrum, built.instance.data)
    return np.bincount(where, weights=built.instance.start - built.instance.minimiser)


def _coefficients(lhs: Formula, built: Built) -> dict[str, float]:
    """Return the coefficient of each measured quantity in a left side, which must be linear in them."""
    found = {}
    for symbol in sorted(lhs.expr.free_symbols & {sp.Symbol(n, positive=True) for n in MEASURED}, key=str):
        if symbol.name not in COVERED:
            raise CapabilityError(f"exact second moments know {', '.join(COVERED)}, not {symbol.name}.")
        found[symbol.name] = Formula(sp.diff(lhs.expr, symbol)).value(built.constants)
    return found


def _paths(built: Built, numbers: moments.Numbers, a: float) -> dict[str, Any]:
    """Return the form (1 + H, 1 + H) of each covered quantity along a coordinate with eigenvalue ``a``."""
    w, total = built.weighted, numbers.constants["W"]
    problem = shelf.PROBLEMS.get(moments.DIAGONAL)
    rows = Paths(built.method, problem, w.schedule, w.gamma, w.gamma_hat, w.weight, np.array([a]), built.constants)
    rows.require_linear()
    points, average, virtual = rows.points()
    last = points[-1]
    return {
        "output_gap": np.outer(average, average) * (a / (2 * total**2)),
        "mean_gap": (points.T * w.weight) @ points * (a / (2 * total)),
        "virtual_sq": np.outer(virtual, virtual),
        "last_sq": np.outer(last, last),
    }


def _forms(matrix: Any) -> Forms:
    noise, cross = matrix[1:, 1:], matrix[0, 1:]
    diagonal = np.diagonal(noise)
    squares = np.square(diagonal).sum()
    mixed = np.square(noise).sum() - squares
    return Forms(*map(float, (matrix[0, 0], cross @ cross, diagonal.sum(), squares, mixed, cross @ diagonal)))


class Paths(Rows):
    """Coefficient rows kept at every step, for one eigenvalue."""

    def points(self) -> tuple[Any, Any, Any]:
        """Return coefficients of x_0..x_K (K + 1, 1 + H), and of the weighted sum and the virtual iterate (1 + H,)."""
        handouts, n = self.schedule.handouts, self.schedule.horizon
        runs = (self._prepared(1, nothing, [], np.ones(1)),
                self._prepared(handouts, unit, [1, handouts, 0], np.zeros(handouts)))  # fmt: skip
        counted = [True, *(self.schedule.counted[:n] > 0).tolist()]
        found = []
        for step, counts in enumerate(counted):
            if counts:
                found.append(np.concatenate([state.server.x[0].copy() for state, _ in runs]))
            for _, go in runs:
                go(step, step + 1)
        average = np.concatenate([state.stream.average for state, _ in runs])
        return np.array(found), average, np.concatenate([state.stream.virtual for state, _ in runs])
