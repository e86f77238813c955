"""A moved coefficient is reported with its factor, sampling noise is not, and damaged files are one sentence."""

import json
import math
from copy import deepcopy

import numpy as np
import pytest

from ratecheck.checks import baseline, synthetic
from ratecheck.checks.job import Job, claims_of, run
from ratecheck.checks.statistics import coefficients
from ratecheck.core.run import dumps
from ratecheck.core.scenario import Scenario
from ratecheck.errors import RunError
from tests import command

THEOREM3 = "mishchenko2022.theorem3_convex"


def term(value, se=0.0):
    return {"value": value, "se": se, "low": value - 2 * se, "high": value + 2 * se}


def document(entries, *, claim=THEOREM3, labels=("a", "b"), seed=1):
    """Return results.json of a run, as far as a baseline reads it."""
    details = {"cells": [{"label": name} for name in labels], "coefficients": entries}
    exact = {"claim": claim, "scenario": "quick", "evidence": "exact", "verdict": "EXACT", "expected": "holds",
             "summary": "", "details": {}}  # fmt: skip
    measured = {**exact, "evidence": "monte-carlo", "verdict": "HOLDS HERE", "details": details}
    return {"version": 1, "seed": seed, "results": [exact, measured], "exit_code": 0}


def entry(problem="quadratic", output="R1", **terms):
    return {"problem": problem, "output": output, "terms": terms, "reason": "", "seeds": 40, "cells": 9}


SOUND = document([entry(optimisation=term(0.248, 0.001), noise=term(0.079, 0.005)), entry("huber", noise=term(0.5))])


def compared(then, now):
    return baseline.compare(baseline.of_results(then), baseline.of_results(now))


# what counts as moved


@pytest.mark.parametrize(
    ("then", "now", "moved"),
    [
        (term(1.0), term(1.0), False),
        (term(1.0), term(1.04), False),
        (term(1.0), term(1.06), True),
        (term(1.0), term(0.96), False),
        (term(1.0), term(0.94), True),
        (term(1.0, 0.03), term(1.12, 0.03), False),  # 3 sqrt(2) 0.03 = 0.127
        (term(1.0, 0.03), term(1.13, 0.03), True),
        (term(1.0, 0.04), term(1.11), False),
        (term(1.0, 0.04), term(1.13), True),
        (term(0.0), term(0.0), False),
        (term(0.0), term(1e-12), True),
        (term(0.0, 0.1), term(0.2, 0.1), False),
    ],
)
def test_moved_is_beyond_three_errors_and_five_per_cent(then, now, moved):
    (change,) = compared(document([entry(noise=then)]), document([entry(noise=now)])).changes
    assert change.moved is moved
    (back,) = compared(document([entry(noise=now)]), document([entry(noise=then)])).changes
    assert back.moved is moved, "the order of the two runs does not matter"
    factor = None if then["value"] == 0 else now["value"] / then["value"]
    assert change.factor == factor


@pytest.mark.statistical
def test_sampling_noise_moves_nothing_more_often_than_stated():
    """Normal errors of 3 standard errors: 0.0027. Of 20,000 pairs at most 54 + 5 sqrt(54) = 91 move, and 2 sigma would.

    More than 91 has probability below 1e-5. Control: with errors twice as large as stated 13 % move.
    """
    rng = np.random.default_rng(5)
    values = 1 + 0.1 * rng.standard_normal((20_000, 2))
    for said, low, high in ((0.1, 1, 91), (0.05, 2000, 4000)):
        pairs = [baseline._change(("c", "p", "R1", "t"), {"value": a, "se": said}, {"value": b, "se": said})
                 for a, b in values]  # fmt: skip
        assert low <= sum(c.moved for c in pairs) <= high


def synthetic_run(law, seed, runs=40, scale=1.0):
    """Return results of a synthetic run of Theorem 3, with the coefficients fitted to it."""
    cells = [c for c in synthetic.cells_of("good") if c["verdict"] != "VACUOUS"]
    rng = np.random.default_rng(seed)
    errors = synthetic.means(cells, law)[:, None] * synthetic.factors(rng, 0.5, (len(cells), runs)) * scale
    rows = synthetic.rows(cells, errors)
    by_digest = dict(zip([c["digest"] for c in cells], errors, strict=True))
    return document(coefficients.of(rows, by_digest), labels=list(by_digest))


@pytest.mark.statistical
@pytest.mark.parametrize(
    ("law", "scale", "moved"),
    [
        (synthetic.Law(), 1.0, {}),
        (synthetic.Law(noise=lambda m, k: 2.0), 1.0, {"noise": 2.0}),
        (synthetic.Law(optimisation=lambda m, k: 1.5), 1.0, {"optimisation": 1.5}),
        (synthetic.Law(), 1.3, {"optimisation": 1.3, "noise": 1.3}),
    ],
)
def test_a_planted_factor_moves_its_coefficient_and_no_other(law, scale, moved):
    """Seeds are fixed; the chance that other ones say something else is 0.003 a coefficient."""
    then = synthetic_run(synthetic.Law(), 1)
    found = compared(then, synthetic_run(law, 2, scale=scale))
    assert {c.term for c in found.changes} == {"optimisation", "noise"}
    assert {c.term for c in found.moved} == set(moved)
    for change in found.moved:
        assert change.factor == pytest.approx(moved[change.term], rel=0.1)
    assert found.exit_code == int(bool(moved))


def test_an_eighth_of_the_step_moves_what_the_bound_lets_pass(tmp_path):
    """No bound is broken by it. Moments are exact here, so the comparison has no sampling error."""
    (tmp_path / "eighth.py").write_text(
        "from sympy import sqrt\n"
        "from ratecheck import Stepsize\n"
        "from ratecheck.core.symbols import B, K, L, M, sigma, tau\n"
        "STEPSIZE = Stepsize(delay=1/(32*L*tau), cap=1/(32*M*L), noise=B/(8*sigma*sqrt(K)))\n"
    )
    right, slow = measured(1), measured(1, stepsize=str(tmp_path / "eighth.py"))
    assert compared(right, measured(1)).exit_code == 0
    assert compared(right, measured(2)).exit_code == 5, "other delays"
    found = compared(right, slow)
    assert {c.term for c in found.moved} == {"optimisation", "noise"}
    assert {c.term: c.factor > 1 for c in found.changes}["optimisation"]


def measured(seed, stepsize=None):
    """Return results of a run on quadratics in which no bound is broken."""
    grid = {"problem": {"name": "quadratic", "dimension": 4}, "delays": {"name": "exponential", "spread": 4},
            "M": [2, 4], "K": [256, 1024], "sigma": [0, 2]}  # fmt: skip
    scenario = Scenario.model_validate({"title": "b", "monte_carlo": {"replicates": 8}, "grid": [grid]})
    job = Job(claims_of([THEOREM3]), scenario, "b", seed, ("monte-carlo",), stepsize=stepsize)
    cells = run(job)[-1].details["cells"]
    assert all(c["inequalities"]["bound"]["se"] == 0 for c in cells)
    assert all(c["inequalities"]["bound"]["ratio"] < 1 for c in cells)
    return document(coefficients.of(cells, {}), labels=[c["label"] for c in cells], seed=seed)


# the file


def test_a_baseline_is_small_and_the_same_bytes_for_the_same_run():
    first, second = (dumps(baseline.of_results(deepcopy(SOUND))) for _ in range(2))
    assert first == second
    assert len(first) < 1500
    found = json.loads(first)
    assert set(found) == {"version", "ratecheck", "claims"}
    assert set(found["claims"][THEOREM3]) == {"scenario", "grid", "seed", "entries"}
    shuffled = document(list(reversed(SOUND["results"][1]["details"]["coefficients"])), labels=("b", "a"))
    assert dumps(baseline.of_results(shuffled)) == first, "the order of cells and fits does not matter"


def test_terms_without_a_number_are_not_kept():
    found = baseline.of_results(document([entry(a=term(1.0), b=term(math.inf), c=term(1.0, math.nan)), entry("x")]))
    (kept,) = found["claims"][THEOREM3]["entries"]
    assert set(kept["terms"]) == {"a"}


def test_other_grids_new_and_missing_entries_are_said():
    then = baseline.of_results(SOUND)
    grown = document([entry(optimisation=term(0.248), rival=term(1.0)), entry("dense", noise=term(0.5))])
    notes = " ".join(baseline.compare(then, baseline.of_results(grown)).notes)
    assert "coefficient quadratic, R1, noise is in the baseline and not in the run" in notes
    assert "coefficient quadratic, R1, rival is new in the run" in notes
    assert "coefficient dense, R1, noise is new in the run" in notes
    other = document(SOUND["results"][1]["details"]["coefficients"], labels=("a", "c"))
    elsewhere = baseline.compare(then, baseline.of_results(other))
    assert elsewhere.exit_code == 5
    assert "other cells" in elsewhere.notes[0]
    named = baseline.compare(then, baseline.of_results(document([entry(noise=term(1.0))], claim="mine.py")))
    assert named.exit_code == 5
    assert {n.split(" is ")[0] for n in named.notes} == {f"claim {THEOREM3}", "claim mine.py"}
    seeds = document(SOUND["results"][1]["details"]["coefficients"], seed=2)
    elsewhere = baseline.compare(then, baseline.of_results(seeds))
    assert elsewhere.exit_code == 5
    assert "run with --seed 1" in elsewhere.notes[0]


# the commands


@pytest.fixture
def stored(tmp_path):
    """Store results as a run called ``name``; return a function that runs a baseline command."""

    def store(results, name="1122"):
        folder = tmp_path / ".ratecheck" / "runs" / f"20261121-120000-{name}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "manifest.json").write_text("{}")
        (folder / "results.json").write_text(results if isinstance(results, str) else dumps(results))

    store(SOUND)
    return store


@pytest.fixture
def rc(tmp_path):
    return lambda *args: command.here("baseline", *args, folder=tmp_path)


@pytest.mark.usefixtures("stored")
def test_save_and_compare_the_same_run(rc, tmp_path):
    saved = rc("save", "1122")
    assert (saved.code, "3 coefficients" in saved.out) == (0, True)
    first = (tmp_path / "ratecheck-baseline.json").read_bytes()
    rc("save", "1122")
    assert (tmp_path / "ratecheck-baseline.json").read_bytes() == first
    same = rc("compare")
    assert same.code == 0
    assert "0 of 3 coefficients moved" in same.out
    assert [p.name for p in tmp_path.iterdir() if p.name != ".ratecheck"] == ["ratecheck-baseline.json"]


def test_a_moved_coefficient_is_exit_1_with_its_factor(rc, stored):
    rc("save", "1122", "--file", "b.json")
    quadratic = entry(optimisation=term(0.248, 0.001), noise=term(0.316, 0.005))
    stored(document([quadratic, entry("huber", noise=term(0.5))]), "3344")
    ran = rc("compare", "3344", "--file", "b.json")
    assert ran.code == 1
    (line,) = [one for one in ran.out.splitlines() if one.startswith("MOVED")]
    assert "quadratic, R1: noise 0.079 -> 0.316, factor 4" in line
    found = rc("compare", "3344", "--file", "b.json", "--json").document
    assert (found["exit_code"], found["moved"], len(found["coefficients"])) == (1, 1, 3)


def test_nothing_to_compare_is_exit_5(rc, stored):
    rc("save", "1122")
    stored(document(SOUND["results"][1]["details"]["coefficients"], labels=("z",)), "3344")
    ran = rc("compare", "3344")
    assert (ran.code, "nothing to compare" in ran.out) == (5, True)
    assert rc("compare", "3344", "--json").document["exit_code"] == 5


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is no JSON"),
        ('{"version": 1', "is no JSON"),
        ("[1, 2]", "no baseline"),
        ("null", "no baseline"),
        ("{}", "no baseline"),
        ('{"version": 2, "claims": {}}', "version 2"),
        ('{"version": 1}', "no baseline"),
        ('{"version": 1, "claims": []}', "no baseline"),
        ('{"version": 1, "claims": {"c": {"grid": "x"}}}', "no baseline"),
        ('{"version": 1, "claims": {"c": {"grid": "x", "scenario": "s", "seed": 1, "entries": [1]}}}', "no baseline"),
        ("[" * 100_000, "no baseline"),
        (None, "cannot be read"),
        (b"\xff\xfe", "is not UTF-8"),
    ],
)
def test_a_damaged_file_is_one_sentence(rc, tmp_path, text, says):
    if text is not None:
        (tmp_path / "b.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    ran = rc("compare", "1122", "--file", "b.json")
    assert ran.code == 2
    assert says in ran.complaint
    assert "b.json" in ran.complaint


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("value", ['"inf"', "NaN", "1e999", "null", "true", "[1]", "-1"])
def test_a_number_that_is_none_is_noticed(rc, tmp_path, value):
    rc("save", "1122", "--file", "b.json")
    text = (tmp_path / "b.json").read_text()
    assert '"se": 0.001' in text
    (tmp_path / "b.json").write_text(text.replace('"se": 0.001', f'"se": {value}'))
    ran = rc("compare", "1122", "--file", "b.json")
    assert (ran.code, "damaged" in ran.complaint) == (2, True)


@pytest.mark.parametrize(
    ("results", "says"),
    [
        (document([]), "no fitted coefficients"),
        (document([entry()]), "no fitted coefficients"),
        ({"version": 1, "seed": 1, "results": [], "exit_code": 2}, "no fitted coefficients"),
        ({"version": 1}, "damaged"),
        ({"version": 1, "seed": 1, "results": [1]}, "damaged"),
        ({"version": 1, "seed": 1, "results": 3}, "damaged"),
        ("{", "cannot be read"),
        ("[]", "is not a JSON object"),
    ],
)
def test_a_run_without_coefficients_is_one_sentence(rc, stored, tmp_path, results, says):
    stored(results)
    for args in (("save", "1122"), ("save", "nobody"), ("save", "1122", "--file", "no/where.json")):
        ran = rc(*args)
        assert ran.code == 2
        assert args[1] != "1122" or says in ran.complaint
        assert not (tmp_path / "ratecheck-baseline.json").exists()


@pytest.mark.usefixtures("stored")
def test_a_file_that_cannot_be_written_is_one_sentence(rc, tmp_path):
    assert "cannot be written" in rc("save", "1122", "--file", "no/where.json").complaint
    (tmp_path / "folder").mkdir()
    assert "cannot be written" in rc("save", "1122", "--file", "folder").complaint
    assert [p.name for p in tmp_path.iterdir() if p.name != ".ratecheck"] == ["folder"], "nothing is left behind"


def test_no_coefficients_is_an_error_of_ours():
    with pytest.raises(RunError, match="no fitted coefficients"):
        baseline.of_results(document([]))
