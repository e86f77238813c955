"""The derivations for OrMo: proved as they are, not with one thing changed; and the lemmas about what is kept."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import sympy as sp
from sympy import Max, Rational, Symbol, sqrt

from ratecheck.checks import symbolic
from ratecheck.checks.steps import FREELY, Context, Refused, Undone, courses, ordered, sequences
from ratecheck.checks.steps.courses import age, back, beta, in_u, in_w, total_, whole
from ratecheck.checks.steps.rule import falls
from ratecheck.core import shelf
from ratecheck.core.assumption import Assumption
from ratecheck.core.claim import at_most, below, has
from ratecheck.core.fact import le
from ratecheck.core.gram import Ip, square
from ratecheck.core.proof import Cauchy, Class, Counting, Expectation, Identity, Inequality, Largest, Root, eq
from ratecheck.core.setting import ASYNC, applied, e, g_0, ghat, h, h_0, h_virtual, i, m, n, s, u, z
from ratecheck.core.setting_ormo import NAIVE, ORMO, UNIFORM, gap, kept, kept_0, r
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import Delta, G, K, L, M, k, mean_gradient_sq, sigma, tau, tau_closed
from ratecheck.core.symbols import beta as momentum
from ratecheck.core.symbols import stepsize as gamma
from ratecheck.core.verdict import Verdict
from ratecheck.engine.build import build
from ratecheck.engine.orders import arrival_orders
from ratecheck.engine.schedule import from_order
from tests.chains import proved, survivors, verdict

T1, SHARP, FULL, NAIVE1, LONGEST, T2, SCALED = (
    f"ormo2024.{name}" for name in ("theorem1", "theorem1_sharp", "theorem1_full_gradient", "theorem1_naive",
                                    "theorem1_bounded_delay", "theorem2", "theorem2_scaled"))  # fmt: skip
THEOREMS = {T1: 2, SHARP: 1, FULL: 1, NAIVE1: 2, LONGEST: 2, T2: 2, SCALED: 2}
LEMMAS = ("lemma1", "lemma2", "lemma3", "lemma8", "closed_forms", "virtual_iterate", "delay_counting", "coefficients",
          "distance", "lemma4", "lemma10")  # fmt: skip
#: facts that nothing names: they say that what is divided by is positive
DENOMINATORS = {T1: set(), NAIVE1: set(), SHARP: {"L a"}, FULL: {"L a", "1 - beta^2"}, LONGEST: {"1 - beta^2"},
                T2: {"1 + beta"}, SCALED: {"1 + beta"}}  # fmt: skip
LEFT = 1 - momentum
WEIGHTS = (kept_0(k, m), kept(k, i))


def context(name, **changes):
    claim = replace(shelf.CLAIMS.get(name), **changes)
    rule = shelf.STEPSIZES.get(claim.stepsize) if isinstance(claim.stepsize, str) else claim.stepsize
    return Context(claim, rule, symbolic.proof_of(name).setting)


def run(steps, where):
    for step in steps:
        where.done[step.name] = symbolic._discharged(step, where)
    return where.done[steps[-1].name]


def upto(name, last, **changes):
    """A context in which the steps before ``last`` are done, and the step ``last``."""
    where = context(name, **changes)
    for step in symbolic.proof_of(name).steps:
        if step.name == last:
            return where, step
        run([step], where)
    raise LookupError(last)


def broken(chain):
    """The steps that are false, or that nobody discharged."""
    return {row["step"] for row in chain.rows if row["verdict"] != "PROVED"}


def orders(workers, steps):
    desk = shelf.SCHEDULERS.get("async")
    for order in arrival_orders(desk, workers, steps, labelled=False):
        yield from_order(desk, workers, np.array(order, dtype=np.int64))


@pytest.mark.parametrize("name", THEOREMS)
def test_the_theorems_are_derived(name):
    result = symbolic.check(name, shelf.CLAIMS.get(name), "test")
    assert result.verdict is Verdict.PROVED, result.summary
    assert [len(ends) for ends in result.details["proved"].values()] == [THEOREMS[name]]
    assert result.details["not_derived"] == []
    assert {row["verdict"] for row in result.details["steps"]} == {"PROVED"}


@pytest.mark.parametrize("name", LEMMAS)
def test_the_lemmas_are_derived(name):
    result = symbolic.check(f"ormo2024.{name}", shelf.CLAIMS.get(f"ormo2024.{name}"), "test")
    assert result.verdict is Verdict.PROVED, result.summary


@pytest.mark.parametrize(("name", "least"), [(SHARP, 60), pytest.param(T2, 120, marks=pytest.mark.slow)])
def test_no_step_can_be_changed(name, least, monkeypatch):
    monkeypatch.setattr("ratecheck.checks.steps.search.TRIES", 0)
    found, tried = survivors(name)
    assert found == []
    assert tried >= least


@pytest.mark.parametrize("name", [*THEOREMS])
def test_every_step_is_used(name):
    proof = symbolic.proof_of(name)
    used = {one for step in proof.steps for one in step.uses}
    ends = {name for named in proof.proves.values() for name in named.values()}
    assert {step.name for step in proof.steps} == used | ends | DENOMINATORS[name]


@pytest.mark.parametrize(
    ("name", "step"), [(name, step) for name, steps in DENOMINATORS.items() for step in sorted(steps)]
)
def test_denominators_must_be_positive(name, step):
    chain = verdict(name, steps=[one for one in symbolic.proof_of(name).steps if one.name != step])
    assert not proved(chain)


@pytest.mark.slow
@pytest.mark.parametrize("name", [SHARP, T2])
def test_every_assumption_is_used(name):
    everything = shelf.CLAIMS.get(name).assumptions
    for one in everything:
        assert not proved(verdict(name, assumptions=tuple(a for a in everything if a != one))), one.name


@pytest.mark.parametrize("name", [SHARP, FULL])
def test_claims_about_a_constant_stepsize_bring_cells_that_declare_one(name):
    """Most scenarios declare none; so the claims are looked at with any of them, where their bounds say something."""
    claim = shelf.CLAIMS.get(name)
    assert {cell.M for cell in claim.cells} == {4, 16}
    assert {cell.sigma for cell in claim.cells} == {0, 1}
    for cell in claim.cells:
        facts = build(cell, 1, method=claim.method, scheduler=claim.scheduler, stepsize=claim.stepsize).facts
        assert claim.failing(facts) == []
        assert claim.outputs["uniform"].bound.rhs.value(facts) < claim.trivial.value(facts)


# stepsizes


CAP = {T1: LEFT / (2 * M * L), T2: LEFT**2 / (4 * M * L)}
RULES = {
    T1: {"cap": CAP[T1], "noise": LEFT * sqrt(Delta / (L * sigma**2 * K)),
         "in_flight": LEFT * (2 * Delta * LEFT**2 / (L**2 * M**2 * G**2 * K)) ** Rational(1, 3)},
    T2: {"cap": CAP[T2], "noise": LEFT * sqrt(8 * Delta / (3 * L * sigma**2 * K)),
         "delay": LEFT**2 / (2 * L * Max(tau - 1, 2 * M))},
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "branch", "step"),
    [
        (T1, {"cap": 1 / (2 * M * L)}, "M L a"),  # a (1 - beta) dropped
        pytest.param(T1, {"cap": LEFT / (M * L)}, "M L a", marks=pytest.mark.slow),
        (T1, {"noise": sqrt(Delta / (L * sigma**2 * K))}, "bound"),
        (T1, {"in_flight": RULES[T1]["in_flight"] / LEFT}, "bound"),
        (T2, {"cap": LEFT**2 / (2 * M * L)}, "ghat: paid"),  # 2ML for 4ML in H1
        pytest.param(T2, {"cap": LEFT / (4 * M * L)}, "ghat: paid", marks=pytest.mark.slow),
        (T2, {"delay": LEFT**2 / (L * Max(tau - 1, 2 * M))}, "ghat: in flight"),
        pytest.param(T2, {"delay": LEFT / (2 * L * Max(tau - 1, 2 * M))}, "ghat: in flight", marks=pytest.mark.slow),
        (T2, {"delay": LEFT**2 / (2 * L * Max(tau - 1, M))}, "least gamma"),
        (T2, {"delay": LEFT**2 / (4 * L * Max(tau - 1, 2 * M))}, "least gamma"),
    ],
)
def test_another_stepsize_breaks_a_step_that_is_named(name, branch, step):
    assert proved(verdict(name, stepsize=Stepsize(**RULES[name])))
    assert step in broken(verdict(name, stepsize=Stepsize(**{**RULES[name], **branch})))


def test_a_longer_step_breaks_what_theorem_2_pays_and_not_only_its_letters():
    """With (1 - beta)/(4ML), or (1 - beta)^2/(2ML), a gradient may cost more than an eighth of what it gains."""
    one = Symbol("c", positive=True)
    for cap in (r / (4 * M * L), r**2 / (2 * M * L)):
        after = M * (1 - r) / r
        cost = (L**2 * M * one * (2 * M + after) * one).subs(one, cap) - r**3 / 8  # tau - 1 = 2M
        assert cost.subs({L: 1, M: 4, r: Rational(1, 10)}) > 0
    assert (L**2 * M * one * (2 * M + after) * one - r**3 / 8).subs(one, r**2 / (4 * M * L)).subs(
        {L: 1, M: 4, r: Rational(1, 10)}
    ) <= 0


def test_a_stepsize_that_grows_with_the_delay_is_seen():
    assert falls(1 / Max(tau - 1, 2 * M))
    assert falls(Max(M, K) / tau)
    assert not falls(Max(tau - 1, 2 * M))
    assert not falls(1 / Max(5 - tau, 2 * M))
    assert not falls(tau / Max(tau - 1, 2 * M))


# what samples and delays may have to do with each other


@pytest.mark.parametrize("name", [FULL, LONGEST, T2])
def test_delays_that_depend_on_samples_are_not_covered(name):
    chain = verdict(name, policy="data-dependent")
    assert chain.false is not None
    assert "data-dependent" in chain.false[1]


def test_theorem_1_covers_them_for_it_bounds_the_distance_on_every_run():
    assert shelf.CLAIMS.get(T1).policy == "data-dependent"
    weighed = Cauchy("it", s(k), "means kept", WEIGHTS)
    run([weighed], context(T1, policy="independent"))
    with pytest.raises(Refused, match="are random for data-dependent delays"):
        run([weighed], context(T1))
    split = Identity("it", eq(square(e(k)), square(s(k) + z(k))), by=("kept", "means kept"))
    with pytest.raises(Refused, match="are random for data-dependent delays"):
        run([split], context(T1))
    with pytest.raises(Refused, match="needs delays independent"):
        run([Expectation("it", z(k))], context(T1))


def test_noise_is_not_orthogonal_to_what_depends_on_it():
    for pair in ((z(k), s(k)), (z(k), h(k)), (n(k), u(k + 1)), (z(k), e(k))):
        with pytest.raises(Undone, match="nothing is known"):
            run([Expectation("it", *pair)], context(T2))


def test_without_the_factor_2_the_distance_is_not_derived():
    where, step = upto(T2, "distance")
    with pytest.raises((Refused, Undone)):
        run([replace(step, says=replace(step.says, right=step.says.right / 2))], where)
    with pytest.raises((Refused, Undone)):
        run([replace(step, by=tuple(p for p in step.by if isinstance(p[-1], str)))], where)


# what is kept


@pytest.mark.parametrize("name", [T1, NAIVE1])
def test_one_gradient_less_is_refused(name):
    where, step = upto(name, "coefficients")
    run([step], where)
    with pytest.raises((Refused, Undone)):
        run([replace(step, name="no", says=replace(step.says, right=step.says.right - 1))], where)


def test_lemmas_of_one_method_say_nothing_of_the_other():
    assert NAIVE.lemmas["kept"] != UNIFORM.lemmas["kept"]
    for name, lemma in ((T1, "kept total, naive"), (NAIVE1, "kept total"), (NAIVE1, "lemma 1")):
        with pytest.raises(Undone, match=r"is not about|about OrMo, not about"):
            run([Counting("it", lemma)], context(name))
    with pytest.raises(Undone, match="is not the distance to its virtual iterate"):
        run([Counting("it", "in flight")], context(T1))
    other = replace(symbolic.proof_of(T1), setting=NAIVE)
    assert "naive momentum" in symbolic.checked(shelf.CLAIMS.get(T1), other).trusted["setting"]


@pytest.mark.parametrize(("method", "members"), [("ormo", True), ("naive_momentum", False)])
def test_kernels_keep_what_is_said(method, members):
    assert all(ordered._kept(method, members)(s) for s in orders(2, 4))


@pytest.mark.parametrize(
    ("method", "members"), [("ormo_vanilla_step", True), ("naive_momentum", True), ("ormo", False), ("async_sgd", True)]
)
def test_other_kernels_do_not(method, members):
    assert not all(ordered._kept(method, members)(s) for s in orders(2, 4))


@pytest.mark.parametrize(
    "kernel", ["power_too_few", "all_at_once", "half_step_by_u", "floor_groups", "exponent_delay", "unordered"]
)
def test_planted_kernels_are_seen(kernel, monkeypatch):
    from ratecheck.mutants import mutant

    planted = shelf.METHODS.get(str(mutant.__file__).replace("mutant.py", f"kernels/ormo_{kernel}.py"))
    monkeypatch.setattr(ordered, "shelf", SimpleNamespace(METHODS=SimpleNamespace(get={"planted": planted}.get)))
    assert not all(ordered._kept("planted", True)(s) for s in orders(2, 5))


@pytest.mark.parametrize(
    "move",
    [
        {"turn": {in_w: in_w - in_u}},
        {"turn": {in_u: beta * in_u + 1}},
        {"delivery": {in_w: in_w - (1 - age) / (1 - beta)}},
        {"delivery": {in_w: in_w - 1 / (1 - beta)}},
        {"delivery": {in_u: in_u + 1}},
        {"delivery": {in_u: in_u + beta * age}},
    ],
)
def test_another_course_fails(move):
    assert courses.COURSE.fault() == ""
    moves = {name: {**old, **move.get(name, {})} for name, old in courses.COURSE.moves.items()}
    assert replace(courses.COURSE, moves=moves).fault() != ""


def test_other_ends_of_a_course_are_not_0():
    for end in (in_w + back / (1 - beta), in_u - age, in_w + (1 - back)):
        assert "is not 0" in replace(courses.COURSE, ends=(end,)).fault()


def test_fewer_members_than_a_group_has_fail():
    less = {total_: beta * total_ + (1 - beta) * whole + 1}
    assert replace(courses.TOTAL, deliver=less).fault() != ""
    assert replace(courses.LATER, positive=(beta * whole - total_ - whole,)).fault() != ""


def test_sums_of_what_is_kept_are_bounded_no_better():
    """With M - 2 for M - 1 in flight a schedule is in the way; at beta = 0 the bound is attained."""
    table = [ordered._table(s, True, ordered.BETAS[2]) for s in orders(3, 4)]
    assert max(sum(row) for rows in table for row in rows) == 2
    half = [sum(row) for s in orders(2, 6) for row in ordered._table(s, True, ordered.BETAS[1])]
    assert 1 + 1 < max(half) <= 1 + 2  # M - 1 + M beta/(1 - beta), and not (M - 1) beta/(1 - beta)


def test_windows_ask_for_their_premises():
    where, step = upto(T2, "windows")
    given = dict(step.given)
    run([step], where)
    for change in ({"cap": Symbol("c", positive=True) / 2}, {"below": "ghat0 <= c"},
                   {"attribute": Ip(h(k), h_virtual(k))}, {"attribute": kept(k, i)},
                   {"attribute": square(h_virtual(k))}):  # fmt: skip
        with pytest.raises(Undone):
            run([replace(step, name=str(change), given={**given, **change})], where)
    with pytest.raises(Undone, match="may use its stepsize"):
        run([Counting("no", "kept squares windows", {**given, "attribute": square(h(k))})], where)


def test_every_lemma_holds_on_more_orders():
    for lemma, holds in {**ordered.ENUMERATED, **sequences.ENUMERATED}.items():
        assert all(holds(s) for s in list(orders(3, 6))[::29]), lemma


# kinds of steps


def test_weights_must_be_weights():
    where = context(T2)
    fine = run([Cauchy("fine", s(k), "means kept", WEIGHTS)], where).fact
    assert fine.left == square(s(k))
    run([Cauchy("also fine", s(k), "means kept", (kept_0(k, m), ghat(i)))], where)
    for weights in (
        WEIGHTS[:1],
        (g_0(m), h(i)),
        (kept(k, i), kept(k, i)),
        (kept_0(k, m), r),
        (kept_0(k, m), kept(k, m)),
    ):
        with pytest.raises(Undone):
            run([Cauchy(str(weights), s(k), "means kept", weights)], where)


def test_minkowski_asks_for_a_number_and_for_gradients():
    where, step = upto(T1, "distance")
    run([step], where)
    more = le(where.done["coefficients"].fact.left, M / r + k)
    where.done["by k"] = run([Inequality("later", more, (("coefficients",), (1 + k,)))], where)
    for change in ({"total": "by k"}, {"by": "kept"}, {"steps": ("ghat", "ghat0")}, {"total": "ghat"}, {"of": s(k)}):
        with pytest.raises(Undone):
            run([replace(step, name=str(change), **change)], where)
    without = tuple(a for a in where.claim.assumptions if a.name != "finite G")
    with pytest.raises(Undone, match="finite G"):
        run([replace(step, name="no G")], replace(where, claim=replace(where.claim, assumptions=without)))


def test_a_root_needs_a_free_letter_and_a_nonnegative_number():
    d = Symbol("d", nonnegative=True)
    where, step = upto(LONGEST, "d")
    run([step], where)
    with pytest.raises(Undone, match="does not say"):
        run([replace(step, name="no", of=tau_closed - 1)], where)
    with pytest.raises(Undone, match="stands for something else"):
        run([Root("no", d, Max(tau_closed - 1 + M * (1 - r) / r, 1), "more is positive")], where)
    for letter in (Symbol("d", positive=True), Symbol("kept", nonnegative=True), L, sp.Symbol("d")):
        with pytest.raises(Undone, match=r"no free letter|not known to be a real number"):
            run([replace(step, name=f"it is {letter}", letter=letter)], where)


def test_a_maximum_is_at_most_what_all_its_numbers_are():
    where, step = upto(LONGEST, "not by more than 1")
    run([step], where)
    with pytest.raises(Undone, match="none of its facts"):
        run([replace(step, name="no", by=("D + 1",))], where)
    with pytest.raises(Undone, match="none of its facts"):
        run([replace(step, name="no", most=step.most - 1)], where)
    with pytest.raises(Undone, match="no maximum"):
        run([Largest("no", tau_closed, tau_closed)], where)


def test_what_is_assumed_is_read_off_the_assumption():
    where = context(SHARP)
    cap = run([Class("cap", "assumed", ("stepsize <= (1 - beta)/(L*M)",))], where).fact
    assert cap == le(gamma, r / (L * M))
    assert run([Class("short", "assumed", ("stepsize < (1 - beta)/L",))], where).fact == le(gap, r / L - gamma)
    with pytest.raises(Undone, match="assumes no inequality"):
        run([Class("no", "assumed", ("finite L",))], where)
    mine = Assumption("mine", "mine", lambda facts: None, (mean_gradient_sq, Delta, False))
    with pytest.raises(Undone, match="assumes no inequality mine"):  # no factory of ours makes it
        run([Class("no", "assumed", ("mine",))], context(SHARP, assumptions=(mine,)))


def test_at_most_and_below_are_what_they_say():
    facts = {"stepsize": 0.5, "L": 2.0, "beta": 0.0}
    assert at_most("stepsize", LEFT / L).holds(facts) is None
    assert "not below" in below("stepsize", LEFT / L).holds(facts)
    assert below("stepsize", LEFT / L).holds({**facts, "stepsize": 0.4}) is None
    assert "no finite" in below("stepsize", LEFT / L).holds({**facts, "L": None})


def test_beta_is_a_fraction_or_nothing_is_derived():
    everything = shelf.CLAIMS.get(T1).assumptions
    chain = verdict(T1, assumptions=tuple(a for a in everything if a.name != "0 <= beta < 1"))
    assert "0 <= beta < 1" in chain.trusted["setting"]
    assert "the claim does not assume: 0 <= beta < 1" in chain.trusted["beta"]


def test_uniform_is_an_output_rule_of_its_own():
    where, _ = upto(T1, "descent")
    assert where.done["ghat"].tags == {"uniform"}
    assert where.done["ghat0"].tags == {FREELY}
    assert set(ORMO.measured) == {"R1", "R0", "RL", "any"}
    assert set(UNIFORM.measured) == {"uniform"}
    assert "virtual_gap" not in ORMO.measured["any"]  # a run measures other virtual iterates
    assert applied(K) in UNIFORM.measured["uniform"]["W"][1].atoms(type(applied(K)))
    assert ASYNC.measured["any"].keys() > ORMO.measured["any"].keys()


def test_a_full_gradient_is_bounded_where_that_is_assumed():
    where = context(FULL)
    assert run([Class("it", "bounded", ("x_0",))], where).fact.left == Ip(h_0, h_0)
    with pytest.raises(Undone, match="finite G_F"):
        run([Class("it", "bounded", ("x_0",))], context(T1))
    assert has("G_F").name in {a.name for a in where.claim.assumptions}


def test_half_of_the_delays_is_not_more():
    where, step = upto("ormo2024.delay_counting", "half below 2M")
    run([step], where)
    more = replace(step.says, left=step.says.left + 1)
    with pytest.raises((Refused, Undone)):
        run([replace(step, name="no", says=more)], where)
