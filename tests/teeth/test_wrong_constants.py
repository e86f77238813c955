"""Constants that no theorem speaks of (a stepsize of 0 or less, beta = 1), and methods without what identities need."""

from dataclasses import replace

import pytest

from ratecheck.checks.job import Job, run
from ratecheck.core import shelf
from ratecheck.core.identity import Identity
from ratecheck.core.scenario import Scenario
from ratecheck.core.verdict import Verdict
from ratecheck.errors import PartError
from tests.teeth.planted import THEOREM3, lie

THEOREM2, SHARP = "ormo2024.theorem2", "ormo2024.theorem1_sharp"
WELL = {"problem": {"name": "rational_well", "dimension": 2}, "delays": "exponential", "M": 2, "K": 32, "sigma": 0}
SPECTRUM = {**WELL, "problem": {"name": "quadratic", "dimension": 2}, "K": 512, "sigma": 1}
ORDERED = "levy2026.theorem_nonconvex"
#: claims with a declared stepsize, and a beta that each allows
CLAIMS = {SHARP: 0.5, "ormo2024.theorem1_full_gradient": 0.5, ORDERED: 1 / 64}


def measured(name, grid, **more):
    """Return the Monte Carlo result of a claim on this grid, without cells of its own."""
    data = {"title": "t", "monte_carlo": {"replicates": 8}, "grid": [grid]}
    claim = replace(shelf.claim(name), cells=())
    (found,) = run(Job({name: claim}, Scenario.model_validate(data), "t", 1, ("monte-carlo",), **more))
    return found


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_stepsize_is_above_zero(claim):
    beta = CLAIMS[claim]
    for stepsize in (-1e-4, 0):
        found = measured(claim, {**WELL, "constants": {"beta": beta, "stepsize": stepsize}})
        assert found.verdict is Verdict.NOT_APPLICABLE
        assert found.summary == f"stepsize = {stepsize:g} is not above 0"
    right = measured(claim, {**WELL, "constants": {"beta": beta, "stepsize": 1e-4}})
    assert right.details["cells"][0]["inequalities"], "the control"


def test_whoever_declares_a_stepsize_assumes_that_it_is_above_zero():
    about = set()
    for name in shelf.CLAIMS.names():
        claim = shelf.claim(name)
        rule = shelf.STEPSIZES.get(claim.stepsize) if isinstance(claim.stepsize, str) else claim.stepsize
        used = any("stepsize" in f.names for f in rule.branches.values()) and claim.outputs
        if used or any("stepsize" in str(a.says[:2]) for a in claim.assumptions if a.says):
            about.add(name)
            assert "stepsize > 0" in {a.name for a in claim.assumptions}, name
    assert {*CLAIMS, "ormo2024.hypothesis", "levy2026.lower_ordered_momentum"} <= about


@pytest.mark.parametrize(("stepsize", "word"), [(-1, "negative"), (0, "0")])
def test_no_rule_may_turn_around(stepsize, word, tmp_path):
    """A rule of one's own, under a theorem that has another: the sentence is the engine's."""
    text = "from ratecheck import Stepsize\nfrom ratecheck.core.symbols import L\n"
    (tmp_path / "mine.py").write_text(text + f"STEPSIZE = Stepsize(mine={stepsize} / L)\n")
    grid = {**WELL, "problem": {"name": "huber"}, "stepsize": str(tmp_path / "mine.py")}
    found = measured(THEOREM3, grid)
    assert (found.verdict, found.summary.split(" for ")[0]) == (Verdict.NOT_APPLICABLE, f"the stepsize is {word}")


def test_an_identity_is_asked_of_methods_that_have_what_it_speaks_of():
    grid = {**SPECTRUM, "constants": {"beta": 0.5}}
    other = measured(THEOREM2, grid, method="async_sgd")
    assert other.details["lacking"] == {"method 'async_sgd' has no 'beta', which virtual iterate speaks of": 1}
    assert other.details["cells"][0]["float_identities"] == {}
    own = measured(THEOREM2, grid)
    assert "lacking" not in own.details
    assert own.details["cells"][0]["float_identities"]["virtual iterate"]["ratio"] <= 1
    false = measured(THEOREM2, grid, method=lie("ormo_half_step_by_u"))
    assert (false.verdict, false.witness["check"]) == (Verdict.REFUTED, "virtual iterate"), "a lie has beta and u"


def test_an_identity_without_a_value_is_named():
    grid = {**WELL, "constants": {"beta": 1, "stepsize": 1e-3}}
    with pytest.raises(PartError, match=r"identity 'virtual iterate' has no value for a method with beta = 1\.0"):
        measured(SHARP, grid, force=True)


def test_what_a_method_has_is_its_numbers_and_vectors():
    identity = Identity("mine", lambda view: 0 * view.x, "0 = 0", "nowhere", needs=("beta", "u", "x"))
    ormo, plain = (shelf.METHODS.get(name) for name in ("ormo", "async_sgd"))
    assert identity.lacking(ormo) == ""
    assert identity.lacking(plain) == "method 'async_sgd' has no 'beta', which mine speaks of"
    assert identity.lacking(replace(ormo, slots=("x", "v"))) == "method 'ormo' has no 'u', which mine speaks of"
