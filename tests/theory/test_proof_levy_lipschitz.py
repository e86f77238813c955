"""The convex theorems with noise that differs from point to point: derived, and their constant for what is sent."""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

from ratecheck.checks import symbolic
from ratecheck.checks.steps import Context
from ratecheck.core import shelf
from ratecheck.core.cell import Cell
from ratecheck.core.gram import square
from ratecheck.core.part import Part
from ratecheck.core.setting import n
from ratecheck.core.symbols import D, k, sigma, sigma_L
from ratecheck.engine.build import build
from ratecheck.errors import AssumptionError
from tests.chains import proved, survivors, verdict
from tests.teeth.planted import result

ANY, INDEPENDENT, MEAN_ZERO, IN_ORDER = (
    f"levy2026.theorem_convex_lipschitz_noise{name}" for name in ("", "_independent", "_mean_zero", "_in_order")
)
SENT = sigma + 2 * sigma_L * D
ROWS = {"name": "logistic", "rows": 32, "dimension": 4, "batch": 16}


def without(name, word):
    return tuple(a for a in shelf.CLAIMS.get(name).assumptions if a.name != word)


@pytest.mark.parametrize(
    "name", [INDEPENDENT, *(pytest.param(name, marks=pytest.mark.slow) for name in (ANY, MEAN_ZERO, IN_ORDER))]
)
def test_the_theorems_are_derived(name):
    found = symbolic.check(name, shelf.CLAIMS.get(name), "test")
    assert found.verdict.name == "PROVED"
    assert not found.details["trusted"]
    assert not found.details["not_derived"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [ANY, INDEPENDENT, MEAN_ZERO, IN_ORDER])
def test_no_step_can_be_tightened_or_spared(name):
    left, tried = survivors(name)
    assert tried > 40
    assert not left


@pytest.mark.slow
@pytest.mark.parametrize(
    "word", ["convex", "smooth", "finite L", "finite D", "finite sigma", "finite sigma_L", "K >= M"]
)
def test_every_assumption_is_needed(word):
    assert not proved(verdict(INDEPENDENT, assumptions=without(INDEPENDENT, word)))


def test_the_bounds_are_those_for_additive_noise_with_another_deviation():
    for name, end in ((ANY, ""), (INDEPENDENT, "_independent"), (MEAN_ZERO, "_mean_zero"), (IN_ORDER, "_in_order")):
        changed, plain = shelf.CLAIMS.get(name), shelf.CLAIMS.get(f"levy2026.theorem_convex{end}")
        put = {sigma: SENT}
        says, said = (one.outputs["last"].bound.rhs.expr for one in (changed, plain))
        assert sp.expand(says - said.subs(put)) == 0
        assert says.subs(sigma_L, 0) == said
        for branch, formula in plain.stepsize.branches.items():
            assert sp.simplify(changed.stepsize.branches[branch].expr - formula.expr.subs(put)) == 0
        assert (changed.policy, changed.method) == (plain.policy, plain.method)
        left = {a.name for a in plain.assumptions} - {a.name for a in changed.assumptions}
        assert left == {"additive noise"}
        assert {a.name for a in changed.assumptions} - {a.name for a in plain.assumptions} == {"finite sigma_L"}


# the variance of what is sent


def test_the_variance_of_what_is_sent_is_derived_and_below_that_of_youngs_inequality():
    claim, proof = shelf.CLAIMS.get(ANY), symbolic.proof_of(ANY)
    where = Context(claim, claim.stepsize, proof.setting)
    (end,) = (at for at, step in enumerate(proof.steps) if step.name == "variance")
    for step in proof.steps[: end + 1]:
        if step.name in needed(proof, "variance"):
            where.done[step.name] = symbolic._discharged(step, where)
    fact = where.done["variance"].fact
    assert (fact.left, fact.right) == (square(n(k)), SENT**2)
    assert sp.expand(2 * sigma**2 + 8 * sigma_L**2 * D**2 - SENT**2 - (sigma - 2 * sigma_L * D) ** 2) == 0


def needed(proof, name):
    return symbolic._needed(proof, {"": {"it": name}})


@pytest.mark.parametrize("size", [Fraction(1, 4), Fraction(1), Fraction(5)])
def test_the_variance_of_what_is_sent_is_attained(size):
    """On [0, 1], D = 1, noise z (sigma - size (x - X)^-) with a sign z is Lipschitz, and largest from X on.

    With w_1 = .. = w_(k-1) = 0 and w_k = 1 the average goes from 0 to X = 2/(k + 1).
    """
    sigma_ = Fraction(3)

    def noise(x, top):
        return sigma_ - size * max(top - x, 0)

    def sent(number):
        w = [Fraction(0)] * (number - 1) + [Fraction(1)]
        average = [sum(i * one for i, one in enumerate(w[:to], 1)) / Fraction(to * (to + 1), 2) for to in
                   (number, number - 1)]  # fmt: skip
        here, before = (noise(x, average[0]) for x in average)
        assert max(abs(here), abs(before)) <= sigma_
        return number * here - (number - 1) * before

    most = sigma_ + 2 * size
    found = [sent(number) for number in (2, 10, 100, 1000)]
    assert all(one < most for one in found)
    assert found[-1] > most * Fraction(99, 100)
    # so it is more than what lies forget: the cross term, a factor 2, the weight k, the change of noise itself
    lies = (sigma_**2 + 4 * size**2, (sigma_ + size) ** 2, (sigma_ + size * Fraction(2, 1000)) ** 2, sigma_**2)
    assert all(found[-1] ** 2 > lie for lie in lies)


def test_on_a_run_of_sampled_rows_what_is_sent_has_at_most_that_variance():
    """Exactly, over all rows, at every model of a run; the noise of one gradient is not the same at two of them."""
    claim = shelf.CLAIMS.get(ANY)
    part = Part("logistic", {"rows": 24, "dimension": 3, "batch": 1})
    cell = Cell(part, Part("rows", {}), Part("round_robin", {}), 3, 40, None, "last")
    one = build(cell, 3, method=claim.method, scheduler="async", stepsize=claim.stepsize, failing=claim.failing)
    instance, problem, c = one.instance, one.problem, one.constants
    random, rows = np.random.default_rng(5), range(one.instance.rows)

    def gradients(x):
        out = np.zeros((len(rows), instance.dimension))
        for row in rows:
            problem.gradient(x, 0, np.array([row]), instance.data, out[row])
        return out - out.mean(axis=0)

    x = before = w = instance.start
    q, shares, changes = 0 * x, [], []
    half = c["B"]
    for number in range(1, 41):
        here, there = gradients(x), gradients(before)
        noise = number * here - (number - 1) * there
        shares.append(np.square(noise).sum(axis=1).mean() / (c["sigma"] + 2 * c["sigma_L"] * c["D"]) ** 2)
        changes.append(np.abs(here - there).max())
        q = q + noise[random.integers(len(rows))] + instance.start  # any direction, as far as the box lets it
        w = np.clip(w - 5.0 * q, instance.start - half, instance.start + half)
        x, before = (number * x + 2 * w) / (number + 2), x
    assert max(shares) <= 1
    assert max(shares) > 0.02  # not a bound of another order
    assert max(changes) > 1e-3


# on runs


def test_a_cell_of_rows_is_covered_and_the_change_of_noise_is_most_of_its_noise():
    """The cell of rows of the main job; the theorem on additive noise does not cover it."""
    part, delays = Part("logistic", {k: v for k, v in ROWS.items() if k != "name"}), Part("exponential", {"spread": 8})
    cell = Cell(part, Part("rows", {}), delays, 4, 1024, None, "last")

    def built(name):
        claim = shelf.CLAIMS.get(name)
        return build(cell, 1, method=claim.method, scheduler="async", stepsize=claim.stepsize, failing=claim.failing)

    constants = built(INDEPENDENT).constants
    claim = shelf.CLAIMS.get(INDEPENDENT)
    terms = claim.outputs["last"].bound.rhs.term_values(constants)
    assert terms["noise_change"] > terms["noise"] > 0
    assert sum(terms.values()) < claim.trivial.value(constants) / 2
    with pytest.raises(AssumptionError, match="same at every point"):
        built("levy2026.theorem_convex_independent")


@pytest.mark.slow
def test_the_theorem_holds_on_rows_and_the_additive_one_is_not_about_them():
    grid = {"problem": ROWS, "noise": "rows", "delays": {"name": "exponential", "spread": 8}, "M": 4, "K": 1024}
    found = result(INDEPENDENT, grid, evidence=("monte-carlo",), replicates=32, bare=True)
    assert found.verdict.name == "HOLDS_HERE"
    (row,) = found.details["cells"]
    assert row["terms"]["noise_change"] > row["terms"]["noise"] > 0
    other = result("levy2026.theorem_convex_independent", grid, evidence=("monte-carlo",), replicates=32, bare=True)
    assert other.verdict.name == "NOT_APPLICABLE"
    assert "same at every point" in other.summary


@pytest.mark.slow
@pytest.mark.parametrize("name", [ANY, IN_ORDER])
def test_the_cells_of_a_claim_hold_under_delays_that_look_at_rows(name):
    cell, rule = shelf.CLAIMS.get(name).cells
    grid = {"problem": ROWS, "noise": "rows", "delays": {"name": cell.delays.name, **cell.delays.par}, "M": cell.M,
            "K": cell.K, "constants": dict(cell.constants)}  # fmt: skip
    assert result(name, grid, evidence=("monte-carlo",), replicates=64).verdict.name == "HOLDS_HERE"
    for delays, policy in ((cell.delays, "data-dependent"), (rule.delays, "clairvoyant")):
        grid["delays"] = {"name": delays.name, **delays.par}
        narrow = result(INDEPENDENT, grid, evidence=("monte-carlo",), replicates=64, bare=True)
        assert narrow.verdict.name == "NOT_APPLICABLE"
        assert policy in narrow.summary
