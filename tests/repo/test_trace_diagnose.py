"""``ratecheck trace diagnose``, and traces with noise on the command line."""

import numpy as np
import pytest

from ratecheck.core.assumption import POLICIES
from ratecheck.core.shelf import CLAIMS
from ratecheck.core.trace import Trace, read, write

COLUMNS = "worker,time,noise_sq\n0,1,1\n0,2,2\n1,3,4\n0,4,1\n"


def made(folder, name="t.csv", *, slow=True, steps=300):
    """Write a trace of two workers; while one is at a gradient of large noise (``slow``), the other delivers 5 more."""
    draw = np.random.default_rng(1)
    now, worker, time, noise = [0.0, 0.0], [], [], []
    due = [(0.0, 0, 0.0), (0.0, 1, 0.0)]
    while len(worker) < steps:
        due.sort()
        at, m, xi = due.pop(0)
        now[m] = at
        if xi:
            worker.append(m)
            time.append(at)
            noise.append(xi)
        xi = draw.choice((-1.0, 1.0)) if draw.random() < 0.8 else 3.0
        due.append((at + draw.uniform(0.9, 1.1) * (5 if slow and xi == 3.0 else 1), m, xi))
    xi = np.array(noise)[:, None]
    write(folder / name, Trace(2, np.array(worker), np.array(time), noise_sq=xi[:, 0] ** 2, noise=xi))
    return name


def test_a_dependent_trace_is_called_so_with_the_theorems(rc, tmp_path):
    found = rc("trace", "diagnose", made(tmp_path), "--json").document
    assert found["policy"] == "data-dependent"
    assert found["rho_interval"][0] < found["rho"] < found["rho_interval"][1]
    assert found["times_interval"][0] > 1.5
    names = {name: row["policy"] for row in found["theorems"] for name in row["claims"]}
    for name, policy in names.items():
        claim = CLAIMS.get(name)
        assert policy in (claim.policy, claim.outputs[claim.output].bound.policy)
        assert claim.expect == "holds"
    assert [r["policy"] for r in found["theorems"] if not r["covers"]] == list(POLICIES[:2])
    shown = rc("trace", "diagnose", "t.csv").out
    assert found["verdict"] in shown
    assert shown.index("theorems about such delays") < shown.index("theorem1") < shown.index("assume more")


def test_an_independent_trace_contradicts_no_theorem(rc, tmp_path):
    found = rc("trace", "diagnose", made(tmp_path, slow=False), "--json").document
    assert found["policy"] == "independent"
    assert all(row["covers"] for row in found["theorems"])
    assert found["times_interval"][0] < 1 < found["times_interval"][1]


def test_what_is_known_decides_what_is_said(rc, tmp_path):
    (tmp_path / "sizes.csv").write_text(COLUMNS)
    found = rc("trace", "diagnose", "sizes.csv", "--variance", 2, "--json").document
    assert found["rho"] == pytest.approx(9 / 32)  # by hand: see the test of the moment
    assert (found["known"], [*found["tests"]]) == (False, ["delay", "duration"])
    shown = rc("trace", "diagnose", "sizes.csv").out
    assert "not known" in shown
    assert "too few for an interval" in shown
    assert "no gradient was ever late" in rc("trace", "diagnose", written(tmp_path, "worker,noise_sq\n0,1\n0,2\n")).out


def written(folder, text):
    (folder / "b.csv").write_text(text)
    return "b.csv"


def test_the_same_seed_says_the_same(rc, tmp_path):
    name = made(tmp_path)
    one, two, three = (
        rc("trace", "diagnose", name, "--json", "--seed", s).document["tests"]["duration"] for s in (0, 0, 1)
    )
    assert one == two
    assert one["measured"] == three["measured"]


def test_import_keeps_what_is_known_of_gradients(rc, tmp_path):
    text = "noise_2,worker,time,noise_1,duration\n3,1,0.5,4,0.25\n0,2,0.75,-1e-3,0.5\n"
    (tmp_path / "own.csv").write_text(text)
    assert rc("trace", "import", "own.csv", "--out", "ours.csv").code == 0
    found = read(tmp_path / "ours.csv")
    assert found.worker.tolist() == [0, 1]
    assert found.duration.tolist() == [0.25, 0.5]
    assert found.noise.tolist() == [[4, 3], [-1e-3, 0]]
    assert found.noise_sq.tolist() == [25, 1e-6]
    assert rc("trace", "show", "ours.csv").code == 0


def test_a_recording_with_heavy_rows_is_diagnosed(rc):
    sizes = ("--workers", 3, "--steps", 300, "--dimension", 4, "--batch", 2, "--rows", 100)
    heavy = ("--heavy", 0.1, "--heavy-cost", 500, "--heavy-shift", 2, "--noise")
    assert rc("trace", "record", "--out", "t.csv", *sizes, *heavy).code == 0
    found = rc("trace", "diagnose", "t.csv", "--json").document
    assert (found["M"], found["K"], [*found["tests"]]) == (3, 300, ["delay", "duration", "mean"])
    assert found["policy"] in POLICIES[:3]  # what a machine does nobody knows


BAD = [
    ("worker,time\n0,1\n", [], "needs a column noise_sq"),
    ("worker,loss\n0,1\n", [], "no trace has a column 'loss'"),
    ("worker,time,worker\n0,1,0\n", [], "names worker twice"),
    ("worker,delay,noise_sq\n0,1,1\n", [], "are not those of worker,time or worker or delay"),
    ("worker,noise_sq\n0,-1\n", [], "line 2: the noise_sq must be a number from 0, not '-1'"),
    ("worker,noise_sq\n0,nan\n", [], "line 2: the noise_sq must be a number from 0, not 'nan'"),
    ("worker,duration,noise_sq\n0,x,1\n", [], "line 2: the duration must be a number from 0, not 'x'"),
    ("worker,noise_2\n0,1\n", [], "but no noise_1"),
    ("worker,noise_0\n0,1\n", [], "no trace has a column 'noise_0'"),
    ("worker,noise_1\n0,1e999\n", [], "line 2: the noise_1 must be a number, not '1e999'"),
    ("worker,noise_1\n0,1e200\n", [], "finite numbers, from 0 on, as the noise_sq"),
    ("worker,noise_sq,noise_1\n0,1,1e200\n", [], "no square of noise too large"),
    ("worker,noise_sq\n0,1,2\n", [], "columns found 3, needed 2 (worker,noise_sq)"),
    ("worker,noise_sq\n0,0\n", [], "the mean of noise_sq is 0"),
    ("worker,noise_sq\n0,1\n", ["--level", 1], "the level lies between 0 and 1, and 1 does not"),
    ("worker,noise_sq\n0,1\n", ["--variance", 0], "the variance is a positive number, and 0 is not"),
    ("noise_sq,delay\n1,3\n", [], "the first arrival can only use version 0"),
]


@pytest.mark.parametrize(("text", "options", "message"), BAD, ids=[b[2] for b in BAD])
def test_bad_input_is_one_sentence(rc, tmp_path, text, options, message):
    ran = rc("trace", "diagnose", written(tmp_path, text), *options)
    assert ran.code == 2
    assert message in ran.complaint
