"""Exact second moments of errors: against enumeration of all outcomes in rational arithmetic, moments, Monte Carlo."""

from __future__ import annotations

import dataclasses
import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ratecheck.checks.fourth import Square, second_moments
from ratecheck.checks.moments import check_moments, numbers_of
from ratecheck.core.cell import Cell
from ratecheck.core.claim import Claim, Inequality, Statement
from ratecheck.core.formula import Formula
from ratecheck.core.part import Part
from ratecheck.core.shelf import CLAIMS
from ratecheck.core.symbols import B, W, last_sq, mean_gap, mean_gradient_sq, output_gap, virtual_sq
from ratecheck.engine.build import Built, build
from ratecheck.engine.sweep import block_width, simulate
from ratecheck.errors import CapabilityError

CONVEX, MINIBATCH = CLAIMS.get("mishchenko2022.theorem3_convex"), CLAIMS.get("mishchenko2022.minibatch_convex")
SIGNS = Part("rademacher")
#: the master form of minibatch SGD uses the last iterate; this one uses all four quantities at once
ALL = dataclasses.replace(
    CONVEX,
    outputs={
        rule: Statement(Inequality(Formula(output_gap), Formula(B**2 / W)), master=Inequality(
            Formula(gap=2 * W * mean_gap, distance=virtual_sq, last=last_sq / 3, output=W * output_gap),
            Formula(B**2)))
        for rule in ("R0", "R1")
    },
)  # fmt: skip


def small(claim: Claim, workers: int, steps: int, *, output: str = "", noise: Part = SIGNS,
          sigma: float = 0.75, spectrum: Any = ("1/2",), arrivals: Any = None, problem: str = "quadratic",
          **par: Any) -> Built:  # fmt: skip
    delays = Part("order", {"workers": arrivals}) if arrivals else Part("exponential", {"spread": 7})
    objective = Part(problem, par or {"spectrum": list(spectrum), "radius": 2})
    cell = Cell(objective, noise, delays, workers, steps, sigma, output or claim.output)
    return build(cell, 3, method=claim.method, scheduler=claim.scheduler, stepsize=claim.stepsize)


# all outcomes of a noise of two values, in rational arithmetic, by a loop of their own


def follow(a: Fraction, start: Fraction, built: Built, noises: tuple[Fraction, ...]) -> dict[str, Fraction]:
    """Run SGD (asynchronous or in rounds) along one coordinate with these noises, one a hand-out."""
    w, s = built.weighted, built.weighted.schedule
    gamma, ghat, weight = ([Fraction(v) for v in vector.tolist()] for vector in (w.gamma, w.gamma_hat, w.weight))
    x = virtual = start
    total, gap, gradients = Fraction(0), Fraction(0), []
    held = x  # minibatch SGD moves at the end of a round
    rounds = s.workers if built.method.name == "minibatch_sgd" else 1
    for n in range(s.horizon + 1):
        total += weight[n] * x
        gap += weight[n] * a * x * x / 2
        for h in range(s.offset[n], s.offset[n + 1]):
            gradients.append(a * x + noises[h])
            virtual -= ghat[h] * gradients[h]
        if n < s.horizon:
            held -= gamma[n] * gradients[s.source[n]] / rounds
            if (n + 1) % rounds == 0:
                x = held
    whole = sum(weight)
    return {"average": total / whole, "mean_gap": gap / whole, "virtual_sq": virtual**2, "last_sq": x * x}


def enumerated(claim: Claim, built: Built, values: dict[Fraction, Fraction]) -> dict[str, Square]:
    """Return the moments over all outcomes of independent noises with these values and probabilities."""
    handouts, d = built.weighted.schedule.handouts, built.instance.dimension
    constants = {n: Fraction(v) for n, v in built.constants.items() if v is not None}
    eigenvalues, starts = (
        [Fraction(v) for v in vector.tolist()] for vector in (built.instance.data, built.instance.start)
    )
    found = dict.fromkeys(claim.outputs[built.cell.output].inequalities(), (Fraction(0), Fraction(0)))
    for outcome in itertools.product(values, repeat=handouts * d):
        chance = math.prod(values[z] for z in outcome)
        runs = [
            follow(a, x0, built, outcome[i * handouts : (i + 1) * handouts])
            for i, (a, x0) in enumerate(zip(eigenvalues, starts, strict=True))
        ]
        sums = {n: sum(r[n] for r in runs) for n in ("mean_gap", "virtual_sq", "last_sq")}
        sums["output_gap"] = sum(a * r["average"] ** 2 / 2 for a, r in zip(eigenvalues, runs, strict=True))
        for name, (mean, square) in found.items():
            lhs = claim.outputs[built.cell.output].inequalities()[name].lhs.exact({**constants, **sums})
            side = Fraction(int(lhs.p), int(lhs.q))
            found[name] = (mean + chance * side, square + chance * side**2)
    return {n: Square(float(mean), float(square)) for n, (mean, square) in found.items()}


HALF = Fraction(1, 2)
FAIR = {Fraction(1): HALF, Fraction(-1): HALF}
#: two values of mean 0 and variance 1, with E z^3 = 3/2 and E z^4 = 13/4
RARE = {Fraction(2): Fraction(1, 5), Fraction(-1, 2): Fraction(4, 5)}
OUTCOMES = [
    (CONVEX, {"workers": 1, "steps": 3}, FAIR),
    (CONVEX, {"workers": 2, "steps": 4, "arrivals": [0, 1, 1, 0], "output": "R0"}, FAIR),
    (ALL, {"workers": 3, "steps": 4, "arrivals": [2, 0, 2, 1], "sigma": 2.0}, FAIR),
    (ALL, {"workers": 2, "steps": 5, "arrivals": [0, 1, 1, 1, 0], "sigma": 2.0}, RARE),
    (CONVEX, {"workers": 1, "steps": 2, "spectrum": ["1/4", 1], "sigma": 0.5}, RARE),
    (MINIBATCH, {"workers": 2, "steps": 4, "sigma": 8.0}, RARE),
]


@pytest.mark.parametrize(("claim", "case", "values"), OUTCOMES)
def test_all_outcomes_in_rational_arithmetic(claim, case, values):
    law = SIGNS if values is FAIR else Part("two_point", {"p": 0.2})
    built = small(claim, noise=law, **case)
    # sigma / sqrt(d) may be irrational: give each coordinate the rational level sigma, once stepsizes are made
    scale = Fraction(built.constants["sigma"])
    level = float(scale) * math.sqrt(built.instance.dimension)
    built = dataclasses.replace(built, constants={**built.constants, "sigma": level})
    expected = enumerated(claim, built, {z * scale: p for z, p in values.items()})
    skewness = float(sum(p * z**3 for z, p in values.items()))
    found = second_moments(claim, built, skewness=skewness)
    # a square errs twice as much as what is squared
    room = 2 * numbers_of(built, exact=False).rounding
    assert set(found) == set(expected)
    for name, right in expected.items():
        assert found[name].mean == pytest.approx(right.mean, rel=room), name
        assert found[name].square == pytest.approx(right.square, rel=room), name
    if values is RARE:
        without = second_moments(claim, built)
        assert all(abs(without[n].square / right.square - 1) > 1e3 * room for n, right in expected.items())


# longer runs

#: of all Monte Carlo comparisons below together, when batch means of 512 runs are normal
FALSE_ALARM = 1e-6
BATCHES, BATCH = 16, 512
CELLS = [
    {"claim": CONVEX, "workers": 5, "steps": 40, "sigma": 4.0, "noise": Part("gaussian"), "spectrum": ["1/8", 1, 1]},
    {"claim": ALL, "workers": 3, "steps": 30, "output": "R0", "noise": SIGNS},
    {"claim": ALL, "workers": 3, "steps": 12, "sigma": 8.0, "noise": Part("two_point", {"p": 0.2}), "skewness": 1.5},
    {"claim": MINIBATCH, "workers": 4, "steps": 24, "sigma": 8.0, "noise": Part("gaussian"), "spectrum": ["1/8", 1]},
]


@pytest.mark.statistical
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell['noise'].label}-{cell['workers']}")
def test_monte_carlo_agrees_within_its_own_error(cell):
    skewness = cell.get("skewness", 0.0)
    claim, built = cell["claim"], small(**{n: v for n, v in cell.items() if n != "skewness"})
    width = block_width(built.instance.dimension)
    runs = [simulate(built, i, width).measured for i in range(BATCHES * BATCH // width)]
    measured = {n: np.concatenate([r[n] for r in runs]) for n in runs[0]}
    inequalities = claim.outputs[built.cell.output].inequalities()
    limit = stats.t.isf(FALSE_ALARM / (2 * len(CELLS) * 3), BATCHES - 1)
    found = second_moments(claim, built, skewness=skewness)
    for name, inequality in inequalities.items():
        lhs = inequality.lhs.table({**built.constants, **measured})
        means = np.square(lhs).reshape(BATCHES, BATCH).mean(axis=1)
        error = float(means.std(ddof=1)) / math.sqrt(BATCHES)
        assert abs(means.mean() - found[name].square) <= limit * error, name
        assert abs(means.mean() - 1.5 * found[name].square) > limit * error, name


@pytest.mark.parametrize("claim", [CONVEX, MINIBATCH])
@pytest.mark.parametrize("sigma", [0.0, 0.5, 20.0])
def test_means_are_the_exact_moments(claim, sigma):
    """Another way to the same numbers, on a run of some length; without noise E[lhs^2] is the square of the mean."""
    built = small(claim, 8, 96, sigma=sigma, noise=Part("gaussian"), spectrum=["1/50", "1/3", 1, 1])
    found, room = second_moments(claim, built), 2 * numbers_of(built, exact=False).rounding
    for name, one in check_moments(claim, built).items():
        assert found[name].mean == pytest.approx(one["lhs"], rel=room)
        assert (found[name].square > found[name].mean ** 2 * (1 + room)) == (sigma > 0)


def test_a_gaussian_walk_has_the_textbook_moments():
    """On a flat direction the virtual iterate is the start plus a Gaussian of variance sigma^2 Q: E s^4 = 3 v^2."""
    built = small(CONVEX, 2, 8, sigma=300.0, noise=Part("gaussian"), spectrum=["1/1000000", 1])
    claim = dataclasses.replace(CONVEX, outputs={"R1": Statement(Inequality(Formula(virtual_sq), Formula(B**2)))})
    built = dataclasses.replace(built, instance=dataclasses.replace(
        built.instance, data=np.array([1e-12]), start=built.instance.start[:1], minimiser=np.zeros(1)))  # fmt: skip
    x, v = float(built.instance.start[0]), 300.0**2 * built.constants["Q"]
    right = x**4 + 6 * x**2 * v + 3 * v**2
    # the iterates move by less than steps x stepsize x eigenvalue <= 8 x 1/8 x 1e-12, of which a fourth power
    assert second_moments(claim, built)["bound"].square == pytest.approx(right, rel=1e-11)


# what does not apply


def test_what_does_not_apply_is_refused_with_the_reason():
    gradients = Statement(Inequality(Formula(mean_gradient_sq), Formula(B**2)))
    other = dataclasses.replace(CONVEX, outputs={"R1": gradients})
    usual = small(CONVEX, 2, 4)
    weightless = dataclasses.replace(usual, weighted=dataclasses.replace(usual.weighted, weight=np.zeros(5)))
    cases: list[tuple[str, Claim, Built]] = [
        ("need problem quadratic", CONVEX, small(CONVEX, 2, 4, problem="huber", dimension=1)),
        ("need problem quadratic", CONVEX, small(CONVEX, 2, 4, problem="dense_quadratic", dimension=3, condition=4)),
        ("no finite fourth moment", CONVEX, small(CONVEX, 2, 4, noise=Part("student_t", {"df": 4}))),
        ("not mean_gradient_sq", other, usual),
        ("nothing about output rule", MINIBATCH, usual),
        ("coefficients", CONVEX, small(CONVEX, 2, 2000)),
        ("no iterate", CONVEX, weightless),
    ]
    for words, claim, built in cases:
        with pytest.raises(CapabilityError, match=words):
            second_moments(claim, built)


def test_a_skewness_that_no_law_has_is_refused():
    """(E z^3)^2 <= E z^4 - 1; a law of two values attains it."""
    rare = small(CONVEX, 2, 4, noise=Part("two_point", {"p": 0.2}))
    assert second_moments(CONVEX, rare, skewness=1.5)
    with pytest.raises(CapabilityError, match=r"has skewness 1\.6"):
        second_moments(CONVEX, rare, skewness=1.6)
    with pytest.raises(CapabilityError, match=r"has skewness -0\.1"):
        second_moments(CONVEX, small(CONVEX, 2, 4), skewness=-0.1)
