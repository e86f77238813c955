"""Claims and proofs that must not be PROVED: facts without their tags, random stepsizes, lemmas that say another thing.

Each test plants one lie beside a control that is proved.
"""

from dataclasses import replace
from fractions import Fraction

import pytest
from sympy import Integer, Symbol

from ratecheck.checks import lemmas, symbolic
from ratecheck.checks.steps import FREELY, MEAN, Context, Refused, Undone
from ratecheck.core import shelf
from ratecheck.core.assumption import Assumption, above_zero, at_least, at_most, fraction, has, is_standard, of_class
from ratecheck.core.gram import Ip
from ratecheck.core.proof import Counting, Expectation, Identity, Inequality, Proof, Rule, le
from ratecheck.core.setting import ASYNC, e, ghat, h, j, n, n_flying, p, t, u
from ratecheck.core.setting_ormo import ORMO
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import K, L, M, W, k, sigma, tau, tau_max

THEOREM1, THEOREM3, LEMMAS = (f"mishchenko2022.{name}" for name in ("theorem1", "theorem3_convex", "counting"))
MINIBATCH = "mishchenko2022.minibatch_convex"


def checked(name, **changes):
    return symbolic.checked(replace(shelf.CLAIMS.get(name), **changes), symbolic.proof_of(name))


def context(name="mishchenko2022.theorem2", setting=ASYNC, **changes):
    claim = replace(shelf.CLAIMS.get(name), **changes)
    rule = claim.stepsize if isinstance(claim.stepsize, Stepsize) else shelf.STEPSIZES.get(claim.stepsize)
    return Context(claim, rule, setting)


def run(steps, where):
    for step in steps:
        where.done[step.name] = symbolic._discharged(step, where)
    return where.done[steps[-1].name]


def test_a_fact_keeps_its_tag_when_its_step_has_the_name_of_a_branch():
    where = context(THEOREM3, stepsize=Stepsize(cap=1 / (4 * M * L)))
    one = Rule("cap", ghat(k), says=le(1 / (4 * M * L), ghat(k)))
    c = Symbol("c", positive=True)
    two = Rule("c", c, says=le(1 / (4 * M * L), ghat(k)), branches=("cap",), cases={"cap": (("cap",),)})
    assert run([one, two], where).tags == {"R1"}


def test_a_fact_keeps_its_tag_when_its_user_does_not_say_that_it_uses_it():
    class Silent(Inequality):
        uses = ()

    steps = [Rule("cap", ghat(k), says=le(1 / (4 * M * L), ghat(k))), Silent("end", le(0, ghat(k)), (("cap",),))]
    where = context(THEOREM3, stepsize=Stepsize(cap=1 / (4 * M * L)))
    assert run(steps, where).tags == {"R1"}


def test_stepsizes_that_look_at_delays_are_random_where_delays_look_at_samples():
    assert "is random" in checked(THEOREM3, policy="data-dependent").trusted["stepsize"]
    assert "stepsize" not in checked(THEOREM1).trusted


VARIANCE = Expectation("variance", n(k))
N = Ip(n(k), n(k))


@pytest.mark.parametrize("number", [t(k), p, W * t(k), tau_max], ids=str)
def test_random_numbers_do_not_multiply_what_holds_in_expectation(number):
    times = Inequality("times", le(number * N, number * sigma**2), ((number, "variance"),))
    with pytest.raises(Refused, match="is random for data-dependent delays"):
        run([VARIANCE, times], context())
    run([VARIANCE, times], context(policy="independent"))


def test_facts_multiply_as_numbers_do():
    steps = [VARIANCE, Counting("long", "at least 1", {"of": t(k)})]
    end = Inequality("end", le(t(k) * N + sigma**2, t(k) * sigma**2 + N), (("long", "variance"),))
    with pytest.raises(Refused, match="is random"):
        run([*steps, end], context())
    run([*steps, end], context(policy="independent"))


def test_final_stepsizes_are_numbers_where_all_gradients_count_alike():
    times = Inequality("times", le(ghat(k) * N, ghat(k) * sigma**2), ((ghat(k), "variance"),))
    assert run([VARIANCE, times], context()).tags == {FREELY, MEAN}
    assert run([VARIANCE, times], context(policy="independent")).tags == set()
    (step,) = [s for s in symbolic.proof_of(THEOREM1).steps if isinstance(s, Identity) and s.by == ("step",)]
    assert run([step], context()).tags == {FREELY}


def test_what_holds_in_expectation_is_no_premise_of_a_lemma_about_every_run():
    given = {"weight": N, "cap": sigma**2, "below": "variance", "attribute": ghat(k)}
    with pytest.raises(Undone, match="holds in expectation"):
        run([VARIANCE, Counting("windows", "windows", given)], context())


def test_clairvoyant_delays_see_what_is_in_flight_and_nothing_later():
    chain = checked(THEOREM1, policy="clairvoyant")
    assert chain.false is None
    assert not chain.trusted
    assert MEAN in run([VARIANCE], context(policy="clairvoyant")).tags
    with pytest.raises(Refused, match="clairvoyant ones: that it is in flight at k tells about it"):
        run([Expectation("in flight", n_flying(k, j))], context(policy="clairvoyant"))
    with pytest.raises(Refused, match="clairvoyant ones: that it is in flight at k tells about it"):
        run([Expectation("in flight", n_flying(k, j), h(k))], context(policy="clairvoyant"))
    for of, against in ((n(k), h(k + 1)), (n(k), u(k + 1)), (n(k), e(k))):
        with pytest.raises(Undone, match="nothing is known of"):
            run([Expectation("later", of, against)], context(policy="clairvoyant"))


@pytest.mark.parametrize("name", ["k", "tau"])
def test_rounds_have_one_stepsize(name):
    longer = {"k": k, "tau": tau}[name]
    assert (
        "differs from step to step"
        in checked(MINIBATCH, stepsize=Stepsize(falling=1 / (L * longer))).trusted["stepsize"]
    )
    assert "stepsize" not in checked(MINIBATCH).trusted


def test_a_lower_bound_is_not_proved_by_an_upper_one():
    assert "at least" in checked(THEOREM1, kind="lower").trusted["kind"]


def result(claim, proof, monkeypatch):
    monkeypatch.setattr(symbolic, "proof_of", lambda name: proof)
    return symbolic.check("planted", claim, "test")


def test_nothing_derived_is_nothing_proved(monkeypatch):
    claim = shelf.CLAIMS.get("ormo2024.stability")
    found = result(claim, Proof(ORMO, (), {}), monkeypatch)
    assert found.verdict.name == "NOT_REFUTED"
    assert set(found.details["not_derived"]) == {one.name for one in claim.stability}


def fact(slack, name="short", **more):
    first = shelf.CLAIMS.get(LEMMAS).counting[0]
    return replace(first, name=name, slack=slack, statement="no delay is that long", orders=(), **more)


def lemma(one, step, monkeypatch):
    claim = replace(shelf.CLAIMS.get(LEMMAS), counting=(one,), identities=())
    return result(claim, Proof(ASYNC, (step,), {"": {one.name: step.name}}), monkeypatch)


@pytest.mark.parametrize(("longest", "why"), [(5, "slack -3 < 0"), (38, "slack -1 < 0"), (400, "another number")])
@pytest.mark.parametrize("step", [Inequality("one", le(0, K), ()), Inequality("one", le(1, 1), ()),
                                  Counting("one", "largest"), Counting("one", "telescoped")], ids=str)  # fmt: skip
def test_a_true_step_proves_no_other_counting_fact(longest, why, step, monkeypatch):
    short = fact(lambda worker, delay, workers: Fraction(longest - max(delay)))
    found = lemma(short, step, monkeypatch)
    assert found.verdict.name == "NOT_REFUTED"
    assert why in found.summary
    right = fact(lambda worker, delay, workers: Fraction(max(delay) - len(set(worker))))
    assert lemma(right, Counting("one", "largest"), monkeypatch).verdict.name == "PROVED"


def test_a_fact_may_say_more_than_its_step_by_no_number_of_the_order(monkeypatch):
    less = fact(lambda worker, delay, workers: Fraction(max(delay) - len(set(worker)) + len(worker)))
    assert lemma(less, Counting("one", "largest"), monkeypatch).verdict.name == "PROVED"
    twice = fact(lambda worker, delay, workers: Fraction(2 * (max(delay) - len(set(worker)))))
    assert "another number" in lemma(twice, Counting("one", "largest"), monkeypatch).summary


def test_vectors_cannot_be_counted_so_their_fact_names_its_lemma():
    claim, proof = shelf.CLAIMS.get("mishchenko2022.lemma1"), symbolic.proof_of("mishchenko2022.lemma1")
    assert not symbolic.checked(claim, proof).trusted
    for other in ("", "unused"):
        told = replace(claim, identities=(replace(claim.identities[0], lemma=other),))
        assert "not compared" in symbolic.checked(told, proof).trusted["lemma1 "]


def test_a_false_fact_beside_proved_bounds_is_named(monkeypatch):
    claim = replace(shelf.CLAIMS.get(THEOREM1), counting=(fact(lambda worker, delay, workers: Fraction(-1)),))
    found = result(claim, symbolic.proof_of(THEOREM1), monkeypatch)
    assert found.verdict.name == "NOT_REFUTED"
    assert "not derived: short" in found.summary


def test_settings_are_read_only():
    with pytest.raises(TypeError):
        ASYNC.measured["any"]["Q"] = (Integer(0), Integer(1))
    with pytest.raises(TypeError):
        ASYNC.equations["step"] = (Integer(0), Integer(1))


def test_an_assumption_that_looks_at_nothing_is_not_assumed():
    claim = shelf.CLAIMS.get(THEOREM3)
    easy = [Assumption(a.name, a.statement, lambda facts: None) if a.name == "convex" else a for a in claim.assumptions]
    chain = checked(THEOREM3, assumptions=tuple(easy))
    assert chain.false or chain.trusted
    assert not Context(replace(claim, assumptions=tuple(easy)), Stepsize(one=1 / L), ASYNC).assumes("convex")


@pytest.mark.parametrize("one", [of_class("convex"), has("L"), above_zero("mu"), fraction("beta"), at_least("K", "M"),
                                 at_least("K", "M", 3), at_most("sigma", L)], ids=lambda a: a.name)  # fmt: skip
def test_assumptions_are_those_of_their_factory(one):
    assert is_standard(one)
    assert not is_standard(replace(one, holds=lambda facts: None))
    assert not is_standard(replace(one, holds=of_class("smooth").holds))
    assert not is_standard(replace(one, name=one.name + " at all"))


def test_lemmas_are_looked_at_in_more_than_five_steps():
    assert max(steps for _, steps in (*lemmas.CASES, *lemmas.FURTHER)) > 5
    assert max(len(order) for _, order in lemmas.LONG) >= 40


def test_a_letter_is_as_random_as_what_it_stands_for():
    c, d = (Symbol(name, positive=True) for name in ("c", "d"))
    least = [Rule("least", c, says=le(c, tau_max), values={"a": tau_max, "b": tau_max / 2})]
    steps = [VARIANCE, Inequality("times", le(d * N, d * sigma**2), ((d, "variance"),))]
    run(steps, context())  # a constant that nobody defines
    with pytest.raises(Refused, match="is random"):
        run([*least, VARIANCE, Inequality("times", le(c * N, c * sigma**2), ((c, "variance"),))], context())
