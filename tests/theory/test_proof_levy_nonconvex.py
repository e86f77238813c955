"""The derivations for ordered momentum: proved as they are, not with one thing changed; and what is in flight."""

from dataclasses import replace
from fractions import Fraction
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from sympy import Rational, sqrt

from ratecheck.checks import symbolic
from ratecheck.checks.steps import MEAN, Context, Refused, Undone, counting, flights
from ratecheck.checks.steps.courses import age, back, beta, in_u, share
from ratecheck.core import shelf
from ratecheck.core.claim import Statement, at_most
from ratecheck.core.gram import Ip
from ratecheck.core.proof import Cauchy, Class, Counting, Expectation, Identity, Inequality, Rule, eq, le
from ratecheck.core.setting import ASYNC, h, j, n, n_flying, s, v, z
from ratecheck.core.setting_ordered import ORDERED, d, eh, noises, slopes
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import Delta, K, L, M, k, sigma, sigma_inf, tau
from ratecheck.core.symbols import beta as newest
from ratecheck.core.symbols import stepsize as gamma
from ratecheck.core.verdict import Verdict
from ratecheck.engine.orders import arrival_orders
from ratecheck.engine.schedule import from_order
from ratecheck.errors import FormulaError
from tests.chains import proved, survivors, verdict

ANY, INDEPENDENT, MEAN_ZERO, BOUNDED = (
    f"levy2026.theorem_nonconvex{end}" for end in ("", "_independent", "_mean_zero", "_bounded")
)
RATE, RATE_INDEPENDENT, RATE_MEAN_ZERO = (
    f"levy2026.theorem_nonconvex_rate{end}" for end in ("", "_independent", "_mean_zero")
)
CONSTANT, TUNED = (ANY, INDEPENDENT, MEAN_ZERO, BOUNDED), (RATE, RATE_INDEPENDENT, RATE_MEAN_ZERO)
#: a fact that no later step names: it says that what is divided by is positive
UNNAMED = {name: {"2 - beta"} for name in (INDEPENDENT, RATE_INDEPENDENT, BOUNDED)}
POLICIES = ("independent", "mean-zero given the duration", "data-dependent", "clairvoyant")


def context(name=ANY, setting=ORDERED, **changes):
    claim = replace(shelf.CLAIMS.get(name), **changes)
    rule = claim.stepsize if isinstance(claim.stepsize, Stepsize) else shelf.STEPSIZES.get(claim.stepsize)
    return Context(claim, rule, setting)


def run(steps, where):
    for step in steps:
        where.done[step.name] = symbolic._discharged(step, where)
    return where.done[steps[-1].name]


def orders(workers, steps):
    desk = shelf.SCHEDULERS.get("async")
    for order in arrival_orders(desk, workers, steps, labelled=True):
        yield from_order(desk, workers, np.array(order, dtype=np.int64))


# proved, and not with one thing changed


@pytest.mark.parametrize(
    "name",
    [ANY, INDEPENDENT, RATE, *(pytest.param(one, marks=pytest.mark.slow) for one in (MEAN_ZERO, BOUNDED, *TUNED[1:]))],
)
def test_the_theorems_are_derived(name):
    result = symbolic.check(name, shelf.CLAIMS.get(name), "test")
    assert result.verdict is Verdict.PROVED, result.summary
    assert result.details["proved"] == {"uniform": ["bound", "master"] if name in CONSTANT else ["bound"]}
    assert result.details["not_derived"] == []


@pytest.mark.parametrize("name", [*CONSTANT, *TUNED])
def test_every_step_is_used(name):
    proof = symbolic.proof_of(name)
    used = {one for step in proof.steps for one in step.uses}
    ends = set(proof.proves["uniform"].values())
    assert {step.name for step in proof.steps} == used | ends | UNNAMED.get(name, set())


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [(ANY, 80), (INDEPENDENT, 70), (RATE_MEAN_ZERO, 80)])
def test_no_step_can_be_changed(name, least, monkeypatch):
    monkeypatch.setattr("ratecheck.checks.steps.search.TRIES", 0)
    found, tried = survivors(name)
    assert found == []
    assert tried >= least


@pytest.mark.slow
@pytest.mark.parametrize("name", [ANY, RATE_INDEPENDENT])
def test_every_assumption_is_used(name):
    everything = shelf.CLAIMS.get(name).assumptions
    for one in everything:
        left = tuple(a for a in everything if a != one)
        assert proved(verdict(name, assumptions=left)) == (one.name == "beta > 0"), one.name  # letters are positive


@pytest.mark.parametrize(
    ("name", "covers"),
    [(INDEPENDENT, 1), *(pytest.param(*one, marks=pytest.mark.slow)
                         for one in ((ANY, 4), (RATE, 4), (MEAN_ZERO, 2), (BOUNDED, 4)))],
)  # fmt: skip
def test_each_theorem_covers_its_delays_and_no_more(name, covers):
    for number, policy in enumerate(POLICIES):
        chain = verdict(name, policy=policy)
        assert proved(chain) == (number < covers), policy
        if number >= covers:
            assert chain.false[0] == "noise in flight"


@pytest.mark.parametrize(
    ("name", "other"),
    [(ANY, INDEPENDENT), *(pytest.param(*one, marks=pytest.mark.slow)
                           for one in ((ANY, MEAN_ZERO), (MEAN_ZERO, INDEPENDENT), (RATE, RATE_INDEPENDENT)))],
)  # fmt: skip
def test_no_theorem_has_the_noise_of_another(name, other):
    found = shelf.CLAIMS.get(other)
    assert not proved(verdict(name, outputs=found.outputs, stepsize=found.stepsize))


def test_a_smaller_constant_is_away_from_what_is_derived():
    rates = shelf.CLAIMS.get(RATE).outputs["uniform"]
    rhs = rates.bound.rhs
    for factors in ((Rational(511, 512), 1), (1, Rational(63, 64))):
        terms = {n: f * t for f, (n, t) in zip(factors, rhs.terms.items(), strict=True)}
        less = Statement(bound=replace(rates.bound, rhs=type(rhs)(**terms)))
        assert "away from the claim" in verdict(RATE, outputs={"uniform": less}).trusted["bound uniform"]


@pytest.mark.parametrize(
    ("rule", "steps"),
    [
        ({"cap": 1 / (31 * M * L)}, {"beta"}),
        ({"cap": 1 / (32 * L)}, {"beta"}),
        ({"noise": sqrt(Delta / (L * M * sigma**2 * K))}, {"1/gamma", "bound"}),
        ({"noise": sqrt(Delta / (L * sigma**2 * K)) / 2}, {"1/gamma", "bound"}),
    ],
)
def test_another_stepsize_breaks_its_steps(rule, steps):
    branches = {n: f.expr for n, f in shelf.CLAIMS.get(RATE).stepsize.branches.items()}
    chain = verdict(RATE, stepsize=Stepsize(**{**branches, **rule}).choosing(beta=4 * L * gamma))
    assert {row["step"] for row in chain.rows if row["verdict"] != "PROVED"} & steps


@pytest.mark.parametrize("other", [2 * L * gamma, 8 * L * gamma, 4 * M * L * gamma])
def test_another_beta_breaks_the_chain(other):
    rule = Stepsize(**{n: f.expr for n, f in shelf.CLAIMS.get(RATE).stepsize.branches.items()}).choosing(beta=other)
    assert "the claim chooses beta" in verdict(RATE, stepsize=rule).trusted["chosen"]


@pytest.mark.parametrize(
    "wrong", [at_most("beta", 1 / (7 * M)), at_most("beta", Rational(1, 8)), at_most("stepsize", newest / (3 * L))]
)
def test_larger_numbers_than_the_proof_can_pay_for(wrong):
    assumed = [a for a in shelf.CLAIMS.get(ANY).assumptions if a.name.split()[:2] != wrong.name.split()[:2]]
    name = {"beta": "beta", "stepsize": "stepsize"}[wrong.name.split()[0]]
    steps = [replace(one, at=(wrong.name,)) if one.name == name else one for one in symbolic.proof_of(ANY).steps]
    assert not proved(verdict(ANY, assumptions=(*assumed, wrong), steps=steps))


def test_the_setting_has_one_stepsize_whatever_the_delays_are():
    chain = verdict(INDEPENDENT, stepsize=Stepsize(cap=1 / (32 * M * L * tau)))
    assert "differs from step to step" in chain.trusted["stepsize"]


# numbers that come with a stepsize


def test_only_a_constant_stepsize_chooses_numbers():
    for rule in (Stepsize(delay=1 / (L * tau)), Stepsize(falling=1 / (L * k)), Stepsize(constant=gamma)):
        with pytest.raises(FormulaError, match="constant stepsize"):
            rule.choosing(beta=L * gamma)
    for formula in (newest / 2, L * gamma * tau):
        with pytest.raises(FormulaError, match="by constants alone"):
            Stepsize(cap=1 / L).choosing(beta=formula)
    with pytest.raises(FormulaError, match="by constants alone"):
        Stepsize(cap=newest / L).choosing(beta=L * gamma)
    assert Stepsize(cap=1 / L).dimension_faults() == []
    assert "chosen beta" in Stepsize(cap=1 / L).choosing(beta=gamma).dimension_faults()[0]


def test_numbers_are_those_of_the_smallest_branch():
    rule = shelf.CLAIMS.get(RATE).stepsize
    at = {"M": 4, "L": 2.0, "K": 100, "Delta": 1.0}
    assert rule.numbers({**at, "sigma": 0.0}) == {"beta": 1 / 32}
    assert rule.numbers({**at, "sigma": 100.0})["beta"] == pytest.approx(2 * np.sqrt(2 / (4 * 1e4 * 100)), rel=1e-15)


# what is in flight


def test_what_is_in_flight_has_m_minus_1_terms_whatever_delays_are():
    for policy in POLICIES:
        where = context(policy=policy)
        means = run([Counting("means", "flights", {"of": s(k)})], where)
        assert str(means.fact) == str(le(Ip(s(k), s(k)), (M - 1) * newest**2 * slopes(k)))
        assert means.tags == set()
        assert run([Counting("noise", "flights", {"of": z(k)})], where).tags == {MEAN}


@pytest.mark.parametrize("of", [eh(k), d(k), s(k - 1), h(k), None])
def test_nothing_else_is_in_flight(of):
    with pytest.raises(Undone, match="is not what is in flight"):
        run([Counting("flights", "flights", {"of": of} if of is not None else {})], context())


@pytest.mark.parametrize("lemma", sorted(flights.STATEMENTS))
def test_the_lemmas_are_about_ordered_momentum(lemma):
    where = context(setting=ASYNC)
    with pytest.raises(Undone, match="nothing is known of what asynchronous SGD has in flight"):
        run([Counting("one", lemma, {"of": z(k), "below": "no"})], where)


def test_weights_are_below_beta_where_beta_is_below_1():
    with pytest.raises(Undone, match="does not say that beta <= 1"):
        run([Rule("cap", gamma, below="constant"), Counting("w", "flight weights", {"below": "cap"})], context())


def test_a_bound_on_what_is_in_flight_needs_one_on_every_run():
    """Not on the fresh noise alone, not in mean, not a number of its own for each."""
    below = (*(one for one in symbolic.proof_of(BOUNDED).steps if one.name in ("beta", "beta <= 1")),)
    right = Class("right", "bounded noise", ("in flight",))
    given = {"below": "beta <= 1", "bounded": "right"}
    where = context(BOUNDED)
    fact = run([*below, right, Counting("one", "flights, bounded", given)], where)
    assert fact.fact == le(Ip(z(k), z(k)), (M - 1) ** 2 * newest**2 * sigma_inf**2)
    assert fact.tags == set()
    fresh = Class("right", "bounded noise", ("x_k",))
    each = Inequality(
        "right", le(Ip(n_flying(k, j), n_flying(k, j)), sigma_inf**2 + slopes(k)), (("sure",), (slopes(k),))
    )
    for steps in ([fresh], [replace(right, name="sure"), each]):
        with pytest.raises(Undone, match="is at most one number"):
            run([*below, *steps, Counting("one", "flights, bounded", given)], context(BOUNDED))
    with pytest.raises(Undone, match="does not assume: finite sigma_inf"):
        run([right], context(ANY))
    sure, mean = replace(right, name="sure"), Expectation("mean", n(k))
    both = Inequality(
        "right", le(Ip(n_flying(k, j), n_flying(k, j)), sigma_inf**2 + sigma**2),
        (("sure",), ("mean",), (Ip(n(k), n(k)),)),
    )  # fmt: skip
    with pytest.raises(Undone, match="holds in expectation"):
        run([*below, sure, mean, both, Counting("one", "flights, bounded", given)], context(BOUNDED))


def test_noise_that_holds_in_mean_is_multiplied_by_numbers_alone():
    steps = [
        Counting("noise", "flights", {"of": z(k)}),
        Inequality("times", le(0, slopes(k) * newest**2 * (M - 1) * noises(k)),
                   (("noise", slopes(k)), (slopes(k), Ip(z(k), z(k))))),
    ]  # fmt: skip
    for policy in POLICIES[1:]:
        with pytest.raises(Refused, match="is random"):
            run(steps, context(policy=policy))
    assert run(steps, context(policy="independent")).fact


def test_weights_in_flight_are_no_numbers_where_delays_look_at_samples():
    weighed = eq(Ip(z(k), z(k)), Ip(z(k), z(k)))
    for step in (Identity("one", weighed, by=("weighed noise",)), Cauchy("one", z(k), "weighed noise")):
        for policy in POLICIES[1:]:
            with pytest.raises(Refused, match="they tell of samples"):
                run([step], context(policy=policy))


@pytest.mark.parametrize(
    ("of", "against"),
    [(n(k), h(k + 1)), (n(k), eh(k)), (n(k), d(k)), (n(k), v(k + 1)), (n(k), z(k)), (z(k), h(k)), (n(k - 1), h(k))],
)
def test_a_sample_is_fresh_to_what_was_there_before_and_to_nothing_else(of, against):
    for policy in POLICIES:
        for before in (h(k), h(k - 1), eh(k - 1), v(k)):
            assert run([Expectation("fresh", n(k), before)], context(policy=policy)).fact.equality
        with pytest.raises(Undone, match="nothing is known of"):
            run([Expectation("one", of, against)], context(policy=policy))


@pytest.mark.parametrize("step", [(z(k), s(k)), (z(k), None), (n_flying(k, j), h(k)), (n_flying(k, j), None)])
def test_samples_in_flight_are_fresh_for_independent_delays_alone(step):
    assert run([Expectation("one", *step)], context(policy="independent")).fact
    for policy in POLICIES[1:]:
        with pytest.raises(Refused, match="tells about it"):
            run([Expectation("one", *step)], context(policy=policy))


# the words against the engine


#: moves of one gradient that are not those of ordered momentum
COURSES = {
    "by its arrival": {"delivery": {back: 1, in_u: in_u + share}},
    "by its age twice": {"delivery": {back: 1, in_u: in_u + share * age**2}},
    "the wrong way": {"delivery": {back: 1, in_u: in_u - share * age}},
    "no turn": {"turn": {age: (1 - beta) * age}},
}


@pytest.mark.parametrize("lie", COURSES)
def test_the_course_of_a_gradient_is_that_of_ordered_momentum(lie):
    assert flights.COURSE.fault() == ""
    assert replace(flights.COURSE, moves={**flights.COURSE.moves, **COURSES[lie]}).fault() != ""


@pytest.mark.parametrize("method", ["ordered_momentum_initial_sum", "polyak_momentum", "ordered_momentum_in_order"])
def test_the_kernel_is_compared(method, monkeypatch):
    schedules = list(orders(3, 4))
    assert all(map(flights.ENUMERATED["ordered momentum"], schedules))
    other = SimpleNamespace(get=lambda name: shelf.METHODS.get(method))
    monkeypatch.setattr(flights, "shelf", SimpleNamespace(METHODS=other))
    assert not all(map(flights.ENUMERATED["ordered momentum"], schedules))


def test_m_minus_1_terms_are_needed(monkeypatch):
    """The noises of M - 1 initial gradients count alike, so that M - 2 is too few."""
    fine = flights.ENUMERATED["flights"]
    schedules = list(orders(3, 3))
    assert all(map(fine, schedules))
    fewer = [replace(one, workers=2) for one in schedules]
    assert not all(map(fine, fewer))


def test_established_says_how_many_orders():
    for lemma in flights.ENUMERATED:
        assert "532 arrival orders" in counting.established(lemma)


# the lemmas against exact expectations: who delivers next is decided by what is in flight


LAW = {Fraction(3): Fraction(1, 10), Fraction(-1, 3): Fraction(9, 10)}  # mean 0, variance 1
SIZES = {Fraction(-2): Fraction(1, 8), Fraction(2): Fraction(1, 8), Fraction(0): Fraction(3, 4)}  # the same
SIGNS = {Fraction(-1): Fraction(1, 2), Fraction(1): Fraction(1, 2)}
BETA = Fraction(1, 16)


def in_flight(workers, deliveries, policy, law):
    """Return E z_k^2 for k = 1..deliveries, f = 0, by enumerating all samples."""
    found = [Fraction(0)] * deliveries
    for drawn in product(law, repeat=workers + deliveries - 1):
        chance = Fraction(1)
        for one in drawn:
            chance *= law[one]
        flying, fresh = [(1, one) for one in drawn[:workers]], list(drawn[workers:])
        for number in range(1, deliveries + 1):
            flying.pop(policy([one for _, one in flying]))
            held = sum((BETA * (1 - BETA) ** (number - at) * one / (workers if at == 1 else 1) for at, one in flying),
                       Fraction(0))  # fmt: skip
            found[number - 1] += chance * held**2
            flying += [(number + 1, one) for one in fresh[:1]]
            del fresh[:1]
    return found


def right_sides(workers, deliveries):
    """Return beta^2 noises(k) of unit variance, for k = 1..deliveries."""
    found, last = [], Fraction(0)
    for number in range(1, deliveries + 1):
        last = (1 - BETA) ** 2 * last + (Fraction(1, workers) if number == 1 else 1)
        found.append(BETA**2 * last)
    return found


def largest_stays(flying):
    return flying.index(min(flying))


def large_sizes_stay(flying):
    return flying.index(min(flying, key=abs))


def smallest_sum_arrives(flying):
    """Half of the time by sign: no rule that looks at sizes alone."""
    return flying.index(max(flying)) if sum(flying) < 0 else flying.index(min(flying))


@pytest.mark.parametrize(("workers", "deliveries"), [(2, 5), (3, 4), pytest.param(3, 6, marks=pytest.mark.slow)])
def test_noise_in_flight_is_at_most_what_the_lemmas_say(workers, deliveries):
    most = right_sides(workers, deliveries)
    for law, policy in product((LAW, SIZES), (largest_stays, large_sizes_stay, smallest_sum_arrives)):
        found = in_flight(workers, deliveries, policy, law)
        assert all(one <= (workers - 1) * each for one, each in zip(found, most, strict=True))
        largest = max(map(abs, law))
        assert all(one <= ((workers - 1) * BETA * largest) ** 2 for one in found)
    oldest = in_flight(workers, deliveries, lambda flying: 0, LAW)
    assert all(one <= (workers - 1) * BETA**2 for one in oldest)
    sizes = in_flight(workers, deliveries, large_sizes_stay, SIZES)
    assert all(one <= each for one, each in zip(sizes, most, strict=True))


def test_what_is_refused_would_be_false():
    """Delays that see the sign break the other two lemmas; those that see sizes alone, the one for independent ones."""
    assert max(in_flight(3, 5, largest_stays, LAW)) > 2 * BETA**2
    assert max(in_flight(2, 6, large_sizes_stay, SIZES)) > BETA**2
    assert in_flight(4, 6, largest_stays, SIGNS)[-1] > Fraction(6, 5) * right_sides(4, 6)[-1]
