"""The adversary finds planted lies without being told where, and nothing against what is true."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sympy import Rational

from ratecheck.checks import monte_carlo, reproduce
from ratecheck.checks.attack import Attack, Budget, adversary, check, evolve, search
from ratecheck.checks.attack.attack import ALPHA, Stopped
from ratecheck.checks.attack.confirm import confirm, confirmed
from ratecheck.checks.attack.score import Ratio, Score, score
from ratecheck.checks.attack.search import Board, Search, Target
from ratecheck.checks.attack.shrink import MOVES, shrink
from ratecheck.checks.attack.space import STEPS, space_of
from ratecheck.checks.declared import declared, open_of
from ratecheck.checks.preconditions.preconditions import contradiction
from ratecheck.core import shelf
from ratecheck.core.cell import Cell
from ratecheck.core.formula import Formula
from ratecheck.core.part import Part
from ratecheck.core.verdict import Verdict
from ratecheck.core.witness import Witness
from ratecheck.engine.build import build
from ratecheck.errors import RatecheckError
from ratecheck.mutants.mutant import all_mutants
from tests.makers import LOOKING, RULES

LIES = Path(__file__).parents[1] / "teeth" / "files"
LIE = str(LIES / "theorem3_without_m.py")
THEOREM1, THEOREM3 = "mishchenko2022.theorem1", "mishchenko2022.theorem3_convex"
BASE = Cell(Part("quadratic"), Part("none"), Part("round_robin"), 1, 1)
#: a cell in which Theorem 3 without M fails
BROKEN = Cell(Part("quadratic"), Part("none"), Part("round_robin"), 16, 256, 0.0, "R1")
#: a cell with a number in every place
CELL = Cell(Part("huber", {"kink": 0.0672, "dimension": 2}), Part("two_point", {"p": 0.0405}),
            Part("slow_samples", {"factor": 247}), 12, 600, 4.93, "R1", constants={"L": 3.17})  # fmt: skip


def names_of(space):
    """Return the labels of the delays that are searched."""
    return {p.label for p in space.delays}


def attack(name, evaluations, *, claim=None, **options):
    """Attack a claim with a budget of evaluations."""
    return check(Attack(name, claim or shelf.claim(name), "attack", 1, Budget(evaluations), **options))


@pytest.mark.slow
@pytest.mark.parametrize("lie", ["theorem3_without_m.py", "theorem1_without_sqrt_m.py"])
def test_a_missing_factor_is_found_shrunk_and_replayed(lie):
    found = attack(str(LIES / lie), 300)
    assert found.verdict is Verdict.REFUTED
    assert found.details["failed"]["after"] < 300
    assert found.details["failed"]["steps_down"] > 0
    witness = Witness.from_json(found.witness, "here")
    assert reproduce.witness(witness).same
    moved = replace(witness, found={**witness.found, "lhs": witness.found["lhs"] * 1.001})
    assert not reproduce.witness(moved).same


@pytest.mark.slow
@pytest.mark.parametrize(
    "mutant",
    [m for m in all_mutants() if m.name in ("theorem3_master_without_noise", "minibatch_bound_without_m",
                                            "theorem3_nonconvex_r1_master_optimisation", "theorem3_bound_root_of_m")],
    ids=lambda m: m.name,
)  # fmt: skip
def test_planted_bounds_are_found(mutant):
    claim = mutant.change(shelf.claim(mutant.claim))
    assert attack(mutant.claim, 300, claim=claim).verdict.negative


#: what no part on the shelves satisfies, so that there is nothing to search
BARE = {"levy2026.theorem_convex_moments"}
TRUE = [n for n in shelf.CLAIMS.names() if shelf.claim(n).outputs and shelf.claim(n).expect == "holds"]


@pytest.mark.slow
@pytest.mark.parametrize("name", TRUE)
def test_nothing_is_found_against_the_truth(name):
    """Sampled ratios may lie above 1 by chance, by no more than four standard errors of those that are told."""
    found = attack(name, 100)
    assert found.verdict is (Verdict.NOT_APPLICABLE if name in BARE else Verdict.NOT_REFUTED)
    assert found.witness is None
    if name in BARE:
        return
    assert "budget 100 evaluations" in found.summary
    best = found.details["best"]
    assert 0 < best["ratio"] <= 1 + 4 * best["error"] + 1e-9


@pytest.mark.slow
def test_threads_change_nothing():
    one, two = (attack(LIE, 200, threads=threads).as_json() for threads in (1, 2))
    assert one == two


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("mishchenko2022.lemma1_printed_indicator", {"order": [0, 1]}),
        ("levy2026.step15", {"K": 2}),
        ("levy2026.step15_cross_term", {"order": [0, 1]}),
    ],
)
def test_the_smallest_case_that_breaks_a_claim_is_found(name, where):
    """Whatever cases its file names: here a large one, which is not looked at. Step (15) looks for a clock, too."""
    found = attack(name, 60, claim=replace(shelf.claim(name), cases=((3, 6),)))
    assert found.verdict is Verdict.REFUTED
    assert not found.surprise
    cell = found.witness["cell"]
    assert (cell["M"], {n: cell[n] for n in ("order", "K") if n in cell}) == (2, where)
    assert reproduce.witness(Witness.from_json(found.witness, "here")).same


@pytest.mark.parametrize("name", ["mishchenko2022.lemma1", "levy2026.step15_repaired", "levy2026.lower_noise"])
def test_claims_about_orders_are_enumerated(name):
    found = attack(name, 40)
    assert found.verdict is Verdict.NOT_REFUTED
    assert found.details["evaluations"] >= 40
    assert "(4," in found.details["orders"]
    assert found.details["orders"] in found.summary


@pytest.mark.slow
def test_no_lemma_that_holds_is_broken_beyond_its_cases():
    """All identities and counting facts on the shelf, case after case from (1, 1) on."""
    looked = 0
    for name in shelf.CLAIMS.names():
        claim = shelf.claim(name)
        if claim.outputs or not (claim.identities or claim.counting):
            continue
        found = check(Attack(name, claim, "attack", 1, Budget(300, 0.5)))
        assert found.verdict.negative == (claim.expect == "refuted"), (name, found.summary)
        looked += 1
    assert looked > 40


NONCONVEX, RATE = "levy2026.theorem_nonconvex_independent", "levy2026.theorem_nonconvex_rate_independent"


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_with_32_workers_the_bound_is_broken_under_delays_that_look(seed):
    found = check(Attack(NONCONVEX, shelf.claim(NONCONVEX), "attack", seed, Budget(6000), "data-dependent", workers=32))
    assert (found.verdict, found.witness["check"]) == (Verdict.REFUTED, "bound")
    assert found.witness["cell"]["M"] == 32


@pytest.mark.slow
def test_with_8_workers_it_is_not():
    """The largest ratio that we know there, tuned by hand, is 0.46."""
    claim = shelf.claim(NONCONVEX)
    found = check(Attack(NONCONVEX, claim, "attack", 1, Budget(600), "data-dependent", workers=8))
    assert found.verdict is Verdict.NOT_REFUTED


def test_numbers_that_a_claim_leaves_open_are_searched_up_to_their_limits():
    claim = shelf.claim(NONCONVEX)
    opened = open_of(claim, set())
    assert {one.name for one in opened} == {"beta", "stepsize"}
    cell = Cell(Part("quadratic"), Part("gaussian"), Part("exponential"), 4, 64, 1.0, "uniform")
    tops = declared(cell, "ordered_momentum", {}, dict.fromkeys(opened, 0.0))
    assert tops == {"beta": 0.0312, "stepsize": 0.0078}, "1/32 and beta/4, rounded down"
    low = declared(cell, "ordered_momentum", {"L": 1.0}, dict.fromkeys(opened, 1.0))
    assert low["L"] == 1e6
    assert low["beta"] == pytest.approx(1 / 32e3, rel=1e-2)
    assert low["stepsize"] == pytest.approx(low["beta"] / 4e9, rel=1e-2)
    for numbers in (tops, low):
        assert score(claim, replace(cell, constants=numbers), 1) is not None
    above = {**tops, "beta": 0.0313}
    assert score(claim, replace(cell, constants=above), 1) is None


def test_a_round_after_a_term_prefers_cells_in_which_it_is_large():
    one, other = (
        Score(CELL, {"bound": Ratio(value, 0.0, True, False, {"noise": share, "start": 1 - share})})
        for value, share in ((0.4, 0.01), (0.1, 0.6))
    )
    assert Target("R1", "bound").worth(one) < Target("R1", "bound").worth(other)
    assert Target("R1", "bound", "noise").worth(one) > Target("R1", "bound", "noise").worth(other)
    assert Target("R1", "master").worth(one) == np.inf


def test_the_bound_is_told_before_sharper_forms_that_are_broken_more():
    broken, whole = Ratio(1.2, 0.0, True, True), Ratio(0.9, 0.0, True, False)
    assert Score(CELL, {"bound": broken, "master": replace(broken, value=3.0)}).broken == "bound"
    assert (
        Score(CELL, {"bound": whole, "master": broken, "conditional": replace(broken, value=2)}).broken == "conditional"
    )
    assert Score(CELL, {"bound": whole}).broken == ""


def with_sides(bound, master):
    """Return Theorem 3 with its bound and master inequality so many times as large."""
    claim = shelf.claim(THEOREM3)
    one = claim.outputs["R1"]
    sides = {n: replace(i, rhs=Formula(value=by * i.rhs.expr), second_moment=None)
             for n, i, by in (("bound", one.bound, bound), ("master", one.master, master))}  # fmt: skip
    return replace(claim, outputs={"R1": replace(one, **sides, conditional=None)})


def test_where_a_sharper_form_alone_is_broken_it_is_kept_and_the_search_goes_on():
    cells = [replace(BROKEN, K=k) for k in (256, 512, 1024)]
    claim, said = with_sides(1, Rational(1, 100)), []
    asked = Attack(THEOREM3, claim, "attack", 1, Budget(100), say=said.append)
    board = Board()
    for cell in cells[:2]:
        board.add(score(claim, cell, 1))
    assert {s.broken for s in board.broken.values()} == {"master"}
    assert not confirmed(asked, board)
    assert (asked.broken, asked.tests, len(asked.confirmed)) == ("master", 1, 1), "one such cell is enough"
    assert "is the bound, somewhere?" in said[-1]
    assert not confirmed(asked, board)
    assert asked.tests == 1
    asked.claim = with_sides(Rational(1, 100), Rational(1, 100))
    board.add(score(asked.target, cells[2], 1))
    assert confirmed(asked, board)
    assert (asked.broken, asked.tests) == ("bound", 2)


def test_a_sharper_form_alone_is_what_the_attack_ends_with_when_the_bound_stands(monkeypatch, search_sees):
    monkeypatch.setattr(adversary, "SHRINKING", 2)
    search_sees(BROKEN, lambda one: one.found(one.board))
    found = attack(THEOREM3, 60, claim=with_sides(1, Rational(1, 100)))
    assert (found.verdict, found.witness["check"]) == (Verdict.REFUTED, "master")
    assert attack(THEOREM3, 60, claim=with_sides(1, 1)).verdict is Verdict.NOT_REFUTED


def test_the_best_point_is_kept_for_every_noise_with_every_delay_model():
    board, target = Board(), Target("R1", "bound")
    other = replace(CELL, noise=Part("gaussian"))
    for worth, cell, at in ((2.0, CELL, 0.1), (1.0, CELL, 0.2), (3.0, CELL, 0.3), (9.0, other, 0.4)):
        board.keep(target, worth, cell, np.array([at]))
    assert [float(p[0]) for p in board.points(target)] == [0.2, 0.4]
    assert board.points(Target("R1", "master")) == []


def test_a_child_differs_by_little_in_some_coordinates():
    rng = np.random.default_rng(5)
    point = rng.random(20)
    some = np.array([evolve.changed(point, rng) for _ in range(200)])
    assert some.min() >= 0
    assert some.max() <= 1
    differ = (some != point).sum(axis=1)
    assert differ.min() >= 1
    assert differ.mean() < 5, "0.15 of 20, and one"
    first = [np.full(3, 0.25), np.full(3, 0.5), np.full(3, 0.75)]
    of_best = np.mean([any(np.isclose(c, 0.25)) for c in evolve.children(first, 900, rng)])
    assert of_best == pytest.approx(5 / 9, abs=0.08), "the better one of two parents; four standard errors"


def test_differences_find_a_valley_and_end_when_it_is_over():
    rng, seen = np.random.default_rng(2), []

    def objective(points):
        seen.append(len(points))
        return np.abs(points - 0.3).sum(axis=1)

    start = rng.random((32, 4))
    evolve.differences(start, objective, 40, rng, lambda: False)
    least = min(objective(start))
    assert sum(seen) > 32 * 30
    seen.clear()
    found = []
    evolve.differences(start, lambda p: found.extend(w := objective(p)) or w, 40, rng, lambda: min(found) < least / 10)
    assert min(found) < least / 10
    assert len(seen) < 40


def test_cells_have_no_more_steps_than_anyone_would_wait_for():
    claim = shelf.claim(THEOREM3)
    for workers in (None, 100):
        space = space_of(claim, BASE, claim.policy, 1, workers)
        cells = [space.cell(p) for p in (np.full(space.size, at) for at in (0.0, 0.5, 1.0))]
        assert all(c.K <= STEPS and c.K % c.M == 0 for c in cells)
        assert cells[-1].K > STEPS / 2
        assert {c.M for c in cells} == ({100} if workers else {1, 11, 128})


def test_the_best_cells_are_told_as_they_were_where_they_cannot_be_measured_anew():
    board = Board()
    board.add(Score(CELL, {"bound": Ratio(0.4, 0.1, False, False)}))
    assert search.best_of(board, lambda cell: None)["ratio"] == 0.4
    assert search.best_of(board, lambda cell: Score(cell, {"bound": Ratio(0.3, 0.1, False, False)}))["ratio"] == 0.3
    assert search.best_of(Board(), lambda cell: None) is None


def test_where_no_part_meets_the_assumptions_it_says_which():
    found = attack("mishchenko2022.theorem3_without_variance", 5)
    assert found.verdict is Verdict.NOT_APPLICABLE
    assert "no finite sigma_star" in found.summary
    assert "the cells that it brings" in found.summary


def test_shares_of_the_right_side_sum_to_one():
    cell = Cell(Part("quadratic"), Part("gaussian"), Part("exponential"), 2, 64, 1.0, "R1")
    shares = score(shelf.claim(THEOREM3), cell, 1).ratios["bound"].shares
    assert set(shares) == {"optimisation", "noise"}
    assert sum(shares.values()) == pytest.approx(1)


@pytest.mark.slow
def test_so_many_workers_and_no_others():
    found = attack(LIE, 300, workers=6)
    assert found.verdict is Verdict.REFUTED
    assert found.witness["cell"]["M"] == 6


@pytest.mark.slow
def test_lower_bounds_are_attacked_from_below():
    """The instances that a lower bound brings, with other numbers; twice the bound is too much to ask."""
    name = "levy2026.lower_convex"
    claim = shelf.claim(name)
    found = attack(name, 60)
    assert found.verdict is Verdict.NOT_REFUTED
    assert {p.name for p in space_of(claim, BASE, claim.policy, 1).problems} == {"two_worlds"}
    twice = {
        o: replace(s, bound=replace(s.bound, rhs=Formula(value=8 * s.bound.rhs.expr))) for o, s in claim.outputs.items()
    }
    assert attack(name, 60, claim=replace(claim, outputs=twice)).verdict is Verdict.REFUTED
    alone = attack("levy2026.lower_ordered_momentum", 3)
    assert alone.verdict is Verdict.NOT_REFUTED, "its instances have no numbers to search"


def interrupting(word):
    """Return what says Ctrl-C as soon as it is told this word."""

    def say(words):
        if word in words:
            raise KeyboardInterrupt

    return say


@pytest.fixture
def search_sees(monkeypatch):
    """Return what puts another search in the place of ours: it sees one cell, and ends as it is told."""

    def put(cell, end):
        def run(self):
            self.board.add(score(self.claim, cell, self.seed))
            return end(self)

        monkeypatch.setattr(Search, "run", run)
        monkeypatch.setattr(adversary, "CASES", ())

    return put


def stop(search):
    """End a search by Ctrl-C."""
    raise KeyboardInterrupt


def test_ctrl_c_in_the_search_says_how_near_it_came(monkeypatch):
    """Hit while the twentieth cell is measured: those before it count."""
    real, asked = search.score, []

    def counting(*args):
        asked.append(args)
        if len(asked) == 20:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(search, "score", counting)
    monkeypatch.setattr(adversary, "CASES", ())
    with pytest.raises(Stopped) as end:
        attack("mishchenko2022.minibatch_convex", 300)
    found = end.value.result
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.summary.startswith("stopped after ")
    assert f"best ratio {found.details['best']['ratio']:.4g}" in found.summary
    assert found.details["best"]["cell"] in found.summary


def test_ctrl_c_never_loses_what_was_found(search_sees):
    """Stopped as soon as it is found, before it is made simpler; and before it is confirmed, which it is then."""
    search_sees(BROKEN, lambda one: one.found(one.board))
    with pytest.raises(Stopped) as end:
        attack(LIE, 300, say=interrupting("looking for a simpler cell"))
    found = end.value.result
    assert found.verdict is Verdict.REFUTED
    assert found.summary.endswith("not made simpler: stopped")
    assert reproduce.witness(Witness.from_json(found.witness, "here")).same

    search_sees(BROKEN, stop)
    with pytest.raises(Stopped) as end:
        attack(LIE, 300)
    assert end.value.result.verdict is Verdict.REFUTED

    search_sees(replace(BROKEN, K=64), stop)
    with pytest.raises(Stopped) as end:
        attack(LIE, 300)
    assert end.value.result.verdict is Verdict.INCONCLUSIVE, "nothing was broken there"


def test_beyond_its_policy_only_delays_that_look_are_searched():
    claim = replace(shelf.claim(THEOREM3), policy="data-dependent")
    models = names_of(space_of(claim, BASE, "independent", 1))
    assert models == {*LOOKING}
    assert "none" not in space_of(claim, BASE, "independent", 1).noises, "nothing to look at"
    covered = names_of(space_of(shelf.claim(THEOREM3), BASE, "independent", 1))
    assert not covered & models
    assert models < names_of(space_of(shelf.claim(THEOREM1), BASE, "data-dependent", 1))
    assert {f"{n}(blind=1)" for n in (*LOOKING, *RULES)} < covered, "twins are independent"


def test_the_clairvoyant_attack_searches_rules_that_pick():
    claim = replace(shelf.claim(THEOREM3), policy="clairvoyant")
    assert names_of(space_of(claim, BASE, "independent", 1)) == {*LOOKING, *RULES}
    assert names_of(space_of(claim, BASE, "data-dependent", 1)) == {*RULES}


@pytest.mark.slow
@pytest.mark.parametrize("name", [THEOREM3, NONCONVEX, RATE, "ormo2024.theorem2"])
def test_under_delays_that_look_it_is_refuted(name):
    """The bound itself, not only a sharper form."""
    found = attack(name, 8000, policy="data-dependent")
    assert found.verdict is Verdict.REFUTED
    assert found.witness["check"] == "bound"
    assert "which the claim does not cover" in found.summary
    assert reproduce.witness(Witness.from_json(found.witness, "here")).same


def test_a_lucky_cell_is_not_believed():
    """A cell of a true claim that is said to look broken is measured again, and forgotten."""
    cell = Cell(Part("quadratic"), Part("gaussian"), Part("exponential"), 2, 64, 1.0, "R1")
    asked = Attack(THEOREM3, shelf.claim(THEOREM3), "attack", 1, Budget(100))
    board = Board()
    board.add(Score(cell, {"bound": Ratio(5.0, 0.1, False, False)}))
    assert list(board.broken) == [cell.digest]
    assert not confirmed(asked, board)
    assert asked.looked == {cell.digest}
    assert asked.confirmed == []


def test_what_the_last_look_finds_is_not_lost(monkeypatch, search_sees):
    """A search whose time is over before it has confirmed anything: the best cells are measured anew at the end."""
    monkeypatch.setattr(adversary, "SHRINKING", 4)
    search_sees(BROKEN, lambda one: False)
    found = attack(LIE, 60)
    assert found.verdict is Verdict.REFUTED
    assert reproduce.witness(Witness.from_json(found.witness, "here")).same
    search_sees(replace(BROKEN, K=64), lambda one: False)
    assert attack(LIE, 60).verdict is Verdict.NOT_REFUTED


def test_all_tests_of_an_attack_share_its_alpha(monkeypatch):
    """Of the same cell, too: the probability that any of so many refutes a true claim stays below alpha."""
    cell = Cell(Part("quadratic"), Part("gaussian"), Part("exponential"), 2, 64, 1.0, "R1")
    asked = Attack(THEOREM3, shelf.claim(THEOREM3), "attack", 1, Budget(100))
    real, alphas = monte_carlo.check, []

    def noting(question, store):
        alphas.append(question.settings.alpha)
        return real(question, store)

    monkeypatch.setattr(monte_carlo, "check", noting)
    for _ in range(3):
        assert not confirm(asked, cell, "bound")
    assert alphas == [ALPHA / 2, ALPHA / 6, ALPHA / 12]


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


@pytest.mark.slow
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
