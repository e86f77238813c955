"""The learning experiment after Shi, Yang & Li (2024): its parts, another program, who is better on paired seeds."""

import json
import math

import numpy as np
import pytest

from ratecheck.commands import simulation
from ratecheck.core import scenario as scenarios
from ratecheck.core.keys import key_of, wrapping
from ratecheck.core.scenario import Scenario, Simulation
from ratecheck.core.shelf import DELAYS, NOISES, STEPSIZES
from ratecheck.engine.build import build
from ratecheck.engine.sweep import simulate
from ratecheck.errors import PartError
from tests.contract.test_digits_network import theirs

METHODS = ["async_sgd", "naive_momentum", "shifted_momentum", "smega2", "ormo_vanilla_step", "ormo"]
#: in every setting, on paired seeds
BETTER = [
    ("ormo", "async_sgd"),
    ("ormo", "naive_momentum"),
    ("ormo", "ormo_vanilla_step"),
    ("smega2", "shifted_momentum"),
    ("shifted_momentum", "async_sgd"),
]


# the parts


def test_the_rate_drops_at_a_half_and_at_three_quarters():
    k = np.arange(1, 4002)
    found = STEPSIZES.get("drops").table(k, np.ones_like(k), {"K": 4000, "stepsize": 0.01})
    expected = np.repeat([0.01, 0.001, 0.0001], [2000, 1000, 1001])
    np.testing.assert_array_max_ulp(found, expected, maxulp=2)


def test_the_rate_of_late_gradients_is_cut_without_a_jump():
    tau = np.array([1, 2, 128, 129, 130, 257, 1025])
    par = {"K": 4000, "M": 64, "stepsize": 0.01}
    found = STEPSIZES.get("drops_by_delay").table(np.ones_like(tau), tau, par)
    expected = 0.01 * np.array([1, 1, 1, 1, 128 / 129, 1 / 2, 1 / 8])
    np.testing.assert_array_max_ulp(found, expected, maxulp=2)
    early = STEPSIZES.get("ormo_delay_scaled").table(tau, tau, par)
    np.testing.assert_array_max_ulp(found, early, maxulp=4)
    late = STEPSIZES.get("drops_by_delay").table(np.full_like(tau, 3001), tau, par)
    np.testing.assert_array_max_ulp(late, found / 100, maxulp=4)


@pytest.mark.parametrize(("workers", "slow", "count"), [(16, 1 / 8, 2), (64, 0.125, 8), (4, 1 / 8, 0), (4, 1, 4)])
def test_a_part_of_the_workers_is_slow(workers, slow, count):
    gamma = DELAYS.get("gamma")
    means = gamma.means(workers, gamma.parameters({"slow": slow, "slowdown": 7}))
    assert means.tolist() == [7.0] * count + [1.0] * (workers - count)
    assert gamma.means(workers, gamma.parameters({"slow": slow})).max() == (10 if count else 1)
    assert gamma.means(workers, gamma.parameters({})).tolist() == [1.0] * workers


@pytest.mark.parametrize(
    ("par", "said"), [({"slow": 2}, "slow is a part"), ({"slow": "1/2", "slowdown": 0}, "positive")]
)
def test_wrong_slow_workers_are_one_sentence(par, said):
    gamma = DELAYS.get("gamma")
    with pytest.raises(PartError, match=said):
        gamma.means(4, gamma.parameters(par))


# the runs


def cell_of(method="ormo", steps=300, rule="drops_by_delay"):
    grid = {"problem": {"name": "digits_network", "hidden": 8}, "noise": "rows", "M": 4, "K": steps, "output": "last",
            "delays": {"name": "gamma", "shape": 100, "slow": 0.25}, "method": method, "stepsize": rule,
            "constants": {"stepsize": 0.04}}  # fmt: skip
    (cell,) = Scenario.model_validate({"title": "one", "grid": [grid]}).cells()
    return cell


def built_of(seed, **more):
    return build(cell_of(**more), seed, method="async_sgd", scheduler="async", stepsize="constant")


def by_hand(built):
    """Run ordered momentum as printed, in matrix calculus, on the same rows and in the same order; return all w."""
    data, schedule, beta, key = built.instance.data, built.weighted.schedule, 0.9, key_of(int(built.key), "block", 0)
    n, M = built.instance.rows, schedule.workers
    a, y = data[5 : 5 + 64 * n].reshape(n, 64), data[5 + 64 * n : 5 + 65 * n].astype(int)

    def gradient(w, handout):
        rows = np.zeros(8, dtype=np.int64)
        with wrapping():
            NOISES.get("rows").draw(key, handout, n, rows)
        return theirs(w, a[rows], y[rows], 8, 1e-4)[1]

    w, u, newest = built.instance.start.copy(), 0, 0
    flying = {m: (gradient(w, m), 0) for m in range(M)}
    every = [w.copy()]
    for t, m in enumerate(schedule.worker[: schedule.horizon]):
        if math.ceil(t / M) > newest:
            w, u, newest = w - beta * u, beta * u, newest + 1
        g, made = flying[m]
        late = t - made
        rate = 0.04 * (1 if t < 150 else 0.1 if t < 225 else 0.01) * (1 if late <= 2 * M else 2 * M / late)
        e = newest - math.ceil(made / M)
        u, w = u + beta**e * rate * g, w - (1 - beta ** (e + 1)) / (1 - beta) * rate * g
        flying[m] = (gradient(w, M + t), t + 1)
        every.append(w.copy())
    return every


def test_another_program_makes_the_same_run():
    """300 steps; rounding grows along a run of a network, and stays far below 1e-9 of |w| < 10."""
    built = built_of(3)
    at = [1, 2, 100, 225, 300]
    ran = simulate(built, 0, 1, ("output_gap",), milestones=at)
    every = by_hand(built)
    assert (built.weighted.schedule.delay > 2 * 4 + 1).any()  # the cut is met
    assert np.abs(ran.last - every[-1]).max() < 1e-9
    data, n = built.instance.data, built.instance.rows
    a, y = data[5 : 5 + 64 * n].reshape(n, 64), data[5 + 64 * n : 5 + 65 * n].astype(int)
    expected = [theirs(every[k], a, y, 8, 1e-4)[0] for k in at]
    np.testing.assert_allclose(ran.curve["F"][:, 0], expected, rtol=1e-9)
    assert ran.curve["accuracy"].shape == (5, 1)
    assert ran.measured["output_gap"][0] == ran.curve["F"][-1, 0]


def test_looking_along_a_run_changes_nothing_and_neither_do_replicates():
    built = built_of(4)
    seen, blind = (simulate(built, 0, 3, ("output_gap",), milestones=at) for at in ([7, 250], ()))
    assert seen.last.tobytes() == blind.last.tobytes()
    assert blind.curve == {}
    assert seen.curve["F"].shape == (2, 3)
    assert len(set(seen.curve["F"][1])) == 3


def test_methods_meet_the_same_delays_starts_and_samples():
    one, other = built_of(5), built_of(5, method="smega2", rule="drops")
    assert one.weighted.schedule.worker.tolist() == other.weighted.schedule.worker.tolist()
    assert one.instance.start.tolist() == other.instance.start.tolist()
    assert one.key == other.key
    away = built_of(6)
    assert away.weighted.schedule.worker.tolist() != one.weighted.schedule.worker.tolist()
    assert away.instance.start.tolist() != one.instance.start.tolist()
    assert away.key != one.key


# the experiment


#: these tests share one experiment
ONE_PROCESS = pytest.mark.xdist_group("digits")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:  # tests/report draws curves
        patch.setattr("ratecheck.report.plots.simulated", lambda document, folder: [])
        return simulation.perform("digits_small", None, 1, tmp_path_factory.mktemp("small")).document


def said(document, better, worse):
    """Return the pair of two methods under the rule ``drops``."""
    names = {f"{m}, drops" for m in (better, worse)}
    return [p for p in document["pairs"] if {p["better"], p["worse"]} == names]


@ONE_PROCESS
@pytest.mark.parametrize(("better", "worse"), BETTER)
def test_the_orderings_hold_at_small_size(small, better, worse):
    """12 seeds; told apart at 0.05 for all 28 pairs together."""
    (pair,) = said(small, better, worse)
    assert pair["better"] == f"{better}, drops"
    assert pair["apart"]


@ONE_PROCESS
def test_curves_end_where_the_table_says(small):
    assert len(small["cells"]) == 8
    assert small["seeds"] == 12
    for row in small["cells"]:
        assert row["n"] == 12
        assert row["curve"]["K"] == [round(1024 * i / 12) for i in range(1, 13)]
        assert row["curve"]["F"]["mean"][-1] == pytest.approx(row["mean"], rel=1e-12)
        assert row["curve"]["time"][-1] == row["time"]
        assert 0 <= min(row["curve"]["accuracy"]["mean"]) <= max(row["curve"]["accuracy"]["mean"]) <= 1
    times = {row["scheduler"]: row["time"] for row in small["cells"]}
    # a round of the barrier takes ten units, in which the 14 fast workers deliver 140 gradients and the slow ones two
    assert times["barrier"] / times["async"] == pytest.approx(142 / 16, rel=0.1)


def test_seeds_are_those_of_separate_runs(tmp_path, monkeypatch):
    """A cell's mean over seeds is the mean of what each seed gives by itself."""
    monkeypatch.setattr("ratecheck.report.plots.simulated", lambda document, folder: [])
    given, _ = scenarios.find("digits_small")
    grid = given.grid[1].model_copy(update={"K": 128})
    files = {}
    for name, seeds in (("both", 2), ("one", 1)):
        changed = given.model_copy(update={"grid": [grid], "simulation": Simulation(seeds=seeds, points=2)})
        files[name] = tmp_path / f"{name}.toml"
        files[name].write_text(as_toml(changed))
    both = simulation.perform(str(files["both"]), 7, 1, tmp_path).document["cells"][0]
    each = [simulation.perform(str(files["one"]), s, 2, tmp_path).document["cells"][0] for s in (7, 8)]
    assert both["mean"] == pytest.approx(np.mean([e["mean"] for e in each]), rel=1e-12)
    assert both["se"] == pytest.approx(np.std([e["mean"] for e in each], ddof=1) / math.sqrt(2), rel=1e-9)


def as_toml(scenario):
    """Write a scenario with one grid as TOML: JSON values are TOML values but for tables."""
    (grid,) = scenario.model_dump(mode="json", exclude_none=True)["grid"]

    def table(value):
        if isinstance(value, dict):
            return "{ " + ", ".join(f"{k} = {table(v)}" for k, v in value.items()) + " }"
        return json.dumps(value)

    simulated = f"[simulation]\nseeds = {scenario.simulation.seeds}\npoints = {scenario.simulation.points}\n"
    lines = "\n".join(f"{k} = {table(v)}" for k, v in grid.items())
    return f'title = "t"\n[monte_carlo]\nreplicates = 1\n{simulated}[[grid]]\n{lines}\n'


def test_the_scenario_is_the_protocol():
    given, _ = scenarios.find("digits")
    cells = given.cells()
    assert given.simulation.seeds == 20
    assert len(cells) == 4 * 8
    assert {c.M * c.constants["stepsize"] for c in cells} == {0.16}
    assert {(c.M, c.delays.label) for c in cells} == {
        (m, label) for m in (16, 64) for label in ("gamma(shape=100)", "gamma(shape=100, slow=1/8)")
    }
    assert {c.method for c in cells} == set(METHODS)
    assert {c.K for c in cells} == {4032}  # whole rounds of 16 and of 64
    assert {(c.problem.label, c.noise.label, c.output) for c in cells} == {("digits_network", "rows", "last")}


@pytest.mark.slow
def test_the_orderings_hold_at_full_size(tmp_path, monkeypatch):
    """Six of the twenty seeds, without the curves: the mean loss, in all four settings."""
    monkeypatch.setattr("ratecheck.report.plots.simulated", lambda document, folder: [])
    given, folder = scenarios.find("digits")
    grids = [g for g in given.grid if isinstance(g.method, list)]
    changed = given.model_copy(update={"grid": grids, "simulation": Simulation(seeds=6)})
    monkeypatch.setattr(simulation.scenarios, "find", lambda name: (changed, folder))
    rows = simulation.perform("digits", None, 1, tmp_path).document["cells"]
    found = {(r["M"], r["delays"], r["method"]): r["mean"] for r in rows}
    settings = {key[:2] for key in found}
    assert len(settings) == 4
    for setting in settings:
        for better, worse in BETTER:
            assert found[*setting, better] < found[*setting, worse], (setting, better, worse)
