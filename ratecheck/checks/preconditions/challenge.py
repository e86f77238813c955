"""Challenges: what a problem, a noise or a delay model declares is attacked, not believed.

``challenge_problem``, ``challenge_noise`` and ``challenge_delays`` return a list of sentences, one for every
declaration caught lying; an empty list says that nothing was found. Plain kernels run: nothing is compiled.

Here are the problems. They are judged by witnesses: points at which a declared inequality fails by more than
the rounding of the kernels.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from ratecheck.checks.preconditions.bench import Bench, unlike
from ratecheck.checks.preconditions.laws import challenge_delays, challenge_noise
from ratecheck.core.keys import key_of
from ratecheck.core.problem import MEAN, Problem, Vector

__all__ = ["challenge_delays", "challenge_noise", "challenge_problem"]

#: a class word and the constant that must come with it
NEEDS = {"smooth": "L", "strongly-convex": "mu", "lipschitz": "G"}
#: workers tried where nobody says how many there are
WORKERS = 4


def challenge_problem(
    problem: Problem,
    par: Mapping[str, Any] | None = None,
    constants: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> list[str]:
    """Return a sentence for everything the problem declares that is refuted by points tried.

    ``par`` are its parameters, ``constants`` those of a cell (a problem may ask for W, say, or for M workers). Raises
    PartError when the instance cannot be made.
    """
    instance = problem.instance(par or {}, constants or {}, key_of("challenge", seed))
    bench = Bench(problem, instance, seed, int((constants or {}).get("M", WORKERS)))
    found: list[str | None] = []
    if instance.rows and problem.gradient is None:
        found = ["has rows and no kernel gradient(x, worker, sample, data, out)"]
    else:
        try:
            with np.errstate(all="ignore"):
                found += [check(bench) for check in _CHECKS]
        except (ArithmeticError, LookupError, TypeError, ValueError) as fault:
            found = [f"its kernels fail: {type(fault).__name__}: {fault}"]
    return [f"problem {problem.name!r}: {sentence}." for sentence in found if sentence]


def _words(bench: Bench) -> str | None:
    for word, constant in NEEDS.items():
        declared, has = bench.instance.constants.get(constant), word in bench.instance.classes
        if has and not declared:
            return f"says {word!r} and declares no positive {constant}"
        if declared and not has:
            return f"declares {constant} and does not say {word!r}"
    return None


def _upper(name: str, what: str) -> Callable[[Bench], str | None]:
    def check(bench: Bench) -> str | None:
        declared = bench.instance.constants.get(name)
        if declared is None or bench.observed.get(name, 0.0) <= declared:
            return None
        return f"{name} = {declared:.10g} is declared, and {what} {bench.observed[name]:.10g} was seen"

    return check


def _strong_convexity(bench: Bench) -> str | None:
    declared, seen = bench.instance.constants.get("mu"), bench.observed["mu"]
    if declared is None or seen >= declared:
        return None
    return f"mu = {declared:.10g} is declared, and curvature {seen:.10g} was seen"


def _convexity(bench: Bench) -> str | None:
    if "convex" not in bench.instance.classes or bench.observed["concave"] <= 0:
        return None
    return f"'convex' is declared, and F lies {bench.observed['concave']:.3g} above a chord"


def _sigma_is_of_rows(bench: Bench) -> str | None:
    if "sigma" in bench.instance.constants and not bench.instance.rows:
        return "sigma is declared, and there are no rows to sample; the noise model declares it then"
    return None


def derivative(bench: Bench) -> str | None:
    """Hold the gradient against value differences: within L h / 2, or (convex) between one-sided slopes."""
    smooth, convex = bench.instance.constants.get("L"), "convex" in bench.instance.classes
    if smooth is None and not convex:
        return None
    exact = bench.problem.exact
    h = (2.0**-40 if exact else 2.0**-20) * bench.reach
    for x in bench.points[:6]:
        point = np.round(x * 2.0**12) / 2.0**12 if exact else x
        loss = 0.0 if exact else bench.value_rounding(point) / h
        slopes, gradient = _slopes(bench, point, h, exact), bench.gradient(point)
        for i, (down, up) in enumerate(slopes):
            low, high = (down, up) if smooth is None else ((down + up - smooth * h) / 2, (down + up + smooth * h) / 2)
            loss_i = loss + bench.rounding(gradient[i])
            if not float(low) - loss_i <= gradient[i] <= float(high) + loss_i:
                return (
                    f"its gradient is not that of its value: coordinate {i} is {gradient[i]:.10g}, and "
                    f"differences of the value give {float(down + up) / 2:.10g} (step {h:.1g})"
                )
    return None


def _slopes(bench: Bench, x: Vector, h: float, exact: bool) -> list[tuple[Any, Any]]:
    """Return the slopes to the left and to the right in every coordinate, as fractions when ``exact``."""
    to: Callable[[Any], Any] = Fraction if exact else float
    data = np.array([to(float(t)) for t in bench.instance.data], dtype=object if exact else float)

    def value(moved: list[Any]) -> Any:
        out = np.array([to(0)], dtype=object if exact else float)
        bench.problem.value(np.array(moved, dtype=object if exact else float), data, out)
        return out[0]

    base, step = [to(float(t)) for t in x], to(float(h))
    here, found = value(base), []
    for i in range(len(base)):
        left, right = (value([*base[:i], base[i] + s * step, *base[i + 1 :]]) for s in (-1, 1))
        found.append(((here - left) / step, (right - here) / step))
    return found


def _minimum(bench: Bench) -> str | None:
    x, minimum = bench.centre, bench.instance.minimum
    loss = bench.value_rounding(x)
    if not bench.instance.solved:
        low = bench.value(bench.lowest)
        return None if low >= minimum - loss else f"F >= {minimum:.17g} is declared, and F = {low:.17g} was found"
    if abs(bench.value(x) - minimum) > loss:
        return f"F* = {minimum:.17g} is declared, and F(minimiser) = {bench.value(x):.17g}"
    differentiable = "differentiable" in bench.instance.classes
    slope = float(np.linalg.norm(bench.gradient(x)))
    if differentiable and slope > bench.gradient_rounding(bench.instance.start):
        return f"the gradient at the declared minimiser has norm {slope:.3g}"
    if bench.value(bench.lowest) < minimum - max(loss, bench.value_rounding(bench.lowest)):
        return f"F* = {minimum:.17g} is declared, and F = {bench.value(bench.lowest):.17g} was found"
    return None


def _rows(bench: Bench) -> str | None:
    if not bench.instance.rows:
        return None
    every = np.arange(bench.instance.rows)
    for x, m in itertools.product(bench.points[:5], bench.different):
        each = np.array([bench.row_gradient(x, [j], m) for j in every])
        loss = bench.rounding(float(np.abs(each).max())) + bench.gradient_rounding(x)
        if np.abs(each.mean(axis=0) - bench.gradient(x, m)).max() > loss:
            return "the mean of its gradients over all rows is not its mean_gradient"
        batch = bench.random.choice(every, size=5)
        if np.abs(each[batch].mean(axis=0) - bench.row_gradient(x, batch, m)).max() > loss:
            return "its gradient on a batch of rows is not the mean of theirs"
    return None


def _replicates(bench: Bench) -> str | None:
    """Compare R replicates in one vector with R separate runs of the kernels."""
    problem, data, rows = bench.problem, bench.instance.data, bench.instance.rows
    for many in (2, 3, 9):
        points = np.array([bench.near(1.0) for _ in range(many)])
        joint = np.ascontiguousarray(points.T).ravel()
        laid = np.ascontiguousarray(problem.layout(data, many)) if problem.layout else data
        out, values = np.zeros_like(joint), np.zeros(many)
        problem.value(joint, laid, values)
        if np.abs(values - [bench.value(x) for x in points]).max() > 2 * bench.value_rounding(*points):
            return f"its value on {many} replicates is not that of each alone"
        sample = bench.random.integers(0, max(1, rows), size=(many, 2))
        whole = [MEAN] if problem.heterogeneous else []
        jobs = [("mean_gradient", m, np.array([bench.gradient(x, m) for x in points])) for m in
                (*whole, *bench.different)]  # fmt: skip
        if rows:
            pairs = list(zip(points, sample, strict=True))
            jobs += [
                ("gradient", m, np.array([bench.row_gradient(x, s, m) for x, s in pairs])) for m in bench.different
            ]
        for name, m, expected in jobs:
            if name == "mean_gradient":
                problem.mean_gradient(joint, m, laid, out)
            elif problem.gradient is not None:
                problem.gradient(joint, m, sample.ravel(), laid, out)
            if np.abs(out.reshape(-1, many).T - expected).max() > 2 * bench.gradient_rounding(*points):
                return f"its {name} on {many} replicates is not that of each alone"
    return None


_CHECKS: tuple[Callable[[Bench], str | None], ...] = (
    _words, _rows, _replicates, derivative, _minimum, _convexity, _strong_convexity,
    _upper("L", "gradients that change at rate"), _upper("G", "a gradient of norm"),
    _upper("sigma", "a standard deviation over rows of"),
    _upper("sigma_L", "noise of rows that changes at rate"), _upper("zeta", "a worker's gradient off that of F by"),
    _sigma_is_of_rows, unlike,
)  # fmt: skip
