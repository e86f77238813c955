"""Every lie of the battery is caught by the checks that must catch it, and the truth beside it by none."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from ratecheck.checks import battery, prepare
from ratecheck.core.claim import POLICIES
from ratecheck.mutants import grids, identities
from ratecheck.mutants.mutant import FOLDER, Mutant, all_mutants

MUTANTS = all_mutants()
#: truths on a grid are looked at once
TRUTHS = {}
#: and so are objectives
OBJECTIVES = {}
LOOK = prepare.contradiction


def judged(mutant, seed=1):
    (outcome,) = battery.judge([mutant], seed, TRUTHS)
    return outcome


def by_name(name):
    (found,) = (m for m in MUTANTS if m.name == name)
    return found


def in_turn():
    """Yield the mutants; of a claim's bounds and stepsizes the third and later are slow, the other kinds are not."""
    count = Counter()
    for m in MUTANTS:
        count[m.kind, m.claim] += 1
        late = m.kind in ("bound", "stepsize") and count[m.kind, m.claim] > 2 and not m.equivalent
        yield pytest.param(m, marks=[pytest.mark.slow] * late, id=f"{m.kind}-{m.name}")


@pytest.fixture(autouse=True)
def objectives_are_looked_at_once(monkeypatch):
    """Keep what the preconditions say of an objective with its constants: most mutants share theirs."""

    def contradiction(built):
        seen = built.instance
        numbers = (seen.data.tobytes(), seen.start.tobytes(), seen.minimiser.tobytes(), seen.minimum, seen.classes)
        other = (seen.rows, seen.batch, sorted(built.constants.items(), key=str), built.cell.M, built.noise.additive)
        key = str((id(built.problem), numbers, other))
        if key not in OBJECTIVES:
            OBJECTIVES[key] = (LOOK(built), built.problem)  # kept, so that its id stays its own
        return OBJECTIVES[key][0]

    monkeypatch.setattr(prepare, "contradiction", contradiction)


@pytest.mark.parametrize("mutant", [*in_turn()])
def test_a_lie_is_caught_where_it_must_be_and_the_truth_is_not(mutant):
    outcome = judged(mutant)
    assert outcome.fault == ""
    assert outcome.control == {}
    assert outcome.status == (battery.EQUIVALENT if mutant.equivalent else battery.CAUGHT)
    assert set(mutant.caught_by) <= set(outcome.caught)


# the battery as a whole


def test_the_battery_is_large_has_one_equivalent_of_each_kind_and_needs_every_layer():
    lies = [m for m in MUTANTS if not m.equivalent]
    assert len(lies) >= 100
    kinds = {m.kind for m in MUTANTS} - {"assumption"}
    assert {m.kind for m in MUTANTS if m.equivalent} == kinds
    assert {layer for m in lies for layer in m.caught_by} == set(battery.LAYERS)
    assert max(Counter((m.kind, m.name) for m in MUTANTS).values()) == 1


def test_every_file_that_mutants_may_bring_is_used():
    used = {Path(path).name for m in MUTANTS for path in m.files.values()}
    there = {p.name for folder in ("kernels", "rules") for p in (FOLDER / folder).glob("*.py")}
    assert used == there


# holes are found


def planted(**more):
    given = {"name": "planted", "kind": "bound", "claim": grids.THEOREM3, "lie": "planted", "grid": (grids.QUADRATIC,),
             "caught_by": ("bound",)}  # fmt: skip
    return Mutant(**{**given, **more})


def test_a_lie_that_no_check_sees_is_a_hole():
    outcome = judged(planted(change=lambda claim: replace(claim, outputs=tightened(claim))))
    assert outcome.status == battery.SURVIVED
    assert outcome.fault == "bound mutant 'planted' (planted) is seen by no check."


def tightened(claim):
    """Return the outputs with a bound that is 2 % smaller: it is more than 2 % loose on these cells."""
    statement = claim.outputs["R1"]
    terms = {n: t * 49 / 50 for n, t in statement.bound.rhs.terms.items()}
    return {"R1": replace(statement, bound=replace(statement.bound, rhs=type(statement.bound.rhs)(**terms)))}


def test_a_lie_that_is_the_truth_is_told_from_one_that_is_missed():
    policy = judged(planted(change=lambda claim: replace(claim, policy=POLICIES[2])))
    assert policy.status == battery.EQUIVALENT
    assert "is no lie: on its grid all its numbers are those of the original" in policy.fault


def test_a_kernel_whose_lie_never_acts_is_equivalent_on_its_grid():
    """The 40th gradient is not reached in 24 steps; on the battery's grid, with 64, this very lie is caught."""
    short = {**grids.QUADRATIC, "K": 24}
    outcome = judged(replace(by_name("skips_the_40th"), grid=(short,)))
    assert outcome.status == battery.EQUIVALENT
    assert outcome.fault != ""


def test_a_lie_declared_equivalent_is_found_out():
    outcome = judged(replace(by_name("one_in_a_thousand"), caught_by=()))
    assert outcome.status == battery.CAUGHT
    assert "is declared equivalent, but lemma1 fails at step 1" in outcome.fault


def test_a_difference_that_is_declared_equivalent_is_found_out():
    outcome = judged(planted(change=lambda claim: replace(claim, outputs=tightened(claim)), caught_by=()))
    assert "is declared equivalent, but its numbers differ from the original's" in outcome.fault


def test_an_identity_that_says_nothing_is_not_the_identity():
    """Its residual is zero on the true method, as the true one is; on a broken method it is not."""
    says_nothing = identities.stating(lambda view: 0 * view.x)
    outcome = judged(replace(by_name("wrong_sign"), change=says_nothing))
    assert outcome.status == battery.SURVIVED


def test_a_layer_that_should_have_seen_it_and_did_not_is_a_fault():
    outcome = judged(replace(by_name("one_in_a_thousand"), caught_by=("exact", "rate")))
    assert "and not by rate as it should be" in outcome.fault


def test_a_truth_that_is_refuted_is_a_fault():
    """A false claim stands for the truth: what is refuted on both sides proves nothing of the lie."""
    mutant = by_name("one_in_a_thousand")
    false = {**grids.QUADRATIC, "constants": {"L": 0.5}}
    outcome = judged(replace(mutant, grid=(false,)))
    assert "the true version is refuted" in outcome.fault
