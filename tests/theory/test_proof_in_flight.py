"""The derivations about noise in flight: they go through, under their own policy alone, and changed ones do not."""

from dataclasses import replace

import numpy as np
import pytest
from ratecheck.proofs.levy2026 import _flight_proof, _told_proof
from sympy import Rational, Symbol

from ratecheck.checks import symbolic
from ratecheck.checks.steps import (
    Context,
    Refused,
    Undone,
    averages,
    degenerate,
    enumerated,
    flights,
    in_flight,
    late,
    machines,
    ordered,
    sequences,
)
from ratecheck.core import shelf
from ratecheck.core.assumption import POLICIES
from ratecheck.core.gram import square
from ratecheck.core.proof import Counting, Earlier, Expectation, Identity, Inequality, Triangle, eq, le
from ratecheck.core.schedule import Schedule
from ratecheck.core.setting import j, m, n, n_0, n_flying
from ratecheck.core.setting_flight import (
    FLIGHT,
    a,
    back,
    back_rest,
    drawn,
    drawn_told,
    drift,
    error,
    flight,
    n_back,
    rest,
    rest_0,
    told,
    told_0,
)
from ratecheck.core.symbols import K, M, k, sigma, tau_max
from ratecheck.core.verdict import Verdict
from ratecheck.engine.schedule import from_order
from tests.chains import proved, survivors, verdict

#: claim, and the largest policy that its derivation covers
OURS = {
    "in_flight_variance": "clairvoyant",
    "in_flight_moments": "clairvoyant",
    "in_flight_independent": "independent",
    "in_flight_mean_zero": "mean-zero given the duration",
    "dividing_line": "data-dependent",
    "step15_repaired": "clairvoyant",
    "recursion": "clairvoyant",
    "anytime_lemma": "clairvoyant",
    "slope": "clairvoyant",
}


#: the quick ones
LIGHT = ("in_flight_moments", "in_flight_mean_zero", "dividing_line", "slope")
ALL = [name if name in LIGHT else pytest.param(name, marks=pytest.mark.slow) for name in OURS]


@pytest.mark.parametrize("name", ALL)
def test_they_are_proved(name):
    found = symbolic.check(f"levy2026.{name}", shelf.CLAIMS.get(f"levy2026.{name}"), "test")
    assert found.verdict is Verdict.PROVED, found.summary


@pytest.mark.slow
@pytest.mark.parametrize(("name", "largest"), OURS.items())
def test_no_derivation_covers_a_larger_policy(name, largest):
    for policy in POLICIES:
        chain = verdict(f"levy2026.{name}", policy=policy)
        assert proved(chain) == (POLICIES.index(policy) <= POLICIES.index(largest)), (policy, chain.trusted)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["in_flight_variance", "in_flight_independent", "dividing_line", "step15_repaired"])
def test_what_is_assumed_is_needed(name):
    assert not proved(verdict(f"levy2026.{name}", assumptions=()))
    claim = shelf.CLAIMS.get(f"levy2026.{name}")
    for one in claim.assumptions:
        assert not proved(verdict(f"levy2026.{name}", assumptions=tuple(x for x in claim.assumptions if x != one)))


@pytest.mark.slow
@pytest.mark.parametrize("name", OURS)
def test_changed_steps_do_not_go_through(name):
    """A right side 9/10 as large, a certificate without one of its facts."""
    found, tried = survivors(f"levy2026.{name}")
    assert (found, tried > 0) == ([], True)


# single steps


def discharged(step, policy="clairvoyant", before=(), name="dividing_line"):
    """Return the fact of a step after others, under a policy."""
    claim = replace(shelf.CLAIMS.get(f"levy2026.{name}"), policy=policy)
    context = Context(claim, shelf.STEPSIZES.get(claim.stepsize), FLIGHT)
    for one in before:
        context.done[one.name] = symbolic._discharged(one, context)
    return symbolic._discharged(step, context).fact


FRESH = [(n(k), drawn(k)), (rest(k), told(k)), (rest_0(m), told_0(m))]
#: a sample that is not drawn after the sum; one of the sum itself; another sample's part; one that is chosen
STALE = [
    (n_0(m), drawn(k)), (told_0(m), drawn_told(k)), (n(k), drawn(k + 1)), (n(k), drawn(K)), (rest(k), told_0(m)),
    (rest_0(m), told(k)), (n(k), flight), (n(k), back), (n_flying(K, j), drawn(K)), (flight, drawn(K)),
    (back, drawn(K)), (n_back(a), flight), (told(k), drawn(k)), (n(k), n_0(m)), (error, drift),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), FRESH)
def test_a_sample_is_fresh_to_what_was_drawn_before_under_every_policy(one, other):
    for policy in POLICIES:
        assert discharged(Expectation("x", one, other), policy).right == 0


def test_what_a_duration_tells_is_fresh_where_it_depends_on_its_own_sample_alone():
    for policy in POLICIES[:-1]:
        assert discharged(Expectation("x", told(k), drawn_told(k)), policy).right == 0
    with pytest.raises(Refused, match="data-dependent"):
        discharged(Expectation("x", told(k), drawn_told(k)), POLICIES[-1])


@pytest.mark.parametrize(("one", "other"), STALE)
def test_and_nothing_is_said_of_others(one, other):
    for policy in POLICIES:
        with pytest.raises((Undone, Refused)):
            discharged(Expectation("x", one, other), policy)


#: sums and single noises, with the largest policy under which something is known
KNOWN = {
    drawn(1): "clairvoyant", drawn_told(1): "data-dependent", n(k): "clairvoyant", told(k): "clairvoyant",
    back_rest: "data-dependent", back: "mean-zero given the duration", flight: "independent",
    n_flying(K, j): "independent", n_back(a): "independent",
}  # fmt: skip


@pytest.mark.parametrize(("of", "largest"), KNOWN.items())
def test_second_moments_are_granted_up_to_a_policy(of, largest):
    for policy in POLICIES:
        if POLICIES.index(policy) <= POLICIES.index(largest):
            discharged(Expectation("x", of), policy)
        else:
            with pytest.raises(Refused, match=largest):
                discharged(Expectation("x", of), policy)


def test_what_is_told_is_a_number_only_for_additive_noise():
    step = Expectation("x", back_rest, drawn_told(K))
    assert discharged(step, "data-dependent").right == 0
    with pytest.raises(Refused):
        discharged(step, "clairvoyant")
    with pytest.raises(Undone, match="additive noise"):
        discharged(step, "data-dependent", name="in_flight_variance")


def test_what_holds_in_the_mean_is_not_multiplied_by_what_the_schedule_decides():
    variance = Expectation("variance", n(k))
    late = Inequality("late", le(tau_max * square(n(k)), tau_max * sigma**2), ((tau_max, "variance"),))
    discharged(late, "independent", [variance])
    with pytest.raises(Refused, match="random"):
        discharged(late, "data-dependent", [variance])
    with pytest.raises(Undone):
        discharged(Earlier("e", "variance"), "clairvoyant", [variance])


# the triangle inequality

_DRAWN, _FLYING = (
    Inequality("zero", le(0, sigma**2), ((sigma**2,),)),
    Expectation("one", n(k)),
)


def triangle(*parts, policy="clairvoyant"):
    return discharged(Triangle("t", parts), policy, (_DRAWN, _FLYING, Expectation("other", n_0(m))))


def test_the_triangle_inequality_takes_what_facts_say_and_no_more():
    found = triangle((n(k), sigma, "one"), (n_0(m), sigma, "other"))
    assert found == le(square(n(k) + n_0(m)), (2 * sigma) ** 2)
    wrong = [
        ((n(k), sigma, "one"),),  # one alone
        ((n(k), sigma / 2, "one"), (n_0(m), sigma, "other")),  # a smaller bound
        ((n(k), -sigma, "one"), (n_0(m), sigma, "other")),  # whose square is right
        ((n_0(m), sigma, "one"), (n_0(m), sigma, "other")),  # of another vector
        ((2 * n(k), sigma, "one"), (n_0(m), sigma, "other")),
        ((n(k), sigma, "zero"), (n_0(m), sigma, "other")),
        ((n(k), sigma, "none"), (n_0(m), sigma, "other")),
    ]
    for parts in wrong:
        with pytest.raises((Undone, Refused)):
            triangle(*parts)


def test_its_bounds_are_numbers():
    late = Inequality("late", le(square(n(k)), tau_max**2 * sigma**2), (("one",), (sigma**2, "zero")))
    with pytest.raises((Undone, Refused)):
        discharged(
            Triangle("t", ((n(k), tau_max * sigma, "late"), (n(k), sigma, "one"))), before=(_DRAWN, _FLYING, late)
        )
    with pytest.raises(Undone, match="nonnegative number"):
        triangle((n(k), Symbol("x", real=True), "one"), (n_0(m), sigma, "other"))


# counting


def small() -> Schedule:
    """Return a schedule of the engine with three workers."""
    return from_order(shelf.SCHEDULERS.get("async"), 3, np.array((0, 1, 2, 2, 0), dtype=np.int64))


@pytest.mark.parametrize("lemma", ["what is back", "flight", "arrivals", "drift"])
def test_counting_lemmas_hold_on_the_engine_and_their_inductions_go_through(lemma):
    assert in_flight.ENUMERATED[lemma](small())
    assert [one.fault() for one in in_flight.MACHINES[lemma]] == [""] * len(in_flight.MACHINES[lemma])


def test_no_lemma_has_the_name_of_another():
    """Tables of several files are joined: a name twice would put one lemma in place of another."""
    files = (ordered, sequences, flights, in_flight, averages, degenerate, late)
    for table in ("STATEMENTS", "MACHINES", "ENUMERATED"):
        names = [name for one in files for name in getattr(one, table, {})]
        assert len(names) == len(set(names))
    own = {*machines.MACHINES, *enumerated.ENUMERATED}
    assert not own & {name for one in files for name in getattr(one, "STATEMENTS", {})}


def test_what_is_wrong_of_the_drift_is_seen(monkeypatch):
    """With what is committed in order the error is something else; and so many gradients are not there."""
    monkeypatch.setattr(in_flight, "FLIGHT", replace(FLIGHT, method="async_mu2_sgd_in_order"))
    assert not in_flight.ENUMERATED["drift"](small())
    wrong = replace(in_flight.MACHINES["drift"][-1], zero=(in_flight.total_ - in_flight.step * in_flight.current,))
    assert wrong.fault()


def test_a_count_is_of_a_noise_that_the_setting_knows():
    for of in (drawn(k), n_0(m), back, n(k) + told(k)):
        with pytest.raises(Undone):
            discharged(Counting("c", "flight", {"of": of}))
    with pytest.raises(Undone):
        discharged(Counting("c", "arrivals", {"of": told(k)}))


# slips in the derivations


def steps_with(proof, name, **change):
    """Return the steps of a proof with one of them changed."""
    return tuple(replace(step, **change) if step.name == name else step for step in proof.steps)


def test_slips_do_not_go_through():
    right = {step.name: step for step in _flight_proof.VARIANCE.steps}
    slips = {
        "in flight": {"says": le(square(flight), (M - 1) * (K - 1) * sigma**2)},  # not the M that came first
        "pathwise": {"says": le(square(flight), _flight_proof.NOISES)},  # 1 for M - 1
        "drawn": {"says": le(square(drawn(K)), K * sigma**2)},
        "back": {"says": le(square(back), (1 + _flight_proof.ROOT**2) * (M + K - 1) * sigma**2)},  # no cross term
        "q": {"of": M - 2},
        "back is drawn less in flight": {"says": eq(square(back), square(drawn(K) + flight))},
    }
    for name, change in slips.items():
        assert name in right
        steps = steps_with(_flight_proof.VARIANCE, name, **change)
        assert not proved(verdict("levy2026.in_flight_variance", steps=steps)), name


@pytest.mark.slow
def test_smaller_constants_do_not_go_through():
    young = {"says": le(square(error), Rational(3, 2) * square(back) + Rational(3, 2) * square(drift))}
    steps = steps_with(_flight_proof.REPAIRED, "with a factor 2", **young)
    assert not proved(verdict("levy2026.step15_repaired", steps=steps))
    line = {"says": le(square(back), (M + K - 1) * (sigma + _flight_proof.ROOT * sigma) ** 2 / 2)}
    steps = steps_with(_told_proof.MIXED, "dividing line", **line)
    assert not proved(verdict("levy2026.dividing_line", steps=steps))


def test_a_proof_of_another_fact_is_not_one_of_the_claims():
    """The last step may say something true and say it of something else: of a fact that names no lemma it rests on."""
    claim = shelf.CLAIMS.get("levy2026.in_flight_variance")
    fact = replace(claim.counting[3], lemma="drift")
    chain = verdict("levy2026.in_flight_variance", counting=(*claim.counting[:3], fact))
    assert "not compared" in str(chain.trusted)
    with pytest.raises(Undone):
        discharged(Identity("x", eq(square(back), square(flight)), ("arrived",)))
