"""What ``ratecheck run`` prints and draws: delays of each scheduler, noise that no number describes, F without F*."""

import json
from statistics import median

import pytest

from ratecheck.checks import measure
from ratecheck.commands import simulation
from ratecheck.commands.request import resumed
from ratecheck.core import scenario
from ratecheck.core.run import Run
from ratecheck.engine.build import build, of_block
from ratecheck.errors import ScenarioError

KEPT = measure.measure

GRID = """
[[grid]]
problem = {problem}
noise = "{noise}"
delays = "fixed"
M = 4
K = 16
output = "last"
method = "{method}"
scheduler = "{scheduler}"
stepsize = "constant"
constants = {{ stepsize = 0.01 }}
"""
ROWS = {"problem": '{ name = "uniform_rows", rows = 20, dimension = 3, batch = 2 }', "noise": "rows"}
ROUNDS, FREE = ({"method": m, "scheduler": s} for m, s in (("minibatch_sgd", "barrier"), ("async_sgd", "async")))


def performed(tmp_path, *grids):
    path = tmp_path / "mine.toml"
    path.write_text('title = "mine"\nmonte_carlo = { replicates = 1 }\n' + "".join(GRID.format(**g) for g in grids))
    return simulation.perform(str(path), None, 1, tmp_path)


def counts(table):
    return {(b["low"], b["high"]): b["count"] for b in table["bins"]}


def test_delays_are_those_of_the_asynchronous_runs(tmp_path):
    found = performed(tmp_path, {**ROWS, **ROUNDS}, {**ROWS, **FREE})
    (table,) = found.document["delay_tables"]
    assert (table["scheduler"], table["delays"], table["M"]) == ("async", "fixed", 4)
    assert counts(table) == {(1, 1): 1, (2, 2): 1, (3, 4): 14}  # 1, 2, 3 at the start, then M


def test_rounds_alone_have_their_delays(tmp_path):
    (table,) = performed(tmp_path, {**ROWS, **ROUNDS}).document["delay_tables"]
    assert (table["scheduler"], counts(table)) == ("barrier", {(1, 1): 4, (2, 2): 4, (3, 4): 8})


@pytest.mark.parametrize(("noise", "sigma"), [("rows", "-"), ("none", "0")])
def test_noise_of_rows_has_no_level(noise, sigma, tmp_path):
    found = performed(tmp_path, {**ROWS, **FREE, "noise": noise})
    assert found.lines[1].split()[:4] == ["async_sgd", "4", "16", sigma]
    assert "F(output) - F*" in found.lines[0]


def test_an_unknown_minimum_is_not_subtracted_in_words(tmp_path):
    pytest.importorskip("sklearn")
    found = performed(tmp_path, {"problem": '"digits_network"', "noise": "rows", **FREE})
    assert "F(output) " in found.lines[0]
    assert "F*" not in found.lines[0]
    assert [row["above"] for row in found.document["cells"]] == [""]
    text = "".join(p.read_text() for p in tmp_path.rglob("simulation.svg"))
    assert "F(x_K) against" in text
    assert json.loads(next(tmp_path.rglob("simulation.json")).read_text())["cells"][0]["above"] == ""


@pytest.mark.parametrize(
    ("constants", "words"), [("-0.01", "stepsize = -0.01 is negative"), ("0.0", "stepsize = 0 is 0")]
)
def test_no_stepsize_below_zero(constants, words, tmp_path):
    grid = GRID.format(**{**ROWS, **FREE}).replace("0.01", constants)
    (tmp_path / "mine.toml").write_text('title = "mine"\n' + grid)
    with pytest.raises(ScenarioError, match=words) as fault:
        simulation.perform(str(tmp_path / "mine.toml"), None, 1, tmp_path)
    assert not str(fault.value).endswith("..")


def test_a_run_that_is_stopped_is_taken_up_again(tmp_path, monkeypatch):
    """Ctrl-C in the second of three seeds: what is done is told and kept, and the end is that of an undisturbed run."""
    text = 'title = "mine"\nmonte_carlo = { replicates = 1 }\nsimulation = { seeds = 3 }\n'
    (tmp_path / "mine.toml").write_text(text + GRID.format(**{**ROWS, **FREE}))
    asked = (str(tmp_path / "mine.toml"), 5, 1, tmp_path)
    whole = simulation.perform(*asked).document
    real, seen = simulation.run_units, []

    def interrupted(name, *args, **more):
        seen.append(name)
        if len(seen) == 2:
            raise KeyboardInterrupt
        real(name, *args, **more)

    monkeypatch.setattr(simulation, "run_units", interrupted)
    stopped = simulation.perform(*asked)
    assert stopped.stopped.startswith(
        "stopped with 1 of 3 seeds done; finished records are kept, and ratecheck resume "
    )
    run = Run.find("latest", tmp_path)
    assert str(run.folder) in stopped.stopped
    monkeypatch.setattr(simulation, "run_units", real)
    monkeypatch.setattr(measure, "measure", lambda built, *rest: computed.append(built) or kept(built, *rest))
    kept, computed = KEPT, []
    assert simulation.simulate(resumed(run), run, 1).document == whole
    assert len(computed) == 2, "the first seed is not simulated again"
    assert len(run.records()) == 3


LOOKS = """
title = "mine"
[monte_carlo]
replicates = 9
[simulation]
points = 2
seeds = {seeds}
[[grid]]
problem = "two_worlds"
noise = "rows"
delays = "{delays}"
M = 5
K = 40
method = "async_sgd"
output = "last"
stepsize = "constant"
constants = {{ stepsize = "1/16" }}
"""


def of_looks(tmp_path, delays, seeds=1):
    (tmp_path / "mine.toml").write_text(LOOKS.format(delays=delays, seeds=seeds))
    found = simulation.perform(str(tmp_path / "mine.toml"), 3, 1, tmp_path)
    (cell,) = scenario.load(tmp_path / "mine.toml").cells(tmp_path)
    made = [build(cell, 3 + s, method="async_sgd", scheduler="async", stepsize="constant") for s in range(seeds)]
    schedules = [of_block(b, i).weighted.schedule for b in made for i in range(9 if b.own_schedules else 1)]
    return found, schedules


@pytest.mark.parametrize("seeds", [1, 2])
def test_where_every_run_has_a_schedule_the_time_is_of_them_all(seeds, tmp_path):
    """The median and the range of the schedules' times, and the largest of their delays, not those of the first one."""
    found, schedules = of_looks(tmp_path, "held_back", seeds)
    (row,), ends = found.document["cells"], [s.time[39] for s in schedules]
    assert len(set(ends)) > 3, "schedules differ"
    assert (row["time"], row["time_range"]) == (median(ends), [min(ends), max(ends)])
    assert row["curve"]["time"] == [median([s.time[19] for s in schedules]), median(ends)]
    assert row["tau_max"] == max(s.delay[:40].max() for s in schedules) > schedules[0].delay[:40].max()
    assert "time: median [range]" in found.lines[0]
    assert f"[{min(ends):.4g}, {max(ends):.4g}]" in found.lines[1]
    assert "(the median over runs: each has a schedule of its own)" in next(tmp_path.rglob("F_time.svg")).read_text()


def test_where_runs_share_a_schedule_the_time_is_its_own(tmp_path):
    found, (schedule,) = of_looks(tmp_path, "exponential")
    (row,) = found.document["cells"]
    assert (row["time"], row["time_range"], row["tau_max"]) == (schedule.time[39], None, schedule.delay[:40].max())
    assert "median" not in found.lines[0] + next(tmp_path.rglob("F_time.svg")).read_text()
