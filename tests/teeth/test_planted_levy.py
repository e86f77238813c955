"""Every planted method and count about momentum under data-dependent delays is seen; the truth is not."""

from dataclasses import replace
from fractions import Fraction

import pytest
from ratecheck.proofs.levy2026 import _flights, _policies, anytime_lemma, in_flight_variance, recursion, slope

from ratecheck.checks import exact
from ratecheck.core import shelf
from ratecheck.core.verdict import Verdict
from ratecheck.mutants.levy import MUTANTS


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_each_lie_is_caught_exactly(mutant):
    claim = shelf.claim(mutant.claim)
    lie = mutant.change(claim) if mutant.change else claim
    found = exact.check(mutant.claim, lie, mutant.cases, "test", method=mutant.files.get("method"))
    assert found.verdict is Verdict.REFUTED
    assert exact.check(mutant.claim, claim, mutant.cases, "test").verdict is Verdict.EXACT


def test_the_other_initial_weights_are_seen():
    claims = {"ordered_momentum": "ordered_momentum_initial_sum", "ordered_momentum_initial_sum": "ordered_momentum"}
    for name, other in claims.items():
        claim = shelf.claim(f"levy2026.{name}")
        assert exact.check("x", claim, [(2, 3)], "test", method=other).verdict is Verdict.REFUTED
        assert exact.check("x", claim, [(2, 3)], "test").verdict is Verdict.EXACT


def test_what_is_committed_in_order_is_not_what_has_arrived():
    for ours, plain in (("in_order", "async_mu2_sgd"), ("in_order_momentum", "ordered_momentum")):
        claim = shelf.claim(f"levy2026.{ours}")
        assert exact.check("x", claim, [(2, 3)], "test", method=plain).verdict is Verdict.REFUTED


def changed(name, which, slack):
    """Return a claim with another function for one of its counting facts."""
    claim = shelf.claim(f"levy2026.{name}")
    counting = tuple(replace(f, slack=slack) if i == which else f for i, f in enumerate(claim.counting))
    return replace(claim, counting=counting)


def one_for_m_minus_1(workers, t):
    """In-flight noise as if it were one noise of those drawn: sqrt(M - 1) lost."""
    law = _policies.one_sided(workers, t)
    return (workers + t - 1) * _policies.variance(law) - _flights.largest_in_flight(workers, t, law, _flights.unit)


def arrived_alone(workers, t):
    """The squares of what is back, for those of what was drawn."""
    law = _policies.one_sided(workers, t)
    most = _flights.largest_in_flight(workers, t, law, _flights.unit)
    return (workers - 1) * t * _policies.variance(law) - most


def no_penalty(workers, t):
    """The dividing line without what durations tell of: n sigma^2, whatever they tell."""
    law = {(z, Fraction(0)): chance for z, chance in _policies.SIGNS.items()}
    return workers + t - 1 - _policies.largest_when_seen(workers, t, law)


def half_the_bound(workers, t):
    """(M - 1)^2 sigma_inf^2/2 for bounded noise."""
    most = _flights.largest_in_flight(workers, t, _policies.SIGNS, _flights.unit)
    return Fraction((workers - 1) ** 2, 2) - most


def one_less(workers, t):
    """A delay cap of one less than the policy keeps to, with a weight that is 1 at the model this leaves out."""
    tau = workers
    most = _flights.largest_in_flight(workers, t, _policies.SIGNS, lambda k: Fraction(k == t - tau + 1), tau + 1)
    return -most


LIES = {
    "in_flight_variance": (1, one_for_m_minus_1),
    "in_flight_moments": (1, half_the_bound),
    "in_flight_delay_cap": (0, one_less),
    "dividing_line": (0, no_penalty),
}


@pytest.mark.parametrize(("name", "lie"), [*LIES.items(), ("in_flight_variance", (1, arrived_alone))])
def test_lies_about_noise_in_flight_are_seen(name, lie):
    which, slack = lie
    claim = replace(changed(name, which, in_flight_variance.by_size(slack)), cases=((2, 4), (3, 4), (4, 1), (4, 3)))
    found = exact.check("x", claim, [], "test")
    assert found.verdict is Verdict.REFUTED
    assert "slack" in found.summary


def test_a_lie_about_the_slope_of_a_smooth_function_is_seen():
    """L for 2 L: a quadratic has 2 L."""

    def half(worker, delay, workers):
        points = slope.iterates(tuple(worker), tuple(delay), workers, slope.quadratic)
        return min(slope.quadratic(x)[0] - slope.quadratic(x)[1] ** 2 for x in points)

    assert exact.check("x", changed("slope", 0, half), [(2, 3)], "test").verdict is Verdict.REFUTED


def test_the_anytime_lemma_needs_its_weights():
    """a_t = t^2 for t (t + 1)/2 is too much."""

    def square_weights(worker, delay, workers):
        xs, ws = anytime_lemma.path(tuple(worker), tuple(delay), workers, slope.huber, False)
        paid, slacks = Fraction(0), []
        for t, (x, w) in enumerate(zip(xs, ws, strict=True), 1):  # Huber is linear from 1 on
            paid += t * slope.huber(x)[1] * (w - 1)
            slacks.append(paid - t * t * (slope.huber(x)[0] - slope.huber(Fraction(1))[0]))
        return min(slacks)

    assert exact.check("x", changed("anytime_lemma", 0, square_weights), [(2, 3)], "test").verdict is Verdict.REFUTED


@pytest.mark.parametrize("method", ["polyak_momentum", "ordered_momentum_initial_sum"])
def test_the_recursion_of_the_error_is_that_of_ordered_momentum(method):
    claim = shelf.claim("levy2026.recursion")
    assert exact.check("x", claim, [(2, 3)], "test", method=method).verdict is Verdict.REFUTED


def test_the_recursion_needs_the_drift_of_the_gradient():
    """Without grad f(x_(t-1)) - grad f(x_t) it fails from the second delivery on."""
    claim = shelf.claim("levy2026.recursion")

    def no_drift(view):
        kept, lost = 1 - view.par["beta"], 0 * view.x
        for t in range(2, view.step + 1):
            lost = kept * (lost + recursion.slope(view, t - 1) - recursion.slope(view, t))
        return recursion.residual(view) + view.gamma * lost

    identity = replace(claim.identities[0], residual=no_drift)
    found = exact.check("x", replace(claim, identities=(identity,)), [], "test")
    assert found.verdict is Verdict.REFUTED
    assert "at step 2" in found.summary
