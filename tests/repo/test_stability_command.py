"""The command ``stability``: tables, plots, a method of one's own, and bad input."""

import csv
import io

import pytest

MINE = """
from ratecheck import Method

def receive(server, a):
    x, g = server.x[0], a.grad[0]
    for i in range(x.shape[0]):
        x[i] -= a.gamma * g[i] / 2

METHOD = Method("half_speed", receive)
"""


def test_a_method_of_ones_own(rc, tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    ran = rc("stability", "mine.py", "async_sgd", "--M", "2,4", "--json")
    assert ran.code == 0
    largest = {(r["method"], r["M"]): r["largest"] for r in ran.document["rows"]}
    for m in (2, 4):
        assert largest["mine", m] == pytest.approx(2 * largest["async_sgd", m])


def test_enclosures_say_so(rc):
    ran = rc("stability", "ormo", "--M", 2, "--exact")
    assert ran.code == 0
    assert "enclosed in rational arithmetic, period 2" in ran.out


def test_all_digits_that_are_printed_are_right(rc):
    ran = rc("stability", "ormo", "naive_momentum", "--M", 2, "--beta", ".999999")
    assert ran.out.splitlines()[1].split()[:3] == ["ormo", "2", "0.999999"]
    for line in ran.out.splitlines()[1:3]:
        assert line.split()[4] == "1000000.000"
    row = rc("stability", "ormo", "--M", 2, "--beta", ".999999", "--json").document["rows"][0]
    assert (row["effect"], row["effect_exactly"]) == (1e6, "1000000")


def test_why_something_is_not_enclosed(rc, tmp_path):
    assert "not enclosed: its period is above 16" in rc("stability", "async_sgd", "--M", 20, "--exact").out
    (tmp_path / "idle.py").write_text(MINE.replace("x[i] -= a.gamma * g[i] / 2", "g[i] = x[i]"))
    assert "no gradient moves the model" in rc("stability", "idle.py", "--M", 2).out


def test_the_plot_and_its_numbers(rc, tmp_path):
    ran = rc("stability", "ormo", "naive_momentum", "--M", "3,1,2", "--beta", "0.9,0,0.5", "--plot", "drawn")
    assert ran.code == 0
    files = {p.name: p.read_bytes() for p in (tmp_path / "drawn").iterdir()}
    assert set(files) == {f"stability.{s}" for s in ("pdf", "svg", "png", "csv")}
    assert files["stability.png"].startswith(b"\x89PNG")
    assert files["stability.pdf"].startswith(b"%PDF")
    rows = list(csv.DictReader(io.StringIO(files["stability.csv"].decode())))
    assert {(r["M"], float(r["beta"])) for r in rows} == {("3", 0.9), ("1", 0.9), ("2", 0.9), ("3", 0), ("3", 0.5)}
    assert len(rows) == 2 * 5
    rc("stability", "ormo", "naive_momentum", "--M", "3,1,2", "--beta", "0.9,0,0.5", "--plot", "again")
    assert {p.name: p.read_bytes() for p in (tmp_path / "again").iterdir()} == files


def test_what_stands_in_the_panels():
    """A figure has a line a method in each panel, and decades for ticks."""
    from ratecheck.report import stability

    rows = [
        {"method": m, "M": w, "beta": b, "largest": 2.0 / w * f, "effective": 20.0 / w * f}
        for m, f in (("a", 0.1), ("b", 10.0)) for w, b in ((4, 0.9), (8, 0.9), (4, 0.5))
    ]  # fmt: skip
    figure = stability.draw(stability.panels_of({"rows": rows}))
    left, right = figure.axes
    assert [len(line.get_xdata()) for line in (*left.get_lines(), *right.get_lines())] == [2, 2, 2, 2]
    assert list(left.get_lines()[0].get_ydata()) == [0.05, 0.025]
    assert {10.0**e for e in range(-1, 1)} <= set(left.get_yticks())
    assert stability.panels_of({"rows": rows[:1]}) == {}


def test_the_claim_is_shown(rc):
    from xml.etree import ElementTree

    from ratecheck.core import shelf
    from ratecheck.report import mathml

    ran = rc("show", "ormo2024.stability", "--json")
    assert ran.document["stability"] == ["order", "asynchronous SGD", "barrier beta 0.5", "barrier beta 0.9"]
    for fact in shelf.CLAIMS.get("ormo2024.stability").stability:
        assert ElementTree.fromstring(mathml.formula(fact.statement)).tag == "math"
        assert fact.statement in rc("show", "ormo2024.stability", "--latex").out


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["nosuch"], "unknown method"),
        (["ormo", "--M", "0"], "whole numbers"),
        (["ormo", "--M", ","], "commas"),
        (["ormo", "--beta", "1"], "below 1"),
        (["ormo", "--beta", "x"], "must be a number"),
        (["ormo", "--delays", "gamma(shape"], "a name with parameters"),
        (["ormo", "--delays", "nosuch"], "unknown delays"),
        (["ormo", "--scheduler", "nosuch"], "unknown scheduler"),
        (["ormo", "--stepsize", "drops"], "times a factor"),
        (["ormo", "--stepsize", "delay_adaptive_convex"], "times a factor"),
        (["ormo", "--stepsize", "ormo_delay_practical"], "--constant damping="),
        (["ormo", "--delays", "slow_samples(factor=3)"], "look at samples"),
        (["ormo", "--delays", "slow_samples(factor=3, blind=1)"], "look at samples"),
        (["ormo", "--constant", "damping"], "must be a number"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(rc, given, words):
    ran = rc("stability", *given)
    assert ran.code == 2
    assert words in ran.complaint


@pytest.mark.parametrize(("workers", "drawn"), [("2", False), ("1,2", True)])
def test_a_plot_of_nothing_is_said_to_be_none(rc, tmp_path, workers, drawn):
    ran = rc("stability", "ormo", "--M", workers, "--plot", "drawn")
    assert ran.code == 0
    assert ("nothing is drawn: a plot takes several M, or several beta" in ran.out) is not drawn
    assert (tmp_path / "drawn").exists() is drawn
