"""The derivations of Mishchenko et al. (2022): proved as they are, and no longer when one thing in them is changed."""

import json
from dataclasses import replace

import pytest
from sympy import Integer, Rational, Symbol, sqrt

from ratecheck.checks import symbolic
from ratecheck.checks.job import evidence_of
from ratecheck.core import shelf
from ratecheck.core.claim import Inequality as Bound
from ratecheck.core.formula import Formula
from ratecheck.core.gram import Ip
from ratecheck.core.proof import Scalar, Trusted, le
from ratecheck.core.setting import ghat, h, t
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, k, sigma, tau
from ratecheck.core.verdict import Verdict
from ratecheck.errors import PartError
from ratecheck.report.text import facts
from tests.chains import proved, survivors, verdict
from tests.command import here

T1, T3, MINI = (f"mishchenko2022.{n}" for n in ("theorem1", "theorem3_convex", "minibatch_convex"))
NAMES = [T1, T3, MINI, *(f"mishchenko2022.{n}" for n in ("lemma1", "counting", "literal_weights"))]


@pytest.mark.parametrize("name", NAMES)
def test_every_step_is_discharged(name):
    result = symbolic.check(name, shelf.CLAIMS.get(name), "test")
    assert "none trusted" in result.summary, result.summary
    # PROVED takes the bound of every output rule, or every fact of a lemma
    whole = not [n for n in result.details["not_derived"] if "conditional" not in n and "master" not in n]
    assert result.verdict is (Verdict.PROVED if whole else Verdict.NOT_REFUTED)
    assert {row["verdict"] for row in result.details["steps"]} == {"PROVED"}


def test_what_is_derived_is_what_the_claims_say():
    for name in (T1, T3, MINI):
        result = symbolic.check(name, shelf.CLAIMS.get(name), "test")
        assert result.details["not_derived"] == []
        assert result.verdict is Verdict.PROVED


# the stepsize


@pytest.mark.parametrize(
    ("changed", "broken"),
    [
        ({"delay": 1 / (L * tau)}, "window"),
        ({"cap": 1 / (M * L)}, "window"),
        ({"cap": 1 / (2 * M * L)}, "window"),
        ({"noise": 2 * B / (sigma * sqrt(K))}, "bound R1"),
    ],
)
def test_larger_stepsizes_break_a_step_that_is_named(changed, broken):
    right = {"delay": 1 / (4 * L * tau), "cap": 1 / (4 * M * L), "noise": B / (sigma * sqrt(K))}
    assert proved(verdict(T3, stepsize=Stepsize(**right)))
    chain = verdict(T3, stepsize=Stepsize(**{**right, **changed}))
    assert chain.false[0] == broken
    assert "false at" in chain.false[1]


def test_a_stepsize_without_delay_adaptation_is_not_covered():
    chain = verdict(T3, stepsize=Stepsize(cap=1 / (4 * M * L), noise=B / (sigma * sqrt(K))))
    assert "no branch 'delay'" in chain.trusted["ghat: delay"]


# assumptions


def test_a_proof_is_about_one_method():
    assert "asynchronous SGD" in verdict(T3, method="minibatch_sgd").trusted["setting"]
    assert "setting" in verdict(T3, scheduler="barrier").trusted


def test_data_dependent_delays_break_theorem_3_at_the_first_expectation():
    chain = verdict(T3, policy="data-dependent")
    assert chain.false[0] == "unbiased"
    assert "needs delays independent" in chain.false[1]


@pytest.mark.parametrize(
    "name", [pytest.param(T1, marks=pytest.mark.slow), pytest.param(T3, marks=pytest.mark.slow), MINI]
)
def test_every_assumption_is_used(name):
    """Each assumption of the claim, left out, breaks the proof; K >= M and M | K alone are about other things."""
    all_of = shelf.CLAIMS.get(name).assumptions
    for i, one in enumerate(all_of):
        chain = verdict(name, assumptions=all_of[:i] + all_of[i + 1 :])
        assert proved(chain) == (one.name == "M divides K"), one.name


# the claim


def test_another_constant_is_not_what_is_derived():
    claim = shelf.CLAIMS.get(T3)
    bound = Bound(
        claim.outputs["R1"].bound.lhs, Formula(a=Rational(5, 2) * M * L * B**2 / K, b=2 * sigma * B / sqrt(K))
    )
    chain = verdict(T3, outputs={**claim.outputs, "R1": replace(claim.outputs["R1"], bound=bound)})
    assert "away from the claim" in chain.trusted["bound R1"]


# one step at a time


@pytest.mark.parametrize(
    ("name", "least"),
    [pytest.param(T1, 60, marks=pytest.mark.slow), pytest.param(T3, 100, marks=pytest.mark.slow), (MINI, 30),
     ("mishchenko2022.literal_weights", 10)],
)  # fmt: skip
def test_no_step_can_be_changed(name, least, monkeypatch):
    monkeypatch.setattr("ratecheck.checks.steps.search.TRIES", 0)  # whether it is false or only not derived is the same
    found, tried = survivors(name)
    assert found == []
    assert tried >= least


def test_a_step_that_is_missing_is_missed():
    steps = symbolic.proof_of(MINI).steps
    for i in range(len(steps)):
        assert not proved(verdict(MINI, steps=steps[:i] + steps[i + 1 :])), steps[i].name


def test_plain_young_without_windows_is_false():
    """2 <h_i, h_k> <= |h_i|^2 + |h_k|^2 leaves ghat (tau - 1) c |h|^2: nothing of order ghat |h|^2/L pays for it."""
    steps = list(symbolic.proof_of(T3).steps)
    at = next(i for i, s in enumerate(steps) if s.name == "window")
    young = Scalar("window", le(Symbol("c", positive=True) * (t(k) - 1), 1 / (2 * L)), (("ghat <= c",), ("c: cap",)))
    chain = verdict(T3, steps=[*steps[:at], young, *steps[at + 1 :]])
    assert chain.false[0] == "window"


def test_cauchy_without_m_minus_1_is_refused():
    steps = list(symbolic.proof_of(T3).steps)
    at = next(i for i, s in enumerate(steps) if s.name == "one step")
    says = steps[at].says
    less = says.right.xreplace({M - 1: Integer(1)})
    assert less != says.right
    chain = verdict(T3, steps=[*steps[:at], replace(steps[at], says=replace(says, right=less)), *steps[at + 1 :]])
    assert "one step" in chain.trusted
    assert "hf(k, j)" in chain.trusted["one step"]


# trusted steps and verdicts


def test_a_trusted_step_is_named_and_the_verdict_is_not_proved(monkeypatch):
    proof = symbolic.proof_of(MINI)
    at = next(i for i, s in enumerate(proof.steps) if s.name == "one round")
    trusted = Trusted("one round", proof.steps[at].says, "left to the reader")
    changed = replace(proof, steps=(*proof.steps[:at], trusted, *proof.steps[at + 1 :]))
    monkeypatch.setattr(symbolic, "proof_of", lambda name: changed)
    result = symbolic.check(MINI, shelf.CLAIMS.get(MINI), "test")
    assert result.verdict is Verdict.NOT_REFUTED
    assert "one round (left to the reader)" in result.summary
    assert list(result.details["trusted"]) == ["one round"]


def test_a_false_step_is_refuted_and_named(monkeypatch):
    proof = symbolic.proof_of(MINI)
    wrong = Scalar("wrong", le(Ip(h(k), h(k)) * ghat(k), 0), ())
    monkeypatch.setattr(symbolic, "proof_of", lambda name: replace(proof, steps=(wrong, *proof.steps)))
    result = symbolic.check(MINI, shelf.CLAIMS.get(MINI), "test")
    assert result.verdict is Verdict.REFUTED
    assert result.summary.startswith("step 'wrong' of the derivation is false: false at")
    json.dumps(result.as_json())


def test_a_claim_without_a_proof_says_so(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(CLAIM_FILE)
    claim = shelf.claim(str(path))
    assert symbolic.check(str(path), claim, "test") is None
    assert symbolic.check(str(path), claim, "test", say_none=True).verdict is Verdict.NOT_APPLICABLE
    path.write_text(CLAIM_FILE + "\nPROOF = 'obvious'\n")
    with pytest.raises(PartError, match="PROOF must be a Proof, not a str"):
        symbolic.proof_of(str(path))


CLAIM_FILE = """
from ratecheck.core import shelf
CLAIM = shelf.CLAIMS.get("mishchenko2022.minibatch_convex")
"""


# the command line


def test_symbolic_is_a_kind_of_evidence():
    assert evidence_of("symbolic") == ("symbolic",)
    assert evidence_of("exact, symbolic") == ("exact", "symbolic")


def test_check_prints_proved(tmp_path):
    done = here("check", T1, "--evidence", "symbolic", "--require", "PROVED", folder=tmp_path)
    assert done.code == 0, done.err
    assert "PROVED" in done.out


def test_show_prints_the_chain(tmp_path):
    done = here("show", T3, folder=tmp_path)
    for words in ("derivation   PROVED", "noise in flight is orthogonal [expectation]", "uses: expansion"):
        assert words in done.out
    said = " ".join(done.out.split())
    for words in ("gives away:", "of the delays: independence", "arrival orders enumerated"):
        assert words in said
    assert all(len(line) <= 120 for line in done.out.splitlines())


def test_show_json_has_the_steps(tmp_path):
    found = here("show", T1, "--json", folder=tmp_path).document
    assert found["derivation"]["verdict"] == "PROVED"
    first, second = found["derivation"]["details"]["steps"][:2]
    assert {"step", "kind", "uses", "says", "checker", "slack", "verdict"} == set(second) == set(first) - {"section"}


def test_the_terminal_says_what_is_not_derived(monkeypatch):
    proof = symbolic.proof_of(T1)
    shorter = replace(
        proof, proves={"R1": {"bound": "printed", "master": "master"}}, notes=("the rest is for another day",)
    )
    monkeypatch.setattr(symbolic, "proof_of", lambda name: shorter)
    result = symbolic.check(T1, shelf.CLAIMS.get(T1), "test")
    assert result.verdict is Verdict.PROVED
    assert result.details["not_derived"] == ["conditional R1"]
    text = " ".join(fact.text for fact in facts(result.as_json()))
    assert "not derived: conditional R1" in text
    assert "the rest is for another day" in text
