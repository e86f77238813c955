"""The derivation of Theorem 3, convex case, with one thing in it wrong: it is rejected, and the broken step is named.

The other files have more of these, claim by claim; this is one table of the kinds of mistakes that proofs have.
"""

import time
from dataclasses import replace

import pytest
from sympy import Sum, Symbol, sqrt

from ratecheck.checks import symbolic
from ratecheck.checks.cascade import listed
from ratecheck.checks.steps import counting, samples
from ratecheck.core import shelf
from ratecheck.core.gram import Ip
from ratecheck.core.proof import Scalar, Trusted, le
from ratecheck.core.setting import g_flying, ghat, h, h_flying, j, s, u
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, Q, k, sigma, tau
from ratecheck.core.verdict import Verdict

NAME = "mishchenko2022.theorem3_convex"
c = Symbol("c", positive=True)
SLOPE = Ip(h(k), h(k))
FLYING = 4 * L * ghat(k) * Sum(g_flying(k, j) ** 2 * Ip(h_flying(k, j), h_flying(k, j)), (j, 1, M - 1))
RIGHT = {"delay": 1 / (4 * L * tau), "cap": 1 / (4 * M * L), "noise": B / (sigma * sqrt(K))}
#: seconds for all derivations of the paper, of which about a third are used
LIMIT = 60


def says(name, new, changed):
    """Return the steps with ``new`` for a right side, after a control: the old one is what ``new`` becomes."""
    steps = symbolic.proof_of(NAME).steps
    (old,) = (step for step in steps if step.name == name)
    assert (old.says.right - new).expand() == changed.expand()  # this is all that has changed
    return tuple(replace(step, says=replace(step.says, right=new)) if step is old else step for step in steps)


def without_half():
    """||h||^2/L for ||h||^2/(2L) in the inequality of smooth convex functions, twice ghat(k) times that."""
    right = ghat(k) * (ghat(k) - 7 / (4 * L)) * SLOPE + (M - 1) * FLYING + ghat(k) ** 2 * sigma**2 + Ip(u(k), u(k))
    return says("one step", right, ghat(k) * SLOPE / L)


def fewer_in_flight():
    right = ghat(k) * (ghat(k) - 3 / (4 * L)) * SLOPE + (M - 2) * FLYING + ghat(k) ** 2 * sigma**2 + Ip(u(k), u(k))
    return says("one step", right, FLYING)


def fewer_steps():
    return says("squares R0", (K - 1) * c**2, c**2)


def a_sign():
    steps = symbolic.proof_of(NAME).steps
    (old,) = (step for step in steps if step.name == "expansion")
    product = 2 * ghat(k) * (Ip(h(k), u(k)) + next(p for p in old.says.right.atoms(Ip) if str(p) == "<n(k),u(k)>"))
    return says("expansion", old.says.right + 2 * product, -2 * product)


def young():
    return says("Young", 2 * L * Ip(s(k), s(k)) + SLOPE / (4 * L), 2 * L * Ip(s(k), s(k)))


def noise_without_m():
    """The squares of the M initial stepsizes left out of Q."""
    return says("squares R1", K * c**2, M * c**2)


STEPS = [
    (without_half, "one step"),
    (fewer_in_flight, "one step"),
    (fewer_steps, "squares R0"),
    (a_sign, "expansion"),
    (young, "Young"),
    (noise_without_m, "squares R1"),
]
CLAIMS = [
    ({"stepsize": Stepsize(**{**RIGHT, "cap": 1 / (2 * M * L)})}, "window", "false at"),
    # the rule reads the delay, and the samples decide that
    ({"policy": "data-dependent"}, "unbiased", "final stepsizes are fixed by the schedule after it is drawn"),
]


def checked(monkeypatch, claim, steps):
    proof = replace(symbolic.proof_of(NAME), steps=tuple(steps))
    monkeypatch.setattr(symbolic, "proof_of", lambda name: proof)
    return symbolic.check(NAME, claim, "test")


def named(result):
    """The step that the verdict names first."""
    if result.verdict is Verdict.REFUTED:
        return result.summary.removeprefix("step '").partition("' of the derivation is false: ")[0]
    return result.summary.removeprefix("trusted, not derived: ").partition(" (")[0]


def test_nothing_wrong_is_proved(monkeypatch):
    claim = shelf.CLAIMS.get(NAME)
    assert checked(monkeypatch, claim, symbolic.proof_of(NAME).steps).verdict is Verdict.PROVED
    assert checked(monkeypatch, replace(claim, stepsize=Stepsize(**RIGHT)), symbolic.proof_of(NAME).steps).verdict is (
        Verdict.PROVED
    )


@pytest.mark.parametrize(("changed", "broken"), STEPS, ids=lambda x: getattr(x, "__name__", x))
def test_a_wrong_step_is_rejected_by_name(changed, broken, monkeypatch):
    result = checked(monkeypatch, shelf.CLAIMS.get(NAME), changed())
    assert result.verdict in (Verdict.REFUTED, Verdict.NOT_REFUTED)
    assert named(result) == broken


@pytest.mark.parametrize(("changes", "broken", "words"), CLAIMS, ids=["cap 1/(2ML)", "gamma of the sample"])
def test_a_wrong_claim_is_rejected_at_the_step_that_it_breaks(changes, broken, words, monkeypatch):
    result = checked(monkeypatch, replace(shelf.CLAIMS.get(NAME), **changes), symbolic.proof_of(NAME).steps)
    assert result.verdict is Verdict.REFUTED
    assert named(result) == broken
    assert words in result.summary


def test_a_stepsize_cannot_read_the_sample(monkeypatch):
    """A branch is written in declared constants, the delay and the step: a letter for the sample is none of them."""
    seen = Stepsize(**RIGHT, seen=1 / (4 * L * Symbol("xi", positive=True)))
    result = checked(monkeypatch, replace(shelf.CLAIMS.get(NAME), stepsize=seen), symbolic.proof_of(NAME).steps)
    assert result.verdict is not Verdict.PROVED
    assert "xi of the claim is not declared" in result.summary


# what a broken step takes with it


def test_the_verdict_names_the_broken_step_and_then_what_uses_it(monkeypatch):
    rule = Stepsize(cap=RIGHT["cap"], noise=RIGHT["noise"])
    result = checked(monkeypatch, replace(shelf.CLAIMS.get(NAME), stepsize=rule), symbolic.proof_of(NAME).steps)
    assert result.verdict is Verdict.NOT_REFUTED  # 'window' uses a fact that nobody knows: it is not false by itself
    assert named(result) == "ghat: delay"
    assert "there are: cap, noise), and what uses it: window;" in result.summary
    assert {"ghat: delay", "window"} <= set(result.details["trusted"])  # with its own reason


def test_a_false_step_comes_with_what_is_trusted_before_it(monkeypatch):
    before, false = Trusted("left", le(0, Q), "to the reader"), Scalar("no", le(B, 0), ())
    result = checked(monkeypatch, shelf.CLAIMS.get(NAME), (before, false, *symbolic.proof_of(NAME).steps))
    assert named(result) == "no"
    assert result.summary.endswith("; trusted before it: left (to the reader)")


def test_what_uses_a_broken_step_is_found_through_good_ones():
    rows = [{"step": a, "uses": b} for a, b in (("one", []), ("two", ["one"]), ("three", ["two"]), ("four", []))]
    found = listed({"one": "why", "three": "how", "four": "what", "bound R1": "away"}, rows)
    assert found == "one (why), and what uses it: three; four (what); bound R1 (away)"


# all of it


@pytest.mark.slow
def test_all_derivations_of_the_paper_take_less_than_a_minute():
    for cached in (counting.established, counting._on_all_orders, samples.dependence):
        cached.cache_clear()
    names = [name for name in shelf.CLAIMS.names() if name.startswith("mishchenko2022.") and symbolic.proof_of(name)]
    start = time.process_time()
    found = {name: symbolic.check(name, shelf.CLAIMS.get(name), "test").verdict for name in names}
    assert time.process_time() - start < LIMIT
    assert set(found.values()) == {Verdict.PROVED}
    assert len(names) >= 17
