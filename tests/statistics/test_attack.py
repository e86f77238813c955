"""The adversary finds planted lies without being told where, and nothing against what is true."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ratecheck.checks import reproduce
from ratecheck.checks.attack import Attack, Budget, check
from ratecheck.checks.attack.adversary import _confirmed
from ratecheck.checks.attack.score import Ratio, Score, score
from ratecheck.checks.attack.search import Board
from ratecheck.checks.attack.shrink import MOVES, shrink
from ratecheck.checks.attack.space import space_of
from ratecheck.checks.preconditions import contradiction
from ratecheck.core import shelf
from ratecheck.core.cell import Cell
from ratecheck.core.part import Part
from ratecheck.core.verdict import Verdict
from ratecheck.core.witness import Witness
from ratecheck.engine.build import build
from ratecheck.errors import RatecheckError
from ratecheck.mutants.mutant import all_mutants
from tests.makers import LOOKING, RULES

LIES = Path(__file__).parents[1] / "teeth" / "files"
THEOREM1, THEOREM3 = "mishchenko2022.theorem1", "mishchenko2022.theorem3_convex"
BASE = Cell(Part("quadratic"), Part("none"), Part("round_robin"), 1, 1)
#: a cell with a number in every place
CELL = Cell(Part("huber", {"kink": 0.0672, "dimension": 2}), Part("two_point", {"p": 0.0405}),
            Part("slow_samples", {"factor": 247}), 12, 600, 4.93, "R1", constants={"L": 3.17})  # fmt: skip


def names_of(space):
    """Return the labels of the delays that are searched."""
    return {p.label for p in space.delays}


def attack(name, evaluations, *, claim=None, **options):
    """Attack a claim with a budget of evaluations."""
    return check(Attack(name, claim or shelf.claim(name), "attack", 1, Budget(evaluations), **options))


@pytest.mark.parametrize("lie", ["theorem3_without_m.py", "theorem1_without_sqrt_m.py"])
def test_a_missing_factor_is_found_shrunk_and_replayed(lie):
    found = attack(str(LIES / lie), 300)
    assert found.verdict is Verdict.REFUTED
    assert found.details["evaluations"] < 300
    assert found.details["failed"]["steps_down"] > 0
    witness = Witness.from_json(found.witness, "here")
    assert reproduce.witness(witness).same
    moved = replace(witness, found={**witness.found, "lhs": witness.found["lhs"] * 1.001})
    assert not reproduce.witness(moved).same


@pytest.mark.parametrize(
    "mutant",
    [m for m in all_mutants() if m.name in ("theorem3_master_without_noise", "minibatch_bound_without_m",
                                            "theorem3_nonconvex_r1_master_optimisation", "theorem3_bound_root_of_m")],
    ids=lambda m: m.name,
)  # fmt: skip
def test_planted_bounds_are_found(mutant):
    claim = mutant.change(shelf.claim(mutant.claim))
    assert attack(mutant.claim, 300, claim=claim).verdict.negative


@pytest.mark.slow
@pytest.mark.parametrize("name", [THEOREM1, THEOREM3, "mishchenko2022.minibatch_convex", "ormo2024.theorem2"])
def test_nothing_is_found_against_the_truth(name):
    """Sampled ratios may lie above 1 by chance, by no more than four standard errors of those that are told."""
    found = attack(name, 300)
    assert found.verdict is Verdict.NOT_REFUTED
    assert found.witness is None
    assert "budget 300 evaluations" in found.summary
    best = found.details["best"]
    assert 0.1 < best["ratio"] <= 1 + 4 * best["error"] + 1e-9
    assert found.details["evaluations"] >= 300


@pytest.mark.slow
def test_threads_change_nothing():
    lie = str(LIES / "theorem3_without_m.py")
    one, two = (attack(lie, 200, threads=threads).as_json() for threads in (1, 2))
    assert one == two


def test_claims_about_orders_are_enumerated():
    assert attack("mishchenko2022.lemma1", 3).verdict is Verdict.NOT_REFUTED
    found = attack("mishchenko2022.lemma1_printed_indicator", 3)
    assert found.verdict is Verdict.REFUTED
    assert not found.surprise
    assert reproduce.witness(Witness.from_json(found.witness, "here")).same


def test_beyond_its_policy_only_delays_that_look_are_searched():
    claim = replace(shelf.claim(THEOREM3), policy="data-dependent")
    models = names_of(space_of(claim, BASE, "independent", 1))
    assert models == {*LOOKING}
    covered = names_of(space_of(shelf.claim(THEOREM3), BASE, "independent", 1))
    assert not covered & models
    assert models < names_of(space_of(shelf.claim(THEOREM1), BASE, "data-dependent", 1))
    assert {f"{n}(blind=1)" for n in (*LOOKING, *RULES)} < covered, "twins are independent"


def test_the_clairvoyant_attack_searches_rules_that_pick():
    claim = replace(shelf.claim(THEOREM3), policy="clairvoyant")
    assert names_of(space_of(claim, BASE, "independent", 1)) == {*LOOKING, *RULES}
    assert names_of(space_of(claim, BASE, "data-dependent", 1)) == {*RULES}


@pytest.mark.slow
def test_without_assumption_1_theorem_3_is_refuted():
    found = attack(THEOREM3, 1500, policy="data-dependent")
    assert found.verdict is Verdict.REFUTED
    assert "which the claim does not cover" in found.summary
    assert reproduce.witness(Witness.from_json(found.witness, "here")).same


def test_a_lucky_cell_is_not_believed():
    """A cell of a true claim that is said to look broken is measured again, and forgotten."""
    cell = Cell(Part("quadratic"), Part("gaussian"), Part("exponential"), 2, 64, 1.0, "R1")
    asked = Attack(THEOREM3, shelf.claim(THEOREM3), "attack", 1, Budget(100))
    board = Board()
    board.add(Score(cell, {"bound": Ratio(5.0, 0.1, False, False)}))
    assert list(board.broken) == [cell.digest]
    assert not _confirmed(asked, board)
    assert asked.looked == {cell.digest}
    assert asked.confirmed == []


def test_a_cell_outside_the_assumptions_has_no_score():
    claim = shelf.claim(THEOREM3)
    good = Cell(Part("quadratic"), Part("gaussian"), Part("exponential"), 2, 64, 1.0, "R1")
    assert score(claim, good, 1).ratios["bound"].value < 1
    for outside in (
        replace(good, problem=Part("asymmetric_abs")),
        replace(good, delays=Part("slow_samples")),
        replace(good, problem=Part("heterogeneous_quadratic")),
        replace(good, M=128),
    ):
        assert score(claim, outside, 1) is None


def test_constants_with_room_are_true():
    """What the search declares by hand the objective never contradicts."""
    claim = shelf.claim("mishchenko2022.theorem3_strongly_convex")
    space = space_of(claim, BASE, claim.policy, 1)
    looked = 0
    for point in np.random.default_rng(3).random((400, space.size)):
        try:
            cell = space.cell(point)
            built = build(cell, 1, method=claim.method, scheduler=claim.scheduler, stepsize=claim.stepsize)
        except RatecheckError:
            continue
        if cell.constants and looked < 25:
            looked += 1
            assert contradiction(built) is None, cell
    assert looked == 25


def test_every_move_makes_a_cell_simpler():
    for move in MOVES:
        found = list(move(CELL))
        assert found, move.__name__
        for simpler in found:
            assert simpler != CELL
            assert simpler.M <= CELL.M
            assert simpler.M * simpler.K <= CELL.M * CELL.K
            assert simpler.K % simpler.M == 0


def test_shrinking_ends_at_the_smallest_cell_that_stays():
    path = shrink(CELL, lambda cell: cell.M >= 5 and cell.noise.name == "two_point", lambda: False)
    last = path[-1]
    assert (last.M, last.K, last.noise.par, last.constants) == (5, 5, {}, {})
    assert last.delays == Part("round_robin")
    assert shrink(CELL, lambda cell: False, lambda: False) == [CELL]
    assert shrink(CELL, lambda cell: True, lambda: True) == [CELL]


def test_budgets():
    spent = Budget(2)
    assert not spent.over
    spent.spend(2)
    assert spent.over
    assert not spent.late
    assert spent.words == "2 evaluations"
    assert Budget(seconds=1e-9).late
    assert Budget(stopped=lambda: True).over
    assert Budget(seconds=60).words == "60 s"
