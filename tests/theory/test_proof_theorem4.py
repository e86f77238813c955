"""The derivations of Theorem 4 and of the largest-delay bound: proved as they are, not with one thing changed."""

from dataclasses import replace
from functools import cache

import pytest
from sympy import Integer, Max, Rational, Symbol, sqrt

from ratecheck.checks import symbolic
from ratecheck.checks.steps import BY_RULE, FREELY, MEAN, Context, Refused, Undone, clash, counting
from ratecheck.checks.steps.machines import MACHINES
from ratecheck.core import shelf
from ratecheck.core.claim import Inequality as Bound
from ratecheck.core.fact import Fact, eq, le, total
from ratecheck.core.formula import Formula
from ratecheck.core.gram import Ip, square
from ratecheck.core.proof import Class, Counting, Expectation, Inequality, Largest, Rule, Scalar
from ratecheck.core.setting import (
    ASYNC,
    N_0,
    applied,
    g_0,
    ghat,
    h,
    h_virtual,
    m,
    n,
    s,
    t,
    t_0,
    u,
    z,
)
from ratecheck.core.setting_heterogeneous import HETEROGENEOUS, Q_0, q, q_0
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import (
    Delta,
    Gamma_0,
    K,
    L,
    M,
    Q,
    V,
    W,
    k,
    mean_gradient_sq,
    sigma,
    stepsize,
    tau,
    tau_closed,
    virtual_gap,
    zeta,
)
from ratecheck.core.verdict import Verdict
from tests.chains import proved, survivors, verdict

T4, T3, FIXED = (f"mishchenko2022.{name}" for name in ("theorem4", "theorem3_nonconvex", "fixed_delay"))
NOISE = sqrt(Delta / (K * L * sigma**2))
RULES = {
    T4: {"delay": 1 / (8 * L * tau), "cap": 1 / (4 * M * L), "noise": NOISE},
    FIXED: {"cap": 1 / (2 * L * sqrt(M * Max(M, tau_closed))), "noise": NOISE},
}


@cache
def derived(name):
    """The context of a claim's proof, all steps done."""
    where = context(name)
    run(symbolic.proof_of(name).steps, where)
    return where


def refused(name, step_name, says):
    """True when the named step of a claim's proof, made to say another thing, is not discharged."""
    step, where = step_of(name, step_name), derived(name)
    assert says != step.says
    try:
        symbolic._discharged(replace(step, says=says), replace(where, done=_before(name, step_name)))
    except (Refused, Undone):
        return True
    return False


def _before(name, step_name):
    names = [step.name for step in symbolic.proof_of(name).steps]
    return {one: derived(name).done[one] for one in names[: names.index(step_name)]}


def step_of(name, step_name):
    return next(step for step in symbolic.proof_of(name).steps if step.name == step_name)


def broken(chain):
    """The first step that is false or that nobody discharged."""
    return next((row["step"] for row in chain.rows if row["verdict"] != "PROVED"), None)


def context(name, **changes):
    claim = replace(shelf.CLAIMS.get(name), **changes)
    rule = shelf.STEPSIZES.get(claim.stepsize) if isinstance(claim.stepsize, str) else claim.stepsize
    return Context(claim, rule, symbolic.proof_of(name).setting)


def run(steps, where):
    for step in steps:
        where.done[step.name] = symbolic._discharged(step, where)
    return where.done[steps[-1].name]


@pytest.mark.parametrize(("name", "rules"), [(T4, ["R0", "R1"]), (FIXED, ["R1"])])
def test_bound_conditional_and_master_are_derived(name, rules):
    result = symbolic.check(name, shelf.CLAIMS.get(name), "test")
    assert result.verdict is Verdict.PROVED, result.summary
    assert {rule: sorted(ends) for rule, ends in result.details["proved"].items()} == {
        rule: ["bound", "conditional", "master"] for rule in rules
    }
    assert result.details["not_derived"] == []
    assert {row["verdict"] for row in result.details["steps"]} == {"PROVED"}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [(T4, 150), (FIXED, 100)])
def test_no_step_can_be_changed(name, least, monkeypatch):
    monkeypatch.setattr("ratecheck.checks.steps.search.TRIES", 0)
    found, tried = survivors(name)
    assert found == []
    assert tried >= least


@pytest.mark.parametrize("name", [T4, FIXED])
def test_every_step_is_used(name):
    proof = symbolic.proof_of(name)
    used = {one for step in proof.steps for one in step.uses}
    ends = {name for named in proof.proves.values() for name in named.values()}
    assert {step.name for step in proof.steps} == used | ends


@pytest.mark.slow
@pytest.mark.parametrize("name", [T4, FIXED])
def test_every_assumption_is_used(name):
    everything = shelf.CLAIMS.get(name).assumptions
    for one in everything:
        assert not proved(verdict(name, assumptions=tuple(a for a in everything if a != one))), one.name


# the stepsize


@pytest.mark.parametrize(
    ("name", "branch", "step"),
    [
        (T4, {"cap": 1 / (2 * M * L)}, "window"),
        (T4, {"delay": 1 / (4 * L * tau)}, "window"),
        (T4, {"noise": 2 * NOISE}, "sharper R1"),
        (FIXED, {"cap": 1 / (L * sqrt(M * Max(M, tau_closed)))}, "cap squared"),
        (FIXED, {"cap": 1 / (2 * L * Max(M, tau_closed))}, "1/gamma"),  # smaller: another bound
        (FIXED, {"cap": 1 / (2 * L * sqrt(M * tau_closed))}, "cap squared"),  # the largest delay may be below M
        (FIXED, {"noise": 2 * NOISE}, "bound"),
    ],
)
def test_another_stepsize_breaks_a_step_that_is_named(name, branch, step):
    assert proved(verdict(name, stepsize=Stepsize(**RULES[name])))
    chain = verdict(name, stepsize=Stepsize(**{**RULES[name], **branch}))
    assert (chain.false[0] if chain.false else broken(chain)) == step


def test_without_adaptation_to_the_delay_theorem_4_is_not_covered():
    chain = verdict(T4, stepsize=Stepsize(cap=1 / (4 * M * L), noise=NOISE))
    assert "no branch 'delay'" in chain.trusted["ghat: delay"]


@pytest.mark.parametrize("name", [T4, FIXED])
def test_delays_that_depend_on_the_data_break_the_first_expectation(name):
    """The largest delay is known after the run alone: a stepsize that looks at it is no constant to a sample."""
    chain = verdict(name, policy="data-dependent")
    assert chain.false[0] == "unbiased"
    assert "needs delays independent" in chain.false[1]


# constants, one at a time


@pytest.mark.parametrize(
    ("name", "step", "right"),
    [
        (T4, "Young", Ip(q(k), q(k)) / 5 + square(h(k) - h_virtual(k))),
        (FIXED, "Young", Ip(h(k), h(k)) / 5 + square(h(k) - h_virtual(k))),
        (T4, "absorbed", Rational(-1, 8)),
        (T4, "absorbed at x_0", Rational(-3, 8)),
        (T4, "window", 1 / (64 * L**2)),
        (FIXED, "window", Rational(1, 5)),
        (FIXED, "cap for M", Rational(1, 2)),
        (T4, "first weights", (M - 1) * Symbol("c", positive=True)),
        (T4, "squares R1", None),
        (FIXED, "squares", None),
    ],
)
def test_a_smaller_constant_is_refused(name, step, right):
    says = step_of(name, step).says
    right = says.right / 2 if right is None else right
    assert refused(name, step, replace(says, right=right))


@pytest.mark.parametrize(
    ("name", "step"),
    [(T4, "error in two parts"), (T4, "one crowd"), (T4, "crowds R1"), (T4, "crowds R0"), (T4, "gradients paid"),
     (FIXED, "error in two parts"), (FIXED, "one crowd"), (FIXED, "crowds")],
)  # fmt: skip
def test_one_gradient_less_in_flight_is_refused(name, step):
    says = step_of(name, step).says
    right = says.right.xreplace({M - 1: M - 2})
    assert right != says.right
    assert refused(name, step, replace(says, right=right))


@pytest.mark.parametrize(
    ("name", "step"),
    [(T4, "move"), (T4, "first move"), (T4, "first product"), (T4, "first noise"), (T4, "error"), (FIXED, "move"),
     (FIXED, "first move")],
)  # fmt: skip
def test_a_sign_is_refused(name, step):
    says = step_of(name, step).says
    assert refused(name, step, replace(says, right=-says.right))
    flipped = [term if i else -term for i, term in enumerate(says.right.expand().args)]
    other = Fact(says.left, type(says.right.expand())(*flipped), True)
    assert refused(name, step, other)


@pytest.mark.parametrize("share", [Rational(1, 2), Integer(0)])
@pytest.mark.parametrize("rule", ["R1", "R0"])
def test_less_of_zeta_is_not_derived(rule, share):
    claim = shelf.CLAIMS.get(T4)
    for what in ("bound", "conditional", "master"):
        says = getattr(claim.outputs[rule], what)
        terms = {**says.rhs.terms, "dissimilarity": share * says.rhs.terms["dissimilarity"]}
        statement = replace(claim.outputs[rule], **{what: Bound(says.lhs, Formula(**terms))})
        chain = verdict(T4, outputs={**claim.outputs, rule: statement})
        assert "away from the claim" in chain.trusted[f"{what} {rule}"]


def test_half_of_zeta_in_one_step_is_refuted_with_numbers():
    says = step_of(T4, "first value").says
    less = replace(says, right=says.right.subs(zeta, zeta / 2))
    assert refused(T4, "first value", less)
    dissimilar = run([Class("it", "dissimilar", ("x_k",))], context(T4))
    half = Inequality("half", le(dissimilar.fact.left, zeta**2 / 2), (("it",),))
    where = context(T4)
    where.done["it"] = dissimilar
    with pytest.raises(Refused, match="zeta ="):
        run([half], where)


def test_more_of_x_0_under_r1_is_not_derived():
    """Under R1 zeta^2 has the weight W + Gamma_0: x_0 has no weight, and its gradients are applied all the same."""
    right = Delta + L * sigma**2 * Q / 2 + L**2 * sigma**2 * V + zeta**2 * W / 2
    assert refused(T4, "master R1", le(virtual_gap + W * mean_gradient_sq / 2, right))
    more = le(virtual_gap + W * mean_gradient_sq / 2, right + zeta**2 * Gamma_0)
    assert not refused(T4, "master R1", more)


# settings


def test_a_setting_of_one_objective_is_refused_for_workers_that_differ():
    assert "one objective for all workers, and the claim about an objective for each" in _in(T4, ASYNC)


def test_a_setting_of_objectives_of_their_own_is_refused_for_workers_that_share_one():
    assert "an objective for each worker, and the claim about one objective" in _in(T3, HETEROGENEOUS)
    everything = shelf.CLAIMS.get(T4).assumptions
    without = tuple(a for a in everything if a.name != "finite zeta")
    assert "setting" in verdict(T4, assumptions=without).trusted


def test_what_letters_mean_is_not_for_a_claim_to_say():
    mine = replace(HETEROGENEOUS, equations={**HETEROGENEOUS.equations, "step": (u(k + 1), u(k))})
    assert "not said in ratecheck.core" in _in(T4, mine)
    assert "not said in ratecheck.core" in _in(T4, replace(HETEROGENEOUS, name="mine"))


def _in(name, setting):
    claim = shelf.CLAIMS.get(name)
    return symbolic.checked(claim, replace(symbolic.proof_of(name), setting=setting)).trusted["setting"]


def test_dissimilarity_is_of_workers_that_differ():
    with pytest.raises(Undone, match="does not give"):
        run([Class("no", "dissimilar", ("x_k",))], context(T3, assumptions=shelf.CLAIMS.get(T4).assumptions))
    with pytest.raises(Undone, match="does not give"):
        run([Class("no", "dissimilar", ("xhat_k",))], context(T4))
    with pytest.raises(Undone, match="does not assume: finite zeta"):
        run([Class("no", "dissimilar", ("x_k",))], context(T4, assumptions=shelf.CLAIMS.get(T3).assumptions))


def test_no_stochastic_gradient_is_that_of_f_where_workers_differ():
    lipschitz = shelf.CLAIMS.get("mishchenko2022.theorem1").assumptions
    with pytest.raises(Undone, match="does not give"):
        run([Class("no", "lipschitz", ("x_k",))], context(T4, assumptions=lipschitz))


def test_windows_are_of_what_was_handed_out():
    """The gradient of F at x_k is not in flight where workers differ."""
    where = context(T4)
    where.done["below"] = run([Rule("ghat", ghat(k), below="cap")], where)
    given = {"weight": 4 * M * L * ghat(k), "cap": Integer(1), "below": "below"}
    run([Counting("fine", "windows", {**given, "attribute": Ip(q(k), q(k))})], where)
    with pytest.raises(Undone, match="attribute of a hand-out"):
        run([Counting("no", "windows", {**given, "attribute": Ip(h(k), h(k))})], where)


# independence


@pytest.mark.parametrize("of", [(z(k), s(k)), (z(k),), (N_0, q_0(m))])
def test_noise_in_flight_and_initial_noise_need_independent_delays(of):
    step = Expectation("it", *of)
    run([step], context(T4))
    with pytest.raises(Refused, match="needs delays independent"):
        run([step], context(T4, policy="data-dependent"))


@pytest.mark.parametrize(
    ("noise", "other"), [(N_0, Q_0), (n(k), u(k + 1)), (n(k), s(k)), (z(k), q(k)), (n(k), q(k + 1)), (z(k), s(k + 1))]
)
def test_nothing_is_known_of_other_pairs(noise, other):
    with pytest.raises(Undone, match="nothing is known"):
        run([Expectation("no", noise, other)], context(T4))


# counting


def test_at_most_k_workers_arrive():
    where = context(FIXED)
    given = {"power": 2, "cap": stepsize, "below": "it", "output": "R1"}
    run([step for step in symbolic.proof_of(FIXED).steps if step.name.startswith("ghat0")], where)
    where.done["it"] = where.done["ghat0 <= gamma"]
    fine = run([Counting("fine", "first arrivals", given)], where)
    assert BY_RULE in fine.tags
    for wrong in ({"output": "RL"}, {"output": "any"}, {"power": 0}, {"cap": 2 * stepsize}):
        with pytest.raises(Undone):
            run([Counting("no", "first arrivals", {**given, **wrong})], where)


def test_the_largest_delay_leaves_out_initial_gradients_that_never_return():
    where = context(FIXED)
    assert run([Counting("t", "longest", {"of": t(k)})], where).fact == le(t(k), tau_closed)
    assert {"R1", BY_RULE} == run([Counting("t0", "longest", {"of": t_0(m), "output": "R1"})], where).tags
    for wrong in ({"of": t_0(m)}, {"of": t_0(m), "output": "RL"}, {"of": ghat(k)}):
        with pytest.raises(Undone):
            run([Counting("no", "longest", wrong)], where)


def test_false_counts_are_refuted_by_enumeration(monkeypatch):
    """That all M workers arrive within K steps, and that no closed delay exceeds those of deliveries."""
    for lemma, lie in (
        ("first arrivals", lambda sch: len(set(sch.worker[: sch.horizon].tolist())) == sch.workers),
        ("longest", lambda sch: sch.longest["tau_closed"] <= sch.longest["tau_max"]),
    ):
        monkeypatch.setitem(counting.ENUMERATED, lemma, lie)
        counting.established.cache_clear()
        with pytest.raises(Refused, match="arrivals"):
            counting.established(lemma)
    counting.established.cache_clear()


def test_the_count_of_first_arrivals_is_an_induction():
    (machine,) = MACHINES["first arrivals"]
    (kept,) = machine.positive
    assert not machine.fault()
    assert replace(machine, positive=(2 * kept - 1,)).fault()
    for count in machine.deliver:
        assert replace(machine, deliver={**machine.deliver, count: 2}).fault() or str(count) != "came"


def test_a_maximum_is_at_least_its_own_numbers():
    where = context(FIXED)
    assert run([Largest("M", Max(M, tau_closed), M)], where).fact == le(M, Max(M, tau_closed))
    for of, one in ((Max(M, tau_closed), K), (M, M), (Max(M, tau_closed), 2 * M)):
        with pytest.raises(Undone, match="no maximum"):
            run([Largest("no", of, one)], where)


def test_a_maximum_is_no_question_for_z3():
    """z3 reads no maximum: the certificate decides alone."""
    where = context(FIXED)
    step = Scalar("it", le(M, Max(M, tau_closed) + 1), (("largest",),))
    run([Largest("largest", Max(M, tau_closed), M), step], where)
    with pytest.raises((Undone, Refused)):
        run([replace(step, says=le(M + 1, Max(M, tau_closed)))], where)


# what cannot be assumed together


def test_arrival_weights_do_not_go_with_initial_gradients_closed_freely():
    """Else M gamma <= K gamma follows: stepsize gamma for all M initial gradients, and a sum over arrivals alone."""
    assert clash(frozenset({FREELY, "R0"}))
    assert not clash(frozenset({FREELY, "R1"}))
    steps = [
        Rule("first", g_0(m), says=eq(g_0(m), stepsize)),
        Rule("applied", applied(k), says=eq(applied(k), stepsize)),
        Counting("delivered", "delivered", {"power": 1}),
        Inequality("M <= K", le(M * stepsize, K * stepsize),
                   ((-1, "delivered"), total(k, -1, "applied"), total(m, "first"))),
    ]  # fmt: skip
    with pytest.raises(Undone, match="closes initial gradients in two ways"):
        run(steps, context(FIXED))


def test_nothing_is_divided_by_zeta():
    with pytest.raises(Undone, match="may be 0"):
        run([Inequality("no", le(0, 1 / zeta), ())], context(T4))


def test_final_stepsizes_that_look_at_the_largest_delay_are_not_fixed():
    fixed = Stepsize(cap=1 / (4 * M * L))
    step = Expectation("it", n(k), u(k))
    assert run([step], context(FIXED, policy="data-dependent", stepsize=fixed)).tags == {FREELY, MEAN}
    with pytest.raises(Refused, match="fixed by the schedule"):
        run([step], context(FIXED, policy="data-dependent"))
