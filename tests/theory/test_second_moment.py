"""Kappa from the noise model: each step of the proof on quadratics, the bound on exact and simulated cells, its use."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
import sympy as sp
from scipy import stats

from ratecheck.checks.fourth import Paths, second_moments
from ratecheck.checks.kappa import LEAST, derived, kappa_of, noise_spread
from ratecheck.checks.statistics.betting import runs_needed
from ratecheck.core.cell import Cell
from ratecheck.core.claim import Inequality, Statement
from ratecheck.core.formula import Formula
from ratecheck.core.part import Part
from ratecheck.core.shelf import CLAIMS, PROBLEMS, SCHEDULERS
from ratecheck.core.symbols import B, K, M, Q, W, sigma, unit_of
from ratecheck.engine.build import Built, build
from ratecheck.engine.orders import arrival_orders
from ratecheck.engine.sweep import block_width, simulate

CONVEX = CLAIMS.get("mishchenko2022.theorem3_convex")
PROOF = CLAIMS.module("mishchenko2022.second_moment")
GAUSSIAN, SIGNS = Part("gaussian"), Part("rademacher")
SIDES = ("bound", "conditional", "master")


def cell_of(workers: int, steps: int, level: float, delays: str | list[int] = "exponential", *, output: str = "R1",
            noise: Part = GAUSSIAN, problem: str = "quadratic", **par: Any) -> Cell:  # fmt: skip
    timing = Part("order", {"workers": delays}) if isinstance(delays, list) else Part(delays)
    return Cell(Part(problem, par or {"spectrum": [1]}), noise, timing, workers, steps, level, output)


def two_point(p: str) -> Part:
    return Part("two_point", {"p": p})


def built_of(*args: Any, seed: int = 3, **more: Any) -> Built:
    return build(cell_of(*args, **more), seed, method=CONVEX.method, scheduler=CONVEX.scheduler,
                 stepsize=CONVEX.stepsize)  # fmt: skip


# the steps of the proof, as quadratic forms in (start, noises) along one coordinate


@dataclasses.dataclass
class Steps:
    """The forms (1 + H, 1 + H) of the proof on F = a x^2 / 2, and what they are compared with."""

    built: Built
    lhs: Any
    t1: Any
    t2: Any
    t3: Any
    slopes: Any  # sum over k >= 1 of g_k ||h_k||^2

    def second_moment(self, form: Any, variance: float) -> float:
        """Return E[form^2] for x_0 = 1 and signs times a root: E z^3 = 0 and E z^4 = 1."""
        noise, cross = form[1:, 1:], form[0, 1:]
        diagonal = np.diagonal(noise)
        mean = form[0, 0] + variance * diagonal.sum()
        mixed = np.square(noise).sum() - np.square(diagonal).sum()
        return float(mean**2 + 4 * variance * (cross @ cross) + 2 * variance**2 * mixed)


def steps_of(built: Built, a: float) -> Steps:
    w, schedule = built.weighted, built.weighted.schedule
    rows = Paths(built.method, PROBLEMS.get("quadratic"), schedule, w.gamma, w.gamma_hat, w.weight, np.array([a]),
                 built.constants)  # fmt: skip
    points, _, virtual = rows.points()
    handouts, g, at = schedule.handouts, w.gamma_hat, schedule.made_at[: schedule.handouts]
    back = np.full(handouts, schedule.steps + 1)  # in flight after the hand-outs at made_at .. back - 1
    back[schedule.source[: schedule.horizon]] = np.arange(1, schedule.horizon + 1)
    of_version = {int(k): float(g[h]) for h, k in enumerate(at) if k > 0}
    unit = np.eye(1 + handouts)
    t1, t2, t3 = (np.zeros((1 + handouts, 1 + handouts)) for _ in range(3))
    z = unit[0] * (1 - a * g[at == 0].sum())
    for h in range(handouts):
        window = range(max(1, at[h]), back[h])
        t1[1 + h] -= 2 * g[h] * z
        t2[1 + h] += 2 * g[h] * sum((of_version[k] * a * points[k] for k in window), 0 * z)
        t3[1 + h, 1 + h] = g[h] ** 2
        z = z - g[h] * unit[1 + h] - (g[h] * a * points[at[h]] if at[h] else 0)
    assert np.abs(z - virtual).max() <= 1e-14 * handouts  # both are sums of that many numbers below 1
    weighted = (points.T * w.weight) @ points
    slopes = sum(of_version[k] * a * a * np.outer(points[k], points[k]) for k in of_version)
    return Steps(built, a * weighted + np.outer(virtual, virtual), (t1 + t1.T) / 2, (t2 + t2.T) / 2, t3, slopes)


@cache
def every_small_case() -> list[tuple[Steps, float]]:
    """Return the forms of all orders of small cells, at curvatures up to L = 1, with the variance of the noise."""
    found = []
    for workers, steps in ((1, 3), (2, 4), (3, 4)):
        for order in arrival_orders(SCHEDULERS.get("async"), workers, steps, labelled=False):
            for output in ("R1", "R0"):
                for level in (0.5, 8.0):
                    built = built_of(workers, steps, level, list(map(int, order)), output=output, noise=SIGNS)
                    found += [(steps_of(built, a), level**2) for a in (1.0, 0.1)]
    return found


#: eigenvalues of forms with entries below 2 and at most 8 rows
ROUNDING = 2.0**-53 * 8 * 8 * 2


def smallest(slack: float) -> float:
    """Return the least eigenvalue of right minus left side of step 1, over all small cases."""
    found = []
    for s, _ in every_small_case():
        start = np.zeros_like(s.lhs)
        start[0, 0] = 1
        found.append(np.linalg.eigvalsh(start + s.t1 + s.t2 + s.t3 - s.lhs - slack * s.slopes)[0])
    return float(min(found))


def test_step_1_holds_on_every_path_of_every_small_order():
    """The difference of the sides is a positive semidefinite form in the start and the noises, L = 1."""
    assert smallest(1 / 4) >= -ROUNDING
    assert smallest(1.0) < -1e-3  # no gradient is paid for that often


def test_step_2_means_vanish():
    for s, variance in every_small_case():
        for form in (s.t1, s.t2):
            assert abs(form[0, 0] + variance * np.diagonal(form)[1:].sum()) <= ROUNDING * (1 + variance)


def of_distance(c: dict[str, Any], variance: float) -> float:
    return float(4 * variance * c["Q"] + 2 * variance**2 * c["Q"] ** 2)


def of_windows(c: dict[str, Any], variance: float) -> float:
    return float(0.8 * c["M"] / c["K"] * (1 + variance * c["Q"]))


#: the cap and the noise branch of the stepsize agree here, and the first windows see the whole gradient
WIDE = [("round_robin", 4, 32), ("half_fast", 8, 64), ("round_robin", 16, 256)]


def test_step_3_squares_are_bounded_and_the_bounds_are_not_idle():
    """With B = L = 1 and one coordinate. A bound on the windows without the M is broken, and so is half of T1's."""
    cases = [*every_small_case()]
    for delays, workers, steps in WIDE:
        level = 4 * workers / math.sqrt(steps)
        cases.append((steps_of(built_of(workers, steps, level, delays, noise=SIGNS), 1.0), level**2))
    first, second, lie = [], [], []
    for s, variance in cases:
        c = s.built.constants
        first.append(s.second_moment(s.t1, variance) / of_distance(c, variance))
        second.append(s.second_moment(s.t2, variance) / of_windows(c, variance))
        lie.append(second[-1] * c["M"])
    assert 0.9 <= max(first) <= 1
    assert 0.5 <= max(second) <= 1
    assert max(lie) > 5


# the whole bound


def without(term: str) -> dict[str, Statement]:
    """Return the theorem's statements with one part of the deviation dropped from the second moments."""
    parts = {n: getattr(PROOF, n) for n in ("_OF_DISTANCE", "_OF_WINDOWS", "_OF_SQUARES")}
    deviation = sum((sp.sqrt(p) for n, p in parts.items() if n != term), sp.Integer(0)) ** 2
    found = {}
    for rule, statement in CONVEX.outputs.items():
        lies = {
            n: dataclasses.replace(i, second_moment=Formula(
                mean=(B**2 + sigma**2 * Q) ** 2 / (1 if n == "master" else 4 * W**2),
                deviation=deviation / (1 if n == "master" else 4 * W**2)))
            for n, i in statement.inequalities().items()
        }  # fmt: skip
        found[rule] = Statement(**lies)
    return found


NO_DISTANCE = dataclasses.replace(CONVEX, outputs=without("_OF_DISTANCE"))
NO_SPREAD = dataclasses.replace(CONVEX, outputs=without("_OF_SQUARES"))


#: orders of arrivals do not close the gradients in flight, so rule RL has none of them
MODELS = {"round_robin": "R1 R0", "half_fast": "R1 R0", "exponential": "R1 R0 RL", "one_straggler": "R1 R0 RL",
          "pareto": "R1 R0 RL"}  # fmt: skip


def cells(delays: str) -> Iterator[Built]:
    """Yield quadratic cells: output rules, noises, levels of noise on both sides of the crossover."""
    for i, output in enumerate(MODELS[delays].split()):
        for j, (workers, steps) in enumerate(((1, 6), (3, 12), (8, 64))):
            level = 4 * workers / math.sqrt(steps) * (0.2, 1.0, 30.0)[(i + j) % 3]
            for noise, spectrum in ((GAUSSIAN, [1]), (SIGNS, [1, "1/30", "1/1000"])):
                yield built_of(workers, steps, level, delays, output=output, noise=noise, spectrum=spectrum)


@pytest.mark.parametrize("delays", MODELS)
def test_the_bound_is_above_the_exact_value_on_quadratics(delays):
    seen = 0
    for built in cells(delays):
        exact = second_moments(CONVEX, built)
        for name, inequality in CONVEX.outputs[built.cell.output].inequalities().items():
            proven = derived(CONVEX, built, name)
            assert proven is not None
            assert exact[name].square / inequality.rhs.value(built.constants) ** 2 <= proven, built.cell.label
            seen += 1
    assert seen == 3 * 3 * 2 * len(MODELS[delays].split())


def test_the_bound_is_sharp_on_flat_directions_and_lies_are_broken():
    """Large noise that moves the virtual iterate alone: a Gaussian walk needs all that the distance term allows."""
    built = built_of(1, 400, 4000.0, spectrum=["1/100000"])
    rhs = CONVEX.outputs["R1"].master.rhs.value(built.constants)
    kappa = second_moments(CONVEX, built)["master"].square / rhs**2
    assert 0.85 * derived(CONVEX, built, "master") <= kappa <= derived(CONVEX, built, "master")
    assert kappa > 1.5 * derived(NO_DISTANCE, built, "master")


def test_the_noise_needs_its_fourth_moment():
    """Heavy symmetric tails (E z^4 = 123) and few steps: the squares of the noise are what varies."""
    built = built_of(1, 2, 4000.0, noise=Part("student_t", {"df": "4.05"}), spectrum=["1/100000"])
    rhs = CONVEX.outputs["R1"].master.rhs.value(built.constants)
    kappa = second_moments(CONVEX, built)["master"].square / rhs**2
    assert 2 * derived(NO_SPREAD, built, "master") < kappa <= derived(CONVEX, built, "master")


#: of all simulated comparisons below together, when batch means of 512 runs are normal
FALSE_ALARM = 1e-6
BATCHES, BATCH = 16, 512
HUBER = [
    cell_of(1, 8, 100.0, problem="huber", kink="B_over_W"),
    cell_of(4, 64, 3.0, problem="huber", kink="B_over_W"),
    cell_of(16, 64, 30.0, "half_fast", problem="huber", kink="B_over_W", noise=two_point("1/20")),
    cell_of(4, 64, 30.0, "half_fast", problem="huber", kink="B_over_W", output="R0"),
    cell_of(16, 64, 300.0, "one_straggler", problem="huber", kink="1/1000", output="RL"),
]


@pytest.mark.statistical
@pytest.mark.parametrize("cell", HUBER, ids=lambda cell: cell.label)
def test_the_bound_is_above_the_simulated_value_on_huber_cells(cell):
    built = build(cell, 3, method=CONVEX.method, scheduler=CONVEX.scheduler, stepsize=CONVEX.stepsize)
    width = block_width(1)
    runs = [simulate(built, i, width).measured for i in range(BATCHES * BATCH // width)]
    measured = {n: np.concatenate([r[n] for r in runs]) for n in runs[0]}
    limit = stats.t.isf(FALSE_ALARM / (2 * len(HUBER) * len(SIDES)), BATCHES - 1)
    for name, inequality in CONVEX.outputs[cell.output].inequalities().items():
        ratio = inequality.lhs.table({**built.constants, **measured}) / inequality.rhs.value(built.constants)
        means = np.square(ratio).reshape(BATCHES, BATCH).mean(axis=1)
        error = limit * float(means.std(ddof=1)) / math.sqrt(BATCHES)
        assert means.mean() - error <= derived(CONVEX, built, name)
        if name == "master" and cell in (HUBER[0], HUBER[4]):  # enough noise to see the lie
            assert means.mean() - error > derived(NO_DISTANCE, built, name)


# its use


def test_typical_cells_need_few_runs():
    """kappa of the master inequality stays below 6 for K >= M, so that even alpha = 1e-4 is in reach of 64 runs."""
    for workers, steps in ((1, 16), (4, 64), (64, 256), (64, 4096)):
        for level in (0.3, 3.0, 300.0):
            for output in ("R1", "R0"):
                built = built_of(workers, steps, level, output=output)
                found = [kappa_of(CONVEX, built, 4.0, name) for name in SIDES]
                assert all(source == "derived" for _, source in found)
                assert LEAST <= max(kappa for kappa, _ in found) < 6
                assert runs_needed(max(kappa for kappa, _ in found), 1e-4) <= 64


def test_kappa_is_never_below_its_floor():
    built = built_of(4, 1024, 1.0)
    proven = derived(CONVEX, built)
    assert proven is not None
    assert proven < 1
    assert kappa_of(CONVEX, built, 4.0) == (LEAST, "derived")


@pytest.mark.parametrize(("noise", "spread"), [
    (GAUSSIAN, 2 / 3), (SIGNS, 0.0), (two_point("1/50"), (50**2 / 49 - 3 - 1) / 3)])  # fmt: skip
def test_the_spread_is_the_variance_of_the_squared_norm(noise, spread):
    """d = 3; the two-point law has E z^4 = 1/(p (1 - p)) - 3."""
    found = noise_spread(built_of(2, 4, 1.0, noise=noise, spectrum=[1, 1, "1/2"]))
    assert found == pytest.approx(spread, rel=1e-13, abs=1e-15)


def replaced(built: Built, **changes: Any) -> Built:
    return dataclasses.replace(built, cell=dataclasses.replace(built.cell, **changes))


def test_without_a_proof_kappa_is_the_declared_one():
    usual = built_of(2, 8, 1.0)
    student = dataclasses.replace(cell_of(2, 8, 1.0), noise=Part("student_t", {"df": 4}))
    rows = Cell(Part("logistic", {"rows": 8, "dimension": 2}), Part("rows"), Part("exponential"), 2, 8, None, "R1")
    others = [
        ("infinite fourth moment", CONVEX, student),
        ("sampled rows", CONVEX, rows),
        ("no noise", CONVEX, dataclasses.replace(cell_of(2, 8, 0.0), noise=Part("none"))),
    ]
    cases: list[tuple[str, Any, Built]] = [
        (words, claim, build(cell, 3, method=CONVEX.method, scheduler=CONVEX.scheduler, stepsize=CONVEX.stepsize))
        for words, claim, cell in others
    ]
    cases += [
        ("K < M", CONVEX, built_of(4, 2, 1.0)),
        ("another method", CONVEX, replaced(usual, method="my_sgd.py")),
        ("another stepsize", CONVEX, replaced(usual, stepsize="constant")),
        ("no proof in the claim", CLAIMS.get("mishchenko2022.theorem1"), usual),
        ("no such output", dataclasses.replace(CONVEX, outputs={"R0": CONVEX.outputs["R0"]}), usual),
    ]
    for words, claim, built in cases:
        assert kappa_of(claim, built, 7.0) == (7.0, "declared"), words
    assert kappa_of(CONVEX, usual, 7.0)[1] == "derived"
    named = replaced(usual, method=CONVEX.method, scheduler=CONVEX.scheduler, stepsize=CONVEX.stepsize)
    assert kappa_of(CONVEX, named, 7.0) == kappa_of(CONVEX, usual, 7.0)


def test_a_heavier_noise_needs_a_larger_kappa():
    at = [derived(CONVEX, built_of(1, 16, 4.0, noise=two_point(p)), "master") for p in ("1/2", "1/20", "1/5000")]
    assert at[0] < at[1] < at[2]
    assert runs_needed(at[1], 1e-4) <= 64
    assert runs_needed(at[2], 1e-4) > 512


def test_a_second_moment_of_the_wrong_dimension_is_a_fault_of_the_claim():
    assert not CONVEX.dimension_faults()
    master = CONVEX.outputs["R1"].master
    assert unit_of(PROOF.noise_spread) == (0, 0)
    wrong = Inequality(master.lhs, master.rhs, Formula(mean=(B**2 + sigma**2 * Q) ** 2, deviation=M * B**2 / K))
    assert any("deviation" in fault for fault in wrong.faults("master"))
    assert Inequality(master.lhs, master.rhs).faults("master") == []
