"""The convex theorems on asynchronous mu^2-SGD on runs: their bounds, what they need of a cell, and the path."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from ratecheck.core.cell import Cell
from ratecheck.core.part import Part
from ratecheck.core.shelf import CLAIMS
from ratecheck.engine.build import build, of_block
from ratecheck.engine.sweep import simulate
from ratecheck.errors import AssumptionError, PartError
from tests.arrivals_oracle import Mu2Box
from tests.teeth.planted import result

ANY, INDEPENDENT, IN_ORDER, WINDOW = (
    f"levy2026.{n}" for n in ("theorem_convex", "theorem_convex_independent", "theorem_convex_in_order",
                              "theorem_convex_window"))  # fmt: skip
convex_path = CLAIMS.module("levy2026.convex_path")
#: large noise is slow, and rare: delays that look at samples; no delay is above 32
SLOW = {"name": "slow_samples", "factor": 5, "jitter": 0}
GRID = {"problem": ["huber", "quadratic"], "noise": {"name": "two_point", "p": 0.1}, "delays": SLOW, "M": 4, "K": 2048,
        "sigma": [0, 1], "constants": {"tau_cap": 32}}  # fmt: skip


def cell(claim, delays="exponential", noise="gaussian", problem=None, workers=4, steps=64, sigma=0.5, **constants):
    delays = delays if isinstance(delays, Part) else Part(delays, {})
    objective = problem or Part("quadratic", {"spectrum": [0.125, 1.0], "radius": 2})
    return Cell(objective, Part(noise, {}), delays, workers, steps, sigma, "last", constants=constants)


def built(claim, *args, method=None, **more):
    known, one = CLAIMS.get(claim), cell(claim, *args, **more)
    return build(
        one, 3, method=method or known.method, scheduler="async", stepsize=known.stepsize, failing=known.failing
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", [ANY, IN_ORDER])
def test_the_bound_holds_under_delays_that_look_at_samples(name):
    found = result(name, GRID, evidence=("monte-carlo",), replicates=32, bare=True)
    rows = [row for row in found.details["cells"] if row.get("inequalities")]
    assert len(rows) == 4
    assert not found.verdict.negative
    assert {row["output"] for row in rows} == {"last"}
    for row in rows:  # how far off: not a bound of another order, nor a broken one
        assert 1e-6 < row["inequalities"]["bound"]["ratio"] < 0.2


@pytest.mark.parametrize("times", [0.001, 1, 32])
def test_the_bound_holds_all_over_the_window(times):
    grid = {**GRID, "delays": "round_robin", "K": 512, "sigma": 4, "constants": {"rho": times}}
    found = result(WINDOW, grid, evidence=("monte-carlo",), replicates=32, bare=True)
    assert not found.verdict.negative
    rows = [row for row in found.details["cells"] if row.get("inequalities")]
    assert rows
    assert all(row["inequalities"]["bound"]["ratio"] < 0.5 for row in rows)


def test_a_theorem_without_m_is_not_applied_to_delays_that_look():
    found = result(INDEPENDENT, GRID, evidence=("monte-carlo",), replicates=32, bare=True)
    assert found.verdict.name == "NOT_APPLICABLE"
    assert "data-dependent" in found.summary


# what is asked of a cell


def test_the_diameter_is_that_of_the_box_and_not_for_a_cell_to_say():
    one = built(ANY)
    assert one.constants["D"] == pytest.approx(2 * one.constants["B"] * np.sqrt(2), rel=1e-15)
    assert built(ANY, B=7.0).constants["D"] == pytest.approx(14 * np.sqrt(2), rel=1e-15)
    with pytest.raises(PartError, match="D is counted or measured"):
        built(ANY, D=1.0)
    with pytest.raises(AssumptionError, match="no finite D"):
        built(ANY, method="async_mu2_sgd")


def test_noise_that_differs_from_point_to_point_is_refused():
    rows = Part("logistic", {"rows": 8, "dimension": 2, "batch": 2})
    with pytest.raises(AssumptionError, match="same at every point"):
        built(ANY, noise="rows", problem=rows, sigma=None)


def test_a_cap_that_a_delay_is_above_is_refused_and_so_is_none():
    order = Part("order", {"workers": [1, 1, 1, 0] * 16})
    assert built(IN_ORDER, order, workers=2, tau_cap=4.0).weighted.schedule.oldest == 4
    with pytest.raises(AssumptionError, match="a gradient is out for 4 steps"):
        built(IN_ORDER, order, workers=2, tau_cap=3.0)
    with pytest.raises(AssumptionError, match="out for 65 steps"):  # worker 0 never delivers
        built(IN_ORDER, Part("order", {"workers": [1] * 64}), workers=2, tau_cap=64.0)
    with pytest.raises(AssumptionError, match="tau_cap"):
        built(IN_ORDER, order, workers=2)


def test_the_cap_is_asked_of_the_schedule_of_every_run():
    slow = Part("slow_samples", {"factor": 40, "jitter": 1})
    one = built(IN_ORDER, slow, workers=2, steps=256, tau_cap=256.0)
    longest = [of_block(one, block).weighted.schedule.oldest for block in range(6)]
    block, most = int(np.argmax(longest[1:])) + 1, max(longest[1:])
    for cap in (most - 1, most):
        tight = replace(one, cell=replace(one.cell, constants={"tau_cap": float(cap)}))
        if cap == most:
            assert of_block(tight, block).weighted.schedule.oldest == most
            continue
        with pytest.raises(AssumptionError, match=f"out for {most} steps"):
            of_block(tight, block)


# the last iterate


def test_the_output_is_the_model_after_the_last_delivery():
    """x_K of the engine, the paper's x_(K+1), by the definition of the method in plain Python."""
    one = built(ANY, sigma=0.0, steps=17)
    schedule, x0 = one.weighted.schedule, one.instance.start
    spectrum = np.array([0.125, 1.0])
    server = Mu2Box(x0, 4, {"B": one.constants["B"]})
    flying = {m: (1, [spectrum * (p - one.instance.minimiser) for p in server.points()]) for m in range(4)}
    for t, worker in enumerate(schedule.worker[: schedule.horizon].tolist(), 1):
        version, gradients = flying[worker]
        server.receive(t, worker, version, gradients, one.weighted.gamma[t - 1])
        flying[worker] = (t + 1, [spectrum * (p - one.instance.minimiser) for p in server.points()])
    away = server.x[-1] - one.instance.minimiser
    measured = simulate(one, 0, 1, ("output_gap", "last_gap"), plain=True).measured
    assert measured["output_gap"][0] == pytest.approx(float(spectrum @ away**2) / 2, rel=1e-12)
    assert measured["output_gap"][0] == measured["last_gap"][0]


# the path, on adversarial runs in several dimensions


def path_ratios(seed, cap=2.0):
    """One random run of the box method: how much of the path's, the moves' and the drift's right sides is used.

    Orders favour a few workers; the noise in flight that hurts most is delivered first. ``cap``: 1/gamma in 2 L K.
    """
    rng = np.random.default_rng(seed)
    d, workers, steps = int(rng.integers(1, 5)), int(rng.integers(1, 6)), int(rng.integers(1, 40))
    curve = rng.uniform(0.02, 1, d)
    curve[0] = 1
    start, huber = rng.normal(size=d), rng.random() < 0.5
    half = float(np.linalg.norm(start))
    size, diameter = rng.choice([0, 0.3, 3]), 2 * half * np.sqrt(d)

    def slope(x):
        return curve * (np.clip(x, -0.3, 0.3) if huber else x)

    def value(x):
        return curve @ (np.where(np.abs(x) <= 0.3, x * x / 2, 0.3 * np.abs(x) - 0.045) if huber else x * x / 2)

    gamma = 1 / (cap * steps)
    x, w, q = [start, start], start.copy(), np.zeros(d)
    flying = [(1, size * rng.normal(size=d)) for _ in range(workers)]
    path, noise, moved, drifted = diameter**2 / (2 * gamma), np.zeros(d), 0.0, 0.0
    for t in range(1, steps + 1):
        hurts = [one @ w for _, one in flying]
        now = int(rng.integers(workers)) if rng.random() < 0.3 else int(np.argmin(hurts))
        k, one = flying[now]
        q = q + k * slope(x[k]) - (k - 1) * slope(x[k - 1]) + one
        noise = noise + one
        error = q - t * slope(x[t])
        path += gamma * error @ error - error @ w
        drift = np.linalg.norm(error - noise)
        drifted = max(drifted, drift / (3 * (workers - 1) * diameter) if workers > 1 else drift)
        moved = max(moved, float(np.linalg.norm(x[t] - x[t - 1])) * (t + 1) / (2 * diameter))
        w = np.clip(w - gamma * q, start - half, start + half)
        x.append((t * x[t] + 2 * w) / (t + 2))
        flying[now] = (t + 1, size * rng.normal(size=d))
    return (steps + 1) * (steps + 2) / 2 * value(x[-1]) / path, moved, drifted


def test_the_path_holds_on_adversarial_runs():
    """Largest ratios of 300 runs: .46, .99, .27 (rounding: 1e-12 of sums of at most 40 terms)."""
    found = np.array([path_ratios(seed) for seed in range(300)])
    assert found.max() <= 1 + 1e-12
    assert found[:, 0].max() > 0.2
    assert found[:, 1].max() > 0.8
    assert found[:, 2].max() > 0.1


def test_a_stepsize_that_is_too_long_breaks_the_path():
    """50/(LK) for 1/(2LK): 2 of 300 runs are up to 4.9 times above."""
    found = np.array([path_ratios(seed, 0.02)[0] for seed in range(300)])
    assert found.max() > 2


def test_the_path_is_exact_on_orders():
    found = {fact.name: fact.slack((0, 1, 1, 0, 0), (1, 2, 1, 3, 1), 2) for fact in convex_path.COUNTING}
    assert min(found.values()) >= 0
    assert all(isinstance(slack, Fraction) for slack in found.values())
