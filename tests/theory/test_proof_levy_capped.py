"""Noise in flight under a cap on delays: what is derived is derived as it is, and no more."""

import importlib
import pkgutil
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from sympy import Max, Min, Rational, Sum, sqrt
from sympy.core.function import AppliedUndef

from ratecheck import core
from ratecheck.checks import symbolic
from ratecheck.checks.steps import MEAN, Context, Outcome, Undone, counting, lately, means, powers
from ratecheck.checks.steps.rule import is_free
from ratecheck.core import shelf
from ratecheck.core.claim import Statement
from ratecheck.core.formula import Formula
from ratecheck.core.gram import Ip, Vec
from ratecheck.core.proof import Counting, Expectation, Inequality, Rule, Smallest, eq, le
from ratecheck.core.setting import ASYNC, Setting, h, m, n, z
from ratecheck.core.setting_flight import FLIGHT, drawn
from ratecheck.core.setting_flight import lately as late
from ratecheck.core.setting_flight import lately_0 as late_0
from ratecheck.core.setting_ordered import ORDERED, noises, power
from ratecheck.core.setting_ordered import powers as powers_of
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import K, M, beta, k, sigma, tau_cap, tau_max
from ratecheck.core.verdict import Verdict
from ratecheck.engine.orders import arrival_orders
from ratecheck.engine.schedule import from_order
from tests.chains import proved, survivors, verdict

CAPPED, RATE_CAPPED, RATE_BOUNDED, LEMMA = (
    f"levy2026.{name}" for name in (
        "theorem_nonconvex_delay_cap", "theorem_nonconvex_rate_delay_cap", "theorem_nonconvex_rate_bounded",
        "in_flight_delay_cap",
    )
)  # fmt: skip
THEOREMS = (CAPPED, RATE_CAPPED, RATE_BOUNDED)
POLICIES = ("independent", "mean-zero given the duration", "data-dependent", "clairvoyant")
BETA_1 = ("beta", "beta <= 1")
#: facts that say that what is divided by is positive, or that two theorems have and one uses
UNNAMED = {RATE_CAPPED: {"2 - beta"}, RATE_BOUNDED: {"2 - beta"}}


def context(name=CAPPED, setting=ORDERED, **changes):
    claim = replace(shelf.CLAIMS.get(name), **changes)
    rule = claim.stepsize if isinstance(claim.stepsize, Stepsize) else shelf.STEPSIZES.get(claim.stepsize)
    return Context(claim, rule, setting)


def run(steps, where):
    for step in steps:
        where.done[step.name] = symbolic._discharged(step, where)
    return where.done[steps[-1].name]


def named(*names, of=CAPPED):
    return [step for step in symbolic.proof_of(of).steps if step.name in names]


def without(name, one):
    return tuple(a for a in shelf.CLAIMS.get(name).assumptions if a.name != one)


def schedules(workers, steps):
    desk = shelf.SCHEDULERS.get("async")
    for order in arrival_orders(desk, workers, steps, labelled=True):
        yield from_order(desk, workers, np.array(order, dtype=np.int64))


# proved, and not with one thing changed


@pytest.mark.parametrize("name", [CAPPED, LEMMA, *(pytest.param(one, marks=pytest.mark.slow) for one in THEOREMS[1:])])
def test_they_are_derived(name):
    result = symbolic.check(name, shelf.CLAIMS.get(name), "test")
    assert result.verdict is Verdict.PROVED, result.summary
    assert result.details["not_derived"] == []


@pytest.mark.parametrize("name", [*THEOREMS, LEMMA])
def test_every_step_is_used(name):
    proof = symbolic.proof_of(name)
    used = {one for step in proof.steps for one in step.uses}
    ends = {one for named in proof.proves.values() for one in named.values()}
    assert {step.name for step in proof.steps} == used | ends | UNNAMED.get(name, set())


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [(CAPPED, 80), (RATE_BOUNDED, 70), (LEMMA, 20)])
def test_no_step_can_be_changed(name, least, monkeypatch):
    monkeypatch.setattr("ratecheck.checks.steps.search.TRIES", 0)
    found, tried = survivors(name)
    assert found == []
    assert tried >= least


@pytest.mark.slow
def test_all_delays_that_do_not_see_the_future_are_covered():
    assert all(proved(verdict(CAPPED, policy=policy)) for policy in POLICIES)


@pytest.mark.parametrize(
    ("name", "one", "step"),
    [
        (CAPPED, "finite tau_cap", "noise in flight"),
        pytest.param(RATE_BOUNDED, "finite sigma_inf", "bounded noise", marks=pytest.mark.slow),
        (LEMMA, "finite tau_cap", "drawn lately"),
        (LEMMA, "finite sigma", "variance"),
    ],
)
def test_what_is_assumed_is_needed(name, one, step):
    assert step in verdict(name, assumptions=without(name, one)).trusted


def lies(name, noise):
    """Return the claim's statement with other noise in flight, in its bound and in its master inequality."""
    says = shelf.CLAIMS.get(name).outputs["uniform"]
    changed = {}
    for what, one in says.inequalities().items():
        terms = {n: t.xreplace(noise) if n == "noise_in_flight" else t for n, t in one.rhs.terms.items()}
        assert terms != dict(one.rhs.terms)
        changed[what] = replace(one, rhs=Formula(**terms))
    return {"uniform": Statement(**changed)}


@pytest.mark.parametrize(
    ("name", "noise"),
    [
        (CAPPED, {tau_cap: tau_cap - 1}),
        pytest.param(CAPPED, {M: M - 1}, marks=pytest.mark.slow),
        pytest.param(CAPPED, {M: sqrt(M)}, marks=pytest.mark.slow),
        pytest.param(RATE_BOUNDED, {M: sqrt(M)}, marks=pytest.mark.slow),
    ],
)
def test_less_noise_than_is_derived_is_not(name, noise):
    chain = verdict(name, outputs=lies(name, noise))
    assert "away from the claim" in chain.trusted["bound uniform"]
    assert all(one == "uniform" or one.endswith(" uniform") for one in chain.trusted)  # no step is broken


# a minimum


def told(where, name, fact, tags=frozenset()):
    where.done[name] = Outcome(fact, "test", tags=frozenset(tags))


def test_a_minimum_of_numbers_is_above_what_is_below_each():
    where, one = context(), Ip(z(k), z(k))
    told(where, "a", le(one, M * sigma**2), {MEAN})
    told(where, "b", le(one, tau_cap * sigma**2))
    least = Min(M * sigma**2, tau_cap * sigma**2)
    found = run([Smallest("least", one, least, ("a", "b"))], where)
    assert found.fact == le(one, least)
    assert found.tags == {MEAN}


@pytest.mark.parametrize(
    ("of", "facts", "words"),
    [
        (Min(M, tau_cap), ("a",), "none of its facts says"),
        (Min(M, tau_cap), ("a", "exact"), "none of its facts says"),
        (Min(M, tau_cap, K), ("a", "b"), "none of its facts says"),
        (Max(M, tau_cap), ("a", "b"), "is no minimum"),
        (M, ("a",), "is no minimum"),
        (Min(M, tau_max), ("a", "random"), "is no number"),
        (Min(M, noises(k)), ("a", "function"), "is no number"),
    ],
)
def test_nothing_else_is_below_a_minimum(of, facts, words):
    where, one = context(), Ip(z(k), z(k))
    for name, fact in {"a": le(one, M), "b": le(one, tau_cap), "exact": eq(one, tau_cap), "random": le(one, tau_max),
                       "function": le(one, noises(k))}.items():  # fmt: skip
        told(where, name, fact)
    with pytest.raises(Undone, match=words):
        run([Smallest("least", one, of, facts)], where)


# what was drawn lately


def test_it_is_said_of_ordered_momentum_under_a_cap():
    where = context()
    found = run([*named(*BETA_1), Counting("lately", "flights, lately", {"below": "beta <= 1"})], where)
    whole, all_ = (Sum(Ip(of, of), (k, 1, K)) for of in (z(k), n(k)))
    assert found.fact == le(whole, (M - 1) * beta**2 * (tau_cap - 1) * all_)
    assert found.tags == {MEAN}
    with pytest.raises(Undone, match="no cap on delays"):
        run([*named(*BETA_1), Counting("lately", "flights, lately", {"below": "beta <= 1"})],
            context(assumptions=without(CAPPED, "finite tau_cap")))  # fmt: skip
    with pytest.raises(Undone, match="does not say that beta <= 1"):
        run([*named("beta"), Counting("lately", "flights, lately", {"below": "beta"})], context())
    with pytest.raises(Undone, match="nothing is known"):
        run([Counting("lately", "flights, lately", {"below": "beta"})], context(setting=ASYNC))


def test_what_is_in_flight_was_drawn_lately():
    where = context(LEMMA, FLIGHT)
    for of in (n(k), *(vec for vec in lately.IN_FLIGHT if vec != n(k))):
        assert run([Counting(f"lately {of}", "lately", {"of": of})], where).tags == set()
    for of in (drawn(k), h(k), n(k - 1), None):
        with pytest.raises(Undone, match="is nothing that"):
            run([Counting(f"other {of}", "lately", {"of": of})], where)
    for lemma, given in (("lately", {"of": n(k)}), ("lately, few", {}), ("lately, 1", {"of": late(k)})):
        with pytest.raises(Undone, match="no letters for what was drawn lately"):
            run([Counting("other", lemma, given)], context())
    with pytest.raises(Undone, match="is not 0 or 1"):
        run([Counting("other", "lately, 1", {"of": noises(k)})], where)


def test_which_was_drawn_lately_is_a_number_whoever_arrives():
    where = context(LEMMA, FLIGHT)
    assert not means.is_random(late(k) + late_0(m), where)
    found = run([Expectation("variance", n(k)), Inequality("one", le(late(k) * Ip(n(k), n(k)), late(k) * sigma**2),
                                                           ((late(k), "variance"),))], where)  # fmt: skip
    assert found.tags == {MEAN}
    fixed = Rule("fixed", late(k), says=le(late(k), Rational(1, 9)), values={"a": Rational(1, 9)}, cases={"a": ()})
    with pytest.raises(Undone, match="has a meaning already"):
        run([fixed], where)


def settings():
    for module in pkgutil.iter_modules(core.__path__):
        if module.name.startswith("setting"):
            found = vars(importlib.import_module(f"ratecheck.core.{module.name}"))
            yield from (one for one in found.values() if isinstance(one, Setting))


def test_no_proof_defines_what_a_setting_has_named():
    """Sums of squares, weights in flight and moments are letters of settings, too, and no stepsizes."""
    where = context()
    for one in (noises(k), powers_of(k), power(k)):
        assert not is_free(one, where)
        with pytest.raises(Undone, match="has a meaning already"):
            run([Rule("small", one, says=le(one, Rational(1, 9)), values={"a": Rational(1, 9)})], where)
    for setting in settings():
        at = Context(where.claim, where.stepsize, setting)
        said = (*setting.equations.values(), *(p for t in setting.measured.values() for p in t.values()))
        known = {x for pair in said for side in pair for x in side.atoms(AppliedUndef)}
        assert not [x for x in known if not isinstance(x, Vec | Ip) and is_free(x, at)], setting.name


# the words against the engine, and what is less


@pytest.mark.parametrize("lemma", [*lately.ENUMERATED, *powers.ENUMERATED])
def test_established_says_how_many_orders(lemma):
    assert "532 arrival orders" in counting.established(lemma)


def test_one_delivery_less_is_too_few(monkeypatch):
    """With the cap one lower, the enumeration fails: a hand-out is in flight after its delay less 1 deliveries."""
    for lemma, (workers, steps) in {"flights, lately": (2, 3), "lately": (3, 4)}.items():
        found = list(schedules(workers, steps))
        assert all(map(lately.ENUMERATED[lemma], found))
        monkeypatch.setattr(type(found[0]), "oldest", property(lambda s: s.delay[: s.horizon].max()))
        assert not all(map(lately.ENUMERATED[lemma], found))  # what is not back by K, and closed at K + 1, is left out
        monkeypatch.undo()


def test_few_are_as_many_as_said():
    """M - 2 beside those of the last tau_cap - 1 models are too few where x_0 is among them."""
    (one, *_) = schedules(3, 4)
    assert lately.ENUMERATED["lately, few"](one)
    assert not lately.ENUMERATED["lately, few"](replace(one, workers=2))


# the lemmas against exact worst cases: a policy that sees all in flight, and keeps to the cap


def parts():
    """Return the modules beside the lemma's: exact worst cases, laws and their variances."""
    own = shelf.CLAIMS.module(LEMMA).__name__.rsplit(".", 1)[0]
    return [sys.modules[f"{own}.{name}"] for name in ("_flights", "_policies", "in_flight_variance")]


@pytest.mark.parametrize("size", [(2, 5), (3, 4), pytest.param((3, 6), marks=pytest.mark.slow)])
def test_worst_policies_under_a_cap_stay_below_both_lemmas(size):
    exact, policies, laws = parts()
    workers, deliveries = size
    newest, found = Fraction(1, 8 * workers), []
    weight = exact.momentum(workers, deliveries, newest)
    for cap in range(workers, deliveries + 2):
        for law in laws.laws(workers, deliveries):
            var, many = policies.variance(law), workers - 1
            unit = exact.largest_in_flight(workers, deliveries, law, exact.unit, cap)
            weighed = exact.largest_in_flight(workers, deliveries, law, weight, cap)
            assert unit <= many * (min(cap - 1, deliveries) + many) * var
            assert weighed <= many * newest**2 * (cap - 1) * var
            found.append(weighed / (many * newest**2 * (cap - 1) * var))
    assert max(found) > Fraction(3, 5)  # there is a case in which little is given away


def test_two_workers_with_a_cap_of_2_have_exactly_that_much_in_flight():
    """So neither (M - 2) nor (tau_cap - 2) would be true."""
    exact, policies, _ = parts()
    newest = Fraction(1, 16)
    for deliveries in (2, 3, 5):
        weight = exact.momentum(2, deliveries, newest)
        assert exact.largest_in_flight(2, deliveries, policies.SIGNS, weight, 2) == newest**2


def test_beyond_the_cap_it_is_false():
    """What holds for delays up to 2 does not hold for a policy that keeps a sample for 5 deliveries."""
    exact, policies, laws = parts()
    newest, law = Fraction(1, 16), laws.laws(2, 5)[1]
    weight = exact.momentum(2, 5, newest)
    most = newest**2 * policies.variance(law)
    assert exact.largest_in_flight(2, 5, law, weight, 2) <= most < exact.largest_in_flight(2, 5, law, weight, 6)
