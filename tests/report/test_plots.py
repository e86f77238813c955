"""The plots: every number drawn is in the CSV, equal results give equal bytes, nothing global changes."""

import copy
import csv
import io
import math
import subprocess
import sys

import matplotlib
import pytest
from matplotlib.colors import to_hex

from ratecheck.errors import RunError
from ratecheck.report import plots, style, tables
from ratecheck.report.captions import caption
from ratecheck.report.heat import factor_text
from tests.report import made

#: an error bar is drawn from y - (y - low): one subtraction and back, two roundings
ROUNDING = 4 * 2.0**-52

RESULTS = {"holds": made.measured(), "refuted": made.refuted()}


def numbers_in(text):
    found = set()
    for row in csv.DictReader(io.StringIO(text)):
        for value in row.values():
            try:
                found.add(float(value))
            except ValueError:
                continue
    return found


def drawn_in(axes):
    """Coordinates of the lines in data space and of the wedges' corners; triangles and grids are no data."""
    for line in axes.lines:
        if line.get_transform() == axes.transData and to_hex(line.get_color()) != style.SOFT:
            yield from (float(v) for v in (*line.get_xdata(), *line.get_ydata()))
    for patch in axes.collections:
        if len(patch.get_paths()) == 1 and patch.get_alpha() is not None:
            yield from (float(v) for v in patch.get_paths()[0].vertices.ravel())


def near(value, known):
    return any(abs(value - k) <= ROUNDING * abs(k) for k in known)


@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.parametrize("kind", ["rate", "slack"])
def test_every_number_drawn_is_in_the_csv(kind, name):
    result = RESULTS[name]
    known = numbers_in(tables.as_csv(tables.ROWS[kind](result)))
    axes = [a for a in plots.DRAW[kind](result).axes if a.get_visible()]
    values = {v for a in axes for v in drawn_in(a)}
    # nothing but the floor, to which the bar of a band that reaches zero goes
    floors = {a.get_ylim()[0] for a in axes}
    strange = [v for v in values if not near(v, known) and v not in floors]
    assert len(values) > 20
    assert strange == []


@pytest.mark.parametrize("kind", ["rate", "slack"])
def test_every_row_that_is_said_to_be_drawn_is_drawn(kind):
    result = RESULTS["refuted"]
    name = {"rate": "mean", "slack": "slack"}[kind]
    rows = [r for r in tables.ROWS[kind](result) if r["panel"] is not None]
    values = {v for a in plots.DRAW[kind](result).axes for v in drawn_in(a)}
    assert len(rows) == 30
    assert [r for r in rows if r[name] not in values] == []


def test_a_histogram_draws_its_counts_between_its_bins_with_m_and_the_mean():
    table = made.histogram("pareto(tail=1.5)", 16)
    axes = plots.delays({"details": {"delay_tables": [table]}}).axes[0]
    bars = [(p.get_x() + 0.5, p.get_x() + p.get_width() - 0.5, p.get_height()) for p in axes.patches]
    assert bars == [(b["low"], b["high"], b["count"]) for b in table["bins"]]
    said = {t.get_text() for t in axes.texts}
    assert said == {"M = 16", "mean 15.5"}
    assert sorted(float(line.get_xdata()[0]) for line in axes.lines) == [table["mean"], 16.0]


@pytest.mark.parametrize("name", RESULTS)
def test_the_heat_map_writes_the_factor_of_every_cell(name):
    result = RESULTS[name]
    rows = [r for r in tables.tightness_rows(result) if r["drawn"]]
    said = sorted(t.get_text() for t in plots.DRAW["tightness"](result).axes[0].texts)
    letters = {"VACUOUS": "v", "REFUTED": "R", "DIVERGED": "D"}
    expected = [
        "v" if r["verdict"] == "VACUOUS" else factor_text(r["factor"]) + letters.get(r["verdict"], "") for r in rows
    ]
    expected += [f"M = {m}" for m in made.WORKERS]
    assert said == sorted(expected)


@pytest.mark.parametrize("value", [6e-4, 0.0123, 0.46, 1.0, 1.07, 1.994, 1.996, 5.94, 57.4, 812, 9999, 2e5, 3e12])
def test_a_factor_in_a_cell_is_short_and_right_to_its_digits(value):
    text = factor_text(value)
    assert len(text) <= 4
    # two digits, one where the zeros or the exponent take the room: half a unit of the last digit of the smallest lead
    assert abs(float(text) / value - 1) <= (0.5 if "e" in text or value < 0.1 else 0.05)
    assert factor_text(float("inf")) == "∞"


def test_files_carry_their_caption_and_are_the_same_bytes_again(tmp_path):
    result = made.refuted()
    paths = plots.save(copy.deepcopy(result), tmp_path)
    assert [p.name for p in paths] == [f"{k}.{s}" for k in plots.KINDS for s in ("pdf", "svg", "png", "csv")]
    for kind, suffix in zip(plots.KINDS, ("pdf", "svg", "png", "svg"), strict=True):
        again = plots.as_bytes(plots.DRAW[kind](result), suffix, plots.TITLES[kind], caption(kind, result))
        # a fresh figure drawn to one format only: the others leave no trace in it
        assert again == (tmp_path / f"{kind}.{suffix}").read_bytes(), kind
    assert (tmp_path / "rate.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "rate.png").read_bytes().startswith(b"\x89PNG")
    svg = (tmp_path / "rate.svg").read_text()
    assert "ABOVE the bound" in svg
    assert "<image" not in svg
    assert "<dc:date>" not in svg


FRESH = """
import hashlib, sys, warnings
warnings.simplefilter("error")
import matplotlib
def settings():  # without the backend: to look at it would choose one, and load pyplot
    return {k: matplotlib.rcParams[k] for k in matplotlib.rcParams if k != "backend"}
before = settings()
from ratecheck.report import plots
from tests.report import made
result = made.refuted()
print(hashlib.sha256(plots.as_bytes(plots.slack(result), "svg", "t", "c")).hexdigest())
print(settings() == before, "matplotlib.pyplot" in sys.modules, "numba" in sys.modules)
"""


def test_another_process_with_another_hash_seed_draws_the_same_and_changes_nothing_global():
    outs = []
    for seed in ("1", "2"):
        env = {"PYTHONHASHSEED": seed, "PATH": "", "PYTHONPATH": ":".join(sys.path)}
        run = subprocess.run([sys.executable, "-c", FRESH], env=env, capture_output=True, text=True, check=True)
        outs.append(run.stdout)
    assert outs[0] == outs[1]
    assert outs[0].split("\n")[1] == "True False False"


def test_the_look_does_not_depend_on_the_users_settings():
    result = made.refuted()
    plain = plots.as_bytes(plots.rate(result), "svg", "t", "c")
    with matplotlib.rc_context({"font.size": 20, "lines.linewidth": 9, "svg.hashsalt": "mine", "axes.grid": False}):
        assert plots.as_bytes(plots.rate(result), "svg", "t", "c") == plain


@pytest.mark.parametrize(
    ("low", "high"), [(200, 900), (256, 16384), (3, 5), (1, 1e9), (0.9, 1.2), (2e-7, 3e-1), (640, 10240), (41, 44)]
)
def test_a_log_axis_has_few_ticks_all_inside(low, high):
    ticks = style.log_ticks(low, high)
    assert 1 <= len(ticks) <= 5
    assert all(low <= t <= high for t in ticks)
    assert len({style.tick_text(t) for t in ticks}) == len(ticks)
    if high >= 4 * low:
        assert len(ticks) >= 2


def test_panels_are_few_show_both_noise_levels_and_the_longest_series():
    cells = [made.cell(m, k, s, d, 4.0) for d in made.DELAYS for m in made.WORKERS for k in made.STEPS
             for s in made.SIGMAS]  # fmt: skip
    more = [{**c, "delays": f"{c['delays']}{i}", "K": c["K"]} for i in range(3) for c in cells if c["K"] < 5000]
    rows = tables.rate_rows({"details": {"cells": more + cells}})
    panels = tables.by_panel(rows)
    assert len(panels) == 6
    assert {r["delays"] for p in panels for r in p} == set(made.DELAYS)
    assert {r["sigma"] for p in panels for r in p} == {0.0, 1.0}
    assert all(len({(r["sigma"], r["delays"]) for r in p}) == 1 for p in panels)


def test_a_cell_named_twice_is_drawn_once():
    result = made.refuted()
    once = tables.rate_rows(result)
    twice = {**result, "details": {**result["details"], "cells": result["details"]["cells"] * 2}}
    assert tables.rate_rows(twice) == once


def test_a_fit_is_drawn_for_its_own_series_only():
    rows = tables.rate_rows(RESULTS["holds"])
    fitted = [r for r in rows if r["fit"] is not None]
    assert {r["sigma"] for r in fitted} == {0.0}
    assert len(fitted) == len(rows) / 2
    # the made slack is K^-0.02 on a bound that is 1/K: the fit is the series itself, up to log10 and its inverse
    assert all(abs(r["fit"] / r["mean"] - 1) < 1e-12 for r in fitted)


def test_captions_say_what_is_seen():
    holds, lies = RESULTS["holds"], RESULTS["refuted"]
    factors = [r["bound"] / r["mean"] for r in tables.rate_rows(holds)]
    text = caption("rate", holds)
    assert f"by a factor of at least {tables.digits(min(factors))} and at most {tables.digits(max(factors))}" in text
    assert "in all 90 cells at once" in text
    assert "exponents of K are -1.02 where branch cap is active" in text
    assert "They lie ABOVE the bound (dotted) in 2 of 30 points drawn, by a factor of up to 1,800." in caption(
        "rate", lies
    )
    assert "The rate: MATCHES." in caption("slack", holds)
    assert "is 0.97 times M: never above M" in caption("delays", holds)
    assert "VACUOUS (3 cells)" in caption("tightness", holds)
    assert "Left out: 3 cells NOT APPLICABLE" in caption("tightness", holds)
    assert "Framed with R: REFUTED (1 cell)" in caption("tightness", lies)


def test_a_mean_delay_above_m_is_not_explained_away():
    table = {**made.histogram("odd", 4), "mean": 5.0}
    text = caption("delays", {"details": {"delay_tables": [table]}})
    assert "is 1.25 times M." in text
    assert "never above" not in text


OF_DETAILS = ("rate", "tight", "delay_tables", "precision", "alpha", "kappa", "seed", "title")
OF_CELL = ("branch", "n", "float_identities", "tau_max", "tau_mean", "digest", "reason", "inequalities")
OF_SIDES = ("low", "high", "se", "ratio", "lhs", "rhs", "verdict")


@pytest.mark.parametrize("missing", [*OF_DETAILS, *OF_CELL, *OF_SIDES])
def test_a_missing_key_takes_away_no_more_than_its_own_part(missing):
    result = made.refuted()
    result["details"].pop(missing, None)
    for cell in result["details"]["cells"]:
        cell.pop(missing, None)
        for sides in cell.get("inequalities", {}).values():
            sides.pop(missing, None)
    for kind in plots.kinds(result):
        assert plots.DRAW[kind](result).axes
        assert caption(kind, result)
        assert tables.as_csv(tables.ROWS[kind](result)).count("\n") > 1
    expected = {"inequalities": 1, "lhs": 1, "rhs": 1, "delay_tables": 3}.get(missing, 4)
    assert len(plots.kinds(result)) == expected


def test_numbers_that_json_has_as_texts_and_zero_errors_are_drawn_around():
    result = made.refuted()
    cells = result["details"]["cells"]
    cells[0]["inequalities"]["bound"].update(lhs=0.0, low=0.0, high=0.0)
    cells[1]["inequalities"]["bound"].update(lhs="inf", low="nan", high="inf")
    cells[3]["inequalities"]["bound"].update(low=-0.01)
    for kind in plots.KINDS:
        plots.DRAW[kind](result)
        assert "nan" not in caption(kind, result)
    assert tables.factor(cells[0]) == float("inf")
    assert tables.factor(cells[1]) is None


def test_a_result_without_measurements_has_no_plots(tmp_path):
    result = made.measured()
    result["details"]["cells"] = result["details"]["cells"][-3:]
    del result["details"]["delay_tables"]
    assert plots.kinds(result) == plots.kinds(made.exact()) == []
    assert plots.save(result, tmp_path) == []


def test_a_trace_is_drawn_to_one_file_and_other_suffixes_are_refused(tmp_path):
    table = made.histogram("trace", 4)
    assert plots.histogram(table, tmp_path / "h.svg").read_text().lstrip().startswith("<?xml")
    with pytest.raises(RunError, match=r"ends in \.pdf, \.svg or \.png"):
        plots.histogram(table, tmp_path / "h.docx")


def test_a_simulation_without_a_claim_is_drawn_with_one_standard_error(tmp_path):
    cells = [
        {"label": "x", "method": "async_sgd", "stepsize": "constant", "M": 4, "K": k, "sigma": 1.0, "problem": "p",
         "noise": "gaussian", "delays": "fixed", "output": "R1", "n": 8, "mean": 1 / k, "se": 0.1 / k}
        for k in (10, 100)
    ]  # fmt: skip
    paths = plots.simulated({"scenario": "mine", "cells": cells}, tmp_path / "out")
    assert [p.name for p in paths] == [f"simulation.{s}" for s in ("pdf", "svg", "png", "csv")]
    rows = list(csv.DictReader(io.StringIO(paths[-1].read_text())))
    assert [(float(r["low"]), float(r["high"])) for r in rows] == [
        (1 / k - 0.1 / k, 1 / k + 0.1 / k) for k in (10, 100)
    ]
    assert plots.simulated({"cells": []}, tmp_path / "none") == []


def test_the_slack_its_band_and_its_wedge_are_those_of_the_cells():
    cells = {(c["M"], c["K"], c["sigma"], c["delays"]): c for c in made.measured()["details"]["cells"]}
    rows = tables.slack_rows(RESULTS["holds"])
    for row in rows:
        bound = cells[row["M"], row["K"], row["sigma"], row["delays"]]["inequalities"]["bound"]
        assert [row[n] * bound["rhs"] for n in ("slack", "low", "high")] == pytest.approx(
            [bound[n] for n in ("lhs", "low", "high")], rel=ROUNDING
        )
    wedges = {}
    for row in rows:
        if row["wedge_a"] is not None:
            key = (row["M"], row["sigma"], row["delays"], row["branch"])
            wedges.setdefault(key, []).append((math.log10(row["K"]), row["wedge_a"], row["wedge_b"]))
    assert len(wedges) > 10
    for points in wedges.values():
        (x, a, b), (y, c, d) = min(points), max(points)
        # slopes of two logarithms of numbers near 1 over more than one decade: far inside 1e-12
        assert math.log10(c / a) / (y - x) == pytest.approx(-0.1, abs=1e-12)
        assert math.log10(d / b) / (y - x) == pytest.approx(0.1, abs=1e-12)
    assert not any(r["wedge_a"] for r in tables.slack_rows(RESULTS["refuted"]) if r["verdict"] in tables.BROKEN)


def test_delays_of_different_schedulers_are_not_one_table():
    shapes = {"barrier": 7, "async": 1}
    tables_of = [{**made.histogram("fixed", 16), "scheduler": s, "max": top} for s, top in shapes.items()]
    result = {"details": {"delay_tables": tables_of}}
    rows = tables.delay_rows(result)
    assert {(r["panel"], r["scheduler"], r["max"]) for r in rows} == {(1, "barrier", 7), (2, "async", 1)}
    assert [a.get_title() for a in plots.delays(result).axes] == ["barrier", "async"]
    assert "more histogram" not in caption("delays", result)


@pytest.mark.parametrize("points", [1, 2])
def test_the_bound_of_a_single_k_is_a_mark(points):
    """A line through one point is none: the legend would name what is not there."""
    few = made.measured()
    steps = made.STEPS[1 : 1 + points]
    few["details"]["cells"] = [c for c in few["details"]["cells"] if c["K"] in steps and c["sigma"] == 1]
    rows = tables.rate_rows(few)
    lines = [line for axes in plots.rate(few).axes for line in axes.lines if len(line.get_xdata()) == points]
    for name in ("bound", "conditional"):
        drawn = [line for line in lines if list(line.get_ydata())[:1] == [rows[0][name]]]
        assert {line.get_marker() for line in drawn} == ({"_"} if points == 1 else {"None"}), name
