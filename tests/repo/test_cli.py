"""Every command once, every exit code by a real case, and bad input: one sentence, exit code 2, nothing lost."""

import json
import shlex

import pytest

from ratecheck.checks.job import exit_code, unreached
from ratecheck.core.verdict import Result, Verdict
from tests.command import ROOT

THEOREM3 = "mishchenko2022.theorem3_convex"
LIES = ROOT / "ratecheck" / "mutants" / "kernels"

SMALL = """
title = "Small"
claims = ["mishchenko2022.theorem3_convex"]
seed = 3
[exact]
cases = [[2, 4]]
bounds = [[2, 3]]
[monte_carlo]
replicates = 64
[[grid]]
problem = [{ name = "quadratic", dimension = 4 }, { name = "huber", dimension = 4 }]
delays = { name = "exponential", spread = 4 }
M = 2
K = 128
sigma = [0, 1]
"""


@pytest.fixture
def small(tmp_path):
    """The name of a scenario file in the test's folder."""
    (tmp_path / "small.toml").write_text(SMALL)
    return "small.toml"


def scenario(tmp_path, *changes, name="changed.toml"):
    text = SMALL
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / name).write_text(text)
    return name


def write(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    return name


# what is there


def test_list_names_everything(rc):
    found = rc("list", "--json").document
    assert THEOREM3 in found["claims"]
    assert set(found) == {
        "claims", "methods", "schedulers", "stepsizes", "problems", "noises", "delays", "scenarios"
    }  # fmt: skip
    assert "async_sgd" in rc("list", "methods").out


def test_show_tells_a_claim_in_words_in_latex_and_as_data(rc):
    assert "min of delay: 1/(4*L*tau)" in rc("show", THEOREM3).out
    assert r"\min\left\{" in rc("show", THEOREM3, "--latex").out
    found = rc("show", THEOREM3, "--json").document
    assert found["outputs"]["R1"]["bound"]["rhs"]["noise"] == "2*B*sigma/sqrt(K)"


def test_version(rc):
    assert rc("--version").out.startswith("ratecheck ")


@pytest.mark.parametrize("there", [True, False])
def test_doctor_speaks_of_scikit_learn(there, monkeypatch):
    from ratecheck.commands import doctor

    def version(name):
        if there:
            return "1.2.3"
        raise doctor.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(doctor.metadata, "version", version)
    for name in ("_cache", "_compile", "_shelves"):
        monkeypatch.setattr(doctor, name, lambda: "")
    found = doctor.examine()
    assert found["healthy"]
    assert ("scikit-learn 1.2.3" if there else "pip install 'ratecheck[learn]'") in found["lines"]["learn"]


@pytest.mark.slow
def test_doctor_finds_this_machine_healthy(rc_alone):
    found = rc_alone("doctor", "--json")
    assert found.code == 0
    assert found.document["healthy"]


# check


@pytest.mark.slow
def test_check_prints_one_pure_json_document(rc_alone, small):
    found = rc_alone("check", small, "--json")
    assert found.code == 0, found.err
    document = found.document
    assert set(document) == {"version", "seed", "results", "exit_code"}
    assert (document["version"], document["seed"], document["exit_code"]) == (1, 3, 0)
    said = [(r["claim"], r["scenario"], r["evidence"], r["verdict"], r["expected"]) for r in document["results"]]
    assert said == [
        (THEOREM3, "small", "symbolic", "PROVED", "holds"),
        (THEOREM3, "small", "exact", "EXACT", "holds"),
        (THEOREM3, "small", "monte-carlo", "HOLDS HERE", "holds"),
    ]
    assert found.err == ""


def test_check_in_words_says_verdicts_on_stdout_and_progress_on_stderr(rc, small):
    found = rc("check", small)
    assert found.code == 0
    assert "HOLDS HERE" in found.out
    assert f"{THEOREM3}  monte-carlo  HOLDS HERE" in found.err
    assert "\x1b" not in found.out + found.err, "no colour off a terminal"


def test_seed_and_evidence_are_obeyed(rc, small):
    document = rc("check", small, "--json", "--seed", 9, "--evidence", "monte-carlo").document
    assert document["seed"] == 9
    assert [r["evidence"] for r in document["results"]] == ["monte-carlo"]


def test_check_of_a_single_claim_of_a_scenario(rc, small):
    document = rc("check", small, "mishchenko2022.lemma1", "--json").document
    assert {r["claim"] for r in document["results"]} == {"mishchenko2022.lemma1"}


def test_a_recorded_trace_takes_the_place_of_the_delays(rc, small):
    trace = ROOT / "scenarios" / "traces" / "made_delays.csv"
    document = rc("check", small, "--trace", trace, "--evidence", "monte-carlo", "--json").document
    cells = document["results"][0]["details"]["cells"]
    assert {c["delays"] for c in cells} == {"trace(made_delays)"}
    assert {c["M"] for c in cells} == {8}
    assert max(c["K"] for c in cells) == 400


def test_reproducible_uses_the_strict_build_and_replay_too(rc, small, tmp_path):
    assert rc("check", small, "--reproducible", "--json").code == 0
    again = rc("replay", "latest", "--cell", "M=2 sigma=1")
    assert again.code == 0, again.out + again.err


# exit codes


def test_exit_1_when_a_method_is_not_the_claims(rc, small):
    found = rc("check", small, "--method", LIES / "one_in_a_thousand.py", "--json")
    assert found.code == found.document["exit_code"] == 1
    assert "lemma1 fails at step 1" in found.document["results"][0]["summary"]


def test_exit_2_when_nothing_applies(rc, tmp_path):
    few = scenario(tmp_path, ("M = 2", "M = 256"))
    found = rc("check", few, "--json")
    assert found.code == found.document["exit_code"] == 2
    assert "K = 128 < M = 256" in found.complaint


def test_exit_3_when_a_verdict_is_required_and_not_reached(rc, small):
    runs = ("--evidence", "exact,monte-carlo", "--json")
    assert rc("check", small, "--require", "holds-here", *runs).code == 0
    assert rc("check", small, "--require", "EXACT", *runs).code == 3


ASKED = ("--evidence", "exact,monte-carlo", "--require", "HOLDS HERE", "--json")


def test_a_named_claim_that_is_not_applicable_reaches_nothing(rc, tmp_path):
    """Theorem 1 needs bounded gradients, and the quadratic has none; its identity holds all the same."""
    only = ('{ name = "quadratic", dimension = 4 }, { name = "huber", dimension = 4 }', '{ name = "quadratic" }')
    two = ('["mishchenko2022.theorem3_convex"]', '["mishchenko2022.theorem3_convex", "mishchenko2022.theorem1"]')
    alone, both = scenario(tmp_path, only, name="one.toml"), scenario(tmp_path, only, two)
    assert rc("check", alone, *ASKED).code == 0
    for args in ([both], [alone, THEOREM3, "mishchenko2022.theorem1"]):
        found = rc("check", *args, *ASKED)
        assert found.code == found.document["exit_code"] == 3
        assert "not every claim reaches HOLDS HERE: mishchenko2022.theorem1, monte-carlo NOT APPLICABLE" in found.err
        assert THEOREM3 not in found.err.splitlines()[-1]
    assert rc("check", both, "--require", "HOLDS HERE", "--json").code == 0, "it is derived"


@pytest.mark.parametrize(
    ("results", "named", "below"),
    [
        ([("NOT APPLICABLE", "monte-carlo")], False, False),
        ([("NOT APPLICABLE", "monte-carlo")], True, True),
        ([("NOT APPLICABLE", "exact"), ("HOLDS HERE", "monte-carlo")], True, False),
        ([("EXACT", "exact"), ("NOT APPLICABLE", "monte-carlo")], True, True),
        ([("EXACT", "exact"), ("NOT APPLICABLE", "monte-carlo")], False, False),
        ([("NOT REFUTED", "exact"), ("NOT APPLICABLE", "monte-carlo")], False, True),
        ([("PROVED", "symbolic"), ("NOT APPLICABLE", "monte-carlo")], True, False),
        ([("INCONCLUSIVE", "symbolic"), ("NOT APPLICABLE", "monte-carlo")], False, True),
        ([("INCONCLUSIVE", "symbolic"), ("EXACT", "exact")], True, False),
    ],
)
def test_what_reaches_a_level(results, named, below):
    found = unreached([result(Verdict.from_word(w), kind) for w, kind in results], HOLDS, {"a"} if named else ())
    assert (list(found) == ["a"]) is below


def test_a_derivation_reaches_every_level(rc, small):
    both = ("--evidence", "symbolic,monte-carlo", "--require", "PROVED", "--json")
    assert rc("check", small, "mishchenko2022.theorem1", *both).code == 0
    assert rc("check", small, "mishchenko2022.theorem1", *both, "--method", "async_sgd").code == 3, "another method"


def test_exit_4_when_a_rate_is_slower_and_that_is_forbidden(rc, tmp_path):
    claim = write(tmp_path, "too_fast.py", TOO_FAST)
    many = scenario(tmp_path, ("K = 128", "K = [128, 256, 512, 1024, 2048, 4096]"), ("[0, 1]", "1"))
    free, strict = rc("check", many, claim, "--json"), rc("check", many, claim, "--json", "--strict-rate")
    assert strict.document["results"][-1]["details"]["rate"]["verdict"] == "SLOWER"
    assert (free.code, strict.code) == (0, 4)
    assert rc("check", many, claim, "--json", "--strict-rate", "--require", "PROVED").code == 3, "3 comes before 4"


TOO_FAST = '''"""Theorem 3 with a bound that falls like 1/K, far above the error here: true, of the wrong rate."""
from dataclasses import replace
from ratecheck.core.claim import Inequality, Statement
from ratecheck.core.formula import Formula
from ratecheck.core.shelf import CLAIMS
from ratecheck.core.symbols import B, K, L, M, output_gap
CLAIM = replace(CLAIMS.get("mishchenko2022.theorem3_convex"), trivial=None, outputs={
    "R1": Statement(bound=Inequality(Formula(output_gap), Formula(1000 * M * L * B**2 / K)))})
'''


def test_exit_5_when_every_bound_is_vacuous(rc, tmp_path):
    tiny = scenario(tmp_path, ("K = 128", "K = 4"))
    found = rc("check", tiny, "--json", "--require", "PROVED")
    assert found.document["results"][-1]["verdict"] == "VACUOUS"
    assert found.code == 5, "5 comes before 3"


def test_exit_5_when_the_budget_is_spent_at_once(rc, small):
    found = rc("check", small, "--json", "--budget", "0.000001s")
    assert found.document["results"][-1]["verdict"] == "INCONCLUSIVE"
    assert found.code == 5
    assert "resume" in found.complaint


def result(verdict, evidence="monte-carlo", expected="holds", claim="a", **details):
    return Result(claim, "s", evidence, verdict, "", expected, details)


EXACT, HOLDS, REFUTED = Verdict.EXACT, Verdict.HOLDS_HERE, Verdict.REFUTED
SLOW = {"rate": {"verdict": "SLOWER"}}


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ([], 2),
        ([result(Verdict.NOT_APPLICABLE)], 2),
        ([result(EXACT, "exact"), result(Verdict.NOT_APPLICABLE)], 2),
        ([result(REFUTED, "exact"), result(Verdict.NOT_APPLICABLE)], 1),
        ([result(EXACT, "exact"), result(Verdict.VACUOUS)], 5),
        ([result(EXACT, "exact"), result(Verdict.INCONCLUSIVE), result(Verdict.NOT_APPLICABLE)], 5),
        ([result(REFUTED), result(Verdict.INCONCLUSIVE)], 1),
        ([result(Verdict.DIVERGED)], 1),
        ([result(HOLDS, **SLOW)], 4),
        ([result(HOLDS, **SLOW), result(Verdict.NOT_REFUTED)], 3),
        ([result(HOLDS), result(Verdict.NOT_APPLICABLE, claim="b")], 0),
        ([result(REFUTED, expected="refuted")], 0),
        ([result(EXACT, "exact", "refuted"), result(REFUTED, expected="refuted")], 0),
        ([result(EXACT, "exact", "refuted"), result(HOLDS, expected="refuted")], 1),
        ([result(EXACT, "exact", "refuted"), result(REFUTED, expected="refuted", claim="b")], 1),
    ],
)
def test_precedence_of_exit_codes(results, code):
    assert exit_code(results, require=HOLDS, strict_rate=True) == code


# bad input: what is wrong, where, what to do; exit code 2

GOOD = """
def receive(server, a):
    x, g = server.x[0], a.grad[0]
    for i in range(x.shape[0]):
        x[i] -= a.gamma * g[i]
METHOD = Method("mine", receive{more})
"""
HEAD = "from ratecheck import Method, Stepsize\n"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["check", "mishchenko2022.theorem3_convx"], ["unknown claim", "did you mean mishchenko2022.theorem3_convex"]),
        (["check", "theorem1"], ["did you mean mishchenko2022.theorem1"]),
        (["show", "mishchenko2022.lema1"], ["unknown claim", "did you mean mishchenko2022.lemma1"]),
        (["list", "method"], ["unknown kind 'method'; did you mean methods"]),
        (["check", "--profile", "quik"], ["unknown scenario 'quik'; did you mean quick"]),
        (["check", "quick", "standard"], ["one scenario at a time"]),
        (["check", "nowhere.toml"], ["nowhere.toml cannot be read: No such file"]),
        (["check", "nowhere.py"], ["nowhere.py cannot be read: No such file"]),
        (["check", LIES / "halves_late.py"], ["halves_late.py has no CLAIM"]),
        (["check", "--method", "async_sgdd"], ["unknown method", "did you mean async_sgd"]),
        (["check", "--stepsize", LIES / "halves_late.py"], ["halves_late.py has no STEPSIZE"]),
        (
            ["check", "--evidence", "worst-case"],
            ["'worst-case' is not in this version; there is: symbolic, exact, monte-carlo, attack"],
        ),
        (["check", "--evidence", "exat"], ["'exat' is not a kind of evidence"]),
        (["check", "--evidence", ","], ["no evidence asked for"]),
        (["check", "--require", "great"], ["--require takes one of: PROVED, CERTIFIED, EXACT, HOLDS HERE"]),
        (["check", "--require", "vacuous"], ["--require takes one of"]),
        (["check", "--budget", "soon"], ["--budget takes a time such as 90s"]),
        (["check", "--budget", "-3s"], ["--budget takes a time such as 90s"]),
        (["check", "--budget", ""], ["--budget takes a time such as 90s"]),
        (["check", "--alpha", "2"], ["--alpha should be less than 1; got 2"]),
        (["check", "--kappa", "nan"], ["--kappa should be"]),
        (["check", "--trace", "nowhere.csv"], ["nowhere.csv cannot be read"]),
        (["resume", "zzz"], ["'zzz' is not a run"]),
        (["report", "zzz"], ["'zzz' is not a run"]),
        (["replay", "zzz"], ["name a cell of run 'zzz'"]),
        (["replay", "zzz", "--cell", "M=2"], ["'zzz' is not a run"]),
        (["replay", "nowhere.json"], ["nowhere.json cannot be read as a witness"]),
        (["run", "quik"], ["unknown scenario 'quik'; did you mean quick"]),
        (["run", "quick"], ["without a claim every grid needs a key 'stepsize'"]),
        (["trace", "show", "nowhere.csv"], ["nowhere.csv cannot be read"]),
        (["trace", "record", "--out", "no/where.csv"], ["cannot be written to no/where.csv", "no folder"]),
    ],
)
def test_bad_arguments(rc, args, words):
    found = rc(*args)
    assert found.code == 2
    assert found.out == ""
    for word in words:
        assert word in found.complaint


@pytest.mark.parametrize("args", [["chek"], ["check", "--seed", "x"], ["check", "--threads", "0"], ["check", "--sed"]])
def test_bad_usage(rc, args):
    found = rc(*args)
    assert found.code == 2
    assert found.out == ""
    assert "Traceback" not in found.err


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([('title = "Small"', "")], ["key 'title' is missing"]),
        ([('title = "Small"', "title = ")], ["changed.toml is not valid TOML", "line 2"]),
        ([("seed = 3", "sed = 3")], ["unknown key 'sed'; did you mean seed"]),
        ([("seed = 3", 'seed = "three"')], ["key 'seed' should be a valid integer", "'three'"]),
        ([("delays = {", "delay = {")], ["grid 1", "unknown key 'delay'; did you mean delays"]),
        ([("K = 128", "")], ["grid 1", "key 'K' (or 'K_over_M') is missing"]),
        ([("M = 2", 'M = "two"')], ["grid 1", "key 'M' should be a valid integer", "got 'two'"]),
        ([("M = 2", 'M = [2, "two"]')], ["grid 1", "key 'M.1'", "got 'two'"]),
        ([("M = 2", "M = 0")], ["grid 1", "key 'M'", "greater than or equal to 1", "got 0"]),
        ([("[0, 1]", "-1")], ["grid 1", "key 'sigma'", "greater than or equal to 0", "got -1"]),
        ([("[0, 1]", "nan")], ["grid 1", "key 'sigma'", "finite"]),
        ([("replicates = 64", "replicatse = 64")], ["unknown key 'monte_carlo.replicatse'; did you mean replicates"]),
        ([("cases = [[2, 4]]", "cases = [[2, 4, 6]]")], ["key 'exact.cases.0'", "[2, 4, 6]"]),
        ([("cases = [[2, 4]]", "case = [[2, 4]]")], ["unknown key 'exact.case'; did you mean cases"]),
        ([('"quadratic"', '"quadratik"')], ["unknown problem 'quadratik'; did you mean quadratic"]),
        ([('"exponential"', '"exponentiel"')], ["grid 1", "unknown delays", "did you mean exponential"]),
        ([("dimension = 4", "dimensions = 4")], ["problem 'quadratic' has no parameter 'dimensions'"]),
        ([("dimension = 4", "dimension = 4.5")], ["problem 'quadratic'", "dimension must be a whole number"]),
        ([('name = "quadratic", ', "")], ["grid 1", "a part is a name or a table with a name"]),
        ([("spread = 4", "spread = -4")], ["spread must be positive"]),
        (
            [("sigma = [0, 1]", 'sigma = 1\nnoise = { name = "student_t", df = 2 }')],
            ["student_t", "df must be above 2"],
        ),
        (
            [("sigma = [0, 1]", 'sigma = 1\noutput = "R7"')],
            ["grid 1", "key 'output'", "'R0', 'R1', 'RL', 'uniform' or 'last'"],
        ),
        ([("sigma = [0, 1]", "sigma = 1\nconstants = { L = 'half' }")], ["constant L must be a number"]),
        ([("theorem3_convex", "theorem5")], ["unknown claim 'mishchenko2022.theorem5'"]),
        ([("M = 2", "M = []")], ["grid 1", "key 'M' is an empty list: give it a value"]),
        ([("M = 2", "M = true")], ["grid 1", "key 'M' should be a number", "got True"]),
        ([("sigma = [0, 1]", "sigma = 1\nconstants = { beta = [] }")], ["grid 1", "'constants.beta' is an empty list"]),
        ([("sigma = [0, 1]", "sigma = 1\nconstants = { beta = true }")], ["key 'constants.beta' should be a number"]),
        ([("sigma = [0, 1]", "sigma = 1\nconstants = { beta = nan }")], ["'constants.beta' should be a finite number"]),
        ([("sigma = [0, 1]", "sigma = 1\nconstants = { beta = 1.5 }")], ["beta = 1.5 is not between 0 and 1"]),
        ([("cases = [[2, 4]]", "cases = []")], ["key 'exact.cases' is an empty list"]),
        ([("cases = [[2, 4]]", "cases = [[12, 14]]")], ["12^14 arrival orders", "take a smaller M or K"]),
        (
            [("K = 128", "K = 1_000_000_000_000_000")],
            ["more than the 50,000,000 steps that a schedule may have in memory"],
        ),
    ],
)
def test_bad_scenarios(rc, tmp_path, changes, words):
    found = rc("check", scenario(tmp_path, *changes), "--json")
    assert found.code == 2
    for word in words:
        assert word in found.complaint


def test_a_declared_smoothness_that_is_wrong_is_measured(rc, tmp_path):
    found = rc("check", scenario(tmp_path, ("M = 2", "M = 2\nconstants = { L = 0.5 }")), "--json")
    assert found.code == 2
    assert "declared L = 0.5, but the curvature met is 1" in found.complaint
    cells = found.document["results"][-1]["details"]["cells"]
    assert {c["verdict"] for c in cells} == {"NOT APPLICABLE"}


METHODS = {
    "a syntax error": (HEAD + "def receive(server, a)\n    pass\n", ["mine.py, line 2: syntax error"]),
    "an import that fails": (HEAD + "import nowhere\n", ["mine.py, line 2: ModuleNotFoundError", "nowhere"]),
    "a file that leaves Python": ("import sys\nsys.exit(0)\n", ["mine.py leaves Python while it is imported"]),
    "no method": (HEAD + "x = 1\n", ["mine.py has no METHOD"]),
    "a first slot that is not the model": (HEAD + GOOD.format(more=", slots=('y',)"), ["must be called 'x'"]),
    "a number nobody defines": (
        HEAD + GOOD.format(more=", par={'beta': None}"), ["needs a number 'beta', which nobody defines; in reach: K, M"]
    ),
    "a kernel of wrong types": (
        HEAD + GOOD.format(more=", symbolic=False").replace("g[i]", "'g'"), ["failed (mine.py, line 6): TypeError"]
    ),
    "a kernel outside the dialect": (
        HEAD + GOOD.format(more=", symbolic=False").replace("g[i]", "g.tolist()[i]"),
        ["kernel 'receive' (mine.py", "does not compile", "tolist"],
    ),
    "a kernel that fails in exact arithmetic": (
        HEAD + GOOD.format(more="").replace("g[i]", "'g'"), ["mine.py, line 6: TypeError"]
    ),
    "a kernel that fails on the way": (
        HEAD + GOOD.format(more=", symbolic=False").replace(
            "    for", "    if server.clock[0] > 20:\n        raise ValueError('too far')\n    for"),
        ["a kernel of method 'mine'", "ValueError: too far"],
    ),
    "a kernel that fails on the way with another error": (
        HEAD + GOOD.format(more=", symbolic=False").replace(
            "    for", "    if server.clock[0] > 20:\n        raise RuntimeError('too far')\n    for"),
        ["mine", "RuntimeError: too far"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", METHODS)
def test_bad_methods(rc, small, tmp_path, fault):
    text, words = METHODS[fault]
    found = rc("check", small, "--method", write(tmp_path, "mine.py", text), "--json")
    assert found.code == 2
    for word in words:
        assert word in found.complaint


def test_what_a_users_file_prints_is_not_in_the_result(rc, small, tmp_path):
    """On import, in a compiled kernel, and in an optimiser that is no kernel."""
    kernel = HEAD + GOOD.format(more=", symbolic=False").replace("    for", "    print('kernel')\n    for")
    optimiser = HEAD + (
        "class Mine:\n    def step(self, x, gradient, gamma):\n        print('optimiser')\n"
        "        return x - gamma * gradient\nMETHOD = Method.from_python(Mine)\n"
    )
    for name, text in (("kernel", kernel), ("optimiser", optimiser)):
        mine = write(tmp_path, f"{name}.py", text + "print('import')\n")
        found = rc("check", small, "--method", mine, "--evidence", "monte-carlo", "--json")
        assert found.document["results"][0]["verdict"] == "HOLDS HERE"
        assert {"import", name} <= set(found.err.split())


@pytest.mark.slow
def test_a_kernel_that_fails_shows_no_traceback_to_a_user(rc_alone, small, tmp_path):
    text, words = METHODS["a kernel that fails on the way"]
    found = rc_alone("check", small, "--method", write(tmp_path, "mine.py", text))
    assert found.code == 2
    assert "Traceback" not in found.err + found.out
    assert all(word in found.err for word in words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("from sympy import Symbol\nSTEPSIZE = Stepsize(cap=1 / (4 * Symbol('L_max')))", ["nobody defines 'L_max'"]),
        ("STEPSIZE = Stepsize(cap='1/(4*M*L)')", ["term 'value' is text", "write it with the symbols"]),
        ("STEPSIZE = Stepsize()", ["at least one named branch"]),
        ("STEPSIZE = 3", ["rule.py: STEPSIZE must be a Stepsize, not a int"]),
    ],
)
def test_bad_stepsizes(rc, small, tmp_path, text, words):
    found = rc("check", small, "--stepsize", write(tmp_path, "rule.py", HEAD + text + "\n"), "--json")
    assert found.code == 2
    for word in words:
        assert word in found.complaint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("CLAIM = replace(T, expect='maybe')", ["expect is 'holds' or 'refuted', not 'maybe'"]),
        ("CLAIM = replace(T, outputs={'R1': Statement(Inequality(Formula(output_gap), Formula(sigma)))})",
         ["Theorem", "does not scale like", "Look for sigma for sigma^2"]),
        ("CLAIM = replace(T, stepsize='nowhere')", ["unknown stepsize 'nowhere'"]),
        ("CLAIM = replace(T, assumptions=(Assumption('a', 'a', lambda facts: facts['nothing']),))",
         ["mine.py, line 6: KeyError: 'nothing'"]),
        ("CLAIM = T.nothing", ["mine.py, line 6: AttributeError"]),
    ],
)  # fmt: skip
def test_bad_claims(rc, small, tmp_path, text, words):
    head = (
        "from dataclasses import replace\nfrom ratecheck import Assumption, Formula, Inequality, Statement\n"
        "from ratecheck.core.shelf import CLAIMS\nfrom ratecheck.core.symbols import output_gap, sigma\n"
        "T = replace(CLAIMS.get('mishchenko2022.theorem3_convex'), title='Theorem')\n"
    )
    found = rc("check", small, write(tmp_path, "mine.py", head + text + "\n"), "--json")
    assert found.code == 2
    for word in words:
        assert word in found.complaint


def test_bad_traces_name_the_line(rc, small, tmp_path):
    broken = write(tmp_path, "broken.csv", "worker,time\n0,1.0\n1,0.5\n")
    for args in (
        ("check", small, "--trace", broken),
        ("trace", "show", broken),
        ("trace", "import", broken, "--out", "o.csv"),
    ):
        found = rc(*args)
        assert found.code == 2
        assert "broken.csv, line 3" in found.complaint
    assert not (tmp_path / "o.csv").exists()


def test_a_folder_that_cannot_be_written(rc, small, tmp_path):
    write(tmp_path, "taken", "a file, not a folder")
    found = rc("check", small, "--out", "taken")
    assert found.code == 2
    assert "taken" in found.complaint
    assert "--out" in found.complaint


def test_the_commands_that_are_printed_work_as_they_are(rc, small, tmp_path):
    """Also with a folder of runs elsewhere, and with a blank in its name."""
    for more in ((), ("--out", "my runs")):
        said = rc("check", small, "--method", LIES / "halves_late.py", *more).out
        lines = [
            shlex.split(line.split("ratecheck ", 1)[1].rstrip(")"))
            for line in said.splitlines()
            if "  ratecheck " in line
        ]
        page = shlex.split(said.split("page: ratecheck ")[1].splitlines()[0].rstrip(")"))
        assert lines
        assert [rc(*line).code for line in lines] == [0] * len(lines)
        assert rc("resume", *page[1:], "--json").code == 1, "the verdict of the run again"


def test_nothing_already_computed_is_lost(rc, small, tmp_path):
    """The first claim is measured, the second one's assumption fails: its verdict is there, and the run's records."""
    mine = write(tmp_path, "mine.py", BROKEN_ASSUMPTION)
    found = rc("check", small, THEOREM3, mine, "--json")
    assert found.code == 2
    assert "mine.py, line 5: KeyError" in found.complaint
    assert [(r["claim"], r["evidence"], r["verdict"]) for r in found.document["results"]] == [
        (THEOREM3, "symbolic", "PROVED"),
        (THEOREM3, "exact", "EXACT"), ("mine.py", "exact", "EXACT"), (THEOREM3, "monte-carlo", "HOLDS HERE"),
    ]  # fmt: skip
    folder = next((tmp_path / ".ratecheck" / "runs").iterdir())
    assert json.loads((folder / "results.json").read_text())["results"] == found.document["results"]
    assert list(folder.glob("records-*.jsonl"))


BROKEN_ASSUMPTION = """
from dataclasses import replace
from ratecheck import Assumption
from ratecheck.core.shelf import CLAIMS
FAILS = Assumption("a", "a", lambda facts: facts["nothing"])
CLAIM = replace(CLAIMS.get("mishchenko2022.theorem3_convex"), assumptions=(FAILS,))
"""


# replay


@pytest.fixture
def witness(rc, small, tmp_path):
    """The path of the witness of a refutation."""
    rc("check", small, "--method", LIES / "halves_late.py", "--evidence", "exact", "--json")
    return next(tmp_path.glob(".ratecheck/runs/*/witnesses/*.json"))


def test_replay_reproduces_a_witness(rc, witness):
    found = rc("replay", witness)
    assert found.code == 0
    assert "reproduced to the last bit" in found.out
    assert rc("replay", witness, "--json").document["same"] is True


def change(path, **changes):
    data = json.loads(path.read_text())
    for key, value in changes.items():
        if value is None:
            del data[key]
        else:
            data[key] = {**data[key], **value} if isinstance(value, dict) else value
    path.write_text(json.dumps(data))


def test_a_tampered_witness_is_not_reproduced(rc, witness):
    change(witness, found={"step": 2})
    found = rc("replay", witness)
    assert found.code == 1
    assert "NOT reproduced" in found.out


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"witness": 7}, ["is not a witness file"]),
        ({"cell": None}, ["key 'cell' is missing"]),
        ({"cell": {"order": "0, 1"}}, ["the witness is damaged"]),
        ({"cell": {"order": [0, 7]}}, ["worker 7", "nothing in flight"]),
        ({"kind": "gossip"}, ["the witness is of kind 'gossip'"]),
        ({"kind": "monte-carlo"}, ["the witness is damaged", "problem"]),
        ({"check": "lemma7"}, ["has no identity or counting fact 'lemma7'"]),
        ({"claim": "mishchenko2022.lemma7"}, ["unknown claim"]),
    ],
)
def test_damaged_witnesses(rc, witness, changes, words):
    change(witness, **changes)
    found = rc("replay", witness)
    assert found.code == 2
    for word in words:
        assert word in found.complaint


def test_a_witness_that_is_no_json(rc, tmp_path):
    assert "cannot be read as a witness" in rc("replay", write(tmp_path, "w.json", "{")).complaint
    assert "is not a witness file" in rc("replay", write(tmp_path, "w.json", "[1]")).complaint


def test_replay_of_one_cell_of_a_run(rc, small):
    rc("check", small, "--json")
    found = rc("replay", "latest", "--cell", "M=2 K=128 sigma=1")
    assert found.code == 0
    assert "reproduced to the last bit" in found.out
    assert "no measured cell 'M=99'" in rc("replay", "latest", "--cell", "M=99").complaint
    assert "name a cell" in rc("replay", "latest").complaint


# report, run, trace


@pytest.mark.slow
def test_report_writes_a_page(rc, small, tmp_path):
    rc("check", small, "--json")
    found = rc("report", "latest")
    assert found.code == 0
    page = tmp_path / found.out.strip()
    assert page.read_text().lstrip().lower().startswith("<!doctype html>")


@pytest.mark.slow
def test_run_simulates_without_a_claim(rc, tmp_path):
    name = scenario(tmp_path, ("sigma = [0, 1]", 'sigma = 1\nstepsize = "delay_adaptive_convex"'))
    document = rc("run", name, "--json").document
    assert [(c["M"], c["K"], c["n"]) for c in document["cells"]] == [(2, 128, 64)] * 2
    assert "std. error" in rc("run", name).out


@pytest.mark.slow
def test_a_trace_is_recorded_shown_and_imported(rc_alone):
    sizes = ("--workers", 2, "--steps", 50, "--dimension", 10, "--rows", 50, "--batch", 5)
    assert rc_alone("trace", "record", "--out", "t.csv", *sizes).code == 0
    shown = rc_alone("trace", "show", "t.csv", "--json").document
    assert (shown["M"], shown["K"]) == (2, 50)
    assert sum(b["count"] for b in shown["histogram"]) == 50
    assert rc_alone("trace", "import", "t.csv", "--out", "u.csv").code == 0
    again = rc_alone("trace", "show", "u.csv", "--json").document
    assert again["histogram"] == shown["histogram"]


# the ledger


def test_a_ledger_takes_fresh_seeds_and_refuses_another_question(rc, small, tmp_path):
    first = rc("check", small, "--ledger", "nights.jsonl", "--json").document
    second = rc("check", small, "--ledger", "nights.jsonl", "--json").document
    assert first["seed"] != second["seed"]
    (told,) = second["ledger"]
    assert told["claim"] == THEOREM3
    assert told["summary"].startswith("NOT REFUTED after 2 runs")
    again = rc("check", small, "--ledger", "nights.jsonl", "--seed", second["seed"], "--json").document
    assert again["ledger"] == second["ledger"], "the same seed is no new evidence"
    other = rc("check", small, "--ledger", "nights.jsonl", "--alpha", "0.01", "--json")
    assert other.code == 2
    assert "alpha is 0.01 and was 0.001 in the first run" in other.complaint
    lines = (tmp_path / "nights.jsonl").read_text().splitlines()
    (tmp_path / "nights.jsonl").write_text("\n".join([lines[0][:-9], lines[1], ""]))
    assert "line 1: it is damaged" in rc("check", small, "--ledger", "nights.jsonl").complaint


NIGHT = """
title = "A night"
monte_carlo = { replicates = 8, alpha = 0.01 }
[[grid]]
problem = "huber"
delays = { name = "exponential", spread = 8 }
M = 4
K = 512
sigma = 0.1
"""


@pytest.mark.slow
def test_faint_excess_adds_up_over_nights(rc, tmp_path):
    """A master inequality divided by 1.5, exceeded by a third: eight runs cannot tell, a few nights do."""
    (tmp_path / "faint.py").write_text(
        "from dataclasses import replace\nfrom ratecheck import Formula, Inequality\n"
        "from ratecheck.core.shelf import CLAIMS\n"
        f"true = CLAIMS.get({THEOREM3!r})\nmaster = true.outputs['R1'].master\n"
        "small = Formula(**{n: t * 2 / 3 for n, t in master.rhs.terms.items()})\n"
        "faint = replace(true.outputs['R1'], master=Inequality(master.lhs, small))\n"
        "CLAIM = replace(true, outputs={'R1': faint})\n"
    )
    night = write(tmp_path, "night.toml", NIGHT)

    def code(claim, seed):
        ledger = f"{claim}.jsonl"
        return rc("check", night, claim, "--ledger", ledger, "--seed", seed, "--evidence", "monte-carlo").code

    codes = [code("faint.py", seed) for seed in range(1, 9)]
    assert codes[0] == 0, "one night does not see it"
    assert codes[-1] == 1, "and it stays seen"
    assert codes == sorted(codes)
    assert {code(THEOREM3, seed) for seed in range(1, 9)} == {0}
