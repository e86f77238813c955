"""Planted lies about noise that differs from point to point: in derivations, kernels, declared constants, claims."""

from dataclasses import replace

import pytest
from sympy import Rational, Symbol, sqrt

from ratecheck.checks.preconditions.challenge import challenge_problem
from ratecheck.checks.preconditions.preconditions import contradiction
from ratecheck.checks.steps import MEAN, Refused, Undone, averages
from ratecheck.core import shelf
from ratecheck.core.cell import Cell
from ratecheck.core.claim import additive_noise, has
from ratecheck.core.fact import le
from ratecheck.core.gram import square
from ratecheck.core.part import Part
from ratecheck.core.proof import Class, Expectation, Inequality, Martingale, Power, Rule, eq
from ratecheck.core.setting import j, m, n, n_0, n_flying
from ratecheck.core.setting_mu2 import IN_ORDER, MU2, arrived, drawn, noise_change, noise_here, power, w, y
from ratecheck.core.symbols import D, K, M, k, sigma, sigma_L, tau_cap, tau_max
from ratecheck.engine.build import build
from ratecheck.errors import AssumptionError
from tests.chains import Shelf, orders
from tests.teeth.planted import lie
from tests.teeth.test_planted_levy_proofs import context, refused, run, without

ANY, INDEPENDENT, MEAN_ZERO, COMMIT = (
    f"levy2026.theorem_convex_lipschitz_noise{name}" for name in ("", "_independent", "_mean_zero", "_in_order")
)
SENT = sigma + 2 * sigma_L * D
NAMES = ("w_k+1 beside x_k", "next move", "noise of a sample", "change of its noise", "change, k times",
         "sum of the two", "noise sent", "variance", "noise sent from x_1", "variance at x_1")  # fmt: skip
STEPS = {step.name: step for step in shelf.CLAIMS.module(ANY).PROOF.steps if step.name in NAMES}
SAID = ("variance", le(square(n(k)), SENT**2)), ("variance at x_1", le(square(n_0(m)), SENT**2))
EACH = ("variance", "variance at x_1")


def changed(**steps):
    """The steps to the variance of what is sent, some of them with other fields; names have _ for spaces."""
    return [replace(step, **steps.get(name.replace(" ", "_").replace(",", ""), {})) for name, step in STEPS.items()]


# the variance of what is sent


def test_the_variance_is_derived_as_it_is_and_holds_in_expectation():
    outcome = run(changed()[:8], context(ANY, MU2))
    assert outcome.fact == le(square(n(k)), SENT**2)
    assert MEAN in outcome.tags
    assert run(changed(), context(ANY, MU2)).fact == le(square(n_0(m)), SENT**2)


@pytest.mark.slow
def test_the_variance_is_derived_in_order_too():
    assert run(changed()[:8], context(COMMIT, IN_ORDER)).fact == le(square(n(k)), SENT**2)


LIES = (
    2 * sigma**2 + sigma_L**2 * D**2, sigma**2 + 4 * sigma_L**2 * D**2, sigma**2, 2 * sigma**2 + 4 * sigma_L**2 * D**2,
    (sigma + sigma_L * D) ** 2, (sigma + 2 * sigma_L * D / sqrt(K)) ** 2,
)  # fmt: skip


@pytest.mark.parametrize("most", [LIES[0], *(pytest.param(lie, marks=pytest.mark.slow) for lie in LIES[1:])], ids=str)
def test_a_smaller_variance_is_false(most):
    """1 and 4 for 8 (Young), no cross term, the noise of one sample alone, moves half as long and shorter."""
    given = [("sum of the two", le(square(noise_here(k) + k * noise_change(k)), SENT**2))]
    given += [("noise sent", eq(square(n(k)), square(noise_here(k) + k * noise_change(k))))]
    step = replace(STEPS["variance"], says=le(square(n(k)), most))
    refused("false at|not nonnegative", [step], context(ANY, MU2), *given, kind=(Refused, Undone))
    run([STEPS["variance"]], context(ANY, MU2), *given)


def test_the_variance_is_below_that_of_youngs_inequality():
    young = 2 * sigma**2 + 8 * sigma_L**2 * D**2
    step = Inequality("it", le(square(n(k)), young), (("variance",), (Power(sigma - 2 * sigma_L * D),)))
    run([step], context(ANY, MU2), SAID[0])
    lower = replace(step, says=le(square(n(k)), young - sigma_L**2 * D**2))
    refused("not nonnegative", [lower], context(ANY, MU2), SAID[0])


def test_the_pieces_are_what_they_are():
    where = lambda: context(ANY, MU2)  # noqa: E731
    small = {"says": le(square(k * noise_change(k)), (sigma_L * D) ** 2)}
    refused("not nonnegative", changed(change_k_times=small), where())
    parts = STEPS["sum of the two"].parts
    half = {"parts": (parts[0], (parts[1][0], sigma_L * D, parts[1][2]))}
    refused("mean square", changed(sum_of_the_two=half), where())
    near = replace(STEPS["next move"], says=eq(square(y(k + 1) - y(k)), 4 * square(w(k + 1) - y(k)) / (k + 3) ** 2))
    refused("differ by", [near], where())
    for wrong in (noise_here(k) + noise_change(k), noise_here(k), noise_here(k) - k * noise_change(k)):
        step = replace(STEPS["noise sent"], says=eq(square(n(k)), square(wrong)))
        refused("differ by", [step], where())


@pytest.mark.parametrize("of", [n(k), n_flying(k, j), arrived(k), noise_here(k + 1), noise_change(1), drawn(k)])
def test_no_variance_is_granted_of_what_is_sent_in_flight_or_back(of):
    """n(k) has the variance of a sample under additive noise alone, and xi and xc are looked at when drawn."""
    refused("additive noise", [Expectation("it", of)], context(INDEPENDENT, MU2))


@pytest.mark.parametrize(("of", "word"), [(noise_here(k), "sigma"), (noise_change(k), "sigma_L"), (n_0(m), "sigma")])
def test_each_variance_needs_its_constant(of, word):
    for policy in ("independent", "clairvoyant"):
        assert MEAN in run([Expectation("it", of)], context(ANY, MU2, policy=policy)).tags
    lacking = context(ANY, MU2, assumptions=without(ANY, f"finite {word}"))
    refused(f"finite {word}$", [Expectation("it", of)], lacking)


def test_additive_noise_is_not_lipschitz_noise_and_the_other_way_round():
    """With one noise for both points sigma_L is not spoken of; without it n(k) is no sample's noise."""
    plain = replace(shelf.CLAIMS.get(ANY), assumptions=(*shelf.CLAIMS.get(ANY).assumptions, additive_noise()))
    where = context(ANY, MU2, assumptions=plain.assumptions)
    assert run([Expectation("it", n(k))], where).fact == le(square(n(k)), sigma**2)
    refused("additive noise", [Expectation("it", n(k))], context(ANY, MU2))
    refused("additive noise", [Martingale("it", drawn(k))], context(ANY, MU2))


def test_a_longest_noise_is_that_of_a_sample_and_not_of_what_is_sent():
    """Sent from x_k is k n(x_k) - (k - 1) n(x_(k-1)): up to 2 k - 1 times as long."""
    both = (*shelf.CLAIMS.get(ANY).assumptions, has("sigma_inf"))
    step = [Class("it", "bounded noise", ("in flight",))]
    refused("additive noise", step, context(ANY, MU2, assumptions=both))
    run(step, context(ANY, MU2, assumptions=(*both, additive_noise())))


# sums of what is sent


SUMS = {ANY: (MU2, drawn(k), M + k - 1), INDEPENDENT: (MU2, arrived(k), k), MEAN_ZERO: (MU2, arrived(k), M + k - 1),
        COMMIT: (IN_ORDER, arrived(k), 4 * k)}  # fmt: skip


@pytest.mark.parametrize("name", [ANY, INDEPENDENT, MEAN_ZERO, pytest.param(COMMIT, marks=pytest.mark.slow)])
def test_a_sum_has_as_many_variances_as_samples(name):
    setting, of, number = SUMS[name]
    fact = run([Martingale("it", of, EACH)], context(name, setting), *SAID).fact
    assert (fact.left, (fact.right - number * SENT**2).expand()) == (square(of), 0)


@pytest.mark.parametrize("policy", ["mean-zero given the duration", "data-dependent", "clairvoyant"])
def test_delays_that_select_have_no_sum_of_what_is_back(policy):
    step = [Martingale("it", arrived(k), EACH)]
    if policy == "mean-zero given the duration":  # it is of more samples
        assert run(step, context(INDEPENDENT, MU2, policy=policy), *SAID).fact.right.has(M)
    else:
        refused("select", step, context(INDEPENDENT, MU2, policy=policy), *SAID, kind=Refused)
    run(step, context(INDEPENDENT, MU2), *SAID)


def test_the_variances_of_a_sum_are_one_number_said_of_what_is_sent():
    step = Martingale("it", drawn(k), EACH)
    sent, first = SAID

    def lies(*facts, each=EACH, kind=Undone, why="at most one number"):
        refused(why, [replace(step, each=each)], context(ANY, MU2), *facts, kind=kind)

    lies(("variance", le(square(n(k)), k * SENT**2)), first)
    lies(("variance", le(square(noise_here(k)), SENT**2)), first)
    lies(("variance", le(square(n(k)), square(n_0(m)))), first)
    lies(("variance", le(2 * square(n(k)), SENT**2)), first)
    lies(("variance", eq(square(n(k)), SENT**2)), first)
    lies(sent, first, each=EACH[::-1])
    lies(("variance", le(square(n(k)), sigma**2)), first, why="same bound")
    lies(sent, ("variance at x_1", le(square(n_0(m)), Rational(1, 2) * SENT**2)), why="same bound")
    lies(sent, first, each=EACH[:1], why="one about n0")
    lies(sent, each=EACH, why="no earlier step")
    random = SENT**2 * tau_max
    both = ("variance", le(square(n(k)), random)), ("variance at x_1", le(square(n_0(m)), random))
    lies(*both, kind=Refused, why="random")
    run([step], context(ANY, MU2), *SAID)


def test_a_variance_is_no_moment_and_a_cap_is_still_assumed():
    refused("says nothing", [Martingale("it", power(k), EACH)], context(ANY, MU2), *SAID)
    late = [Martingale("it", n_flying(k, j), EACH)]
    refused("finite tau_cap", late, context(ANY, MU2), *SAID)
    capped = context(ANY, MU2, assumptions=(*shelf.CLAIMS.get(ANY).assumptions, has("tau_cap")))
    assert run(late, capped, *SAID).fact.right.equals((M + tau_cap - 2) * SENT**2)


def test_a_mean_square_is_none_of_every_run():
    """What is added up in expectation may not be multiplied by what delays decide."""
    facts = run([Martingale("all", drawn(k), EACH)], context(ANY, MU2), *SAID)
    assert MEAN in facts.tags
    where = context(ANY, MU2)
    run([Martingale("all", drawn(k), EACH)], where, *SAID)
    most = tau_max * (M + k - 1) * SENT**2
    times = Inequality("it", le(tau_max * square(drawn(k)), most), ((tau_max, "all"),))
    refused("is random", [times], where, kind=Refused)


def test_a_free_letter_is_no_variance_that_comes_to_mean_something():
    """A fact for every number d is one in expectation about numbers; d is none that delays decide later."""
    free = Symbol("d", positive=True)
    facts = ("variance", le(square(n(k)), free)), ("variance at x_1", le(square(n_0(m)), free))
    assert run([Martingale("it", drawn(k), EACH)], context(ANY, MU2), *facts).fact.right.has(free)
    late = Rule("letter", free, says=eq(free, tau_max), values={"only": tau_max})
    refused("was any number before", [Martingale("it", drawn(k), EACH), late], context(ANY, MU2), *facts)


# kernels


@pytest.mark.parametrize("name", ["mu2_last_sample", "mu2_square_weights"])
def test_a_kernel_that_sends_another_thing_is_caught(name, monkeypatch):
    assert all(averages._rows(s, "async_mu2_sgd", False) for s in orders())
    monkeypatch.setattr(averages, "shelf", Shelf(shelf.METHODS.get(lie(name))))
    assert not all(averages._rows(s, name, False) for s in orders())


def test_the_noise_of_the_runs_in_exact_numbers_differs_from_point_to_point():
    at_0, at_1 = ([averages._slope([x, x], hand_out) for hand_out in range(6)] for x in (0, 1))
    changes = {tuple(b - a for a, b in zip(*pair, strict=True)) for pair in zip(at_0, at_1, strict=True)}
    assert len(changes) > 3


def test_a_second_look_that_is_no_look_of_its_own_is_caught(monkeypatch):
    """Under additive noise q has the same noise where the second gradient is at the first point, weighted by 0."""
    plain = shelf.METHODS.get("async_mu2_sgd_box")

    def query(server, worker, gamma, out):
        for i in range(out.shape[1]):
            out[0, i] = out[1, i] = server.x[0, i]

    assert all(averages._boxed(s, "async_mu2_sgd_box", False) for s in orders())
    monkeypatch.setattr(averages, "shelf", Shelf(replace(plain, query=query)))
    assert not all(averages._boxed(s, "async_mu2_sgd_box", False) for s in orders())


# constants


def lying(name, factor):
    known = shelf.PROBLEMS.get(name)

    def make(par, constants, key):
        found = known.make(par, constants, key)
        return replace(found, constants={**found.constants, "sigma_L": factor * found.constants["sigma_L"]})

    return replace(known, make=make)


@pytest.mark.parametrize(("name", "factor"), [("least_squares", 0.999), ("logistic", 0.7)])
def test_a_rate_of_change_that_is_too_small_is_seen(name, factor):
    """Of least squares it is exact; of logistic rows the square of a mean is left out, and curvature is at most 1/4."""
    par = {"rows": 20, "dimension": 3, "batch": 2}
    assert challenge_problem(lying(name, 1), par) == []
    (fault,) = challenge_problem(lying(name, factor), par)
    assert "sigma_L" in fault
    assert "noise of rows that changes at rate" in fault


@pytest.mark.slow
def test_what_a_cell_declares_by_hand_is_measured():
    claim = shelf.CLAIMS.get(ANY)
    rows = Part("logistic", {"rows": 16, "dimension": 2, "batch": 2})

    def built(**constants):
        cell = Cell(rows, Part("rows", {}), Part("round_robin", {}), 2, 64, None, "last", constants=constants)
        return build(cell, 3, method=claim.method, scheduler="async", stepsize=claim.stepsize, failing=claim.failing)

    known = built()
    assert known.constants["sigma_L"] > 0
    assert contradiction(known) is None
    assert contradiction(built(sigma_L=2.0)) is None
    assert "sigma_L = 0, but the noise of sampled rows changes" in contradiction(built(sigma_L=0.0))


def test_a_cell_without_the_constant_is_left_out():
    claim, one = shelf.CLAIMS.get(ANY), Part("two_worlds", {"shape": "linear", "world": "A"})
    cell = Cell(one, Part("rows", {}), Part("round_robin", {}), 2, 64, None, "last", constants={"L": 1.0})
    with pytest.raises(AssumptionError):
        build(cell, 3, method=claim.method, scheduler="async", stepsize=claim.stepsize, failing=claim.failing)
    worlds = replace(cell, problem=Part("two_worlds", {"world": "A"}), constants={})
    found = build(worlds, 3, method=claim.method, scheduler="async", stepsize=claim.stepsize, failing=claim.failing)
    assert found.constants["sigma_L"] == 0.0  # rows, and one noise for every point all the same
    plain = replace(cell, problem=Part("quadratic", {}), noise=Part("gaussian", {}), sigma=1.0, constants={})
    found = build(plain, 3, method=claim.method, scheduler="async", stepsize=claim.stepsize, failing=claim.failing)
    assert found.constants["sigma_L"] == 0.0
