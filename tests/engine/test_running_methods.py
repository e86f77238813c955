"""Methods in the engine: asynchronous SGD becomes minibatch SGD, and optimisers that are no kernels."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from ratecheck.core.method import Method
from ratecheck.core.schedule import Schedule
from ratecheck.core.shelf import METHODS, PROBLEMS
from ratecheck.engine import loop
from ratecheck.engine.replay import objects, plan_of
from ratecheck.engine.state import allocate, begin, no_draw, no_fill, no_gradient, no_query, switches
from ratecheck.engine.sweep import simulate
from ratecheck.errors import PartError
from tests.makers import built_of, schedule_of


def exact_last(method: Method, schedule: Schedule, gamma: Fraction) -> list[Fraction]:
    """Return the last iterate of a method with a constant stepsize on a quadratic, in Fractions."""
    x0, data = objects([Fraction(2, 3), Fraction(-7, 5)]), objects([Fraction(1, 3), Fraction(1)])
    state = allocate(method, schedule, x0, [], 1)
    made = [gamma] * schedule.handouts
    plan = plan_of(schedule, [gamma] * schedule.horizon, made, [Fraction(0)] * (schedule.steps + 1), exact=True)
    begin(method, state, x0)
    loop.run(0, schedule.horizon + 1, method.receive, no_query, no_gradient, PROBLEMS.get("quadratic").mean_gradient,
             no_fill, no_fill, no_draw, state.server, plan, state.flight, state.stream, switches(method, 0), data, None,
             0, 0)  # fmt: skip
    return list(state.server.x[0])


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_asynchronous_sgd_under_the_barrier_is_minibatch_sgd(workers, tmp_path):
    """With gamma / M for gamma, exactly, at the end of every round; and not with gamma, nor without the barrier."""
    one, other, gamma = METHODS.get("async_sgd"), METHODS.get("minibatch_sgd"), Fraction(2, 7)
    for rounds in (1, 2, 6):
        schedule = schedule_of("exponential", workers, rounds * workers, tmp_path, scheduler="barrier")
        right = exact_last(other, schedule, gamma)
        assert exact_last(one, schedule, gamma / workers) == right
        if workers > 1:
            assert exact_last(one, schedule, gamma) != right
    if workers > 1:
        free = schedule_of("exponential", workers, 6 * workers, tmp_path)
        assert exact_last(one, free, gamma / workers) != exact_last(other, free, gamma)


class NumpySGD:
    """SGD as people write it; counts its steps to see that each replicate has its own object."""

    made: list[NumpySGD] = []

    def __init__(self) -> None:
        self.steps, self.begun = 0, np.zeros(0)
        NumpySGD.made.append(self)

    def reset(self, x0: np.ndarray) -> None:
        self.begun = x0

    def step(self, x: np.ndarray, gradient: np.ndarray, gamma: float) -> np.ndarray:
        assert x.shape == gradient.shape == (3,)
        self.steps += 1
        return x - gamma * gradient


def test_a_python_optimiser_is_run_as_a_method():
    """The strict build computes the same operations as NumPy does, so the runs agree to the bit."""
    built = built_of()
    NumpySGD.made.clear()
    uncompiled = dataclasses.replace(built, method=Method.from_python(NumpySGD))
    found, right = simulate(uncompiled, 0, 8, strict=True), simulate(built, 0, 8, strict=True)
    assert uncompiled.method.name == "NumpySGD"
    assert np.array_equal(found.last, right.last)
    assert np.array_equal(found.average, right.average)
    assert [one.steps for one in NumpySGD.made] == [100] * 8
    assert all(np.array_equal(one.begun, built.instance.start) for one in NumpySGD.made)


class Momentum:
    """Keeps state between steps: replicates that shared it would not be independent."""

    def __init__(self) -> None:
        self.v = 0.0

    def step(self, x: Any, gradient: Any, gamma: float) -> Any:
        self.v = 0.5 * self.v + gradient
        return x - gamma * self.v


def test_state_of_a_python_optimiser_starts_anew_with_each_run():
    built = dataclasses.replace(built_of(), method=Method.from_python(Momentum, "momentum"))
    one, two = simulate(built, 0, 8), simulate(built, 0, 8)
    assert np.array_equal(one.last, two.last)
    assert not np.array_equal(one.last, simulate(built_of(), 0, 8).last)


class Explosive:
    def step(self, x: Any, gradient: Any, gamma: float) -> Any:
        return x * -1e200


class WrongShape:
    def step(self, x: Any, gradient: Any, gamma: float) -> Any:
        return x[:2]


def test_python_optimisers_may_diverge_and_may_fail():
    found = simulate(dataclasses.replace(built_of(), method=Method.from_python(Explosive)), 0, 8)
    assert not found.finite.any()
    with pytest.raises(PartError, match=r"WrongShape.step must return the new model"):
        simulate(dataclasses.replace(built_of(), method=Method.from_python(WrongShape)), 0, 8)
