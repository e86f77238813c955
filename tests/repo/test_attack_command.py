"""The command ``attack``: what it prints, what it keeps, bad input; and the same evidence in ``check``."""

import signal
import subprocess

import pytest

from ratecheck.checks import job
from ratecheck.checks.attack import adversary, search
from ratecheck.checks.attack.score import score
from ratecheck.commands import attacking
from ratecheck.core.assumption import POLICIES
from ratecheck.core.cell import Cell
from ratecheck.core.part import Part
from tests.command import PROGRAM, ROOT

LIE = ROOT / "tests" / "teeth" / "files" / "theorem3_without_m.py"


@pytest.fixture
def short(monkeypatch):
    """Rounds that begin with an eighth of the points."""
    monkeypatch.setattr(search, "LOOKED", 1)


def test_a_lie_is_refuted_and_its_witness_replays(rc, tmp_path):
    ran = rc("attack", "levy2026.step15", "--evaluations", 60)
    assert ran.code == 0, "as declared"
    assert "attack    REFUTED" in ran.out
    (witness,) = tmp_path.glob(".ratecheck/runs/*/witnesses/*.json")
    assert str(witness.relative_to(tmp_path)) in ran.out
    again = rc("replay", witness)
    assert again.code == 0
    assert "reproduced to the last bit" in again.out


@pytest.mark.slow
def test_a_lie_that_nobody_declared_is_a_surprise(rc, tmp_path):
    ran = rc("attack", LIE, "--evaluations", 200, "--threads", 1)
    assert ran.code == 1
    assert "attack    REFUTED  bound broken" in ran.out
    (witness,) = tmp_path.glob(".ratecheck/runs/*/witnesses/*.json")
    assert rc("replay", witness).code == 0


def test_the_truth_stands_and_the_budget_is_told(rc, short):
    ran = rc("attack", "mishchenko2022.minibatch_convex", "--policy", "mean-zero", "--evaluations", 5, "--json")
    assert ran.code == 0
    (result,) = ran.document["results"]
    assert (result["evidence"], result["verdict"]) == ("attack", "NOT REFUTED")
    assert result["details"]["budget"] == "5 evaluations"
    assert result["details"]["evaluations"] >= 5
    assert result["details"]["policy"] == "mean-zero given the duration"


def test_a_time_is_a_budget_too(rc):
    ran = rc("attack", "levy2026.step15_repaired", "--budget", "0.1s", "--json")
    assert ran.document["results"][0]["details"]["budget"] == "0.1 s"


def test_check_has_this_evidence_when_asked(rc, monkeypatch, short):
    monkeypatch.setattr(job, "ATTACK", 5)
    ran = rc("check", "mishchenko2022.minibatch_convex", "--evidence", "attack", "--json")
    assert ran.code == 0
    assert [r["evidence"] for r in ran.document["results"]] == ["attack"]
    assert "attack" not in job.DEFAULT


def test_ctrl_c_in_check_does_not_lose_a_violation_that_was_found(rc, monkeypatch):
    """Hit when the search has seen a broken cell: it is confirmed, and kept; what comes after is not begun."""
    broken = Cell(Part("quadratic"), Part("none"), Part("round_robin"), 16, 256, 0.0, "R1")

    def run(self):
        self.board.add(score(self.claim, broken, self.seed))
        raise KeyboardInterrupt

    monkeypatch.setattr(search.Search, "run", run)
    monkeypatch.setattr(adversary, "CASES", ())
    ran = rc("check", LIE, "mishchenko2022.minibatch_convex", "--evidence", "attack", "--json")
    assert ran.code == 1
    found, left = ran.document["results"]
    assert (found["verdict"], left["verdict"]) == ("REFUTED", "INCONCLUSIVE")
    assert found["summary"].endswith("stopped")
    assert left["summary"] == "stopped before it was done"


def test_policies_have_short_names_and_are_in_the_help(rc):
    assert attacking.policy_of("mean-zero") == "mean-zero given the duration"
    words = " ".join(rc("attack", "--help").out.replace("│", " ").split())
    for policy in POLICIES:
        assert policy in words


def test_how_to_go_on_is_told(rc, short):
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
        (
            ["mishchenko2022.theorem1", "--policy", "anything"],
            "error: --policy takes one of: independent, mean-zero given the duration, data-dependent, clairvoyant, "
            "mean-zero; not 'anything'.\n",
        ),
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
