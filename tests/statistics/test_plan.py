"""What ``ratecheck plan`` says of a grid before any run is what ``check`` finds on it; its own grids are good ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from ratecheck.checks import plan, rates
from ratecheck.checks.design import ROUNDS, SHARES, cells_of, design
from ratecheck.checks.job import Job, run
from ratecheck.checks.plan import MOST, Question, changes, place, places, slopes, smallest_steps
from ratecheck.core import scenario as scenarios
from ratecheck.core import shelf
from ratecheck.core.scenario import Scenario
from tests import command

THEOREM1, THEOREM3 = "mishchenko2022.theorem1", "mishchenko2022.theorem3_convex"
MINIBATCH, LEMMA = "mishchenko2022.minibatch_convex", "mishchenko2022.lemma1"

GRID = {
    "problem": {"name": "quadratic", "dimension": 4}, "delays": {"name": "exponential", "spread": 4},
    "M": [2, 4, 8], "K": [64, 256, 1024], "sigma": [0, 1],
}  # fmt: skip
LIPSCHITZ = {**GRID, "problem": "asymmetric_abs", "noise": "rademacher", "K": [256, 1024, 4096], "sigma": [0, 0.5]}


def question(claim=THEOREM3, *grids, replicates=64, **more):
    data = {"title": "plan", "grid": list(grids or (GRID,))}
    found = shelf.claim(claim)
    return Question(claim, found, Scenario.model_validate(data), None, 1, replicates, **more)


def usable(asked):
    return [p for p in places(asked) if p.formulas and not p.formulas.vacuous]


def checked(asked, scenario=None, replicates=8):
    scenario = scenario or asked.scenario
    settings = scenario.monte_carlo.model_copy(update={"replicates": replicates})
    scenario = scenario.model_copy(update={"monte_carlo": settings})
    (found,) = run(Job({asked.name: asked.claim}, scenario, "plan", asked.seed, ("monte-carlo",)))
    return found


# what it says of a grid


@pytest.mark.parametrize(("claim", "grid"), [(THEOREM3, GRID), (THEOREM1, LIPSCHITZ), (MINIBATCH, GRID)])
def test_a_plan_says_of_every_cell_what_a_check_finds(claim, grid):
    """Applicable or not, with the reason; vacuous or not; the branch; the terms of the bound: by formulas, no run."""
    asked = question(claim, grid, {**grid, "problem": "logistic", "noise": "rows", "sigma": None, "M": 4, "K": 256},
                     {**grid, "M": 512, "K": 256})  # fmt: skip
    told = {p.cell.digest: p for p in places(asked)}
    found = {row["digest"]: row for row in checked(asked).details["cells"]}
    assert told.keys() == found.keys()
    for digest, row in found.items():
        here = told[digest]
        assert (here.formulas is None) == (row["verdict"] == "NOT APPLICABLE"), row["label"]
        if here.formulas is None:
            assert here.reason == row["reason"]
        else:
            assert here.formulas.vacuous == (row["verdict"] == "VACUOUS"), row["label"]
            assert here.formulas.branch == row["branch"]
            assert here.formulas.bound.value(here.formulas.facts) == row["inequalities"]["bound"]["rhs"]
    assert {r["verdict"] for r in found.values()} >= {"NOT APPLICABLE"}


def test_the_crossover_is_where_the_formulas_say():
    """1/(4ML) = B/(sigma sqrt K) at K = (4 M L B/sigma)^2, and 8M/(3K) = 2 sigma/sqrt K at K = (4 M/(3 sigma))^2."""
    for here in usable(question()):
        if here.noisy:
            m, found = here.cell.M, plan.crossovers(here.formulas)
            assert found["branch"] == [((4 * m) ** 2 + 1, "noise")]
            ((first, to),) = found["term"]
            assert (first - 1 < (4 * m / 3) ** 2 < first, to) == (True, "noise")
        else:
            assert plan.crossovers(here.formulas) == {"branch": [], "term": []}


def test_the_smallest_useful_number_of_steps_is_the_smallest():
    """Without noise 8M/(3K) < 1/2 from K = 16 M/3 on; with sigma = 1 the two sides of K tell."""
    for here in places(question(THEOREM3, {**GRID, "M": [8, 64], "K": [64]})):
        least = smallest_steps(here.formulas)
        assert not here.formulas.at(K=least).vacuous
        assert here.formulas.at(K=least - 1).vacuous
        if not here.noisy:
            assert least == 16 * here.cell.M // 3 + 1


@pytest.mark.parametrize("at", [1, 2, 3, 17, 1000])
def test_changes_are_found_to_the_unit(at):
    assert changes(lambda k: k >= at, 1) == ([(at, True)] if at > 1 else [])


def test_a_bound_with_numbers_of_the_schedule_is_planned_but_not_designed():
    found = shelf.claim(THEOREM3)
    statement = found.outputs["R1"]
    conditional = replace(found, outputs={"R1": replace(statement, bound=statement.conditional)})
    asked = replace(question(), claim=conditional)
    assert all(p.formulas and p.formulas.facts["W"] > 0 for p in places(asked))
    assert smallest_steps(places(asked)[0].formulas) is None
    with pytest.raises(Exception, match="numbers of the schedule"):
        design(asked, places(asked))


# predicted widths


@pytest.mark.statistical
def test_predicted_widths_are_those_that_level_slacks_give():
    """The mean half width over 200 experiments is the predicted one: to 5 %, since t quantiles are estimated too."""
    asked = question(THEOREM3, {**GRID, "K": [64, 256, 1024, 4096], "sigma": [1]}, replicates=64)
    cells = usable(asked)
    predicted = {(s["variable"], s["branch"]): s["half"] for s in slopes(cells, asked)}
    rng = np.random.default_rng(3)
    halves = {key: [] for key in predicted}
    for _ in range(200):
        for s in rates.judge(sampled(cells, asked.cv, 64, rng), asked.margin)["slopes"]:
            if (s["variable"], s["regime"]) in halves:
                halves[s["variable"], s["regime"]].append(s["sampling"])
    assert predicted
    for key, found in halves.items():
        assert np.mean(found) == pytest.approx(predicted[key], rel=0.05), key


def sampled(cells, cv, runs, rng):
    """Return rows of cells with a level slack and gamma errors of this coefficient of variation."""
    rows = []
    for p in cells:
        one = plan.row(p, runs, cv)
        if p.noisy:
            errors = rng.gamma(cv**-2, cv**2, runs)
            bound = one["inequalities"]["bound"]
            bound |= {"lhs": float(errors.mean()), "se": float(errors.std(ddof=1) / runs**0.5)}
            bound["ratio"] = bound["lhs"]
        rows.append(one)
    return rows


@pytest.mark.slow
@pytest.mark.statistical
@pytest.mark.parametrize(("claim", "grid"), [(THEOREM3, GRID), (MINIBATCH, GRID), (THEOREM1, LIPSCHITZ)])
def test_a_right_law_matches_on_the_planned_grid_and_a_wrong_one_does_not(claim, grid):
    """At least 95 of 100 level data sets with CV 0.5 and 80 runs MATCH; of those that are off by K^(1/4) none does.

    The chance of a MATCH is 0.992 (of 1000 data sets with other seeds), so that fewer than 95 have probability 2e-4.
    """
    asked = question(claim, grid, replicates=80)
    made = design(asked, places(asked))
    assert made.within
    cells = [place(asked, c) for b in made.blocks for c in cells_of(made.base, b)]
    rng = np.random.default_rng(1)
    right, wrong = 0, 0
    for _ in range(100):
        rows = sampled(cells, 0.5, made.replicates, rng)
        right += rates.judge(rows, asked.margin)["verdict"] == "MATCHES"
        for one in rows:
            for key in ("lhs", "se", "ratio"):
                one["inequalities"]["bound"][key] *= one["K"] ** 0.25
        wrong += rates.judge(rows, asked.margin)["verdict"] == "MATCHES"
    assert right >= 95
    assert wrong == 0


def test_more_variation_takes_more_seeds():
    grid = {**GRID, "K": [512, 1024, 4096, 8192], "sigma": 4}
    few, many = (slopes(usable(a), a) for a in (question(THEOREM3, grid, cv=0.25), question(THEOREM3, grid, cv=1.0)))
    noisy = [(a["seeds"], b["seeds"]) for a, b in zip(few, many, strict=True) if b["branch"] == "noise"]
    assert noisy
    assert all(a is None or b is None or b >= 8 * a for a, b in noisy)
    assert any(a and b for a, b in noisy)


# designed grids


@pytest.mark.parametrize(
    ("claim", "grid", "branches"),
    [
        (THEOREM3, GRID, {"cap", "noise"}),
        (MINIBATCH, GRID, {"cap", "noise"}),
        (THEOREM1, LIPSCHITZ, {"constant"}),
        (THEOREM3, {**GRID, "problem": {**GRID["problem"], "smoothness": 1000, "radius": 0.1}}, {"cap", "noise"}),
        (THEOREM3, {**GRID, "M": 1, "K": 16, "sigma": 0}, {"cap", "noise"}),
    ],
)
def test_every_branch_of_a_designed_grid_has_its_span(claim, grid, branches):
    asked = question(claim, grid)
    made = design(asked, places(asked))
    assert {b.branch for b in made.blocks} == branches
    assert made.missing == ()
    for block in made.blocks:
        assert max(block.K) >= 8 * min(block.K)
        assert min(block.K) >= ROUNDS * max(block.M)
        assert max(block.M) >= 4 * min(block.M)
        assert len(block.K) >= 3 <= len(block.M)
        for cell in cells_of(made.base, block):
            here = place(asked, cell).formulas
            assert here is not None
            assert (here.branch, here.vacuous) == (block.branch, False)
            assert here.share >= SHARES[0]
    assert {(s["variable"], s["branch"]) for s in made.slopes} == {(v, b) for v in ("K", "M") for b in branches}
    assert all(s["half"] <= plan.ROOM * asked.margin for s in made.slopes)


def test_few_runs_are_raised_when_no_pattern_does_with_them():
    asked = question(replicates=2)
    made = design(asked, places(asked))
    assert made.within
    assert 2 < made.replicates <= MOST


def test_the_cheapest_of_two_designs_is_taken():
    """Four times the runs are cheaper than a longer grid; control: without them the grid is longer."""
    few, many = (design(a, places(a)) for a in (question(replicates=64), question(replicates=512)))
    assert max(k for b in many.blocks for k in b.K) <= max(k for b in few.blocks for k in b.K)


def test_check_sees_every_branch_of_the_planned_grid(tmp_path):
    """With 8 runs a cell the widths are not the planned ones; that every branch has slopes in K and in M is."""
    (tmp_path / "given.toml").write_text(TOML.replace("64 }", "512 }"))
    ran = command.here("plan", THEOREM3, "--profile", "given.toml", "--write", "planned.toml", folder=tmp_path)
    assert ran.code == 0, ran.err
    planned = scenarios.load(tmp_path / "planned.toml")
    slopes_found = checked(question(), planned).details["rate"]["slopes"]
    assert {(s["variable"], s["regime"]) for s in slopes_found} == {(v, b) for v in "KM" for b in ("cap", "noise")}
    given = scenarios.load(tmp_path / "given.toml")
    control = checked(question(), given).details["rate"]["slopes"]
    assert {s["regime"] for s in control} == {"cap"}, "the given grid does not see them, so the test has teeth"


# the command

TOML = """
title = "Given"
monte_carlo = { replicates = 64 }
[[grid]]
problem = { name = "quadratic", dimension = 4 }
delays = { name = "exponential", spread = 4 }
M = [2, 4, 8]
K = [64, 256, 1024]
sigma = 0
"""


@pytest.fixture
def ratecheck(tmp_path):
    def run_it(*args, toml=TOML):
        (tmp_path / "given.toml").write_text(toml)
        return command.here("plan", *args, "--profile", "given.toml", folder=tmp_path)

    return run_it


def flat(text):
    return " ".join(text.split())


def test_a_grid_with_one_branch_is_told_so_and_what_to_add(ratecheck):
    said = flat(ratecheck(THEOREM3).out)
    assert "branch 'noise' of the stepsize is never active" in said
    assert "Add sigma = 10" in said
    control = flat(ratecheck(THEOREM3, toml=TOML.replace("sigma = 0", "sigma = [0, 4]")).out)
    assert "never active" not in control


def test_vacuous_cells_are_told_with_the_steps_that_help(ratecheck):
    vacuous = TOML.replace("[64, 256, 1024]", "[16, 256, 1024]")
    said = flat(ratecheck(THEOREM3, toml=vacuous).out)
    assert "2 of 9 cells are vacuous" in said
    assert "Use K >= 22 for M = 4, sigma = 0; K >= 43 for M = 8, sigma = 0." in said
    assert "vacuous" not in flat(ratecheck(THEOREM3).out)


def test_all_cells_vacuous_or_none_applicable(ratecheck):
    never = ratecheck(THEOREM3, toml=TOML.replace("sigma = 0", "sigma = 1e6"))
    assert never.code == 0
    assert "9 of 9 cells are vacuous" in flat(never.out)
    assert "branch 'noise' of the stepsize is active only where the bound is vacuous" in flat(never.out)
    none = ratecheck(THEOREM1)
    assert none.code == 2
    assert "nothing that was asked for is applicable" in none.complaint
    assert "none: no cell of the grid applies" not in none.out


def test_json_is_one_document_and_deterministic(ratecheck):
    first, second = (ratecheck(THEOREM3, "--json") for _ in range(2))
    assert first.out == second.out
    document = first.document
    assert document["cells"] == {"all": 9, "apply": 9, "vacuous": 0}
    assert document["work"] == {"runs": 9, "steps": 3 * 1344, "coordinates": 3 * 1344 * 4}
    assert document["design"]["within"] is True
    assert "seconds" not in first.out


def test_a_users_claim_and_parts_are_found_from_the_written_file(tmp_path):
    """Paths in the written file are relative to it; the scenario and the claim lie in two other folders."""
    for folder in ("claims", "given", "planned"):
        (tmp_path / folder).mkdir()
    lie = (Path(__file__).parents[1] / "teeth" / "files" / "theorem3_without_m.py").read_text()
    (tmp_path / "claims" / "mine.py").write_text(lie)
    part = (Path(__file__).parents[2] / "ratecheck" / "problems" / "huber.py").read_text()
    (tmp_path / "given" / "my_huber.py").write_text(part)
    (tmp_path / "given" / "given.toml").write_text(
        TOML.replace('{ name = "quadratic", dimension = 4 }', '{ name = "my_huber.py", kink = "1/10" }')
    )
    ran = command.here("plan", "claims/mine.py", "--profile", "given/given.toml", "--write", "planned/p.toml",
                       folder=tmp_path)  # fmt: skip
    assert ran.code == 0, ran.err
    text = (tmp_path / "planned" / "p.toml").read_text()
    assert 'claims = ["../claims/mine.py"]' in text
    assert '"../given/my_huber.py"' in text
    again = command.here("check", "planned/p.toml", "--evidence", "exact", folder=tmp_path)
    assert again.code == 0, again.err


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ([LEMMA], "lemma without bounds"),
        (["mishchenko2022.theorem3_convx"], "did you mean"),
        ([THEOREM3, "--cv", "0"], "--cv takes a number above 0"),
        ([THEOREM3, "--cv", "nan"], "--cv takes a number above 0"),
        ([THEOREM3, "--cv", "inf"], "--cv takes a number above 0"),
        ([THEOREM3, "--cv", "1e300"], "--cv takes a number above 0"),
        ([THEOREM3, "--replicates", "1"], "one gives no variance"),
        ([THEOREM3, "--replicates", "-5"], "cannot be planned"),
        ([THEOREM3, "--write", "plan.json"], "takes the name of a .toml file"),
        ([THEOREM3, "--write", "given.toml"], "exists already"),
        ([THEOREM3, "--write", "no/folder.toml"], "there is no folder"),
    ],
)
def test_bad_input_is_one_sentence(ratecheck, args, says):
    ran = ratecheck(*args)
    assert ran.code == 2
    assert says in ran.complaint
    assert ran.out == ""


def test_a_recorded_trace_is_planned_and_not_designed(ratecheck):
    trace = command.ROOT / "scenarios" / "traces" / "made_delays.csv"
    toml = f"""
    title = "Trace"
    [[grid]]
    problem = "quadratic"
    delays = {{ name = "trace", file = "{trace}" }}
    sigma = [0, 1]
    """
    ran = ratecheck(THEOREM3, toml=toml)
    assert ran.code == 0
    assert "none: every cell runs on a recorded trace" in flat(ran.out)
    (refused,) = [ratecheck(THEOREM3, "--write", "p.toml", toml=toml)]
    assert refused.code == 2
    assert "recorded trace" in refused.complaint


def test_a_branch_that_nothing_makes_visible_is_named(ratecheck):
    """Rows of a finite sum have the noise they have: too little here for the branch of the noise."""
    toml = TOML.replace('{ name = "quadratic", dimension = 4 }', '"logistic"\nnoise = "rows"').replace("sigma = 0", "")
    document = ratecheck(THEOREM3, "--json", toml=toml).document
    made = document["design"]
    assert {*made["missing"], *(b["branch"] for b in made["blocks"])} == {"cap", "noise"}
    assert made["missing"]
    assert made["within"] is False


def test_the_share_of_runs_that_room_leaves(monkeypatch):
    """Half the margin for the half width leaves an estimate 3 standard errors or more at 30 degrees of freedom."""
    level = 1 - (1 - rates.CONFIDENCE) / 4
    quantile = stats.t.ppf((1 + level) / 2, 30)
    assert (1 / plan.ROOM - 1) * quantile >= 3
