"""Workers with objectives of their own: whose gradient is used, whose is measured, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ratecheck.checks.measure import ROUNDOFF, measure
from ratecheck.checks.moments import moments
from ratecheck.core.part import Part
from ratecheck.core.problem import MEAN, Instance, Problem
from ratecheck.core.shelf import CLAIMS, PROBLEMS
from ratecheck.core.symbols import MEASURED
from ratecheck.engine.build import Built
from ratecheck.engine.sweep import simulate
from ratecheck.errors import PartError
from tests.makers import built_of

IDENTITIES = CLAIMS.get("mishchenko2022.lemma1").identities
QUADRATIC = {"spectrum": [0.125, 0.3, 1.0], "radius": 2}
WELL = {"dimension": 3, "radius": 2}


def differing(name: str = "heterogeneous_quadratic", par: dict[str, Any] | None = None, **more: Any) -> Built:
    return built_of(problem=Part(name, QUADRATIC if par is None else par), **{"workers": 5, **more})


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("replicates", [1, 8])
@pytest.mark.parametrize(
    ("name", "par", "base"),
    [
        ("heterogeneous_quadratic", {**QUADRATIC, "zeta": 0}, ("quadratic", QUADRATIC)),
        ("heterogeneous_well", {**WELL, "contrast": 0}, ("rational_well", WELL)),
    ],
)
def test_without_dissimilarity_it_is_the_homogeneous_run_to_the_bit(name, par, base, strict, replicates):
    one, other = differing(name, par), built_of(problem=Part(*base), workers=5)
    assert one.constants == {**other.constants, **({"G": None, "G_F": None} if name == "heterogeneous_well" else {})}
    one = replace(one, key=other.key)  # samples are those of the whole cell, the problem's name included
    here, there = (simulate(b, 0, replicates, strict=strict) for b in (one, other))
    assert np.array_equal(here.last, there.last)
    assert np.array_equal(here.average, there.average)
    for quantity in MEASURED:
        assert np.array_equal(here.measured[quantity], there.measured[quantity]), quantity


@pytest.mark.parametrize("name", ["heterogeneous_quadratic", "heterogeneous_well"])
def test_strict_build_is_bitwise_cpython(name):
    built = differing(name, {}, steps=40)
    here, there = simulate(built, 0, 8, strict=True), simulate(built, 0, 8, plain=True)
    assert all(np.array_equal(here.measured[n], there.measured[n]) for n in MEASURED)


def gradient(built: Built, x: Any, worker: int) -> Any:
    out = np.zeros_like(x)
    built.problem.mean_gradient(x, worker, built.instance.data, out)
    return out


@pytest.mark.parametrize("output", ["R1", "R0"])
@pytest.mark.parametrize("name", ["heterogeneous_quadratic", "heterogeneous_well"])
def test_the_step_is_the_workers_and_the_measure_that_of_the_mean(name, output):
    """Against a loop in NumPy; rounding is at most a few units a step of the largest number added."""
    built = differing(name, {}, sigma=0.0, output=output, steps=60)
    schedule, w = built.weighted.schedule, built.weighted
    x, flying, points = built.instance.start.copy(), {}, [built.instance.start.copy()]
    measured = own = 0.0
    for n in range(schedule.horizon + 1):
        for h in range(schedule.offset[n], schedule.offset[n + 1]):
            m = int(schedule.to_worker[h])
            flying[h] = gradient(built, x, m)
            if w.weight[schedule.made_at[h]] > 0:
                measured += w.gamma_hat[h] * np.square(gradient(built, x, MEAN)).sum()
                own += w.gamma_hat[h] * np.square(flying[h]).sum()
        if n < schedule.horizon:
            x = x - w.gamma[n] * flying[int(schedule.source[n])]
            points.append(x)
    found = simulate(built, 0, 1)
    size = max(float(np.abs(p).max()) for p in points) + built.constants["zeta"]
    assert np.abs(found.last - x).max() <= 8 * 60 * ROUNDOFF * size
    right = measured / w.weight.sum()
    assert found.measured["mean_gradient_sq"][0] == pytest.approx(right, rel=64 * 60 * ROUNDOFF)
    assert abs(own - measured) > 0.01 * measured, "the worker's own gradients would be another number"


@pytest.mark.parametrize("name", ["heterogeneous_quadratic", "heterogeneous_well"])
@pytest.mark.parametrize("sigma", [0.0, 0.5])
def test_lemma_1_holds_for_gradients_of_different_objectives(name, sigma):
    found = measure(differing(name, {}, sigma=sigma), 0, 8, MEASURED, IDENTITIES)
    assert 0 < found["identities"]["lemma1"]["ratio"] <= 1


def test_rounds_of_all_workers_do_not_feel_them():
    """Under a barrier a round sums all F_m: minibatch SGD on F, up to rounding."""
    rule = {"scheduler": "barrier", "method": "minibatch_sgd", "stepsize": "minibatch_convex", "output": "R0"}
    one = simulate(differing(sigma=0.0, **rule), 0, 1)
    other = simulate(built_of(problem=Part("quadratic", QUADRATIC), workers=5, sigma=0.0, **rule), 0, 1)
    assert np.abs(one.last - other.last).max() <= 8 * 100 * ROUNDOFF * 2
    asynchronous = simulate(differing(sigma=0.0), 0, 1)
    assert np.abs(asynchronous.last - other.last).max() > 0.01


def test_exact_moments_know_the_pull_of_the_workers():
    """One noiseless run is its own mean: all measured quantities, with cancellation between start and pulls."""
    for output in ("R1", "R0"):
        built = differing(sigma=0.0, output=output)
        run, exact = simulate(built, 0, 1).measured, moments(built)
        for name, value in exact.items():
            assert value == pytest.approx(float(run[name][0]), rel=64 * 100**2 * ROUNDOFF), name


@pytest.mark.statistical
def test_exact_moments_against_monte_carlo():
    """512 runs in 8 blocks; 7 quantities within 6 standard errors: false alarm below 1e-6 were they normal."""
    built = differing(sigma=0.7)
    exact = moments(built)
    blocks = [simulate(built, b, 64).measured for b in range(8)]
    for name, value in exact.items():
        runs = np.concatenate([b[name] for b in blocks])
        assert abs(runs.mean() - value) <= 6 * runs.std(ddof=1) / np.sqrt(runs.size), name


def test_exact_moments_of_a_small_case_are_rational():
    built = differing(sigma=0.5, workers=3, steps=6)
    exact, rounded = moments(built, exact=True), moments(built)
    for name, value in exact.items():
        assert type(value).__name__ == "Fraction"
        assert float(value) == pytest.approx(rounded[name], rel=64 * 36 * ROUNDOFF)


def test_a_problem_whose_workers_differ_must_say_how_far():
    base = PROBLEMS.get("quadratic")
    silent = Problem("silent", base.make, base.mean_gradient, base.value, par=base.par, heterogeneous=True)
    with pytest.raises(PartError, match="declares no zeta"):
        silent.instance({}, {"M": 2}, np.uint64(0))


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 7, 8])
@pytest.mark.parametrize("dimension", [1, 3])
def test_pulls_cancel_exactly_and_are_as_far_as_declared(workers, dimension):
    problem = PROBLEMS.get("heterogeneous_quadratic")
    made: Instance = problem.instance({"dimension": dimension, "condition": 2}, {"M": workers}, np.uint64(0))
    pulls = made.data[1 + 2 * dimension :].reshape(workers, dimension)
    assert np.all(pulls.sum(axis=0) == 0)
    assert np.linalg.norm(pulls, axis=1).max() == made.constants["zeta"] == (0.5 if workers > 1 else 0)
