"""Curves of a simulation without a claim: one line a method and stepsize, against gradients and against time."""

import csv
import io

import pytest

from ratecheck.report import curves, plots


def cell(method, stepsize, k, mean, **more):
    return {"method": method, "stepsize": stepsize, "M": 4, "K": k, "sigma": None, "problem": "p", "noise": "rows",
            "delays": "fixed", "output": "last", "constants": {}, "n": 4, "mean": mean, "time": k / 4,
            "se": 0.1 / k, **more}  # fmt: skip


CELLS = [
    *(cell("async_sgd", "constant", k, 1 / k, constants={"stepsize": 0.1}) for k in (10, 100)),
    *(cell("async_sgd", "constant", k, 2 / k, constants={"stepsize": 0.2}) for k in (10, 100)),
    *(cell("minibatch_sgd", "constant", k, 3 / k, constants={"stepsize": 0.1}) for k in (10, 100)),
    cell("async_sgd", "constant", 1000, "nan", constants={"stepsize": 0.2}),
]
TABLE = {"delays": "fixed", "M": 4, "K": 100, "mean": 4.0, "max": 4, "bins": [{"low": 1, "high": 4, "count": 100}]}
NAMES = [f"{name}.{suffix}" for name in ("simulation", "time", "delays") for suffix in ("pdf", "svg", "png", "csv")]


def test_lines_are_methods_stepsizes_and_the_constants_that_differ():
    rows = curves.rows_of({"cells": CELLS})
    assert {(r["how"], r["K"]) for r in rows} == {
        (how, k)
        for how in ("async_sgd, constant, stepsize = 0.1", "async_sgd, constant, stepsize = 0.2",
                    "minibatch_sgd, constant, stepsize = 0.1") for k in (10, 100)
    }  # fmt: skip
    assert {r["how"] for r in curves.rows_of({"cells": CELLS[:2]})} == {"async_sgd, constant"}
    figure = curves.draw(rows, "K")
    (axes,) = figure.axes
    drawn = sorted(tuple(line.get_ydata()) for line in axes.get_lines() if len(line.get_xdata()) == 2)
    assert [y for y in drawn if y in {(c / 10, c / 100) for c in (1, 2, 3)}] == [(c / 10, c / 100) for c in (1, 2, 3)]


def test_a_panel_for_each_delay_model_and_none_beyond_six():
    rows = curves.rows_of({"cells": [{**c, "delays": f"d{i}"} for i in range(8) for c in CELLS]})
    assert {r["delays"]: r["panel"] for r in rows} == {f"d{i}": i + 1 if i < 6 else None for i in range(8)}
    assert len([a for a in curves.draw(rows, "time").axes if a.get_visible()]) == 6


def test_files_and_their_numbers(tmp_path):
    paths = plots.simulated({"scenario": "mine", "cells": CELLS, "delay_tables": [TABLE]}, tmp_path)
    assert [p.name for p in paths] == NAMES
    rows = list(csv.DictReader(io.StringIO((tmp_path / "time.csv").read_text())))
    assert [(r["time"], r["mean"]) for r in rows[:3]] == [("2.5", "0.1"), ("2.5", "0.2"), ("2.5", "0.3")]
    assert "F(x_K) - F*" in (tmp_path / "simulation.svg").read_text()


@pytest.mark.parametrize("change", [{"time": None}, {"K": 10}])
def test_nothing_against_time_without_a_clock_or_without_lines(change, tmp_path):
    cells = [{**c, **change, "delays": f"d{i}"} for i, c in enumerate(CELLS)]
    assert [p.stem for p in plots.simulated({"cells": cells}, tmp_path)] == ["simulation"] * 4


def test_a_bar_down_to_zero_does_not_take_the_axis():
    wide = [cell("async_sgd", "constant", k, 1 / k, se=1 / k) for k in (10, 100)]
    low = curves.draw(curves.rows_of({"cells": wide}), "K").axes[0].get_ylim()[0]
    assert low > 1e-4


def test_what_is_subtracted_from_f_is_what_is_known():
    def labels(*above):
        cells = [{**CELLS[i], "above": a} for i, a in enumerate(above)]
        rows = curves.rows_of({"cells": cells})
        return curves.caption(rows, "K"), curves.draw(rows, "K").get_supylabel()

    assert labels("F*", "F*")[1] == "mean of $F(x_K)-F^*$"
    assert "F(x_K) - F* against" in labels("F*", "F*")[0]
    assert labels("", "")[1] == "mean of $F(x_K)$"
    assert "F(x_K) against" in labels("", "")[0]
    for some in (("a lower bound", "a lower bound"), ("F*", "")):
        assert "F(x_K) - a lower bound against" in labels(*some)[0]
        assert labels(*some)[1] == r"mean of $F(x_K)-\mathrm{a\ lower\ bound}$"
