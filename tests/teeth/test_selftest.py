"""The self-test keeps quiet when all is well and exits 1, with a sentence, when one of its promises is broken."""

import json
from collections import Counter
from dataclasses import replace
from functools import partial

import pytest

from ratecheck.checks import battery, selftest
from ratecheck.checks.statistics import calibration
from ratecheck.commands import selftest as command
from ratecheck.mutants.mutant import all_mutants

NAMES = ("telescope_less_1", "counting_in_other_words", "theorem1_bound_lipschitz_squared")
FEW = [m for m in all_mutants() if m.name in NAMES]


@pytest.fixture
def few(monkeypatch):
    """A battery of a few mutants, and fewer repetitions: the tables are those of the whole."""
    monkeypatch.setattr(selftest, "all_mutants", lambda: FEW)
    monkeypatch.setattr(selftest, "CASES", 20)
    monkeypatch.setattr(selftest, "REPETITIONS", 200)
    monkeypatch.setattr(selftest, "RUNS", 256)


@pytest.mark.usefixtures("few")
def test_all_is_as_promised():
    text, code = command.perform(1, False)
    assert code == 0
    assert text.endswith("all is as promised")
    for word in ("False alarms at E[R] = 1", "Misses", "Rates", "Planted lies", "telescope_less_1", "bursts"):
        assert word in text
    assert "BROKEN" not in text
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.usefixtures("few")
def test_the_document_is_plain_data_and_the_same_for_the_same_seed():
    one, other = command.perform(3, True), command.perform(3, True)
    assert json.dumps(one, allow_nan=False) == json.dumps(other, allow_nan=False)
    assert one[1] == one[0]["exit_code"] == 0
    assert one[0]["totals"]["lies"] == sum(not m.equivalent for m in FEW)
    assert sum(one[0]["totals"]["by_layer"].values()) == sum(len(r["caught"]) for r in one[0]["mutants"])


@pytest.mark.usefixtures("few")
def test_a_lie_that_nothing_catches_ends_with_1(monkeypatch):
    survivor = replace(FEW[0], name="unseen", change=None)
    monkeypatch.setattr(selftest, "all_mutants", lambda: [*FEW, survivor])
    text, code = command.perform(1, False)
    assert code == 1
    assert f"BROKEN: {survivor.kind} mutant 'unseen'" in text
    assert "all is as promised" not in text


BROKEN = {
    "peeking with t": ("false_alarms", partial(calibration.false_alarms, process=partial(calibration.student, 1)),
                       "REFUTED is said falsely"),
    "false kappa": ("false_holds", partial(calibration.false_holds, cases=calibration.FALSE_KAPPA),
                    "HOLDS HERE is said falsely"),
    "a bet that never pays": ("power", partial(calibration.power, process=lambda ratios: 0 * ratios),
                              "REFUTED is missed in 500 of 500"),
    "too few runs": ("hold_power", lambda n, runs, *a, **m: calibration.hold_power(n, 8, *a, **m),
                     "HOLDS HERE is missed in 500 of 500"),
}  # fmt: skip


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_promise_about_our_verdicts_is_said(what, monkeypatch):
    name, wrong, sentence = BROKEN[what]
    monkeypatch.setattr(selftest, name, wrong)
    found = selftest.examine(1, ())
    assert any(sentence in fault for fault in found["faults"]), found["faults"]


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("words", "sentence"),
    [({"MATCHES": 20}, "the wrong rate 'M/sqrt(K)' is said to match in 20 of 20"),
     ({"SLOWER": 20}, "the true rate is said to match in 0 of 20")],
)  # fmt: skip
def test_a_rate_verdict_that_is_always_the_same_is_found_out(words, sentence, monkeypatch):
    monkeypatch.setattr(selftest.synthetic, "study", lambda *a, **m: Counter(words))
    assert any(sentence in fault for fault in selftest.examine(1, ())["faults"])


def test_counts_of_the_last_lines():
    outcomes = list(battery.judge(FEW, 1))
    found = selftest.totals(outcomes)
    assert (found["lies"], found["caught"], found["equivalent"]) == (2, 2, 1)
    assert found["by_layer"]["exact"] == found["alone"]["exact"] == 1
    assert found["by_layer"]["dimensions"] == 1
    assert found["by_layer"]["rate"] == 0
