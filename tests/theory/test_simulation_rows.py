"""What ``ratecheck run`` prints and draws: delays of each scheduler, noise that no number describes, F without F*."""

import json

import pytest

from ratecheck.checks import measure
from ratecheck.commands import simulation
from ratecheck.commands.request import resumed
from ratecheck.core.run import Run
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


@pytest.mark.parametrize(("constants", "words"), [("-0.01", "the stepsize is negative"), ("0.0", "the stepsize is 0")])
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
