"""Planted derivations about momentum, mu^2-SGD and noise in flight: letters, samples, claims that are another thing.

Each test plants a lie that the kernel once let pass, says by what it is false, and has a control beside it.
"""

from dataclasses import replace
from itertools import product

import pytest
from sympy import Function, Integer, Rational, Symbol

from ratecheck.checks import symbolic
from ratecheck.checks.steps import FREELY, Context, Outcome, Refused, Undone
from ratecheck.checks.steps.written import stepsize_fault
from ratecheck.core import shelf
from ratecheck.core.assumption import Assumption, above_zero, at_most, fraction, has
from ratecheck.core.claim import Inequality as Bound
from ratecheck.core.claim import Statement
from ratecheck.core.formula import Formula
from ratecheck.core.gram import Ip, square
from ratecheck.core.proof import (
    Class,
    Counting,
    Expectation,
    Inequality,
    Product,
    Proof,
    Root,
    Rule,
    Telescope,
    Triangle,
    eq,
    le,
)
from ratecheck.core.setting import ASYNC, ghat, h, i, j, m, n, n_0, n_flying, t
from ratecheck.core.setting_flight import (
    FLIGHT,
    a,
    drawn,
    drawn_told,
    lately,
    power,
    power_0,
    power_flying,
    told,
    weight_0,
)
from ratecheck.core.setting_flight import weight as fixed
from ratecheck.core.setting_mu2 import MU2, sent, sent_flying, w
from ratecheck.core.setting_ordered import ORDERED, noises, powers, slopes, weight
from ratecheck.core.setting_ordered import power as drawn_power
from ratecheck.core.setting_ormo import ORMO
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import (
    D,
    Delta,
    G,
    K,
    L,
    M,
    beta,
    excess,
    k,
    mean_gradient_sq,
    sigma,
    sigma_inf,
    sigma_mu,
    sigma_r,
    tau_max,
)
from ratecheck.core.symbols import stepsize as gamma
from ratecheck.core.verdict import Verdict
from tests.chains import proved

MOMENTUM, RATE, CONVEX, LIPSCHITZ, ORMO_CLAIM, DIVIDING = (
    "levy2026.theorem_nonconvex", "levy2026.theorem_nonconvex_rate", "levy2026.theorem_convex",
    "mishchenko2022.theorem2", "ormo2024.theorem1_full_gradient", "levy2026.dividing_line",
)  # fmt: skip
FREE = Symbol("d", positive=True)
N, NOISE = Symbol("N", nonnegative=True), Ip(n(k), n(k))
VARIANCE = Expectation("variance", n(k))


def context(name, setting, **changes):
    claim = replace(shelf.CLAIMS.get(name), **changes)
    rule = claim.stepsize if isinstance(claim.stepsize, Stepsize) else shelf.STEPSIZES.get(claim.stepsize)
    return Context(claim, rule, setting)


def run(steps, where, *given):
    """Discharge steps after facts that are given for true, by name; return the last outcome."""
    where.done |= {name: Outcome(fact, "given") for name, fact in given}
    for step in steps:
        where.done[step.name] = symbolic._discharged(step, where)
    return where.done[steps[-1].name]


def refused(why, steps, where, *given, kind=Undone):
    with pytest.raises(kind, match=why):
        run(steps, where, *given)


def without(name, assumption):
    return tuple(one for one in shelf.CLAIMS.get(name).assumptions if one.name != assumption)


# letters


LETTERS = {
    **dict.fromkeys((slopes(k), noises(k), weight(k, j)), (MOMENTUM, ORDERED)),
    **dict.fromkeys((power(k), power_0(m), power_flying(j), fixed(k), weight_0(m), lately(k)), (DIVIDING, FLIGHT)),
}


@pytest.mark.parametrize("letter", LETTERS, ids=str)
def test_letters_of_a_setting_have_a_meaning(letter):
    """slopes(k) = 1 would bound the means in flight by (M - 1) beta^2, and every gradient by 1."""
    name, setting = LETTERS[letter]
    one = Rule("one", letter, says=eq(letter, 1), values={"only": Integer(1)})
    refused("has a meaning already", [one], context(name, setting))
    free = Function("free", nonnegative=True)(*letter.args)
    run([Rule("one", free, says=eq(free, 1), values={"only": Integer(1)})], context(name, setting))


def test_an_index_is_no_letter():
    """A delivery a = 1..K is 1 for K = 1 alone; and n of an induction is none of the indices either."""
    where = context(DIVIDING, FLIGHT)
    refused("has a meaning already", [Rule("one", a, says=eq(a, 1), values={"only": Integer(1)})], where)
    other = Symbol("a", nonnegative=True)
    refused("no free letter", [Telescope("it", le(0, other), other, K - 1)], where)
    run([Rule("one", FREE, says=eq(FREE, 1), values={"only": Integer(1)})], where)


@pytest.mark.parametrize(("name", "setting"), [(LIPSCHITZ, ASYNC), (MOMENTUM, ORDERED)], ids=["async", "ordered"])
def test_what_holds_for_every_number_does_not_hold_for_a_random_one(name, setting):
    """E[c |n|^2] <= c sigma^2 for every number c; c = tau_max is large where noise is, where large noise takes long."""
    root = Symbol("q", nonnegative=True)
    known = Inequality("known", le(0, tau_max), ((tau_max,),))
    define = {
        FREE: [Rule("letter", FREE, says=eq(FREE, tau_max), values={"only": tau_max})],
        root: [known, Root("letter", root, tau_max, "known")],
    }
    for letter, steps in define.items():
        times = Inequality("times", le(letter * NOISE, letter * sigma**2), ((letter, "variance"),))
        refused("was any number before", [VARIANCE, times, *steps], context(name, setting))
        refused("is random", [*steps, VARIANCE, times], context(name, setting), kind=Refused)
        run([VARIANCE, times], context(name, setting))
        run([*steps, VARIANCE, times], context(name, setting, policy="independent"))


def test_numbers_of_one_setting_may_be_anything_in_another():
    """lately(k) is fixed by k and K, for noise in flight; elsewhere it is a letter, as random as its value."""
    long = Rule("long", lately(k), says=eq(lately(k), t(k)), values={"only": t(k)})
    times = Inequality("times", le(lately(k) * NOISE, lately(k) * sigma**2), ((lately(k), "variance"),))
    refused("is random", [long, VARIANCE, times], context(LIPSCHITZ, ASYNC), kind=Refused)
    run([long, VARIANCE, times], context(LIPSCHITZ, ASYNC, policy="independent"))
    run([VARIANCE, times], context("levy2026.in_flight_variance", FLIGHT, policy="clairvoyant"))


# what is divided by


def test_nothing_is_divided_by_a_size_of_noise_that_may_be_0_or_a_momentum_of_0():
    for size in (sigma_mu, sigma_inf, sigma_r):
        refused("may be 0", [Inequality("it", le(0, 1 / size), ((1 / size,),))], context(DIVIDING, FLIGHT))
    step = Inequality("it", le(0, 1 / beta), ((1 / beta,),))
    refused("may be 0", [step], context(MOMENTUM, ORDERED, assumptions=without(MOMENTUM, "beta > 0")))
    run([step], context(MOMENTUM, ORDERED))
    run([step], context(RATE, ORDERED))  # chosen, and above 0


# moments of order r

MOMENTS = "levy2026.theorem_nonconvex_moments"
BELOW_1 = ("beta <= 1", le(beta, 1))


def powers_lemma(**given):
    return Counting("noise", "flights, power", {"below": "beta <= 1", "size": sigma_r, **given})


def test_moments_are_of_an_order_above_2():
    """Of order 1 say: |w n|^1 <= sigma_1 in the mean says nothing of squares."""
    for change in ({"assumptions": without(MOMENTS, "excess > 0")},
                   {"assumptions": (*without(MOMENTS, "excess > 0"), has("excess"))},
                   {"assumptions": (*without(MOMENTS, "excess > 0"),
                                    Assumption("excess > 0", "a lie", lambda facts: None))}):  # fmt: skip
        refused("excess > 0", [powers_lemma()], context(MOMENTS, ORDERED, **change), BELOW_1)
    run([powers_lemma()], context(MOMENTS, ORDERED), BELOW_1)


def test_the_moment_in_flight_is_not_that_of_a_sample_drawn():
    """Who is in flight is chosen by size: its moment is that of the largest of many."""
    where = context(MOMENTS, ORDERED)
    moment = Expectation("moment", drawn_power(k))
    most = sigma_r ** (2 + excess)
    run([moment, Inequality("sum", le(drawn_power(k), 2 * most), (("moment",), (most,)))], where)
    for of in (powers(k), power_flying(j), Ip(n_flying(k, j), n_flying(k, j))):
        refused("is no noise", [Expectation(f"moment of {of}", of)], where)


def test_beta_is_not_less_than_it_is():
    """With c = beta/2 the noise in flight would be 2^(1 - r) of what it is."""
    for lie in (le(beta, beta / 2), le(0, beta / 2), eq(beta, beta / 2)):
        steps = [powers_lemma(most=beta / 2, above="above")]
        if lie != le(beta, beta / 2):
            refused("does not say that beta", steps, context(MOMENTS, ORDERED), BELOW_1, ("above", lie))
    refused("no earlier step", [powers_lemma(most=beta / 2, above="above")], context(MOMENTS, ORDERED), BELOW_1)
    run([powers_lemma(most=2 * beta, above="above")], context(MOMENTS, ORDERED), BELOW_1, ("above", le(beta, 2 * beta)))


# numbers that a claim chooses

TINY = L * Delta / 10**9


def end_of(*steps):
    """Steps, the last of them an absurdity called "absurd", and the end that anything follows from."""
    end = Inequality("end", le(mean_gradient_sq, TINY), ((mean_gradient_sq, "absurd"),))
    return Proof(ORDERED, (*steps, end), {"uniform": {"bound": "end"}})


def tiny(**changes):
    says = {"uniform": Statement(Bound(Formula(mean_gradient_sq), Formula(TINY)))}
    return replace(shelf.CLAIMS.get(RATE), **{"outputs": says, "trivial": None, **changes})


CHOICES = {
    "zero": (beta, 0, 1 / beta, "not known to be positive"),  # x_0 is never left
    "negative": (beta, -4 * L * gamma, 1 / (4 * L * gamma), "not known to be positive"),
    "without noise": (beta, sigma * gamma * L / (sigma + G), 0, "not known to be positive"),
    "a constant": (Delta, 0, 1 / Delta, "no number of its method"),
    "the variance": (sigma, G * L * gamma, 0, "no number of its method"),
    "a count": (M, 0, 1 / M, "no number of its method"),
}


@pytest.mark.parametrize("which", CHOICES)
def test_a_claim_chooses_positive_numbers_of_its_method(which):
    """With beta = 0 the method never moves, and 1 <= 0 follows for a positive letter beta."""
    letter, formula, times, why = CHOICES[which]
    rule = Stepsize(cap=1 / (32 * L)).choosing(**{letter.name: formula})
    steps = [Rule("chosen", letter, says=eq(letter, formula))]
    absurd = Inequality("absurd", le(1, 0), ((-times, "chosen"),))
    chain = symbolic.checked(tiny(stepsize=rule), end_of(*steps, absurd))
    assert why in chain.trusted["stepsize"]
    assert not proved(chain)


def test_the_number_that_the_theorem_chooses_is_one():
    where = context(RATE, ORDERED)
    assert stepsize_fault(where, True) == ""
    run([Rule("chosen", beta, says=eq(beta, 4 * L * gamma))], where)


def test_a_number_that_is_chosen_is_not_assumed_to_be_anything():
    """Cells are held to an assumption with the method's default, 1/10 <= 1/8 for M = 1, and run with beta = 5."""
    small = at_most("beta", 1 / (8 * M))
    known = shelf.CLAIMS.get(RATE).assumptions
    steps = (
        Rule("chosen", beta, says=eq(beta, 5)), Class("small", "assumed", (small.name,)),
        Inequality("absurd", le(1, 0), (("small",), (1, "chosen"))),
    )  # fmt: skip
    rule = Stepsize(cap=1 / (32 * M * L)).choosing(beta=5)
    for one in (small, above_zero("beta"), fraction("beta"), has("beta")):
        chain = symbolic.checked(tiny(stepsize=rule, assumptions=(*known, one)), end_of(*steps))
        assert "assumes something of it" in chain.trusted["stepsize"]
        assert not proved(chain)


def test_an_assumption_between_constants_holds_the_runs_to_it():
    """Nothing asks the cells of this one for anything."""
    fake = Assumption("beta <= beta/2", "nothing", lambda facts: None, (beta, beta / 2, False))
    absurd = Inequality("absurd", le(1, 0), ((2 / beta, "half"),))
    steps = Class("half", "assumed", (fake.name,)), absurd
    claim = tiny(assumptions=(*shelf.CLAIMS.get(RATE).assumptions, fake))
    chain = symbolic.checked(claim, end_of(*steps))
    assert not proved(chain)
    assert "assumes no inequality" in chain.trusted["half"]
    real = at_most("beta", Rational(1, 2))
    run([Class("half", "assumed", (real.name,))], context(MOMENTUM, ORDERED, assumptions=(real,)))


def test_a_bound_for_fewer_delays_than_the_claim_covers_is_not_the_claim(monkeypatch):
    """A claim for clairvoyant delays says so of its bound; the sharper master inequality may be for some delays."""
    claim = shelf.CLAIMS.get("levy2026.theorem_nonconvex_rate_independent")
    proof = symbolic.proof_of("levy2026.theorem_nonconvex_rate_independent")
    monkeypatch.setattr(symbolic, "proof_of", lambda name: proof)
    monkeypatch.setattr(symbolic, "checked", lambda claim, proof: symbolic.Chain(proved={"uniform": ["bound"]}))
    says = claim.outputs["uniform"]
    narrow = {"uniform": replace(says, bound=replace(says.bound, policy="independent"))}
    assert symbolic.check("x", replace(claim, outputs=narrow), "test").verdict is Verdict.PROVED
    wide = symbolic.check("x", replace(claim, outputs=narrow, policy="clairvoyant"), "test")
    assert wide.verdict is Verdict.NOT_REFUTED
    assert "bound for independent delays" in wide.summary


# schedules


def test_what_was_sent_from_x_1_is_not_what_is_sent_now():
    """M = 3, k = 2, both others still at x_1, and 2 h(2) = h(1): 2 |s(1)|^2 is more than 3 |s(2)|^2 + |s(1)|^2."""
    where = context(CONVEX, MU2)
    attribute = {"attribute": square(sent(k))}
    refused("attribute of a hand-out", [Counting("it", "handed out", attribute)], where)
    windows = {**attribute, "weight": Integer(1), "cap": Integer(1), "below": "one"}
    refused("attribute of a hand-out", [Counting("it", "windows", windows)], where, ("one", le(1, 1)))
    run([Counting("it", "handed out", {"attribute": NOISE})], where)
    half = replace(MU2, flying={**MU2.flying, sent(k): sent_flying(k, j)})
    refused("of an initial hand-out", [Counting("it", "handed out", attribute)], context(CONVEX, half))


def test_one_worker_is_no_bound_for_every_m():
    """With M = 2 the gradient that is delivered is not the newest one; the cases of a bound say nothing of its M."""
    alone = Counting("alone", "one worker, u")
    refused("about more", [alone], context(ORMO_CLAIM, ORMO, cases=((1, 4),)))
    run([alone], context("ormo2024.one_worker", ORMO))


def test_what_holds_of_each_sent_and_an_earlier_one_does_not_hold_of_what_is_in_flight():
    """What is in flight at k was sent at some i' <= k, and not every i < k is before i'."""
    where = context(CONVEX, MU2)
    pair = "pair", le(square(sent(k)), L**2 * square(w(i)))
    refused("alone", [Counting("it", "in flight, each", {"of": "pair"})], where, pair)
    one = "one", le(square(sent(k)), L**2 * D**2)
    run([Counting("it", "in flight, each", {"of": "one"})], where, one)


def test_two_vectors_that_are_bounded_for_each_of_no_workers_bound_no_sum():
    facts = (
        ("far", le(square(h(1) - sent_flying(k, j)), (L * D) ** 2)),
        ("sent", le(square(sent_flying(k, j)), L**2 * D**2)),
    )
    parts = (h(1) - sent_flying(k, j), L * D, "far"), (sent_flying(k, j), L * D, "sent")
    refused("there may be no j", [Triangle("it", parts)], context(CONVEX, MU2), *facts)
    run([Triangle("it", (parts[0], (2 * sent_flying(k, j), 2 * L * D, "more")))], context(CONVEX, MU2), *facts,
        ("more", le(square(2 * sent_flying(k, j)), (2 * L * D) ** 2)))  # fmt: skip
    size = t(k) + Function("tf", positive=True)(k, j)
    facts = ("one", le(square(h(k)), size**2)), ("two", le(square(h(1)), 1 / size**2))
    absurd = Product("it", h(k), h(1), (size, 1 / size), ("one", "two"))
    refused("there may be no j", [absurd], context(CONVEX, MU2, policy="independent"), *facts)


def test_a_number_below_a_letter_of_each_of_no_workers_is_not_positive():
    """2 <= x for each of M - 1 workers says nothing of x for M = 1; else 1/x would be a denominator."""
    each = Function("tf", positive=True)(k, j)
    low = "low", le(each, M - 1 + each - each)
    step = Inequality("it", le(0, 1 / (M - 1)), ((1 / (M - 1),),))
    refused("may be 0", [step], context(CONVEX, MU2), low)
    run([step], context(CONVEX, MU2), ("low", le(1, M - 1)))


# expectations


def test_what_durations_tell_is_no_martingale_where_they_copy_other_samples():
    """Two workers, signs z; the second duration is z of its own sample or that of the first, half of the time each."""
    for steps in ([Expectation("it", told(k), drawn_told(k))], [Expectation("it", drawn_told(1))]):
        refused("at most, and the claim covers", steps, context(DIVIDING, FLIGHT, policy="clairvoyant"), kind=Refused)
        run(steps, context(DIVIDING, FLIGHT))
    for steps in ([Expectation("it", n(k), drawn(k))], [Expectation("it", drawn(1))]):
        run(steps, context(DIVIDING, FLIGHT, policy="clairvoyant"))


def copied():
    """Return E|told_1|^2, E|told_2|^2 and E|told_1 + told_2|^2, exactly, by looking at all that can happen."""
    cases, one, two, both = list(product((-1, 1), (-1, 1), (0, 1), (0, 1), (-1, 1))), 0, 0, 0
    seen = [(x if own else coin, y if fresh else x, x, y) for x, y, own, fresh, coin in cases]

    def mean(which, duration):
        of = [case[2 + which] for case in seen if case[which] == duration]
        return Rational(sum(of), len(of))

    for first, second, _, _ in seen:
        parts = mean(0, first), mean(1, second)
        one, two, both = one + parts[0] ** 2, two + parts[1] ** 2, both + sum(parts) ** 2
    return [Rational(value) / len(seen) for value in (one, two, both)]


def test_the_counterexample_to_what_durations_tell():
    one, two, both = copied()
    assert (one, two, both) == (Rational(1, 4), Rational(1, 4), Rational(5, 8))
    assert both > one + two


def test_a_sample_that_is_looked_at_twice_has_one_noise_where_it_is_the_same_at_every_point():
    """Else what is sent has the noise k n(x_k) - (k - 1) n(x_(k-1)), up to 2 k - 1 times as long; from x_1, n(x_1)."""
    for of in (n(k), n_0(m)):
        step, differs = [Expectation("it", of)], context(CONVEX, MU2, assumptions=without(CONVEX, "additive noise"))
        if of == n(k):
            refused("additive noise", step, differs)
        else:
            run(step, differs)
        run(step, context(CONVEX, MU2))
    where = context("levy2026.theorem_convex_independent", MU2, assumptions=without(CONVEX, "additive noise"))
    refused("additive noise", [Expectation("it", n_flying(k, j))], where)


def test_final_stepsizes_in_sizes_are_numbers_where_all_gradients_count_alike():
    """Under R0 the final stepsize is 0 for what is in flight at the end, which may tell of its noise."""
    given = "bounded", le(square(ghat(k) * h(k)), (ghat(k) * G) ** 2)
    step = Product("it", ghat(k) * h(k), n(k), (ghat(k) * G, sigma), ("bounded", "variance"))
    assert FREELY in run([VARIANCE, step], context(LIPSCHITZ, ASYNC), given).tags
    assert FREELY not in run([VARIANCE, step], context(LIPSCHITZ, ASYNC, policy="independent"), given).tags
