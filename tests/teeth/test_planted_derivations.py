"""Planted derivations of a false bound: the kernel must not prove one, and says which step fails and why.

The claim is that the gap of asynchronous SGD is below a billionth of L B^2, at every K; each derivation uses one thing
that the kernel once let pass, or might.
"""

from dataclasses import replace

import pytest
from sympy import Float, Function, I, Integer, Rational, Sum, Symbol, exp, log, oo, sqrt

from ratecheck.checks import symbolic
from ratecheck.checks.steps import Context, Outcome, Undone
from ratecheck.core import shelf
from ratecheck.core.assumption import at_most, below, has
from ratecheck.core.claim import Inequality as Bound
from ratecheck.core.claim import Statement
from ratecheck.core.formula import Formula
from ratecheck.core.gram import Ip, inner, square
from ratecheck.core.proof import (
    Calculus,
    Class,
    Counting,
    Identity,
    Inequality,
    Power,
    Proof,
    Root,
    Rule,
    Square,
    Telescope,
    eq,
    le,
    total,
)
from ratecheck.core.setting import ASYNC, g_0, g_flying, ghat, h, h_flying, i, j, m, p, s, t_flying, tau, u
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, k, mean_gap, mu, output_gap, sigma, symbol
from ratecheck.core.symbols import stepsize as gamma
from ratecheck.errors import FormulaError, PartError
from tests.chains import proved

CONVEX = "mishchenko2022.theorem3_convex"
TINY = L * B**2 / (10**9 * K)
N, a, b, c, x, y = (Symbol(n, nonnegative=True) if n == "N" else Symbol(n, positive=True) for n in "Nabcxy")
f = Function("c", positive=True)
ONE = {"only": Integer(1)}
ABSURD = le(1, 0)


def claim_of(bound=TINY, **changes):
    says = {"R1": Statement(Bound(Formula(output_gap), Formula(bound)))}
    return replace(shelf.CLAIMS.get(CONVEX), **{"outputs": says, "identities": (), "trivial": None, **changes})


def chain_of(*steps, claim=None):
    """Check steps, the last of them an absurdity called "absurd", and the end that anything follows from."""
    end = Inequality("end", le(output_gap, TINY), ((output_gap, "absurd"),))
    return symbolic.checked(claim or claim_of(), Proof(ASYNC, (*steps, end), {"R1": {"bound": "end"}}))


def reasons(chain):
    return " | ".join([*chain.trusted.values(), *([chain.false[1]] if chain.false else [])])


def context_of(claim=None, facts=()):
    claim = claim or claim_of()
    done = {name: Outcome(fact, "given") for name, fact in facts}
    rule = claim.stepsize if isinstance(claim.stepsize, Stepsize) else shelf.STEPSIZES.get(claim.stepsize)
    return Context(claim, rule, ASYNC, done)


def discharged(step, *facts, claim=None):
    """Discharge one step after facts that are given for true, by name."""
    return symbolic._discharged(step, context_of(claim, facts))


def refused(step, why, *facts, claim=None):
    with pytest.raises(Undone, match=why):
        discharged(step, *facts, claim=claim)


def test_the_false_claim_is_otherwise_complete():
    """What an absurdity proves when there is one; so each test below fails by the step it is about."""
    end = Inequality("end", le(output_gap, TINY), ((output_gap, "absurd"),))
    assert discharged(end, ("absurd", ABSURD)).fact == end.says


# real numbers


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (Inequality("absurd", le(square(h(k)), 0), ((Square(I * h(k)),),)), "nothing is known of I"),
        (Inequality("absurd", le(0, (M - 2) * square(h(k))), ((Square(sqrt(M - 2) * h(k)),),)), "false at M = 1"),
        (Inequality("absurd", le(0, M - 2), ((Power(sqrt(M - 2)),),)), "false at M = 1"),
        (Inequality("absurd", le(Ip(h(k), h(k)), 0), ((Ip(I * h(k), I * h(k)),),)), "named vectors"),
        (Identity("absurd", eq(Ip(2 * h(k), h(k)), Ip(h(k), h(k)))), "named vectors"),
        (Inequality("absurd", le(0, Symbol("q")), ()), "q is not known to be a real number"),
        (Inequality("absurd", le(0, oo), ()), "nothing is known of oo"),
        (Inequality("absurd", le(0, Sum(k, (k, 1, K)) + Function("q")(k)), ()), "not known to be a real number"),
    ],
)
def test_only_real_numbers_make_a_square(step, why):
    chain = chain_of(step)
    assert not proved(chain)
    assert why in reasons(chain)


def test_a_square_of_real_multiples_of_vectors_is_nonnegative():
    says = le(0, 3 * square(h(k)) - 2 * sqrt(3 * L) * inner(h(k), u(k)) + L * square(u(k)))
    discharged(Inequality("it", says, ((Square(sqrt(3) * h(k) - sqrt(L) * u(k)),),)))
    refused(Inequality("it", le(0, square(h(k))), ((sigma**2, Square(h(k) / sigma)),)), "may be 0")
    refused(Inequality("it", le(0, M), ((sigma**2, Power(M / sigma)),)), "may be 0")


def test_nothing_is_rounded():
    big, real = Float(1e20), Symbol("x", real=True)
    lost = Rule("c", c, says=eq(c, big * M + 1), values={"only": big * M + 1})
    for step in (lost, Rule("c", c, says=eq(c, M), values={"only": 0.1}),
                 Inequality("it", le(0, M), ((Float(0.5), "one"),)),
                 Calculus("it", le(1 + real, exp(real)), real, big),
                 Counting("it", "handed out", {"attribute": 0.1 * ghat(k)})):  # fmt: skip
        refused(step, "is rounded", ("one", le(0, M)))
    discharged(Rule("c", c, says=eq(c, 2), values={"only": 2}))  # whole numbers are exact


# sums


def test_sums_run_over_the_whole_range_of_an_index():
    upside_down = Telescope("closed form", eq(Sum(k, (k, x, N)), N * (N + 1) / 2 - x * (x - 1) / 2), N, K)
    refused(upside_down, "not over the whole range")
    refused(Inequality("it", le(0, Sum(k, (k, x, K))), ()), "not over the whole range")
    refused(Inequality("it", le(0, Sum(k, (k, 1, x))), ()), "not over the whole range")
    refused(Inequality("it", le(0, Sum(x, (x, 1, K))), ()), "not over the whole range")
    discharged(Telescope("closed form", eq(Sum(k, (k, 1, N)), N * (N + 1) / 2), N, K))


def test_an_induction_is_over_a_letter_of_its_own():
    says = le(0, Sum(k, (k, 1, N)))
    discharged(Telescope("it", says, N, K, by=((k,),)))
    for n in (K, M, Symbol("N", negative=True), Symbol("N", positive=True), Symbol("r", nonnegative=True)):
        refused(Telescope("it", says.__class__(says.left, says.right.subs(N, n)), n, K, by=((k,),)), "no free letter")


def test_an_index_of_a_sum_is_no_other_vector():
    with pytest.raises(PartError, match="another one than that of the sum"):
        inner(Sum(g_flying(k, j) * h_flying(k, j), (j, 1, M - 1)), h_flying(k, j))
    false = eq(inner(s(k), h_flying(k, j)), Sum(g_flying(k, j) * square(h_flying(k, j)), (j, 1, M - 1)))
    refused(Identity("false", false, by=("gradients in flight",)), "another one than that of the sum")


def test_the_least_branch_may_be_another_one_in_each_term_of_a_sum():
    says = le(K / 2, Sum(ghat(k), (k, 1, K)))
    refused(Rule("it", ghat(k), says=says), "another one in each term")
    says = le(Sum(f(k), (k, 1, K)), K)
    refused(Rule("it", f(k), says=says, values={"1": Integer(1), "tau": tau(k)}), "another one in each term")


# an index that may not be there


def test_a_fact_about_each_of_no_workers_says_nothing_else():
    """With one worker nothing is in flight beside its own gradient, and 1 <= x(j) <= 1/2 for each j is true."""
    facts = ("low", le(1, t_flying(k, j))), ("high", le(t_flying(k, j), Rational(1, 2)))
    refused(Inequality("absurd", le(1, Rational(1, 2)), (("low",), ("high",))), "there may be no j", *facts)
    both = total(j, "low"), total(j, "high")
    discharged(Inequality("it", le(M - 1, (M - 1) / 2), both), *facts)
    hidden = 1 + (t_flying(k, j) + 1) ** 2 - t_flying(k, j) ** 2 - 2 * t_flying(k, j) - 1
    refused(Inequality("it", le(hidden, Rational(1, 2)), (("low",), ("high",))), "there may be no j", *facts)


def test_not_every_earlier_step_is_there_for_all_steps():
    fact = "low", le(tau(i), tau(k))
    refused(Inequality("it", le(K * tau(i), Sum(tau(k), (k, 1, K))), (total(k, "low"),)), "no Total over k", fact)
    discharged(Inequality("it", le(Sum(tau(i), (i, 1, k - 1)), (k - 1) * tau(k)), (total(i, "low"),)), fact)


# letters


def test_letters_of_the_kernel_are_no_letters_of_a_derivation():
    slack = Symbol("k'", nonnegative=True)
    chain = chain_of(
        Inequality("small", le(slack, K - M), ()), Rule("big", slack, says=le(K, slack), values={"a": K}),
        Inequality("absurd", ABSURD, (("small",), ("big",), (M - 1,))),
    )  # fmt: skip
    assert not proved(chain)
    assert "false at" in reasons(chain)
    q = Symbol("m", nonnegative=True)
    assert not proved(chain_of(Inequality("absurd", le(q, M - 1), ())))


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ((Rule("a", a, says=eq(a, b), values={"only": b}), Rule("b", b, says=eq(b, a + 1), values={"only": a + 1})),
         "define it before that"),
        ((Rule("a", a, says=eq(a, a + 1), values={"only": a + 1}),), "defined by itself"),
        ((Rule("a", f(k), says=le(0, f(k)), values={"only": f(k) + 1}),), "defined by itself"),
        ((Rule("a", a, says=le(0, a), values={"only": b}),
          Inequality("pos", le(0, N + 1), ()), Root("b", Symbol("b", nonnegative=True), N + 1, "pos"),
          Root("N", N, M, "M")), "stands for something else"),
        ((Inequality("pos", le(0, N**2 + 1), ()), Root("r", N, N**2 + 1, "pos")), "defined by itself"),
        ((Rule("a", f(k), says=eq(f(k), 1), values=ONE), Rule("b", f(k + 1), says=eq(f(k + 1), 1), values=ONE)),
         "has a meaning already, or is no letter"),
        ((Rule("a", f(k), says=eq(f(k), 1), values=ONE), Rule("b", f(m), says=eq(f(m), 1), values=ONE)),
         "has a meaning already, or is no letter"),
        ((Rule("a", f(Integer(1)), says=eq(f(1), 1), values=ONE),), "has a meaning already, or is no letter"),
        ((Rule("a", f(k, k), says=eq(f(k, k), 1), values=ONE),), "has a meaning already, or is no letter"),
    ],
)  # fmt: skip
def test_a_letter_is_defined_once_by_what_was_there_before(steps, why):
    context = context_of(facts=(("M", le(0, M)),))
    for step in steps[:-1]:
        context.done[step.name] = symbolic._discharged(step, context)
    with pytest.raises(Undone, match=why):
        symbolic._discharged(steps[-1], context)


def test_a_letter_may_be_defined_by_earlier_ones():
    steps = (
        Rule("a", a, says=eq(a, 1 / L), values={"only": 1 / L}),
        Rule("b", b, says=eq(b, a / 2), values={"only": a / 2}),
    )
    chain = symbolic.checked(claim_of(), Proof(ASYNC, steps, {}))
    assert [row["verdict"] for row in chain.rows] == ["PROVED", "PROVED"]


def test_a_letter_for_numbers_is_one_where_sigma_is_0():
    says = eq(c * sigma, 1)
    refused(Rule("c", c, says=says, values={"only": 1 / sigma}), "lacks a value that is finite")
    refused(Rule("c", c, says=le(0, c), branches=("noise",)), "lacks a value that is finite")
    refused(Rule("c", c, says=eq(c, sigma), values={"only": sigma}), "not known to be positive")
    refused(Rule("c", c, says=eq(c, mean_gap), values={"only": mean_gap}), "not known to be positive")
    refused(Rule("c", c, says=le(0, c), values={"only": log(1 + sigma)}), "not known to be positive")
    # sigma is not 0 in a case whose value is infinite there, and only there
    fact = "fact", le(sigma * x, sigma * y)
    cases = dict.fromkeys(("first", "one"), ((1 / sigma, "fact"),))
    for value, branch in ((1 / sigma, "one"), (1 + sigma, "first")):
        values = {"first": value, "one": Integer(1)}
        refused(Rule("c", c, says=le(x, y), values=values, cases=cases), f"where branch '{branch}'", fact)


def test_a_branch_is_a_positive_number_over_a_positive_number():
    odd = {"big": (-x - 1) / (-y - 1), "small": Rational(1, 100)}
    refused(Rule("up", c, below="big", values=odd), "not known to be positive")
    claim = claim_of(stepsize=Stepsize(odd=(-M - 1) / (-K * L - L)))
    refused(Rule("up", gamma, below="odd"), "not known to be positive", claim=claim)
    refused(Rule("up", ghat(k), below="odd"), "not known to be a positive number over", claim=claim)
    right = Rule("up", c, below="big", values={**odd, "big": (x + 1) / (y + 1)})
    assert discharged(right).fact == le(c * (y + 1), x + 1)


# counting


@pytest.mark.parametrize("attribute", [g_0(m), ghat(k) * t_flying(k, j), ghat(k) * tau(i)])
def test_attributes_of_hand_outs_have_no_index_that_a_lemma_sums_over(attribute):
    cap = "cap", le(ghat(k), c)
    refused(Counting("it", "handed out", {"attribute": attribute}), "attribute of a hand-out", cap)
    windows = {"weight": ghat(k), "cap": c, "below": "cap", "attribute": attribute}
    for lemma in ("windows", "windows before k"):
        refused(Counting("it", lemma, windows), "attribute of a hand-out", cap)
        discharged(Counting("it", lemma, {**windows, "attribute": ghat(k)}), cap)


@pytest.mark.parametrize("weight", [g_0(m), t_flying(k, j), tau(i)])
def test_weights_of_windows_have_no_index_that_the_lemma_sums_over(weight):
    windows = {"weight": weight, "cap": c, "below": "cap", "attribute": ghat(k)}
    refused(Counting("it", "windows", windows), "may not be about one of the indices", ("cap", le(weight, c)))


# constants of the claim


@pytest.mark.parametrize("name", ["p", "gap", "i", "j", "m", "r", "delta0"])
def test_no_constant_is_called_like_a_letter_of_the_setting(name):
    with pytest.raises(FormulaError, match="is a letter of derivations"):
        symbol(name, "a constant")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"bound": p * TINY}, "p of the claim"),
        ({"stepsize": Stepsize(cap=1 / (p * L))}, "p of the claim"),
        ({"bound": -TINY * Symbol("mu", negative=True)}, "mu of the claim is not declared"),
        ({"bound": TINY * Symbol("undeclared", positive=True)}, "undeclared of the claim is not declared"),
        ({"stepsize": Stepsize(given=gamma, cap=1 / L)}, "stepsize is the least of the branches"),
        ({"stepsize": Stepsize(cap=1 / L), "bound": B**2 / gamma}, "stepsize is the least of the branches"),
        ({"stepsize": Stepsize(given=2 * gamma)}, "stepsize is the least of the branches"),
        ({"assumptions": (at_most("p", 1),)}, "p of the claim"),
        ({"stepsize": Stepsize(cap=sigma * B / L)}, "not known to be positive"),
        ({"stepsize": Stepsize(cap=mu / L**2)}, "not known to be positive"),
    ],
)  # fmt: skip
def test_constants_of_the_claim_are_not_letters_of_a_derivation(changes, why):
    assert why in reasons(chain_of(claim=claim_of(**changes)))


def test_the_stepsize_may_be_the_only_branch():
    chain = chain_of(claim=claim_of(stepsize=Stepsize(given=gamma), bound=B**2 / gamma))
    assert "letters" not in chain.trusted


def test_an_assumption_leaves_no_positive_letter_without_a_value():
    for name, bound in (("mu", 0), ("sigma", 0), ("M", mu), ("B", L - mu), ("L", sigma)):
        for make in (at_most, below):
            claim = claim_of(assumptions=(*claim_of().assumptions, rule := make(name, bound)))
            refused(Class("it", "assumed", (rule.name,)), "nothing says that", claim=claim)
    claim = claim_of(assumptions=(*claim_of().assumptions, rule := at_most("M", 7)))
    discharged(Class("it", "assumed", (rule.name,)), claim=claim)


def test_mu_may_be_0_unless_it_is_assumed_to_be_positive():
    fact = "fact", le(mu * x, mu * y)
    step = Inequality("it", le(x, y), ((1 / mu, "fact"),))
    refused(step, "may be 0", fact)
    refused(Inequality("it", le(1 / mu, 2 / mu), ((1 / mu,),)), "may be 0")
    refused(Inequality("it", le(x, y), ((1 / mean_gap, "fact"),)), "may be 0", fact)
    strong = shelf.CLAIMS.get("mishchenko2022.theorem3_strongly_convex")
    discharged(step, fact, claim=strong)
    weak = replace(strong, assumptions=tuple(has("mu") if a.name == "mu > 0" else a for a in strong.assumptions))
    refused(step, "may be 0", fact, claim=weak)
