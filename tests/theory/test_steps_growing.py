"""Steps about exponentials and growing weights, denominators that a fact makes positive, letters: truths and lies."""

from dataclasses import replace

import numpy as np
import pytest
from sympy import E, Integer, Rational, Sum, Symbol, exp, log, sqrt

from ratecheck.checks import symbolic
from ratecheck.checks.steps import Context, Refused, Undone, counting, enumerated
from ratecheck.checks.steps.machines import MACHINES, gap_, held, idle_, made_, room, short, up
from ratecheck.checks.symbolic import _discharged, proof_of
from ratecheck.core import shelf
from ratecheck.core.gram import Ip, manifest
from ratecheck.core.proof import Calculus, Class, Given, Growing, Inequality, Rule, Scalar, eq, le
from ratecheck.core.setting import applied, delta, ghat, h, tau, u
from ratecheck.core.setting_growing import w
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, k, mu, sigma

SHORT, MINI = "mishchenko2022.theorem3_strongly_convex_short", "mishchenko2022.minibatch_strongly_convex"
CONVEX = "mishchenko2022.theorem3_convex"
c, x = Symbol("c", positive=True), Symbol("x", real=True)
LINE = le(1 + x, exp(x))


def context(name=SHORT, **changes):
    claim = replace(shelf.CLAIMS.get(name), **changes)
    rule = shelf.STEPSIZES.get(claim.stepsize) if isinstance(claim.stepsize, str) else claim.stepsize
    return Context(claim, rule, proof_of(name).setting)


def run(steps, where=None):
    """Discharge the steps in order; return the last outcome."""
    where = where or context()
    for step in steps:
        where.done[step.name] = _discharged(step, where)
    return where.done[steps[-1].name]


def upto(name, last):
    """A context in which the steps of a claim's own proof before ``last`` are done, and the step ``last``."""
    where = context(name)
    for step in proof_of(name).steps:
        if step.name == last:
            return where, step
        where.done[step.name] = _discharged(step, where)
    raise AssertionError(f"{name} has no step {last}")


# calculus


@pytest.mark.parametrize(
    ("says", "side"),
    [
        (LINE, "both"),
        (le(1 + x + x**2 / 2, exp(x)), "right"),
        (le(1 + x + x**2 / 2 + x**3 / 6 + x**4 / 24, exp(x)), "right"),
        (le(1 - x + x**2 / 2 - x**3 / 6, exp(-x)), "right"),
        (le(exp(x), 1 + x * exp(x)), "both"),
        (le(0, 3), "both"),
    ],
)
def test_true_inequalities_follow_from_derivatives(says, side):
    assert run([Calculus("it", says, x, mu / L, side)]).fact.right == says.right.subs(x, mu / L)
    for point in np.linspace(0 if side == "right" else -9, 9, 37):  # and they are true
        assert float(says.expr.subs(x, point)) >= -1e-9


@pytest.mark.parametrize(
    ("says", "side"),
    [
        (le(1 + x + x**2 / 2, exp(x)), "both"),  # false for x < 0
        (le(1 + 2 * x, exp(x)), "both"),
        (le(Rational(11, 10) + x, exp(x)), "both"),
        (le(exp(x), 1 + x), "both"),
        (le(1 + x + x**2, exp(x)), "right"),
        (le(exp(-x), 1 - x + x**2 / 3), "right"),
    ],
)
def test_false_inequalities_are_refuted_with_a_point(says, side):
    with pytest.raises(Refused, match="false at x = "):
        run([Calculus("it", says, x, mu / L, side)])


def test_what_is_true_but_not_seen_is_not_believed():
    """2 exp(-x) > 4 x (1 - x) is true; at 0 the signs of its derivatives do not show it."""
    with pytest.raises(Undone, match="have a sign"):
        run([Calculus("it", le(4 * x * (1 - x), 2 * exp(-x)), x, mu / L, "right")])


def test_calculus_speaks_of_powers_and_exponentials_alone():
    for says in (le(x, 1 / x), le(log(x), x), le(exp(x**2), exp(x)), le(x * mu, exp(x)), le(1 / x, 1 / x + 1), LINE):
        step = Calculus("it", says, x, mu / L) if says != LINE else Calculus("it", eq(1, exp(x)), x, mu / L)
        with pytest.raises(Undone, match=r"is not between|it is about|may be 0"):
            run([step])


def test_only_real_numbers_are_put_in():
    with pytest.raises(Undone, match="not known to be a real number"):
        run([Calculus("it", LINE, x, Symbol("z"))])
    with pytest.raises(Undone, match="not known to be a real number"):
        run([Calculus("it", LINE, x, log(1 - mu / L))])  # nothing says that 1 - mu/L > 0
    with pytest.raises(Undone, match="not known to be a real number"):
        run([Calculus("it", LINE, x, 1 / (M - 1))])
    right = le(1 + x + x**2 / 2, exp(x))
    with pytest.raises(Undone, match="nonnegative"):
        run([Calculus("it", right, x, L - mu, "right")])
    known = [Class("mu <= L", "condition"), Calculus("it", right, x, L - mu, "right", by="mu <= L")]
    assert run(known).fact.right == exp(L - mu)
    with pytest.raises(Undone, match="nonnegative"):
        run([known[0], Calculus("it", right, x, 2 * L - 3 * mu, "right", by="mu <= L")])


def test_a_logarithm_in_an_exponential_is_a_power():
    where = context()
    run([Class("mu <= L", "condition"), Scalar("q", le(Rational(1, 2), 1 - mu / (2 * L)), ((1 / (2 * L), "mu <= L"),))],
        where)  # fmt: skip
    q = 1 - mu / (2 * L)
    assert run([Calculus("it", LINE, x, -K / M * log(q))], where).fact == le(1 - K / M * log(q), q ** (-K / M))


# growing weights

BELOW = Rule("below", ghat(k), below="cap")
HALF = Scalar(
    "half", le(Rational(1, 2), 1 - mu * ghat(k) / 4),
    ((mu / (32 * M * L), "below"), (1 / (32 * M * L), "mu <= L"), (Rational(15, 32) + (M - 1) / (32 * M),)),
)  # fmt: skip
POSITIVE = [Class("mu <= L", "condition"), BELOW, HALF, Growing("positive", "positive", by="half")]


def test_weights_must_be_known_to_be_positive():
    growth = Given("growth", "growth", "R1")
    assert run([*POSITIVE, growth]).fact == eq(w(k - 1), w(k) * (1 - mu * ghat(k) / 4))
    for early in (growth, Given("decay", "decay", "R1"), Scalar("lie", le(0, w(k)), ())):
        with pytest.raises(Undone, match="nothing says before it that the growing weights are positive"):
            run([early])


def test_a_bound_on_the_factor_must_be_above_0():
    zero = Scalar("half", le(0, 1 - mu * ghat(k) / 4), HALF.by)
    with pytest.raises(Undone, match="at least a positive number"):
        run([*POSITIVE[:2], zero, POSITIVE[3]])
    least = Scalar("half", le(Rational(1, 2), 1 - mu * ghat(k) / 8), (*HALF.by, (mu * ghat(k) / 8,)))
    with pytest.raises(Undone, match="at least a positive number"):
        run([*POSITIVE[:2], least, POSITIVE[3]])
    where = context()
    run(POSITIVE[:3], where)
    where.done["half"] = replace(where.done["half"], tags=frozenset({"R1"}))
    with pytest.raises(Undone, match="R1 alone"):
        _discharged(POSITIVE[3], where)
    with pytest.raises(Undone, match="do not grow"):
        run([POSITIVE[3]], context(CONVEX))
    with pytest.raises(Undone, match="nothing is known of weights"):
        run([*POSITIVE, Growing("no", "small")])


def test_the_product_needs_its_premise():
    where, step = upto(SHORT, "decay")
    assert _discharged(step, where).fact == le(w(0) * exp(mu * Sum(ghat(k), (k, 1, K)) / 4), 1)
    for rate in (mu * ghat(k) / 2, mu * ghat(k) / 4 + 1):
        with pytest.raises(Undone, match="does not say that"):
            _discharged(replace(step, rate=rate), where)
    with pytest.raises(Undone, match="not the same at every step"):
        _discharged(Growing("power", "power"), where)


def test_windows_of_growing_weights_need_the_rate():
    where, step = upto(SHORT, "windows")
    _discharged(step, where)
    for given, words in (
        ({"rate": mu / (32 * M * L)}, "grows by exp"),
        ({"below": "ghat0 <= c"}, "does not say"),
        ({"cap": 2 * c}, "does not say"),
        ({"attribute": ghat(k) * w(k)}, "attribute of a hand-out"),
    ):
        with pytest.raises(Undone, match=words):
            _discharged(replace(step, given={**step.given, **given}), where)
    where.positive_weights = False
    with pytest.raises(Undone, match="no positive weights"):
        _discharged(step, where)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: replace(m, idle={**m.idle, idle_: idle_ + 2}) if idle_ in m.idle and room in m.idle else m,
        lambda m: replace(m, idle={**m.idle, held: (1 + 2 * up) * held}) if held in m.idle else m,
        lambda m: replace(m, idle={**m.idle, gap_: gap_ + short * held}) if gap_ in m.idle else m,
        lambda m: replace(m, idle={**m.idle, room: room + up}) if room in m.idle else m,
        lambda m: replace(m, factors=()) if m.factors else m,
        lambda m: replace(m, factors=(-1 - up,)) if m.factors else m,
        lambda m: replace(m, start={**m.start, room: 2 * made_}) if room in m.start else m,
    ],
)
def test_a_change_breaks_the_induction(change):
    machines = MACHINES["growing windows"]
    assert not any(m.fault() for m in machines)
    changed = [change(m) for m in machines]
    assert any(a != b for a, b in zip(changed, machines, strict=True))
    assert any(m.fault() for m in changed)


def test_a_slower_growth_is_refuted_by_enumeration(monkeypatch):
    """As if a weight that doubles at each step grew by t - 2 steps in a window."""

    def lie(s):
        t = enumerated._sums(s)
        left = sum((s.workers - 1) * 2**step for step in range(1, s.horizon + 1))
        waits = zip(t["closed"].tolist(), t["made"].tolist(), strict=True)
        return left <= sum((wait - 1) * 2 ** (made + max(wait - 2, 0)) for wait, made in waits)

    monkeypatch.setitem(counting.ENUMERATED, "growing windows", lie)
    counting.established.cache_clear()
    with pytest.raises(Refused, match="arrivals"):
        counting.established("growing windows")
    counting.established.cache_clear()


# class inequalities


def test_strong_convexity_holds_on_a_parabola_and_must_be_assumed():
    """F = mu |x|^2/2: both sides are equal; with more than mu it fails."""
    fact = run([Class("it", "strongly convex", ("x_k", "x*"))]).fact
    at = {Ip(h(k), u(k)): 3 * 2 * 2, Ip(u(k), u(k)): 4, delta(k): 6, mu: 3}
    bare = fact.expr.xreplace({a: Integer(0) for a in fact.expr.atoms(Ip) if a not in at})
    assert bare.xreplace({a: Integer(b) for a, b in at.items()}) == 0
    assert bare.xreplace({a: Integer(b) for a, b in {**at, mu: 4}.items()}) < 0
    for of, points in (("strongly convex", ("x_k", "x*")), ("condition", ())):
        with pytest.raises(Undone, match="does not assume"):
            run([Class("it", of, points)], context(CONVEX))


# denominators


def test_a_denominator_is_positive_by_a_fact():
    y = mu * K / L
    says = le(0, 1 / (exp(y) - 1))
    steps = [Calculus("exp", LINE, x, y), Scalar("above 1", le(y, exp(y) - 1), (("exp",),)), Scalar("it", says, ())]
    assert run(steps).fact == says
    with pytest.raises(Undone, match="may be 0"):
        run(steps[2:])
    with pytest.raises(Undone, match="may be 0"):
        run([*steps[:1], steps[2]])
    with pytest.raises(Undone, match="may be 0"):
        run([*steps[:2], Scalar("other", le(0, 1 / (exp(2 * y) - 2)), ())])
    where = context()
    run(steps[:2], where)
    where.done["above 1"] = replace(where.done["above 1"], tags=frozenset({"R1"}))
    with pytest.raises(Undone, match="may be 0"):
        run(steps[2:], where)


def test_a_common_denominator_is_cleared():
    y = mu * K / L
    known = [Calculus("exp", LINE, x, y), Scalar("above 1", le(y, exp(y) - 1), (("exp",),))]
    at_most = Scalar("it", le(1 / (exp(y) - 1), 1 / y), ((1 / (y * (exp(y) - 1)), "exp"),))
    run([*known, at_most])
    with pytest.raises((Undone, Refused)):
        run([*known, replace(at_most, says=le(1 / (exp(y) - 1), 1 / (2 * y)))])
    with pytest.raises((Undone, Refused)):
        run([*known, Scalar("it", le(1 / y, 1 / (exp(y) - 1)), ())])


def test_logarithms_of_e_and_more_are_positive():
    assert manifest(log(E + mu))
    assert not manifest(log(1 + mu) - mu)
    assert not manifest(log(E - mu))


def test_noise_vanishes_where_its_branches_grow_without_bound():
    says = le(0, log(E + B**2 / sigma**2))
    run([Scalar("it", says, ())])
    flat = context(stepsize=Stepsize(cap=1 / (8 * M * L), noise=1 / (L + sigma / B)))
    assert not flat.noise_may_vanish
    with pytest.raises(Undone, match="may be 0"):
        run([Scalar("it", says, ())], flat)
    with pytest.raises(Undone, match="may be 0"):
        run([Scalar("it", le(0, B**2 / sigma**2), ())])


# letters of rules


def test_a_letter_is_a_positive_number_and_nothing_more():
    def least(of, value, says):
        return [Rule("it", of, says=says, values={"a": value})]

    run(least(c, 1 / L, le(c, 1 / L)), context(CONVEX))
    for of, value in ((c, Integer(-1)), (c, L - M), (c, Integer(0))):
        with pytest.raises(Undone, match="not known to be positive"):
            run(least(of, value, le(of, value)), context(CONVEX))
    for of in (Symbol("c", negative=True), Symbol("c", integer=True, positive=True)):
        with pytest.raises(Undone, match="more than a positive number"):
            run(least(of, 1 / L, le(of, 1 / L)), context(CONVEX))
    with pytest.raises(Undone, match="has an index"):
        run(least(c, tau(k), eq(c, tau(k))), context(CONVEX))
    with pytest.raises(Undone, match="has a meaning already"):
        run(least(w(k), 1 / L, le(w(k), 1 / L)), context(CONVEX))


def test_a_stepsize_must_be_positive():
    claim = replace(shelf.CLAIMS.get(CONVEX), stepsize=Stepsize(delay=-1 / (4 * L), cap=1 / (4 * M * L)))
    chain = symbolic.checked(claim, replace(proof_of(CONVEX), steps=(), proves={}))
    assert "not known to be positive" in chain.trusted["stepsize"]


def test_facts_about_a_letter_hold_for_its_value_in_a_case():
    """c = min(1/(4ML), ..): what is known of c is known of 1/(4ML) where that is the smallest; and of no other."""
    first = Rule("noise", c, below="noise", branches=("cap", "noise"))
    says = le(c * sigma * sqrt(K), B)
    same = Rule("it", c, says=says, branches=("cap", "noise"), cases={"cap": (("noise",),), "noise": ()})
    run([first, same], context(CONVEX))
    with pytest.raises(Undone, match="where branch 'cap'"):
        run([first, replace(same, cases={})], context(CONVEX))
    of_k = Rule("it", applied(k), says=le(applied(k), 1 / (4 * M * L)), cases={"delay": (("cap",),), "noise": ()})
    with pytest.raises(Undone, match="where branch"):  # a function of k is no one number
        run([Rule("cap", applied(k), below="cap"), of_k], context(CONVEX))


def test_at_least_3_workers_is_used_by_the_slack():
    three = le(3 * M, K)
    run([Scalar("it", three, ())], context("mishchenko2022.theorem3_strongly_convex"))
    with pytest.raises(Refused, match="false at"):
        run([Scalar("it", le(5 * M, K), ())], context("mishchenko2022.theorem3_strongly_convex"))
    with pytest.raises(Refused, match="false at"):
        run([Inequality("it", three, ())], context(SHORT))
