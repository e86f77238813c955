"""Methods and stepsizes that are not the claim's are refuted: which check saw it, and where, is said."""

from dataclasses import replace

import pytest

from ratecheck.checks import reproduce
from ratecheck.core.verdict import Verdict
from ratecheck.core.witness import Witness
from tests.teeth.planted import HUBER, MINIBATCH, QUADRATIC, THEOREM3, lie, result, results

LIES = ["halves_late", "one_in_a_thousand"]
#: the first nonzero coefficient: half of 64^3 (the fourth stepsize), and a thousandth of 1 (the first)
LEFT = {"halves_late": "131072", "one_in_a_thousand": "-1/1000"}
#: under a barrier all K gradients arrive in rounds, so any delays will do
ROUNDS = {**QUADRATIC, "delays": "exponential"}


@pytest.mark.parametrize("name", LIES)
def test_a_wrong_method_is_caught_in_exact_arithmetic(name):
    found = result(THEOREM3, QUADRATIC, evidence=("exact",), method=lie(name))
    assert found.verdict is Verdict.REFUTED
    assert "lemma1 fails at step" in found.summary
    assert f"method '{name}', M = 2, arrival order [0" in found.summary
    assert f"is left with coefficient {LEFT[name]}" in found.summary


@pytest.mark.parametrize("name", LIES)
def test_a_wrong_method_is_caught_on_floats_when_only_runs_are_asked_for(name):
    found = result(THEOREM3, QUADRATIC, evidence=("monte-carlo",), method=lie(name))
    assert found.verdict is Verdict.REFUTED
    assert "lemma1 fails at step" in found.summary
    assert "in 4 cells, the smallest M=2 K=64 sigma=0" in found.summary
    assert found.witness["kind"] == "identity-on-floats"
    assert found.witness["found"]["ratio"] > 1e6, "far beyond rounding"


def test_the_same_method_in_other_words_passes():
    verdicts = [r.verdict for r in results(THEOREM3, HUBER, method=lie("same_in_other_words"))]
    assert verdicts == [Verdict.EXACT, Verdict.HOLDS_HERE]


def test_handing_out_the_previous_model_is_caught_in_exact_arithmetic():
    """On floats it is not: Lemma 1 is about gradients, wherever they are taken. The exact rows know where."""
    found = result(THEOREM3, QUADRATIC, evidence=("exact",), method=lie("hands_out_previous"))
    assert found.verdict is Verdict.REFUTED
    assert "lemma1 fails at step 2" in found.summary


@pytest.mark.parametrize("evidence", ["exact", "monte-carlo"])
def test_summing_a_batch_for_averaging_it_is_caught(evidence):
    found = result(MINIBATCH, ROUNDS, evidence=(evidence,), method=lie("sums_the_batch"))
    assert found.verdict is Verdict.REFUTED
    assert "rounds fails at step" in found.summary
    control = result(MINIBATCH, ROUNDS, evidence=(evidence,))
    assert control.verdict in (Verdict.EXACT, Verdict.HOLDS_HERE)


@pytest.mark.parametrize("evidence", [("exact",), ("monte-carlo",)])
def test_a_stepsize_that_forgets_the_cap_is_caught_whatever_is_asked(evidence):
    found = results(THEOREM3, QUADRATIC, evidence=evidence, stepsize=lie("forgets_cap"))
    (caught,) = [r for r in found if r.verdict is Verdict.REFUTED]
    assert (
        "forgets_cap.py' is not the claim's: at k = 1, tau = 1 it is 0.25, where the claim has 0.125" in caught.summary
    )
    assert "(branch 'cap'); first seen in cell M=2 K=64 sigma=0 quadratic" in caught.summary
    assert caught.witness["check"] == "stepsize"


def test_the_same_stepsize_in_other_words_passes():
    verdicts = [r.verdict for r in results(THEOREM3, HUBER, stepsize=lie("cap_in_other_words"))]
    assert verdicts == [Verdict.EXACT, Verdict.EXACT, Verdict.HOLDS_HERE]


def test_a_method_that_runs_away_has_diverged_and_the_witness_replays():
    """Steps M = 4 times too long, 4/L: the error is multiplied by 9 in each round, until it is no number any more."""
    grid = {**ROUNDS, "M": 4, "K": 4096, "sigma": 0}
    found = result(MINIBATCH, grid, evidence=("monte-carlo",), method=lie("sums_the_batch"))
    assert found.verdict is Verdict.DIVERGED
    assert "the runs diverge in 1 cell" in found.summary
    told = Witness.from_json(found.witness, "test")
    assert reproduce.witness(told).same
    other = replace(told, cell={**told.cell, "method": "minibatch_sgd"})
    assert not reproduce.witness(other).same, "the right method does not diverge"
