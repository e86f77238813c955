"""Runs on disk: records survive kills, a resume reuses them, and the verdicts depend on the seed alone."""

import json
import os
import signal
import subprocess
import time
from functools import partial
from pathlib import Path

import pytest

from ratecheck.commands.request import ask
from ratecheck.commands.session import short_names, without_folders
from ratecheck.core.run import Run, Writer, source_digest
from ratecheck.errors import RunError
from tests.command import PROGRAM, ROOT, environment

SWEEP = """
title = "Sweep"
claims = ["mishchenko2022.theorem3_convex", "mishchenko2022.minibatch_convex"]
seed = 5
[exact]
cases = [[2, 3]]
bounds = [[2, 3]]
[monte_carlo]
replicates = 64
alpha = 1e-7
[[grid]]
problem = { name = "huber", dimension = 50 }
delays = { name = "exponential", spread = 4 }
M = [2, 4]
K = [16384, 32768]
sigma = [0, 1]
"""


@pytest.fixture
def sweep(tmp_path):
    (tmp_path / "sweep.toml").write_text(SWEEP)
    return "sweep.toml"


def only_run(folder):
    return next((folder / ".ratecheck" / "runs").iterdir())


def keys(run):
    """Keys of all whole lines on disk, repeats included."""
    return [r["key"] for r in whole_lines(run)]


def whole_lines(run):
    for path in run.glob("records-*.jsonl"):
        for line in path.read_text().splitlines():
            try:
                yield json.loads(line.partition(" ")[2])
            except json.JSONDecodeError:
                continue


# the record store


def test_records_come_back_as_they_were_written(tmp_path):
    run = Run.create(tmp_path, {})
    writer = run.writer()
    written = {f"k{i}": {"key": f"k{i}", "value": [0.1 * i, None, 1e308]} for i in range(3)}
    for record in written.values():
        writer.append(record)
    writer.close()
    assert run.records() == written


def test_a_torn_last_line_and_a_damaged_one_are_left_out(tmp_path):
    run = Run.create(tmp_path, {})
    writer = run.writer()
    for i in range(4):
        writer.append({"key": f"k{i}", "value": i})
    writer.close()
    path = next(run.folder.glob("records-*.jsonl"))
    lines = path.read_text().splitlines(keepends=True)
    lines[1] = lines[1].replace('"value":1', '"value":7')  # one digit flipped: the checksum sees it
    path.write_text("".join(lines)[:-9])
    assert set(run.records()) == {"k0", "k2"}
    path.write_bytes(path.read_bytes() + b"\xff\xfe\x00")
    assert set(run.records()) == {"k0", "k2"}


def test_every_record_is_on_disk_when_append_returns(tmp_path):
    run = Run.create(tmp_path, {})
    writer = run.writer()
    writer.append({"key": "a"})
    assert set(run.records()) == {"a"}
    writer.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_full_disk_is_one_sentence():
    writer = Writer(Path("/dev/full"))
    for _ in range(2):
        with pytest.raises(RunError, match="/dev/full cannot be written: No space left"):
            writer.append({"key": "a"})
    writer.close()


def test_runs_are_found_by_name_by_its_end_by_path_and_as_the_latest(tmp_path):
    first, second = Run.create(tmp_path, {}), Run.create(tmp_path, {})
    os.utime(first.folder / "manifest.json", (1, 1))
    assert Run.find(first.name, tmp_path) == first
    assert Run.find(str(first.folder), tmp_path) == first
    assert Run.find("latest", tmp_path) == second
    with pytest.raises(RunError, match="names more than one run"):
        Run.find("", tmp_path)


# kill and resume


def started(folder, cache, *args):
    """Start a command; a shell that started the tests in the background makes them, and their children, deaf to ^C."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    hears = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(
        [*PROGRAM, *args], cwd=folder, env=environment(cache), text=True, preexec_fn=hears, **streams
    )


def wait_for_records(folder, process, count):
    """Wait until the run has ``count`` whole records; fail when the process ends before."""
    for _ in range(3000):
        assert process.poll() is None, process.communicate()
        if sum(path.read_bytes().count(b"\n") for path in folder.glob(".ratecheck/runs/*/records-*")) >= count:
            return
        time.sleep(0.02)
    raise AssertionError("no records")


@pytest.mark.slow
def test_kill_9_then_resume_gives_the_same_table_and_computes_nothing_twice(tmp_path, cache, rc_alone, sweep):
    whole = rc_alone("check", sweep, "--json", "--threads", 1, "--out", "whole")
    assert whole.code == 0, whole.err
    wanted = (only_run(tmp_path / "whole") / "results.json").read_bytes()
    everything = keys(only_run(tmp_path / "whole"))
    assert len(everything) == len(set(everything)) > 30

    process = started(tmp_path, cache, "check", sweep, "--json", "--threads", "1")
    wait_for_records(tmp_path, process, 10)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    run = only_run(tmp_path)
    finished = keys(run)
    assert 10 <= len(finished) < len(everything)
    assert not (run / "results.json").exists()
    with next(run.glob("records-*.jsonl")).open("a") as file:
        file.write('00000000 {"key":"torn')  # what a kill in the middle of a write leaves

    page = rc_alone("report", "latest")
    assert page.code == 0, "an unfinished run has a page, too"
    resumed = rc_alone("resume", "latest")
    assert resumed.code == 0, resumed.err
    assert (run / "results.json").read_bytes() == wanted
    assert f"({len(everything) - len(finished)} blocks computed" in resumed.out
    assert sorted(keys(run)) == sorted(everything), "no finished record is computed again"

    again = rc_alone("resume", run.name, "--json")
    assert again.code == 0
    assert sorted(keys(run)) == sorted(everything), "nothing is left to compute"
    assert (run / "results.json").read_bytes() == wanted


@pytest.mark.slow
def test_ctrl_c_says_what_is_known_and_how_to_resume(tmp_path, cache, rc_alone, sweep):
    process = started(tmp_path, cache, "check", sweep, "--threads", "1")
    wait_for_records(tmp_path, process, 5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 5, err
    assert "INCONCLUSIVE" in out
    assert f"ratecheck resume {only_run(tmp_path).name}" in out
    assert "Traceback" not in err
    assert rc_alone("resume", "latest", "--json").code == 0


@pytest.mark.parametrize("phase", ["exact", "monte_carlo"])
def test_ctrl_c_at_any_time_loses_no_result_and_tells_what_is_left(rc, sweep, monkeypatch, phase):
    """The key is hit between two blocks, or between two arrival orders, where nothing waits for it."""

    def hit(*args, **more):
        raise KeyboardInterrupt

    target = {"exact": "ratecheck.checks.exact.sweep_identity", "monte_carlo": "ratecheck.checks.monte_carlo.prepare"}
    monkeypatch.setattr(target[phase], hit)
    found = rc("check", sweep, "--json")
    assert found.code == 5
    assert "stopped before the end" in found.complaint
    verdicts = [(r["evidence"], r["verdict"]) for r in found.document["results"] if r["evidence"] != "symbolic"]
    first = "INCONCLUSIVE" if phase == "exact" else "EXACT"
    assert verdicts == [("exact", first)] * 2 + [("monte-carlo", "INCONCLUSIVE")] * 2


def test_resume_refuses_after_a_file_has_changed(rc, tmp_path, sweep):
    rule = tmp_path / "rule.py"
    rule.write_text((ROOT / "ratecheck" / "mutants" / "rules" / "cap_in_other_words.py").read_text())
    claim = "mishchenko2022.theorem3_convex"
    assert rc("check", sweep, claim, "--evidence", "exact", "--stepsize", "rule.py", "--json").code == 0
    assert rc("resume", "latest", "--json").code == 0
    rule.write_text(rule.read_text() + "\n")
    found = rc("resume", "latest")
    assert found.code == 2
    assert "rule.py, which has changed since" in found.complaint
    rule.unlink()
    assert "rule.py, which cannot be read now" in rc("resume", "latest").complaint


def test_resume_watches_the_files_that_a_scenario_names(tmp_path):
    """A part of the user's own, a recorded trace and a claim, all given in the scenario file beside it."""
    (tmp_path / "mine.py").write_text((ROOT / "ratecheck" / "problems" / "quadratic.py").read_text())
    (tmp_path / "claim.py").write_text((ROOT / "tests" / "teeth" / "files" / "theorem3_without_m.py").read_text())
    (tmp_path / "t.csv").write_text("worker\n0\n1\n0\n1\n")
    (tmp_path / "s.toml").write_text(
        'title = "s"\nclaims = ["claim.py"]\n[[grid]]\nproblem = "mine.py"\n'
        'delays = { name = "trace", file = "t.csv" }\n'
    )
    nothing = dict.fromkeys(("evidence", "method", "stepsize", "trace", "seed", "alpha", "kappa"))
    request = ask([str(tmp_path / "s.toml")], profile="quick", force=False, strict=False, **nothing)
    assert sorted(short_names(request.files).values()) == ["claim.py", "mine.py", "t.csv"]


def test_resume_refuses_after_the_code_has_changed(rc, tmp_path, sweep):
    rc("check", sweep, "--evidence", "exact", "--json")
    path = only_run(tmp_path) / "manifest.json"
    manifest = json.loads(path.read_text())
    assert manifest["source"] == source_digest()
    path.write_text(json.dumps({**manifest, "source": "0" * 16}))
    found = rc("resume", "latest")
    assert found.code == 2
    assert "another version of ratecheck's code" in found.complaint


def test_a_damaged_manifest(rc, tmp_path, sweep):
    rc("check", sweep, "--evidence", "exact", "--json")
    path = only_run(tmp_path) / "manifest.json"
    whole = path.read_text()
    made = json.loads(whole)
    damages = [
        ("{", "cannot be read"),
        ("[]", "is not a JSON object"),
        (json.dumps({**made, "request": None}), "no usable request"),
        (json.dumps({**made, "request": {**made["request"], "more": 1}}), "no usable request"),
        (json.dumps({**made, "request": {**made["request"], "scenario": {}}}), "no usable scenario"),
    ]
    for text, words in damages:
        path.write_text(text)
        found = rc("resume", "latest")
        assert found.code == 2
        assert words in found.complaint
    path.write_text(whole)
    assert rc("resume", "latest").code == 0


def test_a_requirement_is_remembered_by_resume(rc, sweep):
    assert rc("check", sweep, "--evidence", "exact", "--require", "PROVED", "--json").code == 3
    assert rc("resume", "latest", "--json").document["exit_code"] == 3


# one seed, one answer


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_for_any_threads_in_any_folder(tmp_path, rc_alone):
    """The user's files lie in two folders; claim, stepsize, problem and trace are his own."""
    files = (
        ROOT / "tests" / "teeth" / "files" / "theorem3_without_m.py",
        ROOT / "ratecheck" / "mutants" / "rules" / "forgets_cap.py",
    )
    texts = []
    for folder, threads in (("here", 1), ("there/deep", 2)):
        home = tmp_path / folder
        home.mkdir(parents=True)
        for file in files:
            (home / file.name).write_text(file.read_text())
        (home / "t.csv").write_text((ROOT / "scenarios" / "traces" / "made_delays.csv").read_text())
        (home / "sweep.toml").write_text(SWEEP)
        given = [home / "sweep.toml", home / "theorem3_without_m.py", "--stepsize", home / "forgets_cap.py"]
        found = rc_alone("check", *given, "--trace", home / "t.csv", "--threads", threads, "--json")
        assert found.code == 1, found.err
        assert "REFUTED" in found.out
        texts.append(found.out)
    assert texts[0] == texts[1]
    assert str(tmp_path) not in texts[0]


@pytest.mark.slow
def test_another_seed_gives_other_numbers(rc, sweep):
    """Else the test above would hold of a program that ignores its seed."""
    claim = "mishchenko2022.theorem3_convex"
    said = [rc("check", sweep, claim, "--evidence", "monte-carlo", "--seed", s, "--json").document for s in (1, 2)]
    one, other = ({c["digest"]: c["inequalities"]["bound"] for c in d["results"][0]["details"]["cells"]} for d in said)
    runs = {found["n"] for found in one.values()}
    assert runs > {1}, "without noise the delays alone differ"
    assert all(one[digest]["lhs"] != other[digest]["lhs"] for digest in one)


def test_short_names_tell_files_apart():
    names = short_names(["/a/b/t.py", "/a/c/t.py", "/a/c/u.py"])
    assert names == {"/a/b/t.py": "b/t.py", "/a/c/t.py": "c/t.py", "/a/c/u.py": "u.py"}
    said = {"claim": "/a/b/t.py", "text": "in '/a/c/t.py', line 3", "numbers": [1, "/a/c/u.py"]}
    assert without_folders(said, names) == {"claim": "b/t.py", "text": "in 'c/t.py', line 3", "numbers": [1, "u.py"]}
