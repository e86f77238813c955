"""Every kind of proof step: a true step passes, a planted false one is refused, and the message says why."""

import importlib.util
from dataclasses import replace

import numpy as np
import pytest
from sympy import Integer, Rational, Sum, Symbol, sqrt

from ratecheck.checks.steps import (
    FREELY,
    MEAN,
    Context,
    Outcome,
    Refused,
    Undone,
    counting,
    enumerated,
    machines,
    samples,
)
from ratecheck.checks.steps.samples import dependence
from ratecheck.checks.symbolic import _discharged, proof_of
from ratecheck.core import shelf
from ratecheck.core.gram import Ip, inner, normal, slack_form, square, vector
from ratecheck.core.proof import (
    Cauchy,
    Class,
    Counting,
    Expectation,
    Given,
    Identity,
    Inequality,
    Power,
    Rule,
    Scalar,
    Square,
    Telescope,
    eq,
    le,
    total,
)
from ratecheck.core.setting import (
    ASYNC,
    N_0,
    applied,
    delta,
    e,
    g_flying,
    ghat,
    h,
    h_0,
    h_flying,
    j,
    n,
    n_flying,
    s,
    t,
    tau,
    u,
    y_0,
    z,
)
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, G, K, L, M, k, sigma, virtual_sq
from ratecheck.core.symbols import tau as delay
from ratecheck.engine.orders import arrival_orders
from ratecheck.engine.schedule import from_order, weigh

NAME = "mishchenko2022.theorem3_convex"
c, N = Symbol("c", positive=True), Symbol("N", nonnegative=True)


def context(name=NAME, **changes):
    claim = replace(shelf.CLAIMS.get(name), **changes)
    rule = shelf.STEPSIZES.get(claim.stepsize) if isinstance(claim.stepsize, str) else claim.stepsize
    return Context(claim, rule, proof_of(name).setting)


def run(steps, where=None):
    """Discharge the steps in order; return the last outcome."""
    where = where or context()
    for step in steps:
        where.done[step.name] = _discharged(step, where)
    return where.done[steps[-1].name]


def upto(name, last, **changes):
    """A context in which the steps of a claim's own proof before ``last`` are done, and the step ``last``."""
    where = context(name, **changes)
    for step in proof_of(name).steps:
        if step.name == last:
            return where, step
        where.done[step.name] = _discharged(step, where)
    raise AssertionError(f"{name} has no step {last}")


# Gram algebra


def test_inner_products_expand_like_numbers():
    """Against random integer vectors: the symbols stand for what they say."""
    a, b = (vector(x)() for x in "ab")
    rng = np.random.default_rng(1)
    x, y = rng.integers(-5, 5, (2, 3))
    at = {Ip(a, a): int(x @ x), Ip(a, b): int(x @ y), Ip(b, b): int(y @ y)}
    assert square(2 * a - 3 * b).xreplace(at) == int((2 * x - 3 * y) @ (2 * x - 3 * y))
    assert Ip(a, b) == Ip(b, a)


def test_sums_have_one_normal_form():
    left = Sum(2 * M * ghat(k) + M * delta(k) + M, (k, 1, K))
    assert normal(left - 2 * M * Sum(ghat(k), (k, 1, K)) - M * Sum(delta(k), (k, 1, K)) - M * K) == 0


def test_slack_form_shows_the_polynomial():
    good, words = slack_form(K - M + (M - 1) * M, {K: M})
    assert good
    assert "m**2" in words
    assert not slack_form(K - M)[0]  # nothing says that K >= M
    assert not slack_form(M - 2)[0]


# identity


def test_an_identity_needs_the_equation_it_uses():
    says = eq(Ip(u(k + 1), h(k)), Ip(u(k), h(k)) - ghat(k) * (Ip(h(k), h(k)) + Ip(n(k), h(k))))
    assert run([Identity("right", says, by=("step",))]).fact == says
    with pytest.raises(Undone, match="differ by"):
        run([Identity("no equation", says)])
    wrong = eq(says.left, says.right + 2 * ghat(k) * Ip(n(k), h(k)))
    with pytest.raises(Undone, match="differ by"):
        run([Identity("a sign", wrong, by=("step",))])


# class inequalities


def test_a_class_must_be_assumed():
    run([Class("fine", "smooth convex", ("x_k", "x*"))])
    with pytest.raises(Undone, match="does not assume: convex, smooth"):
        run([Class("no", "smooth convex", ("x_k", "x*"))], context(assumptions=()))
    with pytest.raises(Undone, match="does not assume: finite G"):
        run([Class("no", "lipschitz", ("x_k",))])
    with pytest.raises(Undone, match="takes 2 points"):
        run([Class("no", "convex", ("x_k",))])
    with pytest.raises(Undone, match="does not give"):
        run([Class("no", "convex", ("in flight", "x*"))])
    with pytest.raises(Undone, match="no class inequality"):
        run([Class("no", "quasiconvex", ("x_k", "x*"))])


@pytest.mark.parametrize("name", ["convex", "smooth convex"])
def test_class_inequalities_hold_on_huber(name):
    """F = |x|^2/2 up to 1, then |x| - 1/2; L = 1, x* = 0. Exact on rationals; without 1/2 or with 2/L they fail."""

    def value(x):
        return x**2 / 2 if abs(x) <= 1 else abs(x) - Rational(1, 2)

    fact = run([Class("it", name, ("x_k", "x*"))]).fact
    for x in (Rational(p, 4) for p in range(-12, 13)):
        slope = max(-1, min(1, x))
        at = {Ip(h(k), u(k)): slope * x, Ip(e(k), h(k)): 0, Ip(h(k), h(k)): slope**2, delta(k): value(x), L: 1}
        assert fact.expr.xreplace({a: Integer(0) + b for a, b in at.items()}) >= 0


# inequality: Young, Cauchy


def test_young_is_one_square_and_a_wrong_weight_is_refuted():
    right = le(2 * inner(h(k), s(k)), Ip(h(k), h(k)) / (4 * L) + 4 * L * Ip(s(k), s(k)))
    run([Inequality("Young", right, ((4 * L, Square(s(k) - h(k) / (4 * L))),))])
    wrong = le(2 * inner(h(k), s(k)), Ip(h(k), h(k)) / (4 * L) + 2 * L * Ip(s(k), s(k)))
    with pytest.raises(Refused, match=r"false at .*\|h\(k\)\|\^2"):
        run([Inequality("Young", wrong, ((2 * L, Square(s(k) - h(k) / (4 * L))),))])


def test_a_certificate_must_be_made_of_nonnegative_things():
    says = le(-delta(k), 0)
    run([Inequality("fine", says, ())])
    with pytest.raises(Refused, match="false at"):
        run([Inequality("minus", le(delta(k), 0), ((-delta(k),),))])
    with pytest.raises(Undone, match="real number"):
        run([Inequality("not real", le(-(Symbol("w") ** 2), 0), ((Power(Symbol("w")),),))])
    with pytest.raises(Undone, match="divides by something that may be 0"):
        run([Inequality("zero", says, ((1 / (M - 1), delta(k)),))])
    with pytest.raises(Undone, match="no earlier step"):
        run([Inequality("nobody", says, (("somebody",),))])


def test_cauchy_keeps_its_number_of_terms():
    fact = run([Cauchy("flying", s(k), "gradients in flight")]).fact
    flying = Sum(g_flying(k, j) ** 2 * Ip(h_flying(k, j), h_flying(k, j)), (j, 1, M - 1))
    assert normal(fact.expr - ((M - 1) * flying - Ip(s(k), s(k)))) == 0
    dropped = le(Ip(s(k), s(k)), flying)  # M - 1 left out
    with pytest.raises(Undone, match="left over"):
        run([Cauchy("flying", s(k), "gradients in flight"), Inequality("dropped", dropped, (("flying",),))])
    with pytest.raises(Undone, match="does not say"):
        run([Cauchy("no sum", e(k), "in flight")])


# scalar


def test_minorant_holds_with_4_and_not_with_5():
    w = Symbol("w", positive=True)  # N
    four = le(1 / w - t(k) / (4 * w**2), 1 / t(k))
    run([Scalar("four", four, ((1 / (4 * w**2 * t(k)), Power(2 * w - t(k))),))])
    five = le(1 / w - t(k) / (5 * w**2), 1 / t(k))
    with pytest.raises(Refused, match="false at"):
        run([Scalar("five", five, ((1 / (5 * w**2 * t(k)), Power(2 * w - t(k))),))])


@pytest.mark.parametrize("z3", [True, False])
def test_a_false_scalar_step_is_refuted_with_and_without_z3(z3, monkeypatch):
    if z3:
        pytest.importorskip("z3")
    else:
        monkeypatch.setattr("importlib.util.find_spec", _without_z3(importlib.util.find_spec))
    with pytest.raises(Refused, match="false"):
        run([Scalar("wrong", le(M, 3), ())])
    assert ("z3" in run([Scalar("right", le(1, M), ())]).checker) == z3


def test_z3_finds_what_the_search_misses(monkeypatch):
    """1/2 <= (M - 777)^2 fails at one M alone, which is not among those that are drawn."""
    step = Scalar("but one", le(Rational(1, 2), (M - 777) ** 2), ())
    with monkeypatch.context() as without:
        without.setattr("importlib.util.find_spec", _without_z3(importlib.util.find_spec))
        with pytest.raises(Undone, match="left over"):
            run([step])
    pytest.importorskip("z3")
    with pytest.raises(Refused, match=r"^false by z3, at M = 777$"):
        run([step])


def test_a_model_of_z3_must_be_whole_and_confirmed():
    """False at M = 7/2 and not at any whole M; false at sqrt(2), which no rational number confirms."""
    pytest.importorskip("z3")
    with pytest.raises(Undone, match="left over"):
        run([Scalar("between", le(Rational(1, 5), (M - Rational(7, 2)) ** 2), ())])
    where = context()
    where.done["root"] = Outcome(eq(G**2, 2), "given")
    with pytest.raises(Undone, match="left over"):
        run([Scalar("irrational", le(G, 1), ((0, "root"),))], where)


def _without_z3(find):
    return lambda name, *more: None if name == "z3" else find(name, *more)


def test_nothing_is_divided_by_sigma():
    with pytest.raises(Undone, match="may be 0"):
        run([Scalar("noise", le(0, 1 / sigma), ())])


# telescope


def test_induction_needs_base_and_step():
    says = le(Ip(u(N + 1), u(N + 1)), Ip(u(1), u(1)) + N * G)
    hold = Counting("delays", "delays")
    with pytest.raises(Undone, match="left over"):
        run([hold, Telescope("no step", says, N, K)])
    with pytest.raises(Undone, match="left over"):
        run([Telescope("no base", le(Ip(u(N + 1), u(N + 1)) + 1, Ip(u(1), u(1))), N, K)])
    with pytest.raises(Undone, match="runs from"):
        run([Telescope("too far", says, N, K + 1)])
    with pytest.raises(Undone, match="one k already"):
        run([Telescope("diagonal", le(N - k, 0), N, K)])
    with pytest.raises(Undone, match="inside a sum"):
        run([Telescope("nested", le(0, Sum(N * ghat(k), (k, 1, N))), N, K)])
    with pytest.raises(Undone, match="still has a sum"):
        run([Telescope("nested", le(0, Sum(Sum(g_flying(k, j), (k, 1, N)), (j, 1, M - 1))), N, K)])
    harmless = eq(Sum(ghat(k + 1) - ghat(k), (k, 1, N)), ghat(N + 1) - ghat(1))
    assert run([Telescope("sum", harmless, N, K)]).fact.right == ghat(K + 1) - ghat(1)


# expectation


def test_noise_in_flight_is_orthogonal_when_delays_are_independent():
    step = Expectation("orthogonal", n_flying(k, j), h(k))
    assert run([step]).fact == eq(Ip(n_flying(k, j), h(k)), 0)
    with pytest.raises(Refused, match="needs delays independent of the samples"):
        run([step], context(policy="data-dependent"))


def test_noise_that_was_applied_is_not():
    where = context()
    where.setting = replace(ASYNC, roles={**ASYNC.roles, z(k): "applied"})
    with pytest.raises(Refused, match=r"not independent: with M = 1 and arrivals \[0"):
        run([Expectation("applied", z(k), h(k))], where)


def test_final_stepsizes_that_depend_on_the_delay_fix_the_virtual_iterate():
    """Under data-dependent delays xhat_k knows the future, unless the stepsize is constant and closed freely."""
    step = Expectation("unbiased", n(k), u(k))
    with pytest.raises(Refused, match="fixed by the schedule after it is drawn"):
        run([step], context(policy="data-dependent"))
    tags = run([step], context("mishchenko2022.theorem1")).tags
    assert tags == {FREELY, MEAN}
    assert run([step]).tags == frozenset()


def test_free_closing_and_the_output_rule_do_not_mix():
    where, _ = upto("mishchenko2022.theorem1", "mean")
    where.done["last"] = _discharged(Given("last", "virtual_sq"), where)
    step = Inequality("mixed", le(virtual_sq, Ip(u(1), u(1)) + virtual_sq), (("last",), (-1, "last"), (0, "all steps")))
    with pytest.raises(Undone, match="closes initial gradients in two ways"):
        _discharged(step, where)


def test_the_rows_of_the_kernel_decide_what_depends_on_what():
    assert dependence("async_sgd", "async", "x in flight") == ""
    assert "coefficient" in dependence("async_sgd", "async", "x applied")


@pytest.mark.parametrize("rows", sorted(set(samples.ROWS) - {"x applied"}))
@pytest.mark.parametrize(
    "kernel",
    [("async_sgd", "async"), ("minibatch_sgd", "barrier"), ("ormo", "async"), ("naive_momentum", "async")],
    ids=lambda kernel: kernel[0],
)
def test_who_depends_on_a_sample_is_an_induction_and_an_enumeration(rows, kernel):
    assert "(induction for each sample; all orders of (M,K) = " in samples.established(*kernel, rows)


def test_without_an_induction_all_small_orders_do_not_do(monkeypatch):
    monkeypatch.setitem(samples.ROWS, "x", samples.Rows("x_k does not depend on it"))
    with pytest.raises(Undone, match="no induction says that x_k does not depend on it"):
        run([Expectation("fresh", n(k), h(k))])


@pytest.mark.parametrize(
    ("machine", "move", "lie"),
    [
        # the server reads a gradient that is in flight; another worker is handed the sample
        ("_IN_FLIGHT", "idle", {samples.held: samples.held + machines.new}),
        # delivered and not counted as such
        ("_IN_FLIGHT", "deliver", {samples.held: samples.held + machines.new}),
        # delivered at the step of its hand-out
        ("_LATER", "start", {samples.back: 1, machines.fresh: 1}),
        # another gradient counts as this one
        ("_LATER", "idle", {samples.back: 1}),
        # the virtual iterate has what is handed out at its own step
        ("_VIRTUAL", "start", {samples.virtual_: machines.new, machines.fresh: 1}),
        ("_VIRTUAL", "idle", {samples.virtual_: samples.virtual_ + machines.new}),
    ],
)
def test_a_server_that_looks_ahead_breaks_the_induction(machine, move, lie):
    right = getattr(samples, machine)
    assert not right.fault()
    assert replace(right, **{move: lie}).fault()


def test_the_variance_of_what_is_in_flight_takes_independence():
    """Under delays that look at samples those in flight are the slow ones, which may be the large ones."""
    step = Expectation("variance", n_flying(k, j))
    assert run([step]).fact.right == sigma**2
    with pytest.raises(Refused, match="in flight at k tells about it"):
        run([step], context(policy="data-dependent"))


@pytest.mark.parametrize(("noise", "other"), [(n(k), u(k + 1)), (n(1), u(k)), (n_flying(k, j), h(k + 1)), (n(k), e(k))])
def test_only_the_right_indices_are_independent(noise, other):
    """xhat_{k+1} has the sample of the hand-out at x_k in it."""
    with pytest.raises(Undone, match="nothing is known"):
        run([Expectation("shifted", noise, other)])


def test_variance_is_assumed():
    run([Expectation("sum", N_0)])
    with pytest.raises(Undone, match="finite sigma"):
        run([Expectation("sum", n(k))], context("mishchenko2022.theorem1"))
    with pytest.raises(Undone, match="nothing is known"):
        run([Expectation("odd", h_0, y_0)])


# rule


@pytest.mark.parametrize("rule", ["R1", "R0"])
def test_final_stepsizes_are_what_the_rules_of_the_kernel_say(rule):
    """On all orders of M = 3, K = 5: ghat is the rule at the closed delay (R1) or at most that (R0)."""
    stepsize = shelf.STEPSIZES.get("delay_adaptive_convex")
    constants = {"L": 1.0, "M": 3, "K": 5, "B": 1.0, "sigma": 1.0}
    desk = shelf.SCHEDULERS.get("async")
    for order in arrival_orders(desk, 3, 5, labelled=False):
        schedule = from_order(desk, 3, np.array(order, dtype=np.int64))
        closed = enumerated._sums(schedule)["closed"]
        at_closed = stepsize.table(np.full_like(closed, 5), closed, constants)
        found = weigh(schedule, stepsize, constants, rule).gamma_hat
        later = schedule.made_at[: schedule.handouts] > 0
        assert np.all((found == at_closed) | (found == 0))
        assert rule == "R0" or np.array_equal(found[later], at_closed[later])


def test_a_rule_is_the_claims():
    below = Rule("delay", ghat(k), below="delay")
    assert normal(run([below]).fact.expr - (1 - 4 * L * t(k) * ghat(k))) == 0
    with pytest.raises(Undone, match="no branch 'dela'"):
        run([Rule("delay", ghat(k), below="dela")])
    growing = context(stepsize=Stepsize(delay=delay / (4 * L)))
    with pytest.raises(Undone, match="grows with the delay"):
        run([below], growing)


def test_a_letter_is_defined_once_and_means_nothing_else():
    first = Rule("c", c, says=le(c, 1 / (4 * M * L)), branches=("cap",))
    with pytest.raises(Undone, match="elsewhere"):
        run([first, Rule("again", c, says=le(0, c), branches=("cap", "noise"))])
    with pytest.raises(Undone, match="has a meaning already"):
        run([Rule("L", L, says=le(0, L), branches=("cap",))])
    with pytest.raises(Undone, match="has a meaning already"):
        run([Rule("delta", delta(k), says=le(delta(k), 0), values={"0": Integer(0)})])


def test_cases_must_hold_in_every_branch():
    with pytest.raises(Undone, match="where branch 'noise' is the smallest"):
        run([Rule("c", c, says=le(1 / c, 4 * M * L), branches=("cap", "noise"))])


# counting


@pytest.mark.parametrize("lemma", sorted(machines.MACHINES))
def test_lemmas_hold(lemma):
    assert "arrival orders enumerated" in counting.established(lemma)


@pytest.mark.parametrize(
    ("lemma", "off"),
    [("delays", 1), ("at least 1", 1), ("closed", -1), ("closed by p", -1), ("windows", 1), ("in flight", 1)],
)
def test_an_index_that_is_off_by_one_breaks_every_induction(lemma, off):
    """The version handed out at a delivery is the step itself, not the one after (upper bounds: not the one before)."""
    for machine in machines.MACHINES[lemma]:
        changed = {**machine.deliver}
        for letter in (machines.since, machines.current):
            if letter in changed:
                changed[letter] = changed[letter] + off
        if changed != machine.deliver:
            assert replace(machine, deliver=changed).fault()
            return
    raise AssertionError("no machine was changed")


@pytest.mark.parametrize(
    ("lemma", "lie"),
    [
        ("delays", lambda s: s.delay[: s.horizon].sum() <= s.horizon),
        ("closed", lambda s: enumerated._sums(s)["closed"].sum() <= s.workers * s.horizon),
        ("windows", lambda s: all(enumerated._sums(s)["closed"] <= 2 * s.workers)),
    ],
)
def test_false_counts_are_refuted_by_enumeration(lemma, lie, monkeypatch):
    """sum tau <= K; initial gradients counted too; all delays at most 2M."""
    monkeypatch.setitem(enumerated.ENUMERATED, lemma, lie)
    monkeypatch.setattr(counting, "CASES", ((2, 6),))
    counting.established.cache_clear()
    with pytest.raises(Refused, match="arrivals"):
        counting.established(lemma)
    counting.established.cache_clear()


def test_windows_need_the_weight_below_the_cap():
    given = {"weight": ghat(k), "cap": c, "below": "it", "attribute": ghat(k) ** 2 * Ip(h(k), h(k))}
    where = context()
    where.done["it"] = run([Rule("it", ghat(k), below="cap")])
    with pytest.raises(Undone, match="does not say"):
        _discharged(Counting("windows", "windows", given), where)
    where.done["c"] = run([Rule("c", ghat(k), below="cap")])
    of_a_step = {"weight": 4 * M * L * ghat(k), "cap": Integer(1), "below": "c", "attribute": applied(k)}
    with pytest.raises(Undone, match="attribute of a hand-out"):
        _discharged(Counting("windows", "windows", of_a_step), where)
    with pytest.raises(Undone, match="no counting lemma"):
        run([Counting("no", "most delays are small")])
    with pytest.raises(Undone, match="no counting lemma"):
        run([Counting("rounds", "delays")], context("mishchenko2022.minibatch_convex"))


def test_output_rules_do_not_mix():
    with pytest.raises(Undone, match="mixes output rules"):
        run([
            Rule("least", ghat(k), says=le(0, ghat(k))),
            Counting("delivered", "delivered", {"power": 1}),
            Inequality("both", le(0, Sum(ghat(k), (k, 1, K))), (total(k, "least"), (0, "delivered"))),
        ])  # fmt: skip


def test_the_bound_by_a_noise_branch_is_void_without_noise():
    fact = run([Rule("noise", applied(k), below="noise")]).fact
    assert fact == le(applied(k) * sigma * sqrt(K), B)
    assert not fact.expr.has(tau)
