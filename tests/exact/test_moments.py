"""Exact moments: against closed forms, wider arithmetic and Monte Carlo; sharp master inequalities and planted lies."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy import stats

from ratecheck.checks.moments import check_moments, moments, numbers_of, why_not
from ratecheck.core.cell import Cell
from ratecheck.core.claim import Claim, Inequality, Statement
from ratecheck.core.formula import Formula
from ratecheck.core.method import Method
from ratecheck.core.part import Part
from ratecheck.core.shelf import CLAIMS, SCHEDULERS
from ratecheck.core.symbols import MEASURED
from ratecheck.core.verdict import Verdict
from ratecheck.engine import rows
from ratecheck.engine.build import Built, build
from ratecheck.engine.orders import arrival_orders
from ratecheck.engine.sweep import block_width, simulate
from ratecheck.errors import CapabilityError

CONVEX, MINIBATCH = CLAIMS.get("mishchenko2022.theorem3_convex"), CLAIMS.get("mishchenko2022.minibatch_convex")
OF_START = dataclasses.replace(CONVEX, outputs={"uniform": CONVEX.outputs["R1"]})
EXPONENTIAL = Part("exponential", {"spread": 7})
SHARP = {"spectrum": [1, "1/10000", "1/10000", "1/10000"], "radius": 1}


def built_of(
    claim: Claim = CONVEX, workers: int = 2, steps: int = 8, sigma: float = 0.5, *, output: str | None = None,
    problem: str = "quadratic", noise: str = "gaussian", delays: Part = EXPONENTIAL, method: Method | None = None,
    stepsize: float | None = None, **par: Any,
) -> Built:  # fmt: skip
    objective = Part(problem, par or {"spectrum": ["1/8", "3/10", 1], "radius": 2})
    by_hand = {} if stepsize is None else {"stepsize": stepsize}
    cell = Cell(objective, Part(noise), delays, workers, steps, sigma, output or claim.output, constants=by_hand)
    rule = claim.stepsize if stepsize is None else "constant"
    built = build(cell, 3, method=claim.method, scheduler=claim.scheduler, stepsize=rule)
    return dataclasses.replace(built, method=method) if method else built


def order(*workers: int) -> Part:
    return Part("order", {"workers": list(workers)})


# one worker: geometric sums


def alone(a: Any, gamma: Any, x0: Any, sigma: Any, steps: int) -> dict[str, Any]:
    """SGD on a/2 x^2 with equal weights on x_1..x_K: x_k = q^k x_0 - gamma sum_j q^(k-1-j) n_j, q = 1 - gamma a."""
    q, noise = 1 - gamma * a, gamma**2 * sigma**2

    def square(k: int) -> Fraction:
        return q ** (2 * k) * x0**2 + noise * (1 - q ** (2 * k)) / (1 - q**2)

    started = q * (1 - q**steps) / (1 - q)
    noises = sum(((1 - q ** (steps - j)) / (1 - q)) ** 2 for j in range(steps))
    mean = sum(square(k) for k in range(1, steps + 1)) / steps
    return {
        "output_gap": a / 2 * (started**2 * x0**2 + noise * noises) / steps**2,
        "mean_gap": a / 2 * mean,
        "mean_gradient_sq": a**2 * mean,
        "virtual_sq": square(steps + 1),
        "last_sq": square(steps),
        "virtual_gap": a / 2 * square(steps + 1),
        "last_gap": a / 2 * square(steps),
    }


@pytest.mark.parametrize("noise", ["gaussian", "two_point"])
@pytest.mark.parametrize("steps", [1, 2, 9])
def test_one_worker_gives_the_geometric_sums_exactly(steps, noise):
    built = built_of(workers=1, steps=steps, sigma=0.75, stepsize=0.25, spectrum=["1/2"], radius=2, noise=noise)
    expected = alone(Fraction(1, 2), Fraction(1, 4), Fraction(2), Fraction(3, 4), steps)
    assert moments(built, exact=True) == expected
    assert set(expected) == set(MEASURED)


@pytest.mark.parametrize("steps", [1, 2, 9])
def test_the_uniform_rule_averages_from_the_start_to_the_last_but_one(steps):
    built = built_of(OF_START, 1, steps, 0.75, output="uniform", stepsize=0.25, spectrum=["1/2"], radius=2)
    a, gamma, noise = Fraction(1, 2), Fraction(1, 4), Fraction(9, 16)
    q = 1 - gamma * a
    squares = [q ** (2 * k) * 4 + gamma**2 * noise * (1 - q ** (2 * k)) / (1 - q**2) for k in range(steps)]
    assert moments(built, exact=True)["mean_gradient_sq"] == a**2 * sum(squares) / steps
    assert built.constants["W"] == steps * 0.25


@pytest.mark.parametrize("delays", [order(0, 0, 1, 0, 1, 0), EXPONENTIAL])
def test_the_uniform_rule_counts_the_start_once_however_many_workers_have_it(delays):
    """A third worker never delivers; on F = x^2/2 the squared gradient is twice the gap."""
    built = built_of(OF_START, 3, 6, 0.75, output="uniform", delays=delays, stepsize=0.25, spectrum=[1], radius=2)
    found = moments(built, exact=True)
    assert found["mean_gradient_sq"] == 2 * found["mean_gap"]


def test_float_agrees_with_the_geometric_sums_on_a_long_run():
    steps = 5000  # three batches of rows
    built = built_of(workers=1, steps=steps, sigma=0.75, stepsize=0.25, spectrum=["1/2"], radius=2)
    found, rounding = moments(built), numbers_of(built, exact=False).rounding
    assert rounding == 64 * steps * 2.0**-53
    with mpmath.workdps(50):
        expected = alone(*map(mpmath.mpf, (0.5, 0.25, 2, 0.75)), steps)
        for name, value in expected.items():
            assert abs(found[name] / value - 1) <= rounding, name


# wider arithmetic


@pytest.mark.parametrize("output", ["R1", "R0", "RL", "uniform"])
@pytest.mark.parametrize(("workers", "steps"), [(1, 1), (2, 3), (3, 9), (5, 12)])
def test_float_agrees_with_rational_arithmetic(workers, steps, output):
    built = built_of(workers=workers, steps=steps, output=output)
    found, exact = moments(built), moments(built, exact=True)
    numbers, rational = numbers_of(built, exact=False), numbers_of(built, exact=True)
    assert all(isinstance(v, Fraction) for v in exact.values())
    for name in MEASURED:
        assert abs(Fraction(found[name]) / exact[name] - 1) <= numbers.rounding, name
    pairs = zip(numbers.weight, rational.weight, strict=True)  # a sum of hand-outs of one version, rounded
    assert all(abs(Fraction(float(w)) - e) <= 8 * 2.0**-53 * e for w, e in pairs)


def test_float_agrees_with_rational_arithmetic_on_a_longer_run():
    """Short rationals keep the numbers small; the rounding of float64 is seen, and is within what is allowed."""
    built = built_of(workers=8, steps=90, sigma=3.0, stepsize=1 / 64, spectrum=["1/8", 1], radius=2)
    found, exact, rounding = moments(built), moments(built, exact=True), numbers_of(built, exact=False).rounding
    errors = [float(abs(Fraction(found[name]) / exact[name] - 1)) for name in MEASURED]
    assert 0 < max(errors) <= rounding


@pytest.mark.parametrize(("width", "fold"), [(1, 1), (24, 6), (30, 16)])
@pytest.mark.parametrize("case", [{"workers": 5, "steps": 40}, {"claim": MINIBATCH, "workers": 4, "steps": 24}])
def test_moments_do_not_depend_on_how_rows_are_batched(case, width, fold, monkeypatch):
    built = built_of(**case)
    expected, room = moments(built), numbers_of(built, exact=False).rounding
    monkeypatch.setattr(rows, "WIDTH", width)
    monkeypatch.setattr(rows, "FOLD", fold)
    assert moments(built) == pytest.approx(expected, rel=room)


# Monte Carlo

#: of all Monte Carlo comparisons below together, when batch means of 128 runs are normal
FALSE_ALARM = 1e-6
BATCHES, BATCH = 16, 128
CELLS = [
    {},
    {"workers": 5, "steps": 40, "sigma": 4.0, "output": "R0"},
    {"workers": 3, "steps": 30, "noise": "two_point", "output": "RL"},
    {"workers": 4, "steps": 24, "problem": "dense_quadratic", "dimension": 5, "condition": 20},
    {"claim": MINIBATCH, "workers": 4, "steps": 24, "sigma": 2.0},
    {"claim": MINIBATCH, "workers": 2, "steps": 8, "problem": "dense_quadratic", "dimension": 3, "condition": 4},
]


def t_values(built: Built, expected: dict[str, float]) -> dict[str, float]:
    """Return Student's t of each measured quantity against its expectation, from batch means of independent runs."""
    width = block_width(built.instance.dimension)
    runs = [simulate(built, i, width).measured for i in range(BATCHES * BATCH // width)]
    found = {}
    for name in MEASURED:
        means = np.concatenate([r[name] for r in runs]).reshape(BATCHES, BATCH).mean(axis=1)
        found[name] = float((means.mean() - expected[name]) / (means.std(ddof=1) / math.sqrt(BATCHES)))
    return found


@pytest.mark.statistical
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: "-".join(str(v) for v in cell.values() if v is not MINIBATCH))
def test_monte_carlo_agrees_within_its_own_error(cell):
    limit = stats.t.isf(FALSE_ALARM / (2 * len(CELLS) * len(MEASURED)), BATCHES - 1)
    built = built_of(**cell)
    expected = moments(built)
    found = t_values(built, expected)
    assert max(map(abs, found.values())) <= limit, found
    lie = t_values(built, {n: 1.1 * v for n, v in expected.items()})
    assert max(map(abs, lie.values())) > limit, lie


# the inequalities


def divided(claim: Claim, factor: Fraction, term: str | None = None) -> Claim:
    """Return the claim with the right side of its master inequalities, or one term of it, divided by a factor."""
    outputs = {}
    for rule, statement in claim.outputs.items():
        master = statement.master
        assert master is not None
        terms = {n: t / factor if term in (None, n) else t for n, t in master.rhs.terms.items()}
        outputs[rule] = Statement(statement.bound, statement.conditional, Inequality(master.lhs, Formula(**terms)))
    return dataclasses.replace(claim, outputs=outputs)


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("output", ["R1", "R0"])
def test_master_inequality_is_sharp_and_a_factor_in_it_is_caught(output, exact):
    """Large noise on flat directions: the iterates hardly move, and the master inequality is almost an equality."""
    built = built_of(workers=2, steps=8, sigma=300, output=output, **SHARP)
    found = check_moments(CONVEX, built, exact=exact)
    assert found["master"]["verdict"] is Verdict.EXACT
    assert 0.997 <= found["master"]["ratio"] < 1
    for term in (None, "noise", "optimisation"):
        lie = check_moments(divided(CONVEX, Fraction(11, 10), term), built, exact=exact)["master"]
        assert lie["verdict"] is Verdict.REFUTED, term


def test_a_factor_too_small_to_matter_is_not_called_a_fault():
    """The inequality has room for a factor 1/ratio and no more: the refutation starts there."""
    built = built_of(workers=2, steps=8, sigma=300, **SHARP)
    ratio = check_moments(CONVEX, built, exact=True)["master"]["ratio"]
    just = Fraction(1) / Fraction(ratio)
    assert check_moments(divided(CONVEX, just), built, exact=True)["master"]["verdict"] is Verdict.EXACT
    more = just + Fraction(1, 10**12)
    assert check_moments(divided(CONVEX, more), built, exact=True)["master"]["verdict"] is Verdict.REFUTED


@pytest.mark.parametrize("sigma", [0.5, 8.0])
@pytest.mark.parametrize("output", ["R1", "R0"])
@pytest.mark.parametrize(("workers", "steps"), [(2, 4), (3, 4), pytest.param(3, 6, marks=pytest.mark.slow)])
def test_theorem3_holds_exactly_for_every_arrival_order(workers, steps, output, sigma):
    """K = 4 and B = 1 make every stepsize rational; sigma = 8 makes the noise branch of the stepsize the least."""
    worst = {}
    for arrivals in arrival_orders(SCHEDULERS.get("async"), workers, steps, labelled=False):
        built = built_of(workers=workers, steps=steps, sigma=sigma, output=output, delays=order(*arrivals),
                         spectrum=[1, "1/8", "1/8", "1/8"], radius=1)  # fmt: skip
        found = check_moments(CONVEX, built, exact=True)
        assert not any(one["verdict"].negative for one in found.values()), arrivals
        assert found["master"]["verdict"] is Verdict.EXACT
        assert all(isinstance(one["lhs"], Fraction) for one in found.values())
        assert steps != 4 or all(isinstance(one["rhs"], Fraction) for one in found.values())
        worst = {n: max(one["ratio"], worst.get(n, Fraction(0))) for n, one in found.items()}
    assert worst["bound"] < worst["conditional"] < worst["master"] < 1


@pytest.mark.parametrize(("workers", "rounds"), [(1, 1), (2, 1), (3, 2), (4, 3)])
def test_minibatch_master_inequality_is_an_equality_where_the_stepsize_is_one_over_the_curvature(workers, rounds):
    """One step of 1/L ends at the minimiser plus the mean noise: both sides are equal, in rational arithmetic."""
    built = built_of(MINIBATCH, workers, workers * rounds, 0.25, spectrum=[1], radius=1)
    found = check_moments(MINIBATCH, built, exact=True)["master"]
    assert found["lhs"] == found["rhs"]
    assert found["verdict"] is Verdict.EXACT
    assert check_moments(MINIBATCH, built)["master"]["verdict"] is Verdict.NOT_REFUTED  # floats do not see equality
    lie = divided(MINIBATCH, 1 + Fraction(1, 10**9))
    assert check_moments(lie, built, exact=True)["master"]["verdict"] is Verdict.REFUTED
    assert check_moments(lie, built)["master"]["verdict"] is Verdict.REFUTED


def test_a_claim_of_kind_lower_is_decided_the_other_way_round():
    built = built_of(workers=2, steps=4, delays=order(0, 1, 1, 0), spectrum=[1, "1/8"])
    lower = dataclasses.replace(CONVEX, kind="lower", trivial=None)
    for exact in (False, True):
        words = {one["verdict"] for one in check_moments(lower, built, exact=exact).values()}
        assert words == {Verdict.REFUTED}


def test_irrational_constants_are_decided_by_their_roots():
    built = built_of(workers=2, steps=5, delays=order(0, 1, 1, 0, 1), spectrum=[1, "1/8"], radius=3)
    found = check_moments(CONVEX, built, exact=True)
    assert not isinstance(found["bound"]["rhs"], Fraction)
    inexact = check_moments(CONVEX, built)
    assert all(float(found[n]["ratio"]) == pytest.approx(inexact[n]["ratio"], rel=1e-13) for n in found)


# which methods


def momentum(server: Any, a: Any) -> None:
    x, v, g = server.x[0], server.x[1], a.grad[0]
    for i in range(x.shape[0]):
        v[i] = v[i] / 2 + a.gamma * g[i]
        x[i] -= v[i]


def ahead(server: Any, worker: Any, gamma: Any, out: Any) -> None:
    for i in range(out.shape[1]):
        out[0, i] = server.x[0, i] - server.x[1, i] / 2


def decaying(server: Any, a: Any) -> None:
    x, g = server.x[0], a.grad[0]
    for i in range(x.shape[0]):
        x[i] = x[i] - a.gamma * (g[i] + x[i] / 8)


def sign(server: Any, a: Any) -> None:
    x, g = server.x[0], a.grad[0]
    for i in range(x.shape[0]):
        if g[i] > 0:
            x[i] -= a.gamma
        elif g[i] < 0:
            x[i] += a.gamma


def clipped(server: Any, a: Any) -> None:
    x, g = server.x[0], a.grad[0]
    for i in range(x.shape[0]):
        step = g[i]
        if step > 10**12:
            step = 0 * step + 10**12
        x[i] -= a.gamma * step


def by_norm(server: Any, a: Any) -> None:
    """Divide by 1 + |g|^2 of each model."""
    x, g, alike = server.x[0], a.grad[0], server.replicates
    for r in range(alike):
        total = 1 + 0 * g[r]
        for i in range(r, x.shape[0], alike):
            total += g[i] * g[i]
        for i in range(r, x.shape[0], alike):
            x[i] -= a.gamma * g[i] / total


def by_ratio(server: Any, a: Any) -> None:
    """Homogeneous like a linear method, with one factor for all coordinates of a model; and for all models."""
    x, g, last = server.x[0], a.grad[0], server.x[1]
    now, before = 0 * g[0], 0 * g[0]
    for i in range(x.shape[0]):
        now += abs(g[i])
        before += abs(last[i])
    for i in range(x.shape[0]):
        if now > 0:
            x[i] -= a.gamma * g[i] * before / now
        last[i] = g[i]


def drifting(server: Any, a: Any) -> None:
    x, g = server.x[0], a.grad[0]
    for i in range(x.shape[0]):
        x[i] -= a.gamma * (g[i] + 1)


def mixing(server: Any, a: Any) -> None:
    x, g = server.x[0], a.grad[0]
    for i in range(x.shape[0]):
        x[i] -= a.gamma * g[x.shape[0] - 1 - i]


HEAVY = Method("heavy", momentum, slots=("x", "v"), query=ahead)


@pytest.mark.statistical
def test_a_method_with_momentum_and_a_query_of_its_own():
    """Linear methods are not a list of names. The gradient is streamed at the point handed out, as runs do."""
    built = built_of(workers=3, steps=12, method=HEAVY)
    expected = moments(built)
    exact = moments(built, exact=True)
    assert all(float(exact[n]) == pytest.approx(expected[n], rel=1e-13) for n in MEASURED)
    limit = stats.t.isf(FALSE_ALARM / (2 * len(MEASURED)), BATCHES - 1)
    assert max(map(abs, t_values(built, expected).values())) <= limit


@pytest.mark.parametrize("receive", [sign, clipped, by_norm, by_ratio, drifting, mixing])
@pytest.mark.parametrize("exact", [False, True])
def test_a_method_that_is_not_linear_is_refused(receive, exact):
    method = Method(receive.__name__, receive, slots=("x", "last"))
    built = built_of(workers=2, steps=3, spectrum=["1/2"], method=method)
    with pytest.raises(CapabilityError, match="not linear in the gradients, or couples"):
        moments(built, exact=exact)


def test_weight_decay_is_linear_but_needs_the_minimiser_at_the_origin():
    method = Method("decaying", decaying)
    assert moments(built_of(method=method))["last_sq"] < moments(built_of())["last_sq"]
    with pytest.raises(CapabilityError, match="moves where gradients vanish"):
        moments(built_of(method=method, problem="dense_quadratic", dimension=3, condition=4))


def test_what_does_not_apply_is_refused_with_the_reason():
    class Plain:
        def step(self, x: Any, gradient: Any, gamma: float) -> Any:
            return x - gamma * gradient

    cases = {
        "exact moments need problem quadratic": built_of(problem="huber", dimension=3),
        "samples rows": built_of(problem="quadratic"),
        "branches on numbers": built_of(method=Method.from_python(Plain)),
        "coefficients, and": built_of(workers=2, steps=40_000, spectrum=[1]),
    }
    sampling = dataclasses.replace(cases["samples rows"].noise, fill=None, draw=lambda key, handout, count, out: None)
    cases["samples rows"] = dataclasses.replace(cases["samples rows"], noise=sampling)
    for words, built in cases.items():
        assert words in str(why_not(built))
        with pytest.raises(CapabilityError, match=words):
            moments(built)
    dense = built_of(problem="dense_quadratic", dimension=3, condition=4)
    assert why_not(dense) is None
    assert "quadratic" in str(why_not(dense, exact=True))
    with pytest.raises(CapabilityError, match="nothing about output rule"):
        check_moments(MINIBATCH, built_of())


def test_a_diverging_run_is_refused():
    with pytest.raises(CapabilityError, match="overflows"):
        moments(built_of(workers=2, steps=3000, stepsize=100.0))
