"""The plugin from a user's side: a project with one test for each way a claim can be put, run as a user runs it."""

import json
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from xml.etree import ElementTree

import pytest

from tests.command import ROOT, environment, here

# one process sets up its session; it is not made twice
pytestmark = pytest.mark.xdist_group("plugin")

THEOREM = '"mishchenko2022.theorem3_convex"'
SMALL = f'{THEOREM}, scenario="small.toml"'

CELLS = """
title = "{title}"
exact = {{ cases = [[2, 4]], bounds = [[2, 3]] }}
monte_carlo = {{ replicates = 64 }}
[[grid]]
problem = {problem}
delays = "round_robin"
{rest}
"""
SMOOTH, HARD = '{ name = "huber", kink = 1 }', '{ name = "huber", kink = "B_over_W" }'
HEAVY = 'M = 4\nK = 256\nsigma = 0.1\nnoise = { name = "student_t", df = 3 }'
FILES = {
    "small.toml": CELLS.format(title="Small", problem=SMOOTH, rest="M = 4\nK = 256\nsigma = [0, 0.1]"),
    "hard.toml": CELLS.format(title="Hard", problem=HARD, rest="M = 16\nK = 1024\nsigma = 0.1"),
    "short.toml": CELLS.format(title="Every bound is vacuous", problem=SMOOTH, rest="M = 16\nK = 16\nsigma = 0.1"),
    "heavy.toml": CELLS.format(title="No finite second moment", problem=SMOOTH, rest=HEAVY),
    "kinked.toml": CELLS.format(title="Not smooth", problem='"asymmetric_abs"', rest="M = 4\nK = 256\nsigma = 0.1"),
    "halves_late.py": """
from ratecheck import Method

def receive(server, a):
    x, g = server.x[0], a.grad[0]
    gamma = a.gamma
    if a.stamp == 3:
        gamma = gamma / 2
    for i in range(x.shape[0]):
        x[i] -= gamma * g[i]

METHOD = Method("halves_late", receive)
""",
    "plain.py": """
from ratecheck import Method

def receive(server, a):
    x, g = server.x[0], a.grad[0]
    for i in range(x.shape[0]):
        x[i] -= a.gamma * g[i]

METHOD = Method("plain", receive)
""",
    "raises.py": """
from ratecheck import Method

class Raises:
    def step(self, x, gradient, gamma):
        raise ZeroDivisionError("planted")

METHOD = Method.from_python(Raises)
""",
    "without_m.py": """
from dataclasses import replace
from sympy import sqrt
from ratecheck import Formula, Inequality, Statement, claim
from ratecheck.core.symbols import B, K, L, output_gap, sigma

BOUND = Formula(optimisation=8 * L * B**2 / (3 * K), noise=2 * sigma * B / sqrt(K))
CLAIM = replace(claim("mishchenko2022.theorem3_convex"), title="Theorem 3 without M",
                outputs={"R1": Statement(bound=Inequality(Formula(output_gap), BOUND))})
""",
    "misprint.py": 'from dataclasses import replace\nfrom without_m import CLAIM\n'
                   'CLAIM = replace(CLAIM, expect="refuted")\n',
    "lower.py": 'from dataclasses import replace\nfrom ratecheck import claim\n'
                f'CLAIM = replace(claim({THEOREM}), kind="lower")\n',
    "pessimist.py": 'from dataclasses import replace\nfrom ratecheck import claim\n'
                    f'CLAIM = replace(claim({THEOREM}), expect="refuted")\n',
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One test of the project: its marker, its body, and what is raised, with words of its text."""

    marker: str | None
    body: str
    outcome: str = ""
    says: tuple[str, ...] = ()


VIOLATED, UNDECIDED = "ratecheck.testing.ClaimViolated", "ratecheck.testing.ClaimUndecided"
CASES = {
    # controls: what is right passes, however it is named
    "the_claims_own_method": Case(SMALL, "claim.check()"),
    "a_name": Case(SMALL, "claim.check(method='async_sgd')"),
    "a_module": Case(SMALL, "claim.check(method=plain)"),
    "a_path": Case(SMALL, "claim.check(method=plain.__file__)"),
    "an_object": Case(SMALL, "claim.check(method=plain.METHOD)"),
    "an_object_of_this_file": Case(SMALL, "claim.check(method=METHOD)"),
    "the_marker_names_the_method": Case(f'{SMALL}, method="plain.py"', "claim.check()"),
    "exact_evidence": Case(f'{SMALL}, evidence="exact"', "claim.check(method=plain)"),
    "a_misprint": Case('"misprint.py", scenario="hard.toml"', "claim.check()"),
    "a_violation_foreseen": Case(
        '"without_m.py", scenario="hard.toml"', "with pytest.raises(ClaimViolated):\n        claim.check()"
    ),
    # few runs and infinite moments pass, and are listed
    "few_runs": Case(f"{SMALL}, replicates=8", "claim.check()"),
    "infinite_moment": Case(THEOREM, "claim.check(scenario='heavy.toml')"),
    # lies
    "a_wrong_bound": Case(
        '"without_m.py", scenario="hard.toml"', "claim.check()", VIOLATED,
        (r"monte-carlo: REFUTED", r"M=16 K=1024 sigma=0\.1 huber", r"0\.0\d+ > 0\.00\d+, ratio \d",
         r"ratio at least \d+\.\d+ \(95%", r"e-value 10\^\d+\.\d+ >= 10\^\d", r"preconditions checked: .*K >= M"),
    ),
    "a_wrong_lower_bound": Case(
        '"lower.py", scenario="short.toml"', "claim.check()", VIOLATED,
        (r"monte-carlo: REFUTED", r"ratio at most 0\.\d+ \(95%", r"e-value 10\^\d+\.\d+ >= 10\^\d"),
    ),
    "a_wrong_method": Case(
        SMALL, "claim.check(method=halves_late)", VIOLATED,
        (r"exact: REFUTED", r"lemma1 fails at step \d", r"monte-carlo: REFUTED", r"lemma1 fails at step \d+ in"),
    ),
    "a_wrong_method_in_the_marker": Case(
        f'{SMALL}, method="halves_late.py", evidence="exact"', "claim.check()", VIOLATED, ("lemma1 fails at step",)
    ),
    "a_wrong_stepsize": Case(
        f'{SMALL}, evidence="exact"', "claim.check(stepsize='delay_adaptive_nonconvex')", VIOLATED,
        (r"stepsize 'delay_adaptive_nonconvex' is not the claim's: at k = \d+",),
    ),
    "not_refuted_as_declared": Case(
        '"pessimist.py", scenario="small.toml"', "claim.check()", VIOLATED, ("declared to be refuted",)
    ),
    # nothing tested
    "not_applicable": Case(
        f'{THEOREM}, scenario="kinked.toml"', "claim.check()", UNDECIDED,
        ("nothing was tested: the claim applies to no cell", "NOT APPLICABLE", "asymmetric_abs is not declared smooth"),
    ),
    "vacuous": Case(THEOREM, "claim.check(scenario='short.toml')", UNDECIDED, ("nothing was tested", "VACUOUS")),
    "more_required": Case(
        f'{THEOREM}, scenario="heavy.toml", require="HOLDS HERE"', "claim.check()", UNDECIDED,
        ("the test requires HOLDS HERE", "NOT REFUTED"),
    ),
    "few_runs_and_more_required": Case(
        f'{SMALL}, replicates=8, require="HOLDS HERE"', "claim.check()", UNDECIDED, ("INCONCLUSIVE",)
    ),
    "forgotten": Case(SMALL, "claim.check", "Failed", ("nothing was tested: the test has not called",)),
    # bad input
    "twice": Case(f'{SMALL}, evidence="exact"', "claim.check(); claim.check()", "ratecheck.errors.RatecheckError",
                  ("one check a test",)),
    "no_marker": Case(None, "claim.check()", "Failed", ("needs a marker",)),
    "an_unknown_option": Case(f"{THEOREM}, scenari='x'", "claim.check()", "Failed", ("did you mean scenario",)),
    "no_runs": Case(f"{SMALL}, replicates=0", "claim.check()", "Failed", ("replicates is a whole number",)),
    "an_unknown_claim": Case('"mishchenko2022.theorem3_convx"', "claim.check()", "ratecheck.errors.UnknownName",
                             ("unknown claim .*did you mean .*theorem3_convex",)),
    "nobodys_method": Case(SMALL, "claim.check(method=Method('x', plain.receive))", "ratecheck.errors.PartError",
                           ("exported as METHOD by no imported file",)),
    "an_optimiser_that_raises": Case(f'{SMALL}, method="raises.py"', "claim.check()", "ratecheck.errors.PartError",
                                     (r"raises.py, line \d+\): ZeroDivisionError: planted",)),
}  # fmt: skip

HEAD = """
import halves_late
import plain
import pytest
from ratecheck import Method
from ratecheck.testing import ClaimViolated

METHOD = Method("of_this_file", plain.receive)


@pytest.mark.theorem("mishchenko2022.lemma1", evidence="exact")
@pytest.mark.parametrize("i", range(4))
def test_seed(claim, rc_seed, record_property, i):
    record_property("seeds", f"{claim.seed} {rc_seed}")
    pytest.skip("seeds are looked at, and no claim")
"""


def project(folder, cases):
    """Write the project into a folder."""
    for name, text in FILES.items():
        (folder / name).write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\nfilterwarnings = error\n")
    tests = [HEAD]
    for name, case in cases.items():
        mark = "" if case.marker is None else f"@pytest.mark.theorem({case.marker})\n"
        tests.append(f"{mark}def test_{name}(claim):\n    {case.body}\n")
    (folder / "test_it.py").write_text("\n\n".join(tests))
    return folder


@dataclass(frozen=True)
class Ended:
    """What the report says of one test: what was raised ('' for passed), its text, what the plugin and it recorded."""

    outcome: str
    text: str
    found: dict
    seeds: str | None


@dataclass(frozen=True)
class Session:
    """Exit code, printed text and tests of one pytest run."""

    code: int
    out: str
    tests: dict


PYTEST = (sys.executable, "-m", "pytest", "-p", "ratecheck.pytest_plugin", "-p", "no:cacheprovider")


def pytest_in(folder, cache, *args):
    """Run pytest in a process of its own, without any plugin but this one and those named."""
    env = {**environment(cache), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    report = folder / "report.xml"
    done = subprocess.run([*PYTEST, f"--junitxml={report}", "-o", "junit_family=xunit1", *args], cwd=folder, env=env,
                          capture_output=True, text=True, timeout=1200)  # fmt: skip
    found = {}
    for one in ElementTree.parse(report).iter("testcase") if report.is_file() else ():
        recorded = {p.get("name"): p.get("value") for p in one.iter("property")}
        fault = next((e for e in one if e.tag in ("failure", "error")), None)
        message = "" if fault is None else fault.get("message").removeprefix("failed on setup with ").strip('"')
        found[one.get("name").removeprefix("test_")] = Ended(
            message.partition(":")[0], "" if fault is None else fault.text,
            json.loads(recorded.get("ratecheck", "{}")), recorded.get("seeds"),
        )  # fmt: skip
    report.unlink(missing_ok=True)
    return Session(done.returncode, done.stdout + done.stderr, found)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return project(tmp_path_factory.mktemp("project"), CASES)


@pytest.fixture(scope="module")
def alone(folder, cache):
    """The project run in one process, and where runs of failing tests were kept."""
    return pytest_in(folder, cache, "--ratecheck-alpha", "0.01", "--ratecheck-out", "kept")


@pytest.mark.parametrize("name", CASES)
def test_a_test_ends_as_it_should(alone, name):
    case, test = CASES[name], alone.tests[name]
    assert test.outcome.split()[-1:] == case.outcome.split(), test.text
    assert [words for words in case.says if not re.search(words, test.text)] == [], test.text


def test_verdicts_are_reported_with_the_test(alone):
    def verdicts(name):
        return [(one["evidence"], one["verdict"]) for one in alone.tests[name].found["results"]]

    assert verdicts("a_module") == [("exact", "EXACT"), ("monte-carlo", "HOLDS HERE")]
    assert verdicts("exact_evidence") == [("exact", "EXACT")]
    assert verdicts("few_runs") == [("exact", "EXACT"), ("monte-carlo", "INCONCLUSIVE")]
    assert verdicts("infinite_moment") == [("exact", "EXACT"), ("monte-carlo", "NOT REFUTED")]
    assert verdicts("a_wrong_method") == [("exact", "REFUTED"), ("monte-carlo", "REFUTED")]


def test_what_passed_without_a_decision_is_listed(alone):
    section = re.search(r"=+ ratecheck =+\n(.*?)\n=", alone.out, re.DOTALL)[1]
    for name, verdict in (("few_runs", "INCONCLUSIVE"), ("infinite_moment", "NOT REFUTED")):
        assert re.search(rf"test_it.py::test_{name}: monte-carlo {verdict}: ", section)
    words = [one["verdict"] for test in alone.tests.values() if test.found for one in test.found["results"]]
    for verdict in set(words):
        assert f"{verdict} {words.count(verdict)}" in section


def test_alpha_is_divided_over_the_tests_that_can_give_a_false_alarm(alone, folder, cache):
    sharing = [c for c in CASES.values() if c.marker and 'evidence="exact"' not in c.marker]
    assert {t.found["alpha"] for t in alone.tests.values() if t.found} == {0.01 / len(sharing)}
    some = "exact_evidence or forgotten or an_unknown_claim"
    fewer = pytest_in(folder, cache, "-k", some, "--ratecheck-alpha", "0.01").tests
    assert len(fewer) == 3
    assert fewer["exact_evidence"].found["alpha"] == 0.01 / 2, "tests that are deselected take no share"


@pytest.mark.parametrize(("name", "number"), [("a_wrong_bound", "ratio"), ("a_wrong_method", "residual")])
def test_a_replay_reproduces_the_number_from_another_folder(alone, name, number, tmp_path):
    commands = re.findall(r"replay: (ratecheck replay \S+)", alone.tests[name].text)
    ran = [here(*shlex.split(line)[1:], folder=tmp_path) for line in commands]
    assert commands
    assert [one.code for one in ran] == [0] * len(commands)
    assert all("reproduced to the last bit" in one.out for one in ran)
    (again,) = re.findall(rf"{number} = (\S+?),?\s", ran[-1].out)
    (told,) = re.findall(rf"{number} (\S+), ", alone.tests[name].text)
    digits = len(told.replace(".", "").lstrip("0")) if "e" not in told else 3
    assert f"{float(again):.{digits}g}" == told


def test_only_runs_of_failing_tests_are_kept(alone, folder):
    told = {m for t in alone.tests.values() for m in re.findall(r"kept in (\S+)", t.text)}
    raised = [c for c in CASES.values() if c.outcome in (VIOLATED, UNDECIDED)]
    kept = {str(p) for p in (folder / "kept" / ".ratecheck" / "runs").iterdir()}
    foreseen = 1  # a violation that its test expects has failed all the same
    assert told < kept
    assert (len(told), len(kept)) == (len(raised), len(raised) + foreseen)


@pytest.mark.slow
@pytest.mark.slow
def test_two_processes_give_the_verdicts_of_one(alone, folder, cache):
    two = pytest_in(folder, cache, "-p", "xdist", "-n", "2", "--ratecheck-alpha", "0.01", "--ratecheck-out", "kept2")
    assert "2 workers" in two.out
    assert two.code == alone.code == 1
    assert {n: (t.outcome, t.found, t.seeds) for n, t in two.tests.items()} == {
        n: (t.outcome, t.found, t.seeds) for n, t in alone.tests.items()
    }
    assert re.search(r"tests of claims: .*", two.out)[0] == re.search(r"tests of claims: .*", alone.out)[0]


@pytest.mark.slow
def test_a_fresh_seed_is_drawn_once_and_can_be_given_again(tmp_path, cache):
    project(tmp_path, {})
    two = ("-p", "xdist", "-n", "2", "--ratecheck-seed")
    first, other = (pytest_in(tmp_path, cache, *two, "fresh") for _ in range(2))
    (seed,) = re.findall(r"ratecheck: --ratecheck-seed (\d+)", first.out)
    again = pytest_in(tmp_path, cache, "--ratecheck-seed", seed)
    assert first.tests == again.tests
    seeds = [t.seeds.split() for t in (*first.tests.values(), *other.tests.values())]
    assert [given for given, _ in seeds[:4]] == [seed] * 4, "every worker has the seed in the header"
    assert len({own for _, own in seeds}) == 8, "each test of each session has a seed of its own"


def test_ini_values_are_defaults(tmp_path, cache):
    project(tmp_path, {"one": Case(f"{THEOREM}, evidence='exact'", "claim.check()")})
    below = tmp_path / "below"
    below.mkdir()
    with (tmp_path / "pytest.ini").open("a") as ini:
        ini.write("ratecheck_profile = small.toml\nratecheck_seed = 7\nratecheck_alpha = 0.02\n")
    (tmp_path / "test_it.py").rename(below / "test_it.py")
    given = pytest_in(below, cache, "--ratecheck-seed", "8", "-o", "pythonpath=.").tests["one"].found
    assert (given["seed"], given["alpha"]) == (8, 0.02)
    assert "(M,K) = (2,4)" in given["results"][0]["summary"], "the scenario beside the ini file"


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("alpha", "2", "a probability between 0 and 1, not '2'"),
        ("alpha", "nan", "a probability between 0 and 1, not 'nan'"),
        ("alpha", "few", "a probability between 0 and 1, not 'few'"),
        ("seed", "-1", "takes a whole number from 0 on, or fresh; not '-1'"),
        ("profile", "quik", "unknown scenario 'quik'; did you mean quick?"),
        ("profile", "wrong.toml", "unknown key 'titel'; did you mean title?"),
        ("profile", "none.toml", "cannot be read"),
        ("out", "wrong.toml", "takes a folder"),
    ],
)
def test_a_bad_option_is_one_sentence(tmp_path, cache, option, value, says):
    (tmp_path / "wrong.toml").write_text('titel = "x"\n')
    ran = pytest_in(tmp_path, cache, f"--ratecheck-{option}={value}")
    assert ran.code == pytest.ExitCode.USAGE_ERROR
    (line,) = ran.out.strip().splitlines()
    assert line.startswith(f"ERROR: --ratecheck-{option}")
    assert says in line


def test_a_marked_test_that_does_not_take_the_fixture_is_an_error(tmp_path, cache):
    """It would pass, green, with nothing checked; its claim may even be misspelt."""
    (tmp_path / "test_x.py").write_text(
        "import pytest\n@pytest.mark.theorem('mishchenko2022.theorem3_convexx')\ndef test_x():\n    pass\n"
    )
    done = pytest_in(tmp_path, cache)
    assert done.code != 0
    assert "test_x.py::test_x is marked theorem and does not take the fixture 'claim'" in done.out


def modules_after(folder, script):
    done = subprocess.run([sys.executable, "-c", f"import sys\n{script}\nprint(*sorted(sys.modules))"], cwd=folder,
                          env={**environment(folder), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
                          capture_output=True, text=True, timeout=60)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return {m.split(".")[0] for m in done.stdout.splitlines()[-1].split()}


def test_nothing_heavy_is_imported_before_a_claim_is_checked(tmp_path):
    project(tmp_path, CASES)
    loaded = modules_after(tmp_path, "import ratecheck.pytest_plugin")
    assert not {"numba", "llvmlite", "scipy", "sympy", "numpy", "pydantic", "typer"} & loaded
    arguments = [*PYTEST[3:], "--collect-only", "-q", "--ratecheck-profile", "small.toml"]
    collected = modules_after(tmp_path, f"import pytest\nassert pytest.main({arguments}) == 0")
    assert {"test_it", "plain", "ratecheck"} <= collected
    assert not {"numba", "llvmlite", "scipy", "sympy"} & collected


def test_a_project_without_claims_sees_nothing_of_the_plugin(tmp_path, cache):
    (tmp_path / "test_it.py").write_text("def test_it():\n    pass\n")
    assert "ratecheck" not in pytest_in(tmp_path, cache, "--rootdir", str(tmp_path)).out.replace(str(tmp_path), "")


def test_the_entry_point_is_this_module():
    text = (ROOT / "pyproject.toml").read_text()
    assert '[project.entry-points.pytest11]\nratecheck = "ratecheck.pytest_plugin"\n' in text
