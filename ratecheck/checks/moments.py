"""Exact moments: both sides of every inequality of a cell without sampling error, where mathematics allows it.

It allows it for methods linear in the gradients, quadratics, and additive noise whose coordinates are independent with
mean 0 and total variance sigma^2: the expectations depend on no other number of the noise law. In float64 on schedules
of thousands of steps, in rational arithmetic on small ones.

Rounding in float64. Every moment is a sum of squares of coefficients; a coefficient is built by at most a few
additions and products a step, each of which errs by 2^-53 of what it makes, and an error is carried on like noise.
So the relative error of a moment is allowed ``ROUNDING_PER_STEP`` = 64 units of roundoff a step, as for one run without
noise: enough while the method does not amplify errors (the tests compare with wider arithmetic). The eigenvalues of a
dense matrix err by d units of roundoff of the largest, which counts as d L/mu steps more. Where workers pull at the
model in different directions (heterogeneous quadratics), what they add may cancel: the mean path errs relative to its
largest value, not to what is left, and the smallest bound is about 1/K of the squared start. So K steps count K^2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp

from ratecheck.checks.measure import ROUNDOFF
from ratecheck.checks.weigh import ROUNDING_PER_STEP
from ratecheck.core import shelf
from ratecheck.core.claim import Claim
from ratecheck.core.schedule import grown, sums
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import k, tau
from ratecheck.core.verdict import Verdict
from ratecheck.engine.build import Built
from ratecheck.engine.replay import objects
from ratecheck.engine.rows import Rows, Squares
from ratecheck.engine.schedule import weigh
from ratecheck.errors import CapabilityError

#: largest steps x hand-outs x distinct eigenvalues: seconds of compiled float64, and of Fractions
LARGEST = {False: 500_000_000, True: 20_000}
#: problems of the shelf that are quadratics F(x) = 1/2 <x - x*, A (x - x*)>; the first is diagonal, and so is the last,
#: whose workers have minimisers of their own
DIAGONAL, DENSE, MIXED = "quadratic", "dense_quadratic", "heterogeneous_quadratic"


@dataclass(frozen=True, eq=False)
class Numbers:
    """The numbers of a cell in one arithmetic: float64, or Fractions (and sympy numbers where roots are taken).

    Distinct eigenvalues ``spectrum`` (E,), how many coordinates have each ``count`` (E,) and their squared distance to
    the minimiser at the start ``energy`` (E,); the variance of the noise of one coordinate; stepsizes and output
    weights as in ``core.schedule.Weighted``; the constants of the cell, those of the schedule included; and the
    relative ``rounding`` allowed to a moment.
    """

    spectrum: Any
    count: Any
    energy: Any
    variance: Any
    gamma: Any
    gamma_hat: Any
    weight: Any
    constants: dict[str, Any]
    rounding: float = 0.0


def moments(built: Built, *, exact: bool = False) -> dict[str, Any]:
    """Return the expectation of every measured quantity (``core.symbols.MEASURED``), conditional on the schedule.

    Numbers are float, or Fraction when ``exact``; then the cell's floats are taken as the rationals they are, and a
    stepsize that is irrational as the float64 that the engine uses. Raises CapabilityError where exact moments do not
    apply, with the reason: another problem, sampled rows, a nonlinear method, too many steps, no output weight.
    """
    return _moments(built, numbers_of(built, exact), exact)


def check_moments(claim: Claim, built: Built, *, exact: bool = False) -> dict[str, dict[str, Any]]:
    """Return ``lhs``, ``rhs``, ``ratio`` and ``verdict`` of each inequality of the claim under the cell's output rule.

    Verdicts are EXACT, REFUTED, VACUOUS (the bound is above the trivial one) and, in float64 only, NOT REFUTED: too
    close for the rounding allowed. In rational arithmetic the sides are Fractions, or sympy numbers with roots, and
    equality is EXACT. Raises CapabilityError as ``moments`` does.
    """
    statement = claim.outputs.get(built.cell.output)
    if statement is None:
        raise CapabilityError(f"the claim says nothing about output rule {built.cell.output}.")
    numbers = numbers_of(built, exact)
    constants = {**numbers.constants, **_moments(built, numbers, exact)}
    found = {}
    for name, inequality in statement.inequalities().items():
        if exact:
            lhs, rhs = (_plain(side.exact(constants)) for side in (inequality.lhs, inequality.rhs))
            verdict = _exact_verdict(claim, lhs, rhs)
        else:
            lhs, rhs = inequality.lhs.value(constants), inequality.rhs.value(constants)
            verdict = _float_verdict(claim, lhs, rhs, numbers.rounding)
        trivial = claim.trivial.value(built.constants) if claim.trivial else None
        vacuous = claim.kind == "upper" and name != "master" and trivial is not None and float(rhs) >= trivial
        if vacuous and verdict is not Verdict.REFUTED:
            verdict = Verdict.VACUOUS
        ratio = lhs / rhs if rhs != 0 else (np.inf if lhs > 0 else 1)
        found[name] = {"lhs": lhs, "rhs": rhs, "ratio": ratio, "verdict": verdict}
    return found


def decided(claim: Claim, built: Built | None) -> dict[str, dict[str, Any]] | None:
    """Return what ``check_moments`` says in float64, None where exact moments do not apply."""
    try:
        return check_moments(claim, built) if built else None
    except CapabilityError:
        return None


def why_not(built: Built, *, exact: bool = False) -> str | None:
    """Return why exact moments do not apply to a cell, or None. Whether the method is linear is found by running."""
    method, problem = built.method, problem_of(built)
    if problem not in (DIAGONAL, DENSE, MIXED) or (exact and problem == DENSE):
        needed = f"{DIAGONAL} or {MIXED}" if exact else f"{DIAGONAL}, {DENSE} or {MIXED}"
        return f"exact moments need problem {needed}, not {built.problem.name!r}"
    if not built.noise.additive:
        return f"exact moments need additive noise, and noise {built.noise.name!r} samples rows"
    if not (method.compiled and method.symbolic):
        return f"exact moments need a method linear in the gradients, and {method.name!r} branches on numbers"
    if built.own_schedules:
        return f"exact moments need delays that do not look at samples, and {built.delays.name!r} do"
    size = built.weighted.schedule.handouts * built.weighted.schedule.horizon * len(set(_quadratic(built)[0].tolist()))
    if size > LARGEST[exact]:
        return f"exact moments would take {size:.2g} coefficients, and {LARGEST[exact]:.2g} are allowed"
    return None


def numbers_of(built: Built, exact: bool) -> Numbers:
    """Return the numbers of a cell. Raises CapabilityError where exact moments do not apply."""
    reason = why_not(built, exact=exact)
    if reason:
        raise CapabilityError(f"{reason}.")
    values, distance = _quadratic(built)
    spectrum, where, count = np.unique(values, return_inverse=True, return_counts=True)
    sigma = (built.constants["sigma"] or 0.0) if built.noise.fill is not None else 0.0
    if not exact:
        energy = np.bincount(where, weights=distance**2)
        w, d, top = built.weighted, len(values), values.max()
        steps = float(built.cell.K)
        if problem_of(built) == DENSE:
            steps += d * top / values[values > d * ROUNDOFF * top].min()
        if problem_of(built) == MIXED:
            steps *= steps
        return Numbers(spectrum, count, energy, sigma**2 / d, w.gamma, w.gamma_hat, w.weight, dict(built.constants),
                       ROUNDING_PER_STEP * steps)  # fmt: skip
    squares = [Fraction(v) ** 2 for v in distance.tolist()]
    energies = [sum((s for s, i in zip(squares, where, strict=True) if i == e), Fraction(0)) for e in range(len(count))]
    constants = {n: Fraction(v) if isinstance(v, float) else v for n, v in built.constants.items()}
    if "B" not in built.cell.constants:  # declared as a rounded root of this sum
        total = sum(squares)
        constants["B"] = sp.sqrt(sp.Rational(total.numerator, total.denominator))
    if "Delta" not in built.cell.constants:
        constants["Delta"] = sum(Fraction(a) * s for a, s in zip(values.tolist(), squares, strict=True)) / 2
    variance = Fraction(sigma) ** 2 / len(values)
    gamma, gamma_hat, weight = _exact_stepsizes(built, constants)
    weight, along = _grown(built, weight, constants)
    constants |= sums(built.weighted.schedule, objects(gamma_hat), weight, along)
    return Numbers(objects([Fraction(a) for a in spectrum.tolist()]), objects(count), objects(energies), variance,
                   gamma, gamma_hat, weight, constants)  # fmt: skip


def problem_of(built: Built) -> str:
    """Return the name of the cell's problem on the shelf; a problem in a user's file has its path for a name."""
    return built.cell.problem.name


def _quadratic(built: Built) -> tuple[Any, Any]:
    """Return the eigenvalues (d,) of the objective and the start minus the minimiser along the eigenvectors (d,)."""
    data, away = built.instance.data, built.instance.start - built.instance.minimiser
    d = built.instance.dimension
    if problem_of(built) == DIAGONAL:
        return data, away
    if problem_of(built) == MIXED:
        return data[1 : 1 + d], away
    values, vectors = np.linalg.eigh(data[1 : 1 + d * d].reshape(d, d))
    return values, vectors.T @ away


def _exact_stepsizes(built: Built, constants: Mapping[str, Any]) -> tuple[list[Fraction], ...]:
    """Return gamma, gamma_hat and weight as Fractions.

    The schedule is weighed with codes (N + 2) tau + k for stepsizes, N deliveries in all (beyond the horizon, too), so
    that the output rule stays in one place.
    """
    schedule = built.weighted.schedule
    base = len(schedule.worker) + 2
    coded = weigh(schedule, Stepsize(code=base * tau + k), {}, built.cell.output)
    known: dict[int, Fraction] = {0: Fraction(0)}

    def decoded(code: float) -> Fraction:
        at = int(code)
        if at not in known:
            delay, step = divmod(at, base)
            value = built.stepsize.exact(step, delay, constants)
            used = built.stepsize.table(np.array([step]), np.array([delay]), built.constants)
            known[at] = Fraction(int(value.p), int(value.q)) if value.is_Rational else Fraction(float(used[0]))
        return known[at]

    gamma, gamma_hat = ([decoded(c) for c in codes.tolist()] for codes in (coded.gamma, coded.gamma_hat))
    weight = [Fraction(0)] * (schedule.steps + 1)
    for h, g in enumerate(gamma_hat):
        weight[int(schedule.made_at[h])] += g
    if coded.weight[0] == 0:
        weight[0] = Fraction(0)
    if built.cell.output == "uniform":  # a mean of codes is no code
        counted = [g for g, c in zip(gamma, schedule.counted.tolist(), strict=False) if c]
        weight = [sum(counted, Fraction(0)) / schedule.steps] * schedule.steps + [Fraction(0)]
    if built.cell.output == "last":
        weight = [Fraction(0)] * schedule.steps + [Fraction(1)]
    return gamma, gamma_hat, weight


def _grown(built: Built, weight: list[Fraction], constants: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the output weights after their growth, and the products of the growth (``Weighted.grown``)."""
    one = Fraction(1)
    if built.growth is None:
        return objects(weight), objects([one] * (len(weight) + 1))
    values = {g: built.growth.exact({**constants, "weight": g}) for g in set(weight)}
    if not all(v.is_Rational for v in values.values()):
        raise CapabilityError("the growth of the output weights is no rational number here.")
    along = grown(objects([Fraction(int(values[g].p), int(values[g].q)) for g in weight]))
    return objects(weight) * along[1:], along


def _moments(built: Built, n: Numbers, exact: bool) -> dict[str, Any]:
    total = n.constants["W"]
    if not total > 0:
        raise CapabilityError(f"under output rule {built.cell.output} no iterate of this schedule has a weight.")
    diagonal = shelf.PROBLEMS.get(DIAGONAL)
    schedule = built.weighted.schedule
    rows = Rows(built.method, diagonal, schedule, n.gamma, n.gamma_hat, n.weight, n.spectrum, built.constants, exact)
    rows.require_linear()
    if np.any(built.instance.minimiser) and not rows.fixes_points():
        raise CapabilityError(
            f"method {built.method.name!r} moves where gradients vanish, and the minimiser is not the origin: "
            "exact moments do not apply; simulate it."
        )
    sums = _of_path(built, rows) if problem_of(built) == MIXED else [s * n.energy for s in rows.of_start()]
    if n.variance:
        noise = rows.of_noise()
        sums = [a + n.variance * n.count * b for a, b in zip(sums, noise, strict=True)]
    s = Squares(*sums)
    found = {
        "output_gap": (n.spectrum * s.average).sum() / (2 * total * total),
        "mean_gap": s.gap.sum() / total,
        "mean_gradient_sq": s.slope.sum() / total,
        "virtual_sq": s.virtual.sum(),
        "last_sq": s.last.sum(),
        "virtual_gap": (n.spectrum * s.virtual).sum() / 2,
        "last_gap": (n.spectrum * s.last).sum() / 2,
    }
    return {name: value if exact else float(value) for name, value in found.items()}


def _of_path(built: Built, rows: Rows) -> list[Any]:
    """Return the squares of the mean path by distinct eigenvalue (E,): a run without noise, pulled by the workers."""
    values, away = _quadratic(built)
    d, schedule = values.size, built.weighted.schedule
    pull = built.instance.data[1 + 2 * d :].reshape(-1, d)[schedule.to_worker[: schedule.handouts]]
    found = []
    for squares in replace(rows, spectrum=objects(map(Fraction, values.tolist())) if rows.exact else values).of_path(
        away, pull
    ):
        found.append(0 * rows.spectrum)
        np.add.at(found[-1], np.unique(values, return_inverse=True)[1], squares)
    return found


def _float_verdict(claim: Claim, lhs: float, rhs: float, rounding: float) -> Verdict:
    room = rounding * max(lhs, rhs)
    slack = rhs - lhs if claim.kind == "upper" else lhs - rhs
    if not slack >= -room:
        return Verdict.REFUTED
    return Verdict.EXACT if slack > room else Verdict.NOT_REFUTED


def _plain(value: sp.Expr) -> Any:
    return Fraction(int(value.p), int(value.q)) if value.is_Rational else value


def _exact_verdict(claim: Claim, lhs: Any, rhs: Any) -> Verdict:
    slack = rhs - lhs if claim.kind == "upper" else lhs - rhs
    holds = slack >= 0 if isinstance(slack, Fraction) else sp.radsimp(sp.expand(slack)).is_nonnegative
    if holds is None and slack.is_comparable:  # sympy computes digits until the sign is known
        holds = bool(slack.evalf(30) >= 0)
    if holds is None:
        raise CapabilityError(f"sympy cannot decide whether {slack} is negative.")
    return Verdict.EXACT if holds else Verdict.REFUTED
