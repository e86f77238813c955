"""Contract of every problem on the shelf: what it declares is challenged, and planted lies are caught."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ratecheck.checks.preconditions.bench import Bench
from ratecheck.checks.preconditions.challenge import challenge_problem
from ratecheck.core.keys import key_of
from ratecheck.core.problem import MEAN, Instance, Problem
from ratecheck.core.shelf import PROBLEMS
from ratecheck.engine.compile import seal
from ratecheck.errors import PartError

#: parameters to try beside the defaults
OTHERS: dict[str, list[dict[str, Any]]] = {
    "quadratic": [{"spectrum": ["1/2", 0.125, 1]}, {"spectrum": [2, 0]}, {"dimension": 1, "radius": "1/3"}],
    "dense_quadratic": [{"dimension": 3, "condition": 10, "smoothness": 7}],
    "least_squares": [{"rows": 20, "dimension": 3, "batch": 4}],
    "logistic": [{"rows": 40, "dimension": 3, "l2": "1/10", "batch": 3}],
    "huber": [{"dimension": 5, "kink": "1/3", "smoothness": 4}],
    "asymmetric_abs": [{"dimension": 4, "left": 3, "right": "1/3"}],
    "rational_well": [{"dimension": 1, "smoothness": 3}],
    "pseudo_huber": [{"dimension": 1, "kink": "1/10", "smoothness": 3}],
    "heterogeneous_quadratic": [{"dimension": 1, "zeta": 2}, {"spectrum": ["1/2", 0, 1], "zeta": 0}],
    "heterogeneous_well": [{"dimension": 1, "smoothness": 3, "contrast": 1}, {"contrast": 0}],
    "two_worlds": [{"world": "A", "radius": 3}, {"world": "B", "sigma": 2}, {"shape": "linear", "workers": 3}],
    "uniform_rows": [{"rows": 30, "dimension": 3, "batch": 5, "seed": 42}],
}
#: what is tried instead of the defaults, where those are large
SMALL: dict[str, dict[str, Any]] = {"digits_network": {"rows": 6, "test": 4, "hidden": 2, "batch": 2}}
#: problems that take their data from somewhere, whatever the key
GIVEN = ("digits_network", "two_worlds")
#: constants of a cell, for problems that ask for them
CELL = {"W": 40.0, "M": 5, "K": 12}
EVERY = [(name, par) for name in PROBLEMS.names() for par in (SMALL.get(name, {}), *OTHERS.get(name, []))]
every_problem = pytest.mark.parametrize(("name", "par"), EVERY, ids=lambda v: v if isinstance(v, str) else None)


def bench_of(name: str, par: dict[str, Any]) -> Bench:
    problem = PROBLEMS.get(name)
    return Bench(problem, problem.instance(par, CELL, key_of("test", name)), workers=int(CELL["M"]))


def workers_of(problem: Problem) -> list[int]:
    """Return the workers whose gradients differ; of a heterogeneous problem F first."""
    return [MEAN, *range(int(CELL["M"]))] if problem.heterogeneous else [0]


def lying(problem: Problem, change: Callable[[Instance], Instance], **kernels: Any) -> Problem:
    """Return the problem with another declaration or other kernels."""
    return replace(problem, make=lambda par, constants, key: change(problem.make(par, constants, key)), **kernels)


def same(instance: Instance) -> Instance:
    return instance


def declaring(**scale: float) -> Callable[[Instance], Instance]:
    """Return a change that multiplies declared constants."""

    def change(instance: Instance) -> Instance:
        constants = {n: v * scale.get(n, 1.0) for n, v in instance.constants.items()}
        return replace(instance, constants=constants)

    return change


def saying(word: str) -> Callable[[Instance], Instance]:
    """Return a change that adds a class word."""
    return lambda instance: replace(instance, classes=instance.classes | {word})


def test_every_file_is_on_the_shelf():
    folder = Path(__file__).parents[2] / "ratecheck" / "problems"
    files = {p.stem for p in folder.glob("*.py") if not p.stem.startswith("_")}
    assert files == set(PROBLEMS.names()) >= set(OTHERS)
    assert all(PROBLEMS.get(name).name == name for name in files)


@every_problem
def test_declarations_survive_the_challenge(name, par):
    assert challenge_problem(PROBLEMS.get(name), par, CELL) == []


@every_problem
def test_smoothness_and_slope_are_attained(name, par):
    """The shelf's L, G and zeta are not only bounds: within 1% they are met, so a claim is tested at its edge."""
    bench = bench_of(name, par)
    for constant in {"L", "G", "zeta"} & set(bench.instance.constants):
        assert bench.observed[constant] >= 0.99 * bench.instance.constants[constant]


@every_problem
def test_strong_convexity_of_quadratics_is_attained(name, par):
    bench = bench_of(name, par)
    centre, low = bench.instance.minimiser, bench.instance.minimum
    steps = [bench.near(1.0) - centre for _ in range(3)]
    is_quadratic = all(
        abs(bench.value(centre + 2 * s) - 4 * bench.value(centre + s) + 3 * low)
        <= 8 * bench.value_rounding(centre + 2 * s)
        for s in steps
    )
    if is_quadratic:
        assert bench.observed["mu"] <= 1.01 * bench.instance.constants.get("mu", 0.0) + 1e-12
    else:
        assert "quadratic" not in name


@every_problem
def test_exact_kernels_give_fractions(name, par):
    bench = bench_of(name, par)
    if not bench.problem.exact:
        return
    x = np.round(bench.near(1.0) * 1024) / 1024
    many = np.array([Fraction(float(t)) for t in np.repeat(x, 2)], dtype=object)
    data = bench.problem.layout(bench.instance.data, 2) if bench.problem.layout else bench.instance.data
    data = np.array([Fraction(float(t)) for t in data], dtype=object)
    gradient, values = np.full(many.shape, None), np.full(2, None)
    bench.problem.value(many, data, values)
    assert values[0] == values[1]
    assert abs(float(values[0]) - bench.value(x)) <= bench.value_rounding(x)
    for m in workers_of(bench.problem):
        bench.problem.mean_gradient(many, m, data, gradient)
        assert all(type(t) is Fraction for t in (*gradient, *values))
        room = bench.gradient_rounding(x) + bench.rounding(np.linalg.norm(bench.gradient(x, m)))
        assert np.abs(gradient[::2].astype(float) - bench.gradient(x, m)).max() <= room


@pytest.mark.parametrize("name", PROBLEMS.names())
@pytest.mark.parametrize("replicates", [1, 9])
def test_strict_build_is_bitwise_the_plain_kernel(name, replicates):
    bench = bench_of(name, SMALL.get(name, {}))
    problem, data = bench.problem, bench.instance.data
    data = np.ascontiguousarray(problem.layout(data, replicates) if problem.layout else data)
    x = np.ascontiguousarray([bench.near(1.0) for _ in range(replicates)]).T.ravel()
    sample = bench.random.integers(0, max(1, bench.instance.rows), size=2 * replicates)
    jobs: list[tuple[str, Any, tuple[Any, ...], int]] = [
        ("value", problem.value, (x, data), replicates),
        *(("mean_gradient", problem.mean_gradient, (x, m, data), x.size) for m in workers_of(problem)),
    ]
    if problem.gradient is not None:
        jobs.append(("gradient", problem.gradient, (x, 0, sample, data), x.size))
    for kind, kernel, arguments, size in jobs:
        compiled, plain = np.zeros(size), np.zeros(size)
        seal(kind, kernel, strict=True)(*arguments, compiled)
        kernel(*arguments, plain)
        assert np.array_equal(compiled, plain), kind


@pytest.mark.parametrize("name", PROBLEMS.names())
def test_data_are_a_function_of_the_key(name):
    problem = PROBLEMS.get(name)
    one, again, other = (problem.instance({}, CELL, np.uint64(k)) for k in (1, 1, 2))
    assert np.array_equal(one.data, again.data)
    made = (bool(one.rows) or name.startswith("dense")) and name not in GIVEN
    assert np.array_equal(one.data, other.data) != made


@every_problem
def test_a_constant_two_percent_too_small_is_caught(name, par):
    problem = PROBLEMS.get(name)
    declared = problem.instance(par, CELL, np.uint64(0)).constants
    for constant in {n for n in ("L", "G", "zeta") if declared.get(n)}:
        found = challenge_problem(lying(problem, declaring(**{constant: 0.98})), par, CELL)
        assert any(f"{constant} = " in sentence for sentence in found)


LIES = {
    "half the smoothness": ("quadratic", declaring(L=0.5), "L = 0.5 is declared"),
    "smoothness off by a millionth": ("dense_quadratic", declaring(L=1 - 1e-6), "L = 0.999999 is declared"),
    "twice the strong convexity": ("quadratic", declaring(mu=2.0), "mu = 0.0002 is declared"),
    "mu off by a thousandth": ("least_squares", declaring(mu=1.001), "mu ="),
    "a standard deviation too small": ("logistic", declaring(sigma=0.7), "sigma ="),
    "a higher minimum": ("logistic", lambda i: replace(i, minimum=i.minimum + 1e-9), "F* ="),
    "a lower minimum": ("huber", lambda i: replace(i, minimum=-1e-9), "F* ="),
    "another minimiser": (
        "least_squares", lambda i: replace(i, minimiser=i.minimiser + 1e-3), "F(minimiser) =",
    ),
    "a well that is called convex": ("rational_well", saying("convex"), "chord"),
    "smooth without L": ("asymmetric_abs", saying("smooth"), "declares no"),
    "L without the word": (
        "huber", lambda i: replace(i, classes=i.classes - {"smooth"}), "does not say 'smooth'",
    ),
    "a dissimilarity off by a thousandth": (
        "heterogeneous_quadratic", declaring(zeta=0.999), "a worker's gradient off that of F by 0.5 was seen",
    ),
    "a dissimilarity met at one distance alone": (
        "heterogeneous_well", declaring(zeta=0.98), "zeta = ",
    ),
    "sigma without rows": (
        "quadratic", lambda i: replace(i, constants={**i.constants, "sigma": 1.0}), "no rows to sample",
    ),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_declaration_is_caught(lie):
    name, change, fragment = LIES[lie]
    found = challenge_problem(lying(PROBLEMS.get(name), change), {}, CELL)
    assert any(fragment in sentence for sentence in found), found


def too_steep(x: Any, worker: Any, data: Any, out: Any) -> None:
    for i in range(x.shape[0]):
        out[i] = data[i] * x[i]
    out[0] = out[0] * 1001 / 1000


def wrong_side(x: Any, worker: Any, data: Any, out: Any) -> None:
    for i in range(x.shape[0]):
        out[i] = data[1] if x[i] > 0 else -data[1]


def broken(x: Any, data: Any, out: Any) -> None:
    out[0] = data[data.shape[0]]


def unshared(x: Any, worker: Any, sample: Any, data: Any, out: Any) -> None:
    PROBLEMS.get("least_squares").gradient(x, worker, sample, data, out)
    for i in range(out.shape[0]):
        out[i] = out[i] * sample.shape[0]


def by_worker(x: Any, worker: Any, data: Any, out: Any) -> None:
    for i in range(x.shape[0]):
        out[i] = data[i] * x[i] + worker / 1024


def mean_of_none(x: Any, worker: Any, data: Any, out: Any) -> None:
    PROBLEMS.get("heterogeneous_quadratic").mean_gradient(x, max(worker, 0), data, out)


def lone_last(x: Any, worker: Any, data: Any, out: Any) -> None:
    PROBLEMS.get("heterogeneous_quadratic").mean_gradient(x, worker, data, out)
    if worker == 4:
        out[0] += 1e-6


KERNEL_LIES = {
    "workers that differ undeclared": ("quadratic", {"mean_gradient": by_worker}, "not declared heterogeneous"),
    "the first worker for all": ("heterogeneous_quadratic", {"mean_gradient": mean_of_none}, "not that of its value"),
    "a last worker that is off": ("heterogeneous_quadratic", {"mean_gradient": lone_last}, "off the gradient of F"),
    "a gradient off by a thousandth": ("quadratic", {"mean_gradient": too_steep}, "not that of its value"),
    "a subgradient of another function": (
        "asymmetric_abs",
        {"mean_gradient": wrong_side},
        "not that of its value",
    ),
    "a batch that is summed": ("least_squares", {"gradient": unshared}, "on a batch of rows"),
    "rows and no kernel for them": ("least_squares", {"gradient": None}, "no kernel gradient"),
    "a kernel that fails": ("huber", {"value": broken}, "its kernels fail: IndexError"),
    "a layout in the wrong order": (
        "quadratic",
        {"layout": lambda data, many: np.tile(data, many)},
        "replicates",
    ),
}


@pytest.mark.parametrize("lie", KERNEL_LIES)
def test_a_lying_kernel_is_caught(lie):
    name, kernels, fragment = KERNEL_LIES[lie]
    found = challenge_problem(lying(PROBLEMS.get(name), same, **kernels), {}, CELL)
    assert any(fragment in sentence for sentence in found), found


WRONG = [
    ("quadratic", {"condition": 0.5}, "condition must be at least 1"),
    ("quadratic", {"spectrum": []}, "spectrum must list"),
    ("quadratic", {"spectrum": [1, -1]}, "spectrum must list"),
    ("quadratic", {"dimension": 1.5}, "dimension must be a whole number"),
    ("quadratic", {"radius": 0}, "radius must be positive"),
    ("dense_quadratic", {"smoothness": "fast"}, "smoothness must be a number"),
    ("least_squares", {"rows": 3}, "at least as many rows"),
    ("logistic", {"rows": 4, "dimension": 8}, "can be separated"),
    ("logistic", {"rows": 9, "dimension": 8, "radius": 50}, "can be separated"),
    ("logistic", {"l2": -1}, "l2 must be"),
    ("huber", {"kink": "sharp"}, "kink must be a number"),
    ("huber", {"curve": 1}, "no parameter 'curve'"),
    ("heterogeneous_quadratic", {"zeta": -1}, "zeta must be a number >= 0"),
    ("heterogeneous_well", {"contrast": 2}, "contrast must lie between 0 and 1"),
]


@pytest.mark.parametrize(("name", "par", "sentence"), WRONG)
def test_wrong_parameters_are_one_sentence(name, par, sentence):
    with pytest.raises(PartError, match=sentence):
        PROBLEMS.get(name).instance(par, CELL, np.uint64(0))
