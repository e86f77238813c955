"""The derivations of Theorem 2 and of minibatch SGD without convexity: proved, and no longer when one thing is changed.

The master inequality of Theorem 2 is for delays that do not look at samples: for others it is false, exactly.
"""

from dataclasses import replace
from fractions import Fraction
from itertools import product
from types import SimpleNamespace

import pytest
from sympy import Integer, Rational, sqrt

from ratecheck.checks import symbolic
from ratecheck.checks.question import inequalities_of
from ratecheck.checks.steps import FREELY, Context, Undone
from ratecheck.core import shelf
from ratecheck.core.formula import Formula
from ratecheck.core.gram import Ip, normal, rewrite
from ratecheck.core.proof import Cauchy, Class, Rule, eq, le
from ratecheck.core.setting import ASYNC, e, g_0, g_flying, ghat, h, j, m
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import Delta, G, K, L, M, k, mean_gradient_sq, sigma
from ratecheck.core.symbols import stepsize as gamma
from ratecheck.core.verdict import Verdict
from ratecheck.errors import PartError
from ratecheck.report.statement import as_data, as_text
from tests.chains import proved, survivors, verdict

T2, MINI, T3 = (f"mishchenko2022.{n}" for n in ("theorem2", "minibatch_nonconvex", "theorem3_convex"))
THIRD = Rational(1, 3)
BRANCHES = {
    T2: {"cap": 1 / (2 * M * L), "noise": sqrt(Delta / (L * sigma**2 * K)),
         "in_flight": (Delta / (L**2 * M**2 * G**2 * K)) ** THIRD},
    MINI: {"cap": 1 / L, "noise": sqrt(2 * Delta / (L * K * sigma**2)) * M},
}  # fmt: skip


@pytest.fixture(autouse=True)
def no_search(monkeypatch):
    """Whether a broken step is false or only not derived is the same to all tests here but one."""
    monkeypatch.setattr("ratecheck.checks.steps.search.TRIES", 0)


def broken(chain):
    """Return the name of the first step that is not discharged, or of the first end that is not reached."""
    return next((row["step"] for row in chain.rows if row["verdict"] != "PROVED"), next(iter(chain.trusted), None))


@pytest.mark.parametrize(("name", "rule"), [(T2, "R1"), (MINI, "R0")])
def test_all_that_is_claimed_is_derived(name, rule):
    result = symbolic.check(name, shelf.CLAIMS.get(name), "test")
    assert result.verdict is Verdict.PROVED, result.summary
    assert result.details["proved"] == {rule: ["bound", "conditional", "master"]}
    assert result.details["not_derived"] == []
    assert {row["verdict"] for row in result.details["steps"]} == {"PROVED"}
    assert shelf.CLAIMS.get(name).policy == "data-dependent"
    assert Stepsize(**BRANCHES[name]).branches == shelf.STEPSIZES.get(shelf.CLAIMS.get(name).stepsize).branches


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [(T2, 100), (MINI, 30)])
def test_no_step_can_be_changed(name, least):
    found, tried = survivors(name)
    assert found == []
    assert tried >= least


@pytest.mark.parametrize(
    ("name", "dropped", "step"),
    [
        (T2, "smooth", "descent"),
        (T2, "finite L", "descent"),
        (T2, "finite G", "Lipschitz in flight"),
        (T2, "finite Delta", "start"),
        (T2, "finite sigma", "variance"),
        (T2, "K >= M", "bound"),
        (MINI, "smooth", "descent"),
        (MINI, "finite L", "descent"),
        (MINI, "finite Delta", "start"),
        (MINI, "finite sigma", "variance"),
        (MINI, "M divides K", None),  # about whether there are whole rounds
    ],
)
def test_every_assumption_is_used_by_a_step_that_is_named(name, dropped, step):
    kept = tuple(a for a in shelf.CLAIMS.get(name).assumptions if a.name != dropped)
    assert len(kept) == len(shelf.CLAIMS.get(name).assumptions) - 1
    chain = verdict(name, assumptions=kept)
    assert broken(chain) == step
    assert proved(chain) == (step is None)


@pytest.mark.parametrize(
    ("name", "changed", "step"),
    [
        (T2, {}, None),
        (T2, {"cap": 1 / (M * L)}, "one step"),
        (T2, {"cap": 1 / (2 * L)}, "one step"),
        (T2, {"noise": 2 * BRANCHES[T2]["noise"]}, "bound"),
        (T2, {"noise": BRANCHES[T2]["noise"] * sqrt(K)}, "1/gamma"),
        (T2, {"in_flight": 2 * BRANCHES[T2]["in_flight"]}, "bound"),
        (T2, {"in_flight": (Delta / (L**2 * G**2 * K)) ** THIRD}, "1/gamma"),
        (T2, {"in_flight": BRANCHES[T2]["in_flight"] / M}, "1/gamma"),
        (MINI, {}, None),
        (MINI, {"cap": 2 / L}, "one round"),
        (MINI, {"noise": 2 * BRANCHES[MINI]["noise"]}, "bound"),
        (MINI, {"noise": BRANCHES[MINI]["noise"] / M}, "1/gamma"),
    ],
)
def test_another_stepsize_breaks_a_step(name, changed, step):
    chain = verdict(name, stepsize=Stepsize(**{**BRANCHES[name], **changed}))
    assert broken(chain) == step
    assert proved(chain) == (step is None)


def test_a_stepsize_that_is_too_large_is_false_and_not_only_not_derived(monkeypatch):
    monkeypatch.setattr("ratecheck.checks.steps.search.TRIES", 600)
    chain = verdict(T2, stepsize=Stepsize(**{**BRANCHES[T2], "cap": 1 / (M * L)}))
    assert chain.false[0] == "one step"
    assert "false at" in chain.false[1]


@pytest.mark.parametrize(
    ("name", "step", "change"),
    [
        (T2, "error", {M - 1: Integer(1)}),  # one gradient in flight instead of M - 1
        (T2, "error", {(M - 1) ** 2: M - 1}),  # orthogonal gradients in flight, which they are not
        (T2, "one step", {sigma: Integer(0)}),
        (T2, "first step", {sigma: Integer(0)}),
        (T2, "in gamma", {M / K + 1: Integer(1)}),  # initial gradients are noisy, too
        (T2, "conditional", {M / K + 1: Integer(1)}),
        (T2, "1/gamma", {(L**2 * M**2 * G**2 * K / Delta) ** THIRD: Integer(0)}),
        (T2, "bound", {(M * L * Delta * G / K) ** (2 * THIRD): (M * L * Delta * G / K) ** THIRD}),
        (MINI, "one round", {sigma**2: sigma**2 / M}),
        (MINI, "conditional", {2 * M * Delta: 2 * Delta}),  # K rounds for K/M
        (MINI, "bound", {sqrt(2): Integer(1)}),
    ],
)
def test_a_smaller_right_side_is_rejected_and_named(name, step, change):
    steps = list(symbolic.proof_of(name).steps)
    at = next(i for i, s in enumerate(steps) if s.name == step)
    says = steps[at].says
    less = replace(says, right=says.right.subs(change))
    assert less != says
    chain = verdict(name, steps=[*steps[:at], replace(steps[at], says=less), *steps[at + 1 :]])
    assert broken(chain) == step


def test_the_claim_must_be_what_is_derived():
    claim = shelf.CLAIMS.get(T2)
    bound = claim.outputs["R1"].bound
    less = Formula(**{**bound.rhs.terms, "in_flight": 6 * (M * L * Delta * G / K) ** THIRD})
    chain = verdict(T2, outputs={"R1": replace(claim.outputs["R1"], bound=replace(bound, rhs=less))})
    assert list(chain.trusted) == ["bound R1"]
    assert "away from the claim" in chain.trusted["bound R1"]


# delays that look at samples


def test_the_master_inequality_is_derived_for_independent_delays_alone():
    claim = shelf.CLAIMS.get(T2)
    statement = claim.outputs["R1"]
    assert statement.master.policy == "independent"
    wide = {"R1": replace(statement, master=replace(statement.master, policy=""))}
    chain = verdict(T2, outputs=wide)
    assert list(chain.trusted) == ["master"]
    assert "closes initial gradients in two ways" in chain.trusted["master"]
    assert proved(verdict(T2, outputs=wide, policy="independent"))


def test_bound_and_conditional_hold_for_delays_that_look_at_samples():
    (own, free), (narrow, closed) = symbolic.parts(shelf.CLAIMS.get(T2), symbolic.proof_of(T2))
    assert (own.policy, narrow.policy) == ("data-dependent", "independent")
    assert free.proves == {"R1": {"bound": "bound", "conditional": "conditional"}}
    assert closed.proves == {"R1": {"master": "master"}}
    names, alone = ({s.name for s in one.steps} for one in (free, closed))
    assert alone - names == {"master", "Q", "virtual_gap"}
    assert alone | names == {s.name for s in symbolic.proof_of(T2).steps}


def test_a_part_is_checked_under_its_own_policy():
    """A proof of nothing but the master inequality cannot lend its independence to the bound."""
    proof = symbolic.proof_of(T2)
    swapped = replace(proof, proves={"R1": {"bound": "master", "conditional": "conditional", "master": "master"}})
    chain = symbolic.checked(shelf.CLAIMS.get(T2), swapped)
    assert "closes initial gradients in two ways" in chain.trusted["master"]
    assert "away from the claim" in chain.trusted["bound R1"]


def sides(first):
    """Return both sides of the master inequality and E Q / gamma^2, exactly; ``first``: law of the noise that arrives.

    M = K = 8, L = sigma = 1. F(x) = x^2/2 up to |x| = c, then it has slope c; x_0 = c = 1/500. The noise is -2 with
    probability 1/5 and 1/2 otherwise. One worker delivers all gradients, the others are never heard of.
    """
    M, K, c, gamma, law = 8, 8, Fraction(1, 500), Fraction(1, 2000), LAW
    Delta, G = c**2 / 2, 2 + c
    assert gamma <= Fraction(1, 2 * M)  # the stepsize is its noise branch
    assert gamma**2 * K == Delta
    assert gamma**3 * M**2 * G**2 * K <= Delta
    left = Fraction(0)
    for noise in product(law, repeat=K + 1):
        chance, x, squares = first[noise[0]], c - gamma * (c + noise[0]), Fraction(0)
        for one in noise[1:]:  # the last gradient is in flight, and in xhat_{K+1}
            slope = max(-c, min(c, x))
            chance, squares, x = chance * law[one], squares + slope**2, x - gamma * (slope + one)
        left += chance * ((x * x / 2 if abs(x) <= c else c * abs(x) - c * c / 2) + gamma / 4 * squares)
    rest = Delta + K * gamma**3 * (M - 1) ** 2 * G**2 / 2
    return left, rest + gamma**2 * (K + 1) / 2, rest + gamma**2 * (K + M) / 2


LAW = {Fraction(-2): Fraction(1, 5), Fraction(1, 2): Fraction(4, 5)}


def test_the_master_inequality_is_false_where_a_worker_is_chosen_by_its_sample():
    """The only worker that ever delivers is one with noise -2, if there is any: then the virtual iterate is biased."""
    none = LAW[Fraction(1, 2)] ** 8
    left, right, freely = sides({Fraction(-2): 1 - none, Fraction(1, 2): none})
    assert Fraction(115, 100) < left / right < Fraction(116, 100)
    assert left < freely  # with the noise of all initial gradients it holds here, too
    left, right, _ = sides(LAW)  # a worker chosen without a look
    assert left < right


def test_an_inequality_is_looked_at_where_it_covers_the_delays():
    claim = shelf.CLAIMS.get(T2)
    far, near = (
        SimpleNamespace(cell=SimpleNamespace(output="R1"), policy=p, own_schedules=False)
        for p in ("data-dependent", "independent")
    )
    assert list(inequalities_of(claim, far)) == ["bound", "conditional"]
    assert list(inequalities_of(claim, near)) == ["bound", "conditional", "master"]
    with pytest.raises(PartError, match="policy of an Inequality"):
        replace(claim.outputs["R1"].master, policy="benign")


def test_the_policy_of_an_inequality_is_shown():
    claim = shelf.CLAIMS.get(T2)
    rule = shelf.STEPSIZES.get(claim.stepsize)
    assert "(independent delays)" in " ".join(as_text(T2, claim, rule).split())
    shown = as_data(T2, claim, rule)["outputs"]["R1"]
    assert (shown["bound"]["policy"], shown["master"]["policy"]) == ("data-dependent", "independent")
    assert claim.outputs["R1"].master.latex().endswith(r"\qquad\text{(independent delays)}")
    assert "delays" not in claim.outputs["R1"].bound.latex()
    assert "master for independent delays (R1)" in symbolic.check(T2, claim, "test").summary


# what the kernel grants for constant stepsizes


def context(name):
    claim = shelf.CLAIMS.get(name)
    return Context(claim, shelf.STEPSIZES.get(claim.stepsize), ASYNC)


@pytest.mark.parametrize("of", [ghat(k), g_0(m), g_flying(k, j)])
@pytest.mark.parametrize("relation", [eq, le])
def test_only_a_constant_stepsize_is_one_number(of, relation):
    step = Rule("one", of, says=relation(of, gamma))
    assert symbolic._discharged(step, context(T2)).fact == step.says
    with pytest.raises(Undone, match="no constant: it looks at t"):
        symbolic._discharged(step, context(T3))


def test_a_final_stepsize_is_the_constant_only_where_it_is_closed_so():
    """An initial gradient in flight at K has weight 0 under every output rule: at most gamma, and not equal."""
    equal, below = (symbolic._discharged(Rule("one", g_0(m), says=f(g_0(m), gamma)), context(T2)) for f in (eq, le))
    assert (equal.tags, below.tags) == ({FREELY}, frozenset())
    with pytest.raises(Undone):
        symbolic._discharged(Rule("one", g_0(m), says=le(gamma, g_0(m))), context(T2))


def test_the_error_is_the_sum_that_lemma_1_says():
    (of, whole), (same, split) = (ASYNC.equations[name] for name in ("error", "in flight"))
    sums = dict(ASYNC.equations[name] for name in ("gradients in flight", "noise in flight"))
    assert of == same
    assert whole.function.expand() == sum(sums[part].function for part in split.args)
    assert {whole.limits} == {sums[part].limits for part in split.args}
    outcome = symbolic._discharged(Cauchy("all", e(k), "error"), context(T2))
    assert "arrival orders enumerated" in outcome.checker
    assert outcome.fact.right == (M - 1) * outcome.fact.right.args[-1]


def test_smoothness_bounds_how_gradients_differ_and_how_values_do():
    """On F = L x^2/2 (L = 3) both are equalities; with half of L they fail."""
    where = context(T2)
    apart = symbolic._discharged(Class("apart", "smooth", ("x_k", "xhat_k")), where).fact.expr
    hv = next(a for a in apart.atoms(Ip) if a.args[0] == a.args[1] and str(a.args[0].name) == "hv").args[0]
    at = {Ip(h(k), h(k)): 9 * 4, Ip(h(k), hv): 9 * 10, Ip(hv, hv): 9 * 25, Ip(e(k), e(k)): 9}  # x = 2, xhat = 5
    value = normal(rewrite(apart, {})).xreplace({a: Integer(b) for a, b in at.items()})
    assert value.subs(L, 3) == 0
    assert value.subs(L, Rational(3, 2)) < 0
    assert mean_gradient_sq not in apart.free_symbols
