"""The selection effect: tuned errors grow like sqrt(M) when delays look at samples, and not when they do not."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from ratecheck.checks import monte_carlo
from ratecheck.checks.measure import Store
from ratecheck.checks.question import Asked
from ratecheck.commands import simulation, tuning
from ratecheck.core import shelf
from ratecheck.core.cell import Cell
from ratecheck.core.claim import Statement
from ratecheck.core.formula import Formula
from ratecheck.core.keys import key_of
from ratecheck.core.part import Part
from ratecheck.core.scenario import MonteCarlo
from ratecheck.core.verdict import Verdict
from ratecheck.engine import sight
from ratecheck.engine.build import build, of_block
from ratecheck.engine.compile import seal
from ratecheck.engine.samples import noise_of_rows
from ratecheck.engine.sweep import simulate
from ratecheck.errors import ScenarioError
from ratecheck.report import plots
from ratecheck.report import tuned as report

METHODS = {"async_sgd": ("uniform", 2.0**-5), "async_mu2_sgd": ("last", 2.0**-14)}
SEES, BLIND = "held_back", "held_back(blind=1)"


def built(method="async_sgd", workers=5, steps=256, blind=0, stepsize=None, seed=1, **par):
    output, usual = METHODS[method]
    delays = Part("held_back", {"blind": 1} if blind else {})
    cell = Cell(Part("two_worlds", par), Part("rows"), delays, workers, steps, None, output, method, None, "constant",
                {"stepsize": stepsize or usual})  # fmt: skip
    return build(cell, seed, method="async_sgd", scheduler="async", stepsize="constant")


# the instance


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("blind", [0, 1])
def test_the_two_worlds_have_one_error(method, blind):
    """They are mirror images to the bit, so that the worse one is half of the sum that is measured."""
    one = built(method, blind=blind)
    moved = 0
    for block in range(12):
        last = simulate(of_block(one, block), block, 1, ("output_gap",)).last
        assert last[0] == -last[1]
        moved += last[0] != 0
    assert moved


@pytest.mark.parametrize("workers", [5, 33, 129])
def test_no_step_has_half_of_sqrt_m(workers):
    """F(0) - F* is b R/2 in each world: (1/2) sqrt(M - 1) sigma R/sqrt(K), twice the lower bound."""
    one = built(workers=workers, steps=8192, stepsize=1e-300)
    unit = tuning._unit(one.constants)
    found = simulate(one, 0, 1, ("output_gap",)).measured["output_gap"][0] / unit
    assert found == pytest.approx(math.sqrt(workers - 1) / 2, rel=1e-12)  # rounding
    assert unit == pytest.approx(2 / math.sqrt(8192), rel=1e-12)  # of both worlds: sigma R is 1 in each
    floor = tuning._floor(one, [shelf.claim("levy2026.lower_convex")])
    assert found == pytest.approx(2 * floor / unit, rel=1e-12)


def test_a_bound_on_the_noise_is_kept_and_reached():
    """b is at most bound (M - 1)/K: flagged noise has that length, and the variance is at most sigma^2."""
    for workers, bound, sigma in ((5, 1.0, 1.0), (129, 1.0, 1.0), (129, 0.5, 2.0), (129, 100.0, 1.0)):
        one = built(workers=workers, steps=4096, bound=bound, sigma=sigma).instance
        rows, d, replicate = one.rows, 2, np.zeros(2)
        noise, mean = np.zeros((rows, d)), np.zeros(d)
        problem = shelf.PROBLEMS.get("two_worlds")
        problem.mean_gradient(replicate, 0, one.data, mean)
        for row in range(rows):
            problem.gradient(replicate, 0, np.array([row]), one.data, noise[row])
        noise -= mean
        longest, variance = np.abs(noise).max(), np.square(noise).mean(axis=0)
        assert longest <= bound * (1 + 1e-12)
        assert (variance <= sigma**2 * (1 + 1e-12)).all()
        reached = math.isclose(longest, bound) if bound < 100 else math.isclose(variance[0], sigma**2)
        assert reached
    assert "two worlds" not in one.classes, "the lower bounds are about the full variance"


def test_bounded_noise_starts_at_m_over_k():
    for workers in (9, 129, 2049):
        one = built(workers=workers, steps=4096, bound=1, stepsize=1e-300)
        found = simulate(one, 0, 1, ("output_gap",)).measured["output_gap"][0] / tuning._unit(one.constants)
        assert found == pytest.approx((workers - 1) / 2 / math.sqrt(4096), rel=1e-12)


def judged(claim, *cells):
    settings = MonteCarlo.model_validate({"replicates": 512})
    return monte_carlo.check(Asked("bounded", claim, list(cells) or claim.cells, "test", 1, settings), Store())


def test_the_lower_bound_for_bounded_noise():
    claim = shelf.claim("levy2026.lower_convex_bounded")
    assert judged(claim).verdict is Verdict.HOLDS_HERE
    (one, *_) = claim.cells
    for changed, said in (
        ({"delays": Part("held_back", {"blind": 1})}, "do not look at samples"),
        ({"constants": {"sigma_inf": 9.0}}, "sigma_inf is declared by hand"),
        ({"problem": Part("two_worlds")}, "two worlds with bounded noise"),
        ({"problem": Part("two_worlds", {"bound": 9})}, "the variance is what bounds the slope"),
    ):
        assert said in judged(claim, replace(one, **changed)).summary
    (full,) = shelf.claim("levy2026.lower_convex").failing(build_facts(one))
    assert "two worlds" in full


def test_five_times_the_lower_bound_is_refuted():
    """No step at all has twice of it."""
    claim = shelf.claim("levy2026.lower_convex_bounded")
    right = claim.outputs["R1"].bound
    wrong = Statement(replace(right, rhs=Formula(5 * right.rhs.expr)))
    planted = replace(claim, outputs=dict.fromkeys(claim.outputs, wrong))
    assert judged(planted, claim.cells[-1]).verdict is Verdict.REFUTED


def build_facts(cell):
    given = replace(cell, output="R1", constants={"stepsize": 0.1})
    return build(given, 1, method="async_sgd", scheduler="async", stepsize="constant").facts


# schedules that are shared


def test_cells_on_the_same_samples_share_their_schedules_and_no_others_do():
    sight.seen.cache_clear()
    a, b = built(stepsize=0.01), built("async_mu2_sgd")
    assert of_block(a, 0).weighted.schedule is of_block(b, 0).weighted.schedule is not of_block(a, 1).weighted.schedule
    other = built(stepsize=0.01, seed=2), built(stepsize=0.01, radius=2), built(stepsize=0.01, blind=1)
    assert all(one.weighted.schedule is not a.weighted.schedule for one in other)
    kept = a.weighted.schedule
    sight.seen.cache_clear()
    again = built(stepsize=0.01).weighted.schedule
    assert again is not kept
    np.testing.assert_array_equal(again.source, kept.source)
    np.testing.assert_array_equal(again.made_at, kept.made_at)


def test_draws_are_those_of_the_kernel_one_by_one():
    draw, table, key = shelf.NOISES.get("rows").draw, np.arange(7.0)[:, None], key_of("selection")
    expected, sample = [], np.zeros(3, dtype=np.int64)
    for handout in range(50):
        seal("draw", draw)(key, handout, 7, sample)
        expected.append(table[sample].mean() * np.sqrt(3))
    np.testing.assert_array_equal(noise_of_rows(seal("draw", draw), key, table, 50, 3)[:, 0], expected)


# tuning


def test_choosing_on_one_half_takes_the_winners_curse_away():
    """50 equal settings: the least of their means is far below 1; what is measured on the other half is not."""
    errors = np.random.default_rng(1).exponential(size=(50, 200))
    best, kept = tuning.held_out(errors)
    error = 1 / math.sqrt(kept.size)
    assert kept.size == 200
    assert errors.mean(axis=1).min() < 1 - 2 * error
    assert abs(kept.mean() - 1) < 4 * error  # four standard errors
    assert best == [errors[:, ::2].mean(axis=1).argmin(), errors[:, 1::2].mean(axis=1).argmin()]


def test_a_setting_is_never_measured_on_the_runs_that_chose_it():
    errors = np.array([[0.0, 9.0, 0.0, 9.0, 0.0], [5.0, 1.0, 5.0, 1.0, 5.0]])
    best, kept = tuning.held_out(errors)
    assert best == [0, 1]
    assert sorted(kept) == [5.0, 5.0, 5.0, 9.0, 9.0]


def test_what_diverged_is_not_chosen():
    errors = np.array([[np.nan, 1.0], [np.inf, 2.0], [7.0, 7.0]])
    assert tuning.chosen(errors) == 2
    assert tuning.held_out(np.array([[3.0], [2.0]])) == ([1, 1], [2.0])


def rows(power, of="M", **more):
    series = {"problem": "p", "noise": "n", "delays": "d", "method": "m", "output": "last", "n": 100,
              "policy": "independent", "stale": 0.1}  # fmt: skip
    grid = [(m, 8192) for m in (5, 17, 65)] + [(17, k) for k in (512, 2048)]
    return [{**series, "M": m, "K": k, "mean": 3 * m**power / k**0.5, "se": 1e-9, **more} for m, k in grid]


@pytest.mark.parametrize("power", [0.5, 0, -1])
def test_exponents_of_power_laws_are_found(power):
    found = {e["variable"]: e for e in tuning.exponents(rows(power))}
    for variable, expected in (("M", power), ("K", -0.5)):
        assert found[variable]["slope"] == pytest.approx(expected, abs=1e-6)  # exact but for the bias put back
        assert found[variable]["low"] < expected < found[variable]["high"]


def test_where_stale_gradients_cost_more_than_noise_blind_cells_have_no_exponent():
    steep = [{**r, "mean": 100 * r["mean"], "stale": 2} if r["M"] == 65 else r for r in rows(0)]
    more = [{**steep[0], "M": 9, "mean": steep[0]["mean"]}]
    (blind,) = (e for e in tuning.exponents(steep + more) if e["variable"] == "M")
    (sees,) = (e for e in tuning.exponents([{**r, "policy": "clairvoyant"} for r in steep]) if e["variable"] == "M")
    assert abs(blind["slope"]) < 1e-6 < 1 < sees["slope"]
    one = built(workers=513, steps=4096, bound=1)
    assert tuning._stale(one.constants) == pytest.approx(513 * 512 / 4096**1.5, rel=1e-12)


def test_exponents_need_three_points_and_errors():
    assert tuning.exponents(rows(0.5)[:2]) == []
    assert tuning.exponents(rows(0.5, mean=math.inf)) == []


def test_a_constant_that_is_not_declared_is_one_sentence():
    with pytest.raises(ScenarioError, match="tuned = 'beta'"):
        tuning.tuned([built()], [np.ones(4)], "beta", [])


# what is shown


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return simulation.perform("selection_small", None, 2, tmp_path_factory.mktemp("small"))


def errors_of(found, delays, **where):
    return [r for r in report.rows_of(found.document) if r["delays"] == delays and where.items() <= r.items()]


def test_the_small_one_shows_it(small):
    """16 runs: with four standard errors above the bound where delays look, and below it where they do not."""
    for row in errors_of(small, SEES):
        assert row["ratio"] + 4 * (row["high"] - row["ratio"]) > row["bound"]
        assert row["policy"] == "data-dependent"
    for row in errors_of(small, BLIND, M=65):
        assert row["ratio"] + 4 * (row["high"] - row["ratio"]) < 1
        assert (row["bound"], row["policy"]) == (None, "independent")
    for method in METHODS:
        few, _, many = (r["ratio"] for r in errors_of(small, SEES, method=method))
        assert 2 < many / few < 8  # sqrt(64/4) = 4


def test_the_table_has_a_line_for_each_method_and_its_bound(small):
    text = "\n".join(small.lines)
    for said in ("two_worlds, K = 1024", f"async_mu2_sgd, {BLIND} ", "lower bound", "exponent of the error in M"):
        assert said in text
    bound = next(line for line in small.lines if "lower bound" in line)
    assert [float(v) for v in bound.split()[2:]] == [0.5, 1, 2]


def test_what_is_drawn_is_what_was_measured(small):
    (axes,) = report.draw(small.document).axes
    assert axes.get_title() == "two_worlds, K = 1024"
    assert axes.get_xscale() == axes.get_yscale() == "log"
    drawn = [tuple(c.lines[0].get_ydata()) for c in axes.containers]
    ratios = [tuple(r["ratio"] for r in errors_of(small, d, method=m)) for m in METHODS for d in (SEES, BLIND)]
    assert drawn == ratios
    assert any(list(line.get_ydata()) == pytest.approx([0.5, 1, 2]) for line in axes.get_lines())


def test_a_long_legend_has_two_lines_and_is_seen_whole(small):
    """As many entries as three methods make: colours on the first line, methods and the bound on the second."""
    rows = small.document["tuned"]
    more = [{**r, "method": "ordered_momentum"} for r in rows if r["method"] == "async_sgd"]
    panels = [{**r, "problem": name} for name in ("one", "two", "three") for r in [*rows, *more]]
    for document, lines in (({**small.document, "tuned": panels}, 2), ({**small.document, "tuned": rows}, 1)):
        figure = report.draw(document)
        FigureCanvasAgg(figure).draw()
        (legend,) = figure.legends
        heights = {round(t.get_window_extent().y0) for t in legend.get_texts() if t.get_text().strip()}
        assert len(heights) == lines
        if lines == 2:
            box = legend.get_window_extent()
            assert 0 <= box.x0 < box.x1 <= figure.bbox.x1
        first = [t.get_text() for t in legend.get_texts()][::lines][:2]
        assert all("held_back" in text for text in first)


def test_files(small, tmp_path):
    paths = plots.simulated(small.document, tmp_path)
    assert [p.name for p in paths] == ["tuned.pdf", "tuned.svg", "tuned.png", "tuned.csv"]
    assert "best stepsize" in paths[1].read_text()
    assert len(paths[3].read_text().splitlines()) == 1 + len(small.document["tuned"])
    assert json.loads(json.dumps(small.document)) == small.document


def told(document, keep, tmp_path):
    """Return what is said and drawn of the rows that are kept, with exponents fitted to these."""
    rows = [r for r in document["tuned"] if keep(r)]
    fewer = {**document, "tuned": rows, "exponents": tuning.exponents(rows)}
    return report.lines(fewer), plots.simulated(fewer, tmp_path), fewer


def test_two_values_are_told_and_drawn_without_an_exponent(small, tmp_path):
    lines, paths, fewer = told(small.document, lambda r: r["M"] != 17, tmp_path)
    assert lines[3].split() == ["M", "5", "65"]
    assert [p.suffix for p in paths] == [".pdf", ".svg", ".png", ".csv"]
    (axes,) = report.draw(fewer).axes
    assert all(len(c.lines[0].get_xdata()) == 2 for c in axes.containers)
    assert "exponents" not in " ".join(lines) + "".join(t.get_text() for t in axes.texts) + report.caption(fewer)
    assert "not drawn" not in " ".join(lines)


def test_one_value_is_told_and_one_sentence_says_that_it_is_not_drawn(small, tmp_path):
    lines, paths, fewer = told(small.document, lambda r: r["M"] == 17, tmp_path)
    table = {tuple(line.split()[:2]): line.split()[2].rstrip("*") for line in lines[4:8]}
    assert table == {(f"{r['method']},", r["delays"]): f"{r['ratio']:.3g}" for r in report.rows_of(fewer)}
    assert lines[-1] == "not drawn, for it takes two M at one K, or two K at one M: two_worlds, K = 1024"
    assert paths == []


def test_no_row_is_left_out_where_no_two_share_m_or_k(small, tmp_path):
    apart = {**small.document, "tuned": [{**r, "K": 64 * r["M"]} for r in small.document["tuned"]]}
    lines, paths, _ = told(apart, lambda r: True, tmp_path)
    assert [f"two_worlds, K = {64 * m}" in lines for m in (5, 17, 65)] == [True] * 3
    assert lines[-1].startswith("not drawn")
    assert paths == []


# the experiment at full size


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    return simulation.perform("selection", None, 2, tmp_path_factory.mktemp("full"))


MOMENTUM = "ordered_momentum"  #: where noise is bounded in variance
VARIANCE, BOUNDED = "two_worlds", "two_worlds(bound=1)"


def exponents_of(found, variable, **where):
    return [e for e in found.document["exponents"] if e["variable"] == variable and where.items() <= e.items()]


def band(row, errors=4):
    """Return the ratio of a row less and plus so many standard errors."""
    half = errors * (row["high"] - row["ratio"])
    return row["ratio"] - half, row["ratio"] + half


@pytest.mark.slow
def test_full_exponents_where_delays_look(full):
    """1/2 in M and -1/2 in K, within 0.05, for all three methods."""
    for variable, expected in (("M", 0.5), ("K", -0.5)):
        found = exponents_of(full, variable, problem=VARIANCE, delays=SEES)
        assert {e["method"] for e in found} == {*METHODS, MOMENTUM}
        assert all(abs(e["slope"] - expected) < 0.05 for e in found), found


@pytest.mark.slow
def test_full_exponents_where_delays_do_not_look(full):
    """At most 0.05 in M, with its interval: they fall, since the steeper of these quadratics are the easier ones."""
    found = exponents_of(full, "M", problem=VARIANCE, delays=BLIND)
    assert {e["method"] for e in found} == {*METHODS, MOMENTUM}
    assert all(e["high"] < 0.05 for e in found), found


@pytest.mark.slow
def test_full_errors_lie_between_the_bound_and_no_step_at_all(full):
    for row in errors_of(full, SEES, problem=VARIANCE):
        low, high = band(row)
        assert high > row["bound"]
        nothing = 2 * row["bound"]
        assert nothing == pytest.approx(math.sqrt(row["M"] - 1) / 2)
        assert low < nothing * (1 + 1e-12)  # rounding: without a step the error is that number
    for row in errors_of(full, BLIND, problem=VARIANCE):
        assert band(row)[1] < (1 if row["M"] == 5 else row["M"] ** 0.5 / 4)


@pytest.mark.slow
def test_full_bounded_noise_has_exponent_one_and_no_effect_below_sqrt_k(full):
    """(M - 1)/(2 sqrt(K)) without a step, half of it at least; sqrt(K) = 64, and sigma B/sqrt(K) is the unit."""
    rows = errors_of(full, SEES, problem=BOUNDED)
    for row in rows:
        low, high = band(row)
        nothing = (row["M"] - 1) / 2 / math.sqrt(row["K"])
        assert low < nothing
        assert high > nothing / 2
        assert row["M"] > math.sqrt(row["K"]) / 2 or high < 1
    many = tuning.exponents([r for r in rows if r["M"] > math.sqrt(r["K"])])
    assert {e["method"] for e in many} == set(METHODS)
    assert all(abs(e["slope"] - 1) < 0.1 and e["low"] < 1 < e["high"] for e in many), many  # 0.07: its half width
    assert all(band(row)[1] < 1 for row in errors_of(full, BLIND, problem=BOUNDED))
