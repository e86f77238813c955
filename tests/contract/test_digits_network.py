"""The network on digits: against another program, finite differences and what it says when it cannot be made."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_digits

import ratecheck as rc
from ratecheck import Cell, Part
from ratecheck.checks.preconditions.bench import Bench
from ratecheck.checks.preconditions.challenge import challenge_problem
from ratecheck.checks.preconditions.preconditions import contradiction
from ratecheck.core.keys import key_of
from ratecheck.core.scenario import Scenario
from ratecheck.core.shelf import CLAIMS, PROBLEMS
from ratecheck.engine.build import build
from ratecheck.engine.compile import seal
from ratecheck.errors import PartError

NETWORK = PROBLEMS.get("digits_network")
PAR = {"rows": 200, "test": 100, "hidden": 12, "batch": 8, "l2": "1/100"}
#: sums of at most 200 terms of 64 products each; the largest is below 100, and 1e-11 is over 400 roundings of it
ROUNDING = 1e-11


def instance(par=PAR, seed=1):
    return NETWORK.instance(par, {"M": 2, "K": 8, "seed": seed}, key_of("test"))


def unpacked(x, hidden):
    sizes = np.cumsum([64 * hidden, hidden, 10 * hidden])
    first, b1, second, b2 = np.split(x, sizes)
    return first.reshape(64, hidden), b1, second.reshape(hidden, 10), b2


def theirs(x, a, y, hidden, l2, *, kink=True):
    """Return F, its gradient (d,) and the classes named, by matrix calculus; images (n, 64), labels (n,).

    Without ``kink`` the gradient is wrong: it flows through units that are off.
    """
    w1, b1, w2, b2 = unpacked(x, hidden)
    h = np.maximum(a @ w1 + b1, 0)
    z = h @ w2 + b2
    top = z.max(axis=1, keepdims=True)
    p = np.exp(z - top)
    p /= p.sum(axis=1, keepdims=True)
    right = np.eye(10)[y]
    value = -np.log((p * right).sum(axis=1)).mean() + l2 / 2 * x @ x
    back = (p - right) / len(y)
    below = (back @ w2.T) * ((h > 0) if kink else 1)
    parts = [a.T @ below, below.sum(axis=0), h.T @ back, back.sum(axis=0)]
    return value, np.concatenate([g.ravel() for g in parts]) + l2 * x, z.argmax(axis=1)


def images(par=PAR):
    """Return the images and labels trained on, and those of the test, from scikit-learn."""
    a, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    train, test = order[: par["rows"]], order[len(y) - par["test"] :]
    return a[train] / 16, y[train], a[test] / 16, y[test]


def points():
    rng = np.random.default_rng(3)
    start = instance().start
    return [start, start + rng.normal(size=start.size) / 5, 3 * start]


@pytest.mark.parametrize("x", points(), ids=["start", "near", "far"])
def test_against_another_program(x):
    a, y, ta, ty = images()
    made = instance()
    value, gradient, _ = theirs(x, a, y, 12, 0.01)
    out, found = np.zeros(x.size), np.zeros(1)
    seal("mean_gradient", NETWORK.mean_gradient)(x, 0, made.data, out)
    seal("value", NETWORK.value)(x, made.data, found)
    assert np.abs(out - gradient).max() < ROUNDING
    assert abs(found[0] - value) < ROUNDING
    rows = np.array([3, 3, 199, 0, 41, 7, 100, 150])
    seal("gradient", NETWORK.gradient)(x, 0, rows, made.data, out)
    assert np.abs(out - theirs(x, a[rows], y[rows], 12, 0.01)[1]).max() < ROUNDING
    seal("value", NETWORK.scores["accuracy"])(x, made.data, found)
    assert found[0] == (theirs(x, ta, ty, 12, 0.01)[2] == ty).mean()


def test_the_gradient_is_that_of_the_value():
    """Differences over 2h with h = 1e-5: their error is h^2 times a third derivative, and 1e-16/h of rounding.

    A kink within h of the point would show as a difference of the order of the slope itself: few and none here.
    """
    made, value, out, h = instance(), seal("value", NETWORK.value), np.zeros(2), 1e-5
    x = points()[1]
    gradient = np.zeros(x.size)
    seal("mean_gradient", NETWORK.mean_gradient)(x, 0, made.data, gradient)
    for i in np.random.default_rng(0).choice(x.size, 60, replace=False):
        both = np.repeat(x, 2)  # two replicates: one a step up, one down
        both[2 * i] += h
        both[2 * i + 1] -= h
        value(both, made.data, out)
        assert (out[0] - out[1]) / (2 * h) == pytest.approx(gradient[i], abs=1e-7)


def test_a_wrong_gradient_would_be_seen():
    """The same comparison with another program rejects a forgotten kink, penalty, share or image."""
    a, y, _, _ = images()
    x = points()[1]
    right = theirs(x, a, y, 12, 0.01)[1]
    lies = [
        theirs(x, a, y, 12, 0.01, kink=False)[1],
        right - 0.01 * x,
        right * 200 / 199,
        theirs(x, a[1:], y[1:], 12, 0.01)[1],
    ]
    assert all(np.abs(lie - right).max() > 1e6 * ROUNDING for lie in lies)


def test_nothing_is_known_and_the_challenge_finds_nothing():
    small = {"rows": 6, "test": 4, "hidden": 1, "batch": 2}
    made = instance(small)
    assert (dict(made.constants), made.classes, made.minimum, made.solved) == ({}, frozenset(), 0.0, False)
    assert challenge_problem(NETWORK, small, {"M": 2}) == []


def test_a_minimum_that_is_too_high_is_caught():
    small = {"rows": 6, "test": 4, "hidden": 1, "batch": 2}
    lying = replace(NETWORK, make=lambda p, c, k: replace(NETWORK.make(p, c, k), minimum=1.5))
    assert any("F >= 1.5 is declared" in said for said in challenge_problem(lying, small, {"M": 2}))


def test_the_start_is_of_the_seed_and_the_images_are_not():
    one, other = instance(seed=1), instance(seed=2)
    assert np.array_equal(one.data, other.data)
    assert not np.array_equal(one.start, other.start)
    assert np.array_equal(one.start, instance(seed=1).start)
    w1, b1, w2, b2 = unpacked(instance({}).start, 32)
    assert not b1.any()
    assert not b2.any()
    # 2048 and 320 normals: a standard deviation is off by a tenth (a fifth) with probability below 1e-6
    assert w1.std() == pytest.approx((2 / 64) ** 0.5, rel=0.1)
    assert w2.std() == pytest.approx(32**-0.5, rel=0.2)


def test_the_images_of_the_test_are_not_trained_on():
    a, _, ta, _ = images({"rows": 1437, "test": 360})
    assert len(a) + len(ta) == 1797
    made = instance({})
    assert np.array_equal(made.data[5 : 5 + 1437 * 64], a.ravel())
    assert np.array_equal(made.data[5 + 1437 * 65 : 5 + 1437 * 65 + 360 * 64], ta.ravel())


@pytest.mark.parametrize(
    ("par", "sentence"),
    [
        ({"rows": 1700}, "1700 to train on with 360 for the test are more"),
        ({"l2": -1}, "l2 must be a number >= 0"),
        ({"hidden": 0}, "hidden must be positive"),
        ({"width": 3}, "no parameter 'width'"),
    ],
)
def test_wrong_parameters_are_one_sentence(par, sentence):
    with pytest.raises(PartError, match=sentence):
        NETWORK.instance(par, {}, np.uint64(0))


def test_without_scikit_learn_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(PartError, match=r"pip install 'ratecheck\[learn\]'") as fault:
        NETWORK.instance({"rows": 33}, {}, np.uint64(0))
    assert "hidden" not in str(fault.value), "no list of parameters"


SMALL = {"rows": 40, "test": 8, "hidden": 2}
CELL = Cell(
    Part("digits_network", SMALL), Part("rows"), Part("exponential"), 4, 64, None, constants={"stepsize": 0.1}
)  # fmt: skip


@pytest.mark.parametrize("name", [n for n in CLAIMS.names() if "theorem" in n and not CLAIMS.get(n).cells])
def test_theorems_do_not_apply_and_say_why(name):
    problem = {"name": "digits_network", **SMALL}
    grid = {"problem": problem, "noise": "rows", "delays": "exponential", "M": 4, "K": 64}
    scenario = Scenario.model_validate({"title": "digits", "grid": [grid]})
    (found,) = rc.check(name, scenario, evidence="monte-carlo")
    assert str(found.verdict) == "NOT APPLICABLE"
    assert "is not declared" in found.summary


def test_a_claim_that_assumes_nothing_is_told_that_no_minimiser_is_known():
    built = build(CELL, 1, method="async_sgd", scheduler="async", stepsize="constant")
    assert "nobody knows a minimiser" in str(contradiction(built))
    assert built.constants["B"] is None
    assert built.constants["L"] is None


def test_points_are_tried_around_the_start():
    bench = Bench(NETWORK, instance({"rows": 6, "test": 4, "hidden": 1, "batch": 2}))
    assert np.array_equal(bench.centre, bench.instance.start)
    assert bench.reach == 1.0
