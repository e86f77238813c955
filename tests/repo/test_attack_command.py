"""The command ``attack``: what it prints, what it keeps, bad input; and the same evidence in ``check``."""

import signal
import subprocess

import pytest

from ratecheck.checks import job
from ratecheck.commands import attacking
from ratecheck.core.assumption import POLICIES
from tests.command import PROGRAM, ROOT

LIE = ROOT / "tests" / "teeth" / "files" / "theorem3_without_m.py"


def test_a_lie_is_refuted_and_its_witness_replays(rc, tmp_path):
    ran = rc("attack", LIE, "--evaluations", 200, "--threads", 1)
    assert ran.code == 1
    assert "attack    REFUTED  bound broken" in ran.out
    (witness,) = tmp_path.glob(".ratecheck/runs/*/witnesses/*.json")
    assert str(witness.relative_to(tmp_path)) in ran.out
    again = rc("replay", witness)
    assert again.code == 0
    assert "reproduced to the last bit" in again.out


def test_the_truth_stands_and_the_budget_is_told(rc):
    ran = rc("attack", "mishchenko2022.theorem1", "--evaluations", 40, "--json")
    assert ran.code == 0
    (result,) = ran.document["results"]
    assert (result["evidence"], result["verdict"]) == ("attack", "NOT REFUTED")
    assert result["details"]["budget"] == "40 evaluations"
    assert result["details"]["evaluations"] >= 40


def test_a_time_is_a_budget_too(rc):
    ran = rc("attack", "mishchenko2022.theorem1", "--budget", "1s", "--json")
    assert ran.document["results"][0]["details"]["budget"] == "1 s"


def test_check_has_this_evidence_when_asked(rc, monkeypatch):
    monkeypatch.setattr(job, "ATTACK", 30)
    ran = rc("check", "mishchenko2022.theorem1", "--evidence", "attack", "--json")
    assert ran.code == 0
    assert [r["evidence"] for r in ran.document["results"]] == ["attack"]
    assert "attack" not in job.DEFAULT


def test_policies_have_short_names_and_are_in_the_help(rc):
    assert attacking.policy_of("mean-zero") == "mean-zero given the duration"
    ran = rc("attack", "mishchenko2022.minibatch_convex", "--policy", "mean-zero", "--evaluations", 5, "--json")
    assert ran.document["results"][0]["details"]["policy"] == "mean-zero given the duration"
    words = " ".join(rc("attack", "--help").out.replace("│", " ").split())
    for policy in POLICIES:
        assert policy in words


def test_how_to_go_on_is_told(rc):
    ran = rc("attack", "mishchenko2022.minibatch_convex", "--evaluations", 5, "--seed", 4)
    assert "go on    ratecheck attack mishchenko2022.minibatch_convex --evaluations 5 --seed 5" in ran.out


@pytest.mark.slow
def test_ctrl_c_says_what_is_known(tmp_path):
    """A process of its own that is sent SIGINT when it has said how near it came."""
    words = (*PROGRAM, "attack", "mishchenko2022.minibatch_convex", "--budget", "10m", "--threads", "1")
    running = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in running.stderr:
        if "best ratio" in line:
            break
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 5, err
    assert "stopped after" in out
    assert "best ratio" in " ".join(out.split())
    assert "go on    ratecheck attack" in out
    assert "Traceback" not in err
    assert list(tmp_path.glob(".ratecheck/runs/*/results.json"))


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["mishchenko2022.theorm1"], "did you mean mishchenko2022.theorem1"),
        (["mishchenko2022.theorem1", "--policy", "anything"], "--policy takes one of: independent"),
        (["mishchenko2022.theorem1", "--policy", "data-dependant"], "did you mean data-dependent"),
        (["levy2026.step15", "--policy", "independent"], "--policy is for claims with bounds"),
        (["levy2026.step15", "--workers", 3], "--workers is for claims with bounds"),
        (["mishchenko2022.theorem1", "--budget", "soon"], "--budget takes a time such as 90s"),
        (["ormo2024.stability", "--evaluations", 5], "nothing can be attacked"),
    ],
)
def test_bad_input_is_one_sentence(rc, args, words):
    ran = rc("attack", *args)
    assert ran.code == 2
    assert words in ran.err
