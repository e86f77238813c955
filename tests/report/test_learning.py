"""Learning curves: what is drawn is what was measured along the runs."""

import csv
import io

import pytest

from ratecheck.report import learning, plots

K = [100, 200, 300]


def cell(method, m, delays, level, **more):
    curve = {
        "K": K, "time": [k / m for k in K], "F": {"mean": [level, level / 2, level / 4], "se": [0.1, 0.05, 0.01]},
        "accuracy": {"mean": [0.5, 0.7, 0.9], "se": [0.01, 0.01, 0.01]},
    }  # fmt: skip
    return {"method": method, "stepsize": "drops", "scheduler": "async", "M": m, "K": 300, "sigma": None,
            "problem": "p", "noise": "rows", "delays": delays, "output": "last", "constants": {"stepsize": 1 / m},
            "n": 5, "mean": level / 4, "se": 0.01, "time": 300 / m, "curve": {**curve, **more}}  # fmt: skip


SETTINGS = [(m, delays) for m in (64, 16) for delays in ("alike", "slow")]
CELLS = [cell(method, m, delays, level) for m, delays in SETTINGS for method, level in (("a", 1), ("b", 2))]
DOCUMENT = {"scenario": "mine", "cells": CELLS}


def test_a_panel_for_each_setting_by_workers():
    rows = learning.rows_of(DOCUMENT, "F")
    assert {(r["panel"], r["M"], r["delays"]) for r in rows} == {
        (1, 16, "alike"), (2, 16, "slow"), (3, 64, "alike"), (4, 64, "slow"),
    }  # fmt: skip
    assert {r["how"] for r in rows} == {"a, drops", "b, drops"}  # a rate that goes with M is no difference
    figure = learning.draw(rows, "F", "K")
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["M = 16, alike", "M = 16, slow", "M = 64, alike", "M = 64, slow"]
    lines = [tuple(line.get_ydata()) for line in figure.axes[0].get_lines()]
    assert lines == [(1, 0.5, 0.25), (2, 1, 0.5)]
    assert [tuple(line.get_xdata()) for line in figure.axes[0].get_lines()] == [tuple(K)] * 2
    assert figure.axes[0].get_yscale() == "log"
    scores = learning.draw(learning.rows_of(DOCUMENT, "accuracy"), "accuracy", "time")
    assert (scores.axes[0].get_yscale(), scores.axes[0].get_xscale()) == ("linear", "log")


def test_a_scheduler_is_named_where_it_tells_lines_apart():
    barrier = {**CELLS[0], "scheduler": "barrier"}
    same, other = (learning.rows_of({"cells": [one, barrier]}, "F") for one in CELLS[:2])
    assert {r["how"] for r in same} == {"a, drops", "a, drops, barrier"}
    assert {r["how"] for r in other} == {"a, drops", "b, drops"}


def test_what_is_not_finite_is_left_out():
    gone = cell("a", 16, "alike", 1, F={"mean": [1.0, "inf", "nan"], "se": [0.1, "nan", "nan"]})
    assert [r["K"] for r in learning.rows_of({"cells": [gone]}, "F")] == [100]


def test_files_and_their_numbers(tmp_path):
    paths = plots.simulated(DOCUMENT, tmp_path)
    stems = ("F", "F_time", "accuracy", "accuracy_time")
    assert [p.name for p in paths] == [f"{s}.{suffix}" for s in stems for suffix in ("pdf", "svg", "png", "csv")]
    rows = list(csv.DictReader(io.StringIO((tmp_path / "accuracy_time.csv").read_text())))
    assert [(r["time"], r["mean"]) for r in rows[:3]] == [("6.25", "0.5"), ("12.5", "0.7"), ("18.75", "0.9")]
    assert "over 5 runs" in (tmp_path / "F.svg").read_text()


@pytest.mark.parametrize(("change", "stems"), [({"time": None}, ["F", "accuracy"])])
def test_nothing_against_time_without_a_clock(change, stems, tmp_path):
    cells = [{**c, "time": None, "curve": {**c["curve"], **change}} for c in CELLS]
    assert [p.stem for p in plots.simulated({"cells": cells}, tmp_path)][::4] == stems


@pytest.mark.parametrize(("above", "axis"), [("F*", "mean of $F(x_k)-F^*$"), ("", "mean of $F(x_k)$")])
def test_an_unknown_minimum_is_not_on_the_axis(above, axis):
    rows = learning.rows_of({"cells": [{**c, "above": above} for c in CELLS]}, "F")
    assert learning.draw(rows, "F", "K").get_supylabel() == axis
    assert ("F - F*" in learning.caption(rows, "F", "K")) == (above == "F*")


def test_a_scenario_may_say_what_plots_call_things():
    rows = learning.rows_of(DOCUMENT, "F")
    figure = learning.draw(rows, "F", "K", {"F": "training loss", "alike": "workers alike"})
    assert figure.get_supylabel() == "mean of training loss"
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["M = 16, workers alike", "M = 16, slow", "M = 64, workers alike", "M = 64, slow"]
