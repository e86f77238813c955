"""The derivations for asynchronous mu^2-SGD: proved as they are, not with one thing changed; and the steps' teeth."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

from ratecheck.checks import symbolic
from ratecheck.checks.steps import MEAN, Context, Outcome, Refused, Undone, averages
from ratecheck.core import shelf
from ratecheck.core.fact import le
from ratecheck.core.gram import square
from ratecheck.core.proof import Class, Counting, Martingale, Product
from ratecheck.core.setting import n
from ratecheck.core.setting_mu2 import MU2, arrived, drawn, drift, eps, gamma, q, sent, w
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import D, K, L, M, k, sigma, tau, tau_cap
from tests.chains import Shelf, orders, proved, survivors, verdict
from tests.teeth.planted import lie

ANY, INDEPENDENT, IN_ORDER_COMMIT, WINDOW, PATH = (
    f"levy2026.{name}" for name in ("theorem_convex", "theorem_convex_independent", "theorem_convex_in_order",
                                    "theorem_convex_window", "convex_path"))  # fmt: skip
POLICIES = shelf.CLAIMS.module("levy2026.worst_policy")._policies
SIGNS, largest_second_moment = POLICIES.SIGNS, POLICIES.largest_second_moment


def where(name, setting=None, **changes):
    """An empty context of a claim."""
    claim = replace(shelf.CLAIMS.get(name), **changes)
    return Context(claim, claim.stepsize, setting or symbolic.proof_of(name).setting)


def told(context, fact, name="premise", tags=frozenset()):
    """The context, with a fact."""
    context.done[name] = Outcome(fact, "told", tags=tags)
    return context


def discharge(step, context):
    return symbolic._discharged(step, context)


def without(name, word):
    return tuple(a for a in shelf.CLAIMS.get(name).assumptions if a.name != word)


def broken(chain):
    return {row["step"] for row in chain.rows if row["verdict"] != "PROVED"}


@pytest.mark.parametrize("name", [
    ANY, INDEPENDENT, *(pytest.param(n, marks=pytest.mark.slow) for n in (IN_ORDER_COMMIT, WINDOW, PATH)),
])  # fmt: skip
def test_the_theorems_are_derived(name):
    result = symbolic.check(name, shelf.CLAIMS.get(name), "test")
    assert result.verdict.name == "PROVED"
    assert not result.details["trusted"]
    assert not result.details["not_derived"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [ANY, INDEPENDENT, IN_ORDER_COMMIT, WINDOW, PATH])
def test_no_step_can_be_tightened_or_spared(name):
    left, tried = survivors(name)
    assert tried > 40
    assert not left


# what the theorems need


@pytest.mark.slow
def test_a_size_bias_is_not_for_nothing():
    """Delays that look at sizes have M - 1 squares more, and the constant for independent ones has no room for them."""
    assert not proved(verdict(INDEPENDENT, policy="mean-zero given the duration"))


@pytest.mark.parametrize("policy", ["data-dependent", "clairvoyant"])
def test_without_m_in_the_noise_delays_must_not_look_at_samples(policy):
    chain = verdict(INDEPENDENT, policy=policy)
    assert chain.false is not None
    assert chain.false[0] == "noise"
    assert "may select what has arrived" in chain.false[1]


def test_in_order_the_sum_is_a_martingale_under_every_policy_and_nothing_else_is():
    for policy in ("independent", "clairvoyant"):
        fact = discharge(Martingale("m", arrived(k)), where(IN_ORDER_COMMIT, policy=policy)).fact
        assert fact == le(square(arrived(k)), 4 * k * sigma**2)
        fact = discharge(Martingale("m", drawn(k)), where(ANY, policy=policy)).fact
        assert fact == le(square(drawn(k)), (M + k - 1) * sigma**2)
    # the sum of what has arrived is none, and a setting that says so is not the kernel's
    with pytest.raises(Refused, match="arrived"):
        discharge(Martingale("m", arrived(k)), where(ANY))
    lying = replace(MU2, roles={**MU2.roles, arrived(k): "committed"})
    with pytest.raises(Undone, match="order in which"):
        discharge(Martingale("m", arrived(k)), where(ANY, lying))
    for vector in (drift(k), eps(k), n(k), w(k), arrived(k + 1)):
        with pytest.raises(Undone, match="no noise"):
            discharge(Martingale("m", vector), where(ANY))


@pytest.mark.parametrize("word", ["finite sigma", "additive noise"])
def test_a_martingale_needs_its_variance_and_one_noise_for_both_points(word):
    with pytest.raises(Undone, match=word):
        discharge(Martingale("m", drawn(k)), where(ANY, assumptions=without(ANY, word)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "word", ["convex", "smooth", "finite L", "finite D", "finite sigma", "additive noise", "K >= M"]
)
def test_every_assumption_is_needed(word):
    assert not proved(verdict(INDEPENDENT, assumptions=without(INDEPENDENT, word)))


@pytest.mark.slow
def test_the_stepsize_is_as_large_as_the_step_allows():
    """1/(2LK) pays for the squares of slopes; 1/L, 1/(LK) or a noise branch twice as large do not."""
    noise = shelf.CLAIMS.get(INDEPENDENT).stepsize.branches["noise"].expr
    for cap in (1 / L, 1 / (L * K)):
        chain = verdict(INDEPENDENT, stepsize=Stepsize(cap=cap, noise=noise))
        assert "one step" in broken(chain)
    assert "1/gamma" in broken(verdict(INDEPENDENT, stepsize=Stepsize(cap=1 / (2 * L * K), noise=noise / 2)))
    assert "without gamma" in broken(verdict(INDEPENDENT, stepsize=Stepsize(cap=1 / (2 * L * K), noise=noise * 2)))


@pytest.mark.slow
def test_a_bound_with_the_square_of_K_for_the_sum_of_weights_is_not_derived():
    """Weights 1, 2, .. sum to (K+1)(K+2)/2 at x_(K+1), and not to (K+1)^2: half of the bound is not true."""
    steps = [
        replace(s, says=le(2 * s.says.left, s.says.right)) if s.name == "last step" else s
        for s in symbolic.proof_of(INDEPENDENT).steps
    ]
    assert "last step" in broken(verdict(INDEPENDENT, steps=steps))


def test_the_method_is_the_one_with_projection():
    assert "setting" in verdict(ANY, method="async_mu2_sgd").trusted
    assert "setting" in verdict(INDEPENDENT, method="async_mu2_sgd_in_order_box").trusted


# the second moments that are granted, against exact ones


def skew(workers, deliveries):
    p = Fraction(workers - 1, deliveries + workers - 1)
    return {-p / (1 - p): 1 - p, Fraction(1): p}


@pytest.mark.parametrize("case", [(2, 3), (3, 4), (5, 6), (9, 8)])
def test_what_is_granted_of_arrived_noise_holds_for_the_worst_policy_and_no_less_does(case):
    workers, deliveries = case
    for law in (SIGNS, skew(*case)):
        variance = sum(chance * z * z for z, chance in law.items())
        worst = largest_second_moment(workers, deliveries, law) / variance
        assert worst <= 2 * workers * (workers + deliveries - 1)
        assert worst > deliveries  # what independent delays have
    if workers == 9:  # Doob's bound is not one on what has arrived
        assert worst > 4 * deliveries


def largest_committed(workers, deliveries, law):
    """E S^2 of what is committed in order, at most, over all policies that see samples in flight; by enumeration."""

    def best(flying, held, done, total, left):
        """``flying``: (number, value) in flight; ``held``: arrived, not yet committed; ``done``: how many are."""
        if left == 0:
            return total * total
        found = []
        for one in range(len(flying)):
            number, value = flying[one]
            now, count, added = {**held, number: value}, done, total
            while count in now:
                added += now[count]
                count += 1
            rest = flying[:one] + flying[one + 1 :]
            new = max(max(i for i, _ in (*flying, *now.items())), count - 1) + 1
            found.append(sum(p * best((*rest, (new, z)), now, count, added, left - 1) for z, p in law.items()))
        return max(found)

    # the first sample of worker 0 is number 0; the other initial ones are numbers below 0, never committed
    def start(flying, m):
        if m == workers:
            return best(flying, {}, 0, Fraction(0), deliveries)
        return sum(p * start((*flying, (-m, z)), m + 1) for z, p in law.items())

    return start((), 0)


@pytest.mark.parametrize("case", [(2, 3), (2, 4), (3, 3)])
def test_what_is_granted_of_committed_noise_holds_for_the_worst_policy(case):
    for law in (SIGNS, {Fraction(-1, 3): Fraction(3, 4), Fraction(1): Fraction(1, 4)}):
        variance = sum(chance * z * z for z, chance in law.items())
        worst = largest_committed(*case, law) / variance
        assert worst <= 4 * case[1]
        assert worst >= Fraction(1, 2)


# the counting lemmas, against kernels with a lie


@pytest.mark.parametrize("name", ["mu2_last_sample", "mu2_square_weights", "mu2_plain_average"])
def test_a_kernel_with_a_lie_is_no_mu2(name, monkeypatch):
    assert all(averages._rows(s, "async_mu2_sgd", False) for s in orders())
    monkeypatch.setattr(averages, "shelf", Shelf(shelf.METHODS.get(lie(name))))
    assert not all(averages._rows(s, name, False) for s in orders())


def test_a_kernel_that_passes_gaps_commits_out_of_order(monkeypatch):
    assert all(averages._rows(s, "async_mu2_sgd_in_order", True) for s in orders())
    assert not all(averages._rows(s, "async_mu2_sgd", True) for s in orders())
    monkeypatch.setattr(averages, "shelf", Shelf(shelf.METHODS.get(lie("mu2_passes_gaps"))))
    assert not all(averages._rows(s, "mu2_passes_gaps", True) for s in orders())


def test_the_projection_is_compared(monkeypatch):
    for name, ordered in (("async_mu2_sgd_box", False), ("async_mu2_sgd_in_order_box", True)):
        assert all(averages._boxed(s, name, ordered) for s in orders())
        assert not all(averages._boxed(s, name, not ordered) for s in orders())
    assert not all(averages._boxed(s, "async_mu2_sgd", False) for s in orders())  # the box is met
    monkeypatch.setattr(averages, "HALF", Fraction(10**6))  # and without a box all is the same
    assert all(averages._boxed(s, "async_mu2_sgd", False) for s in orders())


# the steps' own teeth


def test_a_product_needs_both_sizes_to_be_numbers_that_hold():
    sizes = (3 * L * D, D)

    def context(*facts):
        found = where(ANY)
        for name, fact in zip(("a", "b"), facts, strict=True):
            told(found, fact, name)
        return found

    one, other = le(square(drift(k)), sizes[0] ** 2), le(square(w(k)), D**2)
    step = Product("p", drift(k), w(k), sizes, ("a", "b"))
    assert discharge(step, context(one, other)).fact.right == 3 * L * D**2
    for changed in (
        replace(step, sizes=(2 * L * D, D)), replace(step, sizes=(-3 * L * D, D)), replace(step, against=w(k + 1)),
        replace(step, of=eps(k)), replace(step, facts=("b", "a")),
    ):  # fmt: skip
        with pytest.raises(Undone):
            discharge(changed, context(one, other))
    with pytest.raises(Refused, match="random"):
        discharge(
            Product("p", drift(k), w(k), (tau * D, D), ("a", "b")), context(le(square(drift(k)), (tau * D) ** 2), other)
        )


def test_only_points_of_the_set_are_near_and_only_projections_are_projected():
    for of, at in (("diameter", ("w_k", "x*")), ("projection", ("w_k+1", "x*")), ("projection", ("w_k+1", "x_k"))):
        discharge(Class("c", of, at), where(ANY))
    with pytest.raises(Undone, match="projection of"):
        discharge(Class("c", "projection", ("w_k", "x*")), where(ANY))
    with pytest.raises(Undone, match="in the set"):
        discharge(Class("c", "diameter", ("w_k", "x*")), where(ANY, replace(MU2, inside=())))
    with pytest.raises(Undone, match="finite D"):
        discharge(Class("c", "diameter", ("w_k", "x*")), where(ANY, assumptions=without(ANY, "finite D")))
    fact = discharge(Class("c", "projection", ("w_k+1", "x*")), where(ANY)).fact
    assert sp.expand(fact.expr - square(w(k) - gamma * q(k)) + square(w(k + 1))) == 0


def test_what_holds_of_each_must_hold_on_every_run_and_be_about_what_is_sent():
    step = Counting("c", "in flight, each", {"of": "premise"})
    fact = le(square(sent(k)), D**2)
    assert str(discharge(step, told(where(ANY), fact)).fact.left) == "|sf(k, j)|^2"
    with pytest.raises(Undone, match="every run"):
        discharge(step, told(where(ANY), fact, tags=frozenset({MEAN})))
    for other in (le(square(sent(k)), k * D**2), le(square(sent(k)), square(w(k))), le(square(w(k)), D**2)):
        with pytest.raises(Undone, match="about s"):
            discharge(step, told(where(ANY), other))
    with pytest.raises(Undone):
        discharge(step, told(where(IN_ORDER_COMMIT), fact))


def test_what_is_missing_is_capped_where_the_claim_assumes_a_cap():
    step, fact = Counting("c", "missing", {"of": "premise", "size": 3 * D}), le(square(sent(k)), 9 * D**2)
    found = discharge(step, told(where(IN_ORDER_COMMIT), fact)).fact
    assert sp.expand(found.right - 9 * (tau_cap - 1) ** 2 * D**2) == 0
    with pytest.raises(Undone, match="at most"):
        discharge(replace(step, given={"of": "premise", "size": 2 * D}), told(where(IN_ORDER_COMMIT), fact))
    without_cap = told(where(IN_ORDER_COMMIT, assumptions=without(IN_ORDER_COMMIT, "finite tau_cap")), fact)
    with pytest.raises(Undone, match="cap"):
        discharge(step, without_cap)
    with pytest.raises(Undone):
        discharge(step, told(where(ANY), fact))


def test_a_cap_is_at_least_one_and_no_larger():
    from ratecheck.core.gram import slack_form

    assert slack_form(tau_cap - 1)[0]
    assert not slack_form(tau_cap - 2)[0]
    assert slack_form(K - tau_cap, {K: tau_cap})[0]
    assert not slack_form(K - tau_cap)[0]
    assert not slack_form(K - 2 * tau_cap, {K: tau_cap})[0]


def test_no_constant_of_the_noise_is_far_from_what_the_derivation_has():
    """Sum of the bounds at large K, by quadrature: 2 (1/2 + root) with the true roots; the claims round up."""
    steps = np.arange(1, 4097)
    for name, times, most in ((INDEPENDENT, steps, 5 / 2), (IN_ORDER_COMMIT, 4 * steps, 4)):
        true = 2 * (1 / 2 + np.sqrt(times).sum() / 4096**1.5)
        rhs = shelf.CLAIMS.get(name).outputs["last"].bound.rhs.terms["noise"]
        assert float(rhs.subs({sigma: 1, D: 1, K: 1})) == most
        assert true <= most <= 1.15 * true
