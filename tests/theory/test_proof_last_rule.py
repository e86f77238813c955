"""Derivations of Theorem 3 under RL, of Lemma 2, orthogonality and the counts; the steps that they need; lies."""

from dataclasses import replace

import numpy as np
import pytest
from sympy import Integer, Rational, Sum, Symbol, preorder_traversal, sqrt

from ratecheck.checks import symbolic
from ratecheck.checks.steps import Context, Refused, Undone, counting, enumerated, machines
from ratecheck.checks.symbolic import _discharged, proof_of
from ratecheck.core import shelf
from ratecheck.core.gram import Ip, square
from ratecheck.core.proof import Class, Counting, Earlier, Inequality, Telescope, Total, le
from ratecheck.core.setting import delta, ghat, h_virtual, i, phi, s, u, z
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, k, sigma
from ratecheck.core.symbols import tau as delay
from ratecheck.core.verdict import Verdict
from ratecheck.engine.orders import arrival_orders
from ratecheck.engine.schedule import from_order
from tests.chains import proved, survivors, verdict

CONVEX, NONCONVEX, LEMMA2, T1 = (
    f"mishchenko2022.{n}" for n in ("theorem3_convex", "theorem3_nonconvex", "lemma2", "theorem1")
)
WHOLE = [CONVEX, NONCONVEX, LEMMA2, T1, *(f"mishchenko2022.{n}" for n in ("orthogonality", "counting", "table2"))]
LEMMAS = ["windows before k", "handed out", "earlier", "unused", "arrived", "later", "number of later", "later weights",
          "largest"]  # fmt: skip
N = Symbol("N", nonnegative=True)


def context(name=CONVEX):
    claim = shelf.CLAIMS.get(name)
    return Context(claim, shelf.STEPSIZES.get(claim.stepsize), proof_of(name).setting)


def upto(name, last):
    """A context in which the steps of a claim's own proof before ``last`` are done, and the step ``last``."""
    where = context(name)
    for step in proof_of(name).steps:
        if step.name == last:
            return where, step
        where.done[step.name] = _discharged(step, where)
    raise AssertionError(f"{name} has no step {last}")


def swapped(name, step, **changes):
    """Check a claim's proof with one step changed."""
    steps = [replace(one, **changes) if one.name == step else one for one in proof_of(name).steps]
    assert any(one.name == step for one in steps)
    return verdict(name, steps=steps)


@pytest.mark.parametrize("name", WHOLE)
def test_everything_is_derived(name):
    result = symbolic.check(name, shelf.CLAIMS.get(name), "test")
    assert result.verdict is Verdict.PROVED, result.summary
    assert result.details["not_derived"] == []
    assert result.details["trusted"] == {}


# one change at a time


@pytest.mark.parametrize("name", [LEMMA2])
def test_no_step_of_a_lemma_can_be_changed(name, monkeypatch):
    monkeypatch.setattr("ratecheck.checks.steps.search.TRIES", 0)
    found, tried = survivors(name)
    # what no end of a lemma needs may be changed into something weaker: these lead to the printed form
    needed = symbolic._needed(proof_of(name), proof_of(name).proves)
    assert [one for one in found if one[0] in needed] == []
    assert tried >= 30


@pytest.mark.parametrize(
    ("name", "step", "less"),
    [
        (CONVEX, "weights RL", {Rational(3, 4): Rational(4, 5)}),
        (CONVEX, "each value", {B**2: B**2 * Rational(9, 10)}),
        (CONVEX, "in c RL", {Rational(11, 12): Rational(10, 12)}),
        (CONVEX, "bound RL", {Rational(11, 4): Rational(10, 4)}),
        (CONVEX, "bound RL", {Rational(11, 3): Rational(10, 3)}),
        (CONVEX, "a quarter", {Rational(1, 4): Rational(1, 5)}),
        (NONCONVEX, "weights RL", {Rational(1, 2): Rational(3, 5)}),
        (NONCONVEX, "each slope", {Integer(3): Rational(29, 10)}),
        (NONCONVEX, "in c RL", {Rational(11, 2): Integer(5)}),
        (NONCONVEX, "bound RL", {Rational(61, 4): Integer(15)}),
        (NONCONVEX, "bound RL", {Integer(11): Integer(10)}),
    ],
)
def test_smaller_constants_are_not_derived(name, step, less, monkeypatch):
    monkeypatch.setattr("ratecheck.checks.steps.search.TRIES", 0)
    says = next(one.says for one in proof_of(name).steps if one.name == step)
    changed = le(says.left.xreplace(less), says.right.xreplace(less))
    assert changed != says
    chain = swapped(name, step, says=changed)
    assert step in chain.trusted or chain.false[0] == step, "z3, where it is installed, finds numbers"


@pytest.mark.parametrize(
    ("name", "step", "plain"),
    [
        (CONVEX, "in flight before k", "handed out"),
        (CONVEX, "gradients before k", "window, earlier"),
        (CONVEX, "value", "error without noise"),
        (CONVEX, "each value", "squares before k"),
        (CONVEX, "weights RL", "later delays"),
        (NONCONVEX, "each slope", "slope and value"),
        (NONCONVEX, "each slope", "crowds before k"),
        (NONCONVEX, "weights RL", "later weights"),
    ],
)
def test_a_step_without_a_fact_that_it_needs_is_named(name, step, plain, monkeypatch):
    monkeypatch.setattr("ratecheck.checks.steps.search.TRIES", 0)

    def has(product):
        return any(plain in f.factors if isinstance(f, Total) else f == plain for f in product)

    by = next(one.by for one in proof_of(name).steps if one.name == step)
    assert any(map(has, by))
    assert step in swapped(name, step, by=tuple(p for p in by if not has(p))).trusted


@pytest.mark.parametrize(
    ("changed", "broken"),
    [({"delay": 1 / (3 * L * delay)}, "window"), ({"cap": 1 / (3 * M * L)}, "window"),
     ({"noise": 2 * B / (sigma * sqrt(K))}, "bound R1")],
)  # fmt: skip
def test_lemma_2_needs_its_stepsizes(changed, broken):
    right = {"delay": 1 / (4 * L * delay), "cap": 1 / (4 * M * L), "noise": B / (sigma * sqrt(K))}
    chain = verdict(LEMMA2, stepsize=Stepsize(**{**right, **changed}))
    if broken == "window":
        assert chain.false[0] == "window"
    else:  # the lemma does not look at the noise branch
        assert proved(chain)


def test_what_in_flight_costs_is_not_less_than_half():
    says = next(one.says for one in proof_of(LEMMA2).steps if one.name == "sharp")
    less = le(says.left, says.right * Rational(49, 50))
    assert "sharp" in swapped(LEMMA2, "sharp", says=less).trusted


def test_orthogonality_needs_independent_delays():
    chain = verdict("mishchenko2022.orthogonality", policy="data-dependent")
    assert chain.false[0] == "orthogonal"


def test_the_master_inequality_of_theorem_1_is_for_independent_delays():
    claim = shelf.CLAIMS.get(T1)
    statement = claim.outputs["R1"]
    wide = {"R1": replace(statement, master=replace(statement.master, policy=""))}
    assert "closes initial gradients in two ways" in verdict(T1, outputs=wide).trusted["master"]
    assert proved(verdict(T1))


# induction up to every k


def sum_of(f, end):
    return Sum(f, (k, 1, end))


def test_an_induction_may_end_before_every_k():
    where = context()
    says = le(0, sum_of(ghat(k), N))
    fact = _discharged(Telescope("sum", says, N, k - 1), where).fact
    assert fact == le(0, Sum(ghat(i), (i, 1, k - 1)))
    assert _discharged(Telescope("whole", says, N, K), where).fact == le(0, sum_of(ghat(k), K))
    for end in (k, k + 1, K - 1, i):
        with pytest.raises(Undone, match="induction runs from"):
            _discharged(Telescope("too far", says, N, end), where)
    with pytest.raises(Undone, match="not over the whole range"):
        _discharged(Telescope("of i", le(0, Sum(ghat(i), (i, 1, N))), N, k - 1), where)
    with pytest.raises(Undone, match="does not end at N"):
        _discharged(Telescope("mixed", le(0, sum_of(ghat(k), N) + sum_of(ghat(k), K)), N, k - 1), where)


def test_an_induction_that_ends_before_k_needs_its_step():
    where = context()
    with pytest.raises(Undone, match="left over"):
        _discharged(Telescope("no step", le(Ip(u(N + 1), u(N + 1)), Ip(u(1), u(1))), N, k - 1), where)


def test_only_facts_about_one_k_hold_earlier():
    where, _ = upto(CONVEX, "gradients before k")
    assert where.fact("window, earlier").expr == where.fact("window").expr.xreplace({k: i})
    for name, why in [("Gamma_0", "not about one k"), ("windows", "not about one k"), ("sum", "about one k"),
                      ("windows before k", "earlier steps already"), ("window, earlier", "about one k")]:  # fmt: skip
        with pytest.raises(Undone, match=why):
            _discharged(Earlier("again", name), where)
    rounds = context("mishchenko2022.minibatch_convex")
    rounds.done["it"] = where.done["window"]
    with pytest.raises(Undone, match="no index for earlier steps"):
        _discharged(Earlier("rounds", "it"), rounds)


def test_sums_before_k_and_whole_sums_are_not_the_same():
    where, _ = upto(CONVEX, "each value")
    whole = le(Sum(ghat(k) ** 2, (k, 1, K)), Sum(ghat(i) ** 2, (i, 1, k - 1)))
    with pytest.raises(Undone, match="left over"):
        _discharged(Inequality("turned", whole, (("squares before k",),)), where)
    where.done["one"] = _discharged(Counting("one", "earlier", {"attribute": ghat(k)}), where)
    assert not any(x == k for x in preorder_traversal(where.fact("one").left.function))


# what the lemmas ask of their parameters


@pytest.mark.parametrize(
    ("lemma", "given", "why"),
    [
        ("handed out", {"attribute": -ghat(k)}, "not manifestly nonnegative"),
        ("handed out", {"attribute": delta(k)}, "attribute of a hand-out"),
        ("earlier", {"attribute": -(ghat(k) ** 2)}, "not manifestly nonnegative"),
        ("earlier", {"attribute": ghat(i)}, "about other steps"),
        ("earlier", {"attribute": Sum(ghat(k), (k, 1, K))}, "about other steps"),
    ],
)
def test_attributes_are_nonnegative_and_of_one_step(lemma, given, why):
    with pytest.raises(Undone, match=why):
        _discharged(Counting("it", lemma, given), context())


def test_windows_before_k_need_the_weight_below_the_cap():
    where, step = upto(CONVEX, "windows before k")
    with pytest.raises(Undone, match="does not say"):
        _discharged(replace(step, given={**step.given, "below": "a quarter"}), replace(where, done={
            **where.done, "a quarter": where.done["ghat: cap"]}))  # fmt: skip


# the lemmas, on all orders and by induction


@pytest.mark.parametrize("lemma", LEMMAS)
def test_lemmas_hold(lemma):
    assert "arrival orders enumerated" in counting.established(lemma)


@pytest.mark.parametrize(
    ("lemma", "machine", "letter", "change"),
    [
        ("later", 0, machines.since, 1),
        ("later", 0, machines.total_, 1),
        ("later", 2, machines.total_, -1),
        ("number of later", 0, machines.count_, 1),
        ("later weights", 0, machines.current, machines.new),
        ("largest", 0, machines.fresh, 1),
        ("largest", 1, machines.total_, -1),
        ("handed out", 0, machines.made_, -machines.new),
        ("unused", 0, machines.current, machines.new),
        ("earlier", 0, machines.total_, -2 * machines.more),
    ],
)
def test_a_wrong_move_breaks_the_induction(lemma, machine, letter, change):
    one = machines.MACHINES[lemma][machine]
    assert one.fault() == ""
    assert replace(one, deliver={**one.deliver, letter: one.deliver[letter] + change}).fault()


def _all(of):
    """True when ``of`` holds on all orders of M = 3, K = 5."""
    desk = shelf.SCHEDULERS.get("async")
    return all(of(from_order(desk, 3, np.array(order))) for order in arrival_orders(desk, 3, 5, labelled=True))


@pytest.mark.parametrize(
    ("lie", "truth"),
    [
        # later arrivals: first ones counted too; p (K - p) - 1 for p (K - p)
        (lambda s, p: s.delay.sum() <= p * (5 - p), lambda s, p: s.delay[enumerated._again(s)].sum() <= p * (5 - p)),
        (
            lambda s, p: s.delay[enumerated._again(s)].sum() <= max(p * (5 - p) - 1, 0),
            lambda s, p: s.delay.sum() <= p * 5,
        ),
        # the largest delay is at least M whoever has arrived; or above p
        (lambda s, p: s.delay.max() >= 3, lambda s, p: s.delay.max() >= p),
        (lambda s, p: s.delay.max() > p, lambda s, p: s.delay.max() >= p),
    ],
)
def test_counts_that_say_more_are_false(lie, truth):
    assert not _all(lambda s: lie(s, enumerated._arrived(s)))
    assert _all(lambda s: truth(s, enumerated._arrived(s)))


@pytest.mark.parametrize("lemma", LEMMAS)
def test_a_false_enumeration_is_refuted(lemma, monkeypatch):
    monkeypatch.setitem(counting.ENUMERATED, lemma, lambda s: s.worker[0] == 0)
    counting.established.cache_clear()
    with pytest.raises(Refused, match="fails with M = 2"):
        counting.established(lemma)
    counting.established.cache_clear()


# the class of functions


def test_slope_and_value_is_tight_and_needs_smoothness():
    """F = L x^2/2: ||grad F||^2 = 2 L (F - F*). With L for 2 L it is false there."""
    fact = _discharged(Class("it", "slope", ("xhat_k",)), context(NONCONVEX)).fact
    at = {Ip(h_virtual(k), h_virtual(k)): Integer(9), phi(k): Rational(9, 4), L: Integer(2)}
    assert fact.expr.xreplace(at) == 0
    assert fact == le(square(h_virtual(k)), 2 * L * phi(k))
    with pytest.raises(Undone, match="does not assume: smooth"):
        _discharged(Class("it", "slope", ("xhat_k",)), context(T1))
    with pytest.raises(Undone, match="does not give"):
        _discharged(Class("it", "slope", ("in flight",)), context(NONCONVEX))


def test_the_bound_of_each_value_drops_no_noise_that_counts():
    """<h_k, e_k> has no noise in it; ||e_k||^2 has: with e_k for s_k the step does not follow."""
    where, step = upto(CONVEX, "value")
    assert _discharged(step, where).fact.right.has(s(k))
    wrong = replace(step, says=le(delta(k), L * Ip(u(k), u(k)) + L * Ip(s(k), s(k)) - L * Ip(z(k), z(k))))
    with pytest.raises((Undone, Refused)):
        _discharged(wrong, where)
