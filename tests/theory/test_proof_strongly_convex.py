"""The derivations of the strongly convex claims: proved as they are, true on runs, and broken by one change."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from sympy import E, Integer, Rational, Symbol, exp, log, preorder_traversal

from ratecheck.checks import symbolic
from ratecheck.checks.steps import Refused, Undone
from ratecheck.core import shelf
from ratecheck.core.claim import Inequality as Bound
from ratecheck.core.formula import Formula
from ratecheck.core.proof import Fact
from ratecheck.core.schedule import grown, sums
from ratecheck.core.setting import ASYNC, g_0, g_flying, gamma, ghat
from ratecheck.core.setting_growing import ASYNC_GROWING, ROUNDS_GROWING, growing, w
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import B, K, L, M, decay, k, mu, output_gap, sigma, tau, weight
from ratecheck.core.verdict import Verdict
from ratecheck.engine.orders import arrival_orders
from ratecheck.engine.schedule import from_order, weigh
from tests.chains import proved, survivors, verdict
from tests.theory.test_proofs_on_runs import MU, Run, derived

PRINTED, SHORT, MINI = (
    f"mishchenko2022.{n}"
    for n in ("theorem3_strongly_convex", "theorem3_strongly_convex_short", "minibatch_strongly_convex")
)
c = Symbol("c", positive=True)
LOG = log(E + mu**2 * K**2 * B**2 / sigma**2)
RULE = {
    "delay": exp(-mu * tau / (4 * M * L)) / (4 * L * tau),
    "cap": 1 / (8 * M * L),
    "noise": 504 * LOG / (mu * K),
}
#: |x|^2/2 + sqrt(1 + x^2) - 1: mu = 1, L = 2
BOWL = (lambda x: x**2 / 2 + np.sqrt(1 + x**2) - 1, lambda x: x + x / np.sqrt(1 + x**2), 2.0)


@pytest.fixture
def no_search(monkeypatch):
    """Whether a step is false or only not derived is the same to most tests here."""
    monkeypatch.setattr("ratecheck.checks.steps.search.TRIES", 0)


def broken(chain):
    """The first step that is false, or does not follow; without one, the first end that is not the claim's."""
    return next((row["step"] for row in chain.rows if row["verdict"] != "PROVED"), next(iter(chain.trusted), ""))


def bounded(name, output, **terms):
    """Check a claim's proof against another bound."""
    claim = shelf.CLAIMS.get(name)
    statement = replace(claim.outputs[output], bound=Bound(Formula(output_gap), Formula(**terms)))
    return verdict(name, outputs={**claim.outputs, output: statement})


@pytest.mark.parametrize("name", [PRINTED, SHORT, MINI])
def test_everything_is_derived(name):
    result = symbolic.check(name, shelf.CLAIMS.get(name), "test")
    assert result.verdict is Verdict.PROVED, result.summary
    assert result.details["not_derived"] == []
    assert result.details["trusted"] == {}


# the letters are those of the engine


def exact_sums(order, workers, output, barrier=False, ahead=0):
    """Return what the engine's schedule makes of rational stepsizes: letters of the setting, and its own sums.

    ``ahead``: so many deliveries of the order come after the last step (rule RL).
    """
    desk = shelf.SCHEDULERS.get("barrier" if barrier else "async")
    schedule = from_order(desk, workers, np.array(order, dtype=np.int64))
    schedule = schedule.prefix(schedule.horizon - ahead) if ahead else schedule
    many, made = schedule.steps, schedule.made_at[: schedule.handouts].astype(int)
    end = np.full(schedule.handouts, many + 1)
    end[schedule.source[: schedule.horizon]] = np.arange(1, many + 1)
    final = np.array([Fraction(1, 3 + 5 * (h % 7) + h) if not barrier else Fraction(1, 9) for h in range(len(made))])
    if output != "RL":
        final[(made == 0) & (end > many)] = 0  # under R1, and nothing in flight under R0
    if barrier:
        final[end > many] = 0
    raw = np.array([sum((g for g, a in zip(final, made, strict=True) if a == x), Fraction(0)) for x in range(many + 1)])
    raw[0] = raw[0] if barrier else Fraction(0)
    curve = Fraction(2, 5)
    rates = raw * curve / (workers if barrier else 4)
    along = grown(np.array([1 / (1 - rate) for rate in rates]))
    found = sums(schedule, final, raw * along[1:], along)
    return found, {"final": final, "made": made, "end": end, "K": many, "M": workers, "mu": curve, "along": along}


def of_setting(expr, at):
    """Return an expression of the setting of growing weights in exact numbers, without the engine's sums."""
    final, made, end, many, workers = (at[x] for x in ("final", "made", "end", "K", "M"))
    initial, later = np.flatnonzero(made == 0), np.flatnonzero(made > 0)
    expr = expr.subs({K: many, M: workers}).doit()
    values = {ghat(a): final[later[a - 1]] for a in range(1, many + 1) if a <= len(later)}
    values |= {g_0(a): final[initial[a - 1]] for a in range(1, workers + 1)}
    for a in range(1, many + 1):
        flying = np.flatnonzero((made < a) & (end > a))
        values |= {g_flying(a, b): final[flying[b - 1]] for b in range(1, workers) if b <= len(flying)}
    values |= {gamma: Fraction(1, 9), mu: at["mu"]}
    exact = {letter: sp.Rational(v.numerator, v.denominator) for letter, v in values.items()}
    high = sp.Integer(at["rounds"])
    weights = {w(high): sp.Integer(1)}
    for a in range(int(high), 0, -1):  # the setting's equation "growth"
        weights[w(a - 1)] = weights[w(a)] * at["factor"].subs(k, a).subs(exact)
    return expr.subs({**weights, **exact})


@pytest.mark.parametrize("output", ["R1", "RL"])
def test_growing_letters_are_the_engines(output):
    """W, S, V and decay in rational arithmetic, on all orders up to names; the weights one by one."""
    desk, setting = shelf.SCHEDULERS.get("async"), ASYNC_GROWING
    for workers, steps in ((1, 3), (2, 4), (3, 3)):
        for order in list(arrival_orders(desk, workers, steps, labelled=False)):
            ahead = workers if output == "RL" else 0
            found, at = exact_sums([*order, *range(ahead)], workers, output, ahead=ahead)
            at |= {"rounds": steps, "factor": setting.growth.factor}
            for name in ("W", "S", "V", "decay"):
                assert of_setting(setting.measured[output][name][1], at) == found[name], (name, order)
            assert [of_setting(w(a), at) for a in range(steps + 1)] == list(at["along"][1:])


def test_growing_letters_of_rounds_are_the_engines():
    setting = ROUNDS_GROWING
    for workers, rounds in ((1, 3), (2, 2), (3, 2)):
        found, at = exact_sums(list(range(workers)) * rounds, workers, "R0", barrier=True)
        at |= {"rounds": rounds, "factor": setting.growth.factor}
        for name in ("W", "S", "decay"):
            assert of_setting(setting.measured["R0"][name][1], at) == found[name], name


def test_the_engine_weighs_iterates_like_the_setting():
    """``weigh`` with a claim's growth gives w(k) ghat(k), and 1/(1 - rate) is the claim's growth."""
    claim = shelf.CLAIMS.get(PRINTED)
    schedule = from_order(shelf.SCHEDULERS.get("async"), 3, np.array([0, 1, 0, 2, 2, 0]))
    constants = {"L": 1.0, "mu": 0.5, "M": 3, "K": 6, "B": 1.0, "sigma": 1.0}
    rule = shelf.STEPSIZES.get(claim.stepsize)
    plain, found = (weigh(schedule, rule, constants, "R1", growth) for growth in (None, claim.growth))
    factor = 1 - 0.5 * plain.weight / 4
    along = [np.prod(factor[step + 1 :]) for step in range(7)]
    assert found.weight == pytest.approx(plain.weight * along, rel=1e-14)
    assert found.constants["decay"] == pytest.approx(along[0], rel=1e-14)


class GrowingRun(Run):
    """A run with weights that grow."""

    def __init__(self, name, workers, order):
        super().__init__(name, BOWL, workers, order, "R1")
        many = len(order)
        ghats = [float(self.of["ghat"](a)) for a in range(1, many + 1)]
        along = [float(np.prod([1 - MU * g / 4 for g in ghats[a:]])) for a in range(many + 1)]
        weights = [along[a] * ghats[a - 1] for a in range(1, many + 1)]
        self.of["w"] = lambda a: along[a]
        total = sum(weights)
        flying = [sum(self.of["ghatf"](a, b) ** 2 for b in range(1, workers)) for a in range(1, many + 1)]
        mean = sum(x * (self.of["u"](a) + self.of["e"](a)) for a, x in enumerate(weights, 1)) / total
        first = sum(self.of["ghat0"](a) ** 2 for a in range(1, workers + 1))
        self.letters |= {
            "W": total, "decay": along[0], "output_gap": BOWL[0](mean).mean(),
            "mean_gap": sum(x * self.of["delta"](a) for a, x in enumerate(weights, 1)) / total,
            "S": along[0] * first + sum(x * g for x, g in zip(weights, ghats, strict=True)),
            "V": sum(x * f for x, f in zip(weights, flying, strict=True)),
        }  # fmt: skip
        for letter, values in derived(name).letters.items():
            self.letters[letter.name] = min(self.number(v, {}) for v in values.values())

    def number(self, expr, at):
        """As for any run; exponentials and logarithms, too."""
        if isinstance(expr, exp | log):
            return float(expr.func(self.number(expr.args[0], at)))
        return super().number(expr, at)


ORDERS = [(1, (0, 0, 0)), (2, (0, 0, 0, 1, 0, 1)), (2, (0, 1, 1, 1, 1, 1)), (2, (0, 0, 0, 0, 0, 0))]


@pytest.mark.parametrize("name", [PRINTED, SHORT])
def test_every_fact_holds_on_runs(name):
    """Bounds apart, which are far from tight: also each step on the way, with E exact over all signs of the noise."""
    facts = {step: o.fact for step, o in derived(name).done.items() if not o.tags & {"R0", "RL"}}
    assert len(facts) > 80
    for workers, order in ORDERS:
        run = GrowingRun(name, workers, list(order))
        for step, fact in facts.items():
            assert run.breaks(fact) is None, step


@pytest.mark.parametrize(
    ("step", "put"),
    [
        ("growth R1", {w(k): w(k) * Rational(9, 10)}),
        ("S R1", {w(0): Integer(1)}),
        ("V R1", {w(k): Integer(1)}),
        ("decay", {mu: 2 * mu}),
        ("windows", {c: c * Rational(9, 10)}),
        ("strong convexity", {mu: 3 * mu}),
        ("error in two parts", {sigma**2: sigma**2 / 2}),
        ("master R1", {decay: decay / 2}),
    ],
)
def test_false_facts_break_on_some_run(step, put):
    fact = derived(SHORT).done[step].fact
    lie = Fact(fact.left.xreplace(put), fact.right.xreplace(put), fact.equality)
    assert lie != fact
    assert any(GrowingRun(SHORT, *case).breaks(lie) for case in ORDERS[1:])


# one change at a time


@pytest.mark.slow
def test_no_step_of_minibatch_can_be_changed(no_search):
    found, tried = survivors(MINI)
    assert found == []
    assert tried >= 90


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [(SHORT, 200), (PRINTED, 300)])
def test_no_step_can_be_changed(name, least, no_search):
    found, tried = survivors(name)
    assert found == []
    assert tried >= least


@pytest.mark.parametrize(
    ("branch", "step"),
    [
        ({}, ""),
        ({"delay": 1 / (4 * L * tau)}, "window"),  # nothing pays for the growth of the weights
        pytest.param({"delay": exp(-mu * tau / (40 * M * L)) / (4 * L * tau)}, "window", marks=pytest.mark.slow),
        ({"cap": 1 / (4 * M * L)}, "ghat <= c"),
        ({"noise": 600 * LOG / (mu * K)}, "bound R1"),
        ({"noise": 5 * LOG / (mu * K)}, "d <= c R1"),
    ],
)
def test_another_stepsize_breaks_a_step_that_is_named(branch, step, no_search):
    assert broken(verdict(PRINTED, stepsize=Stepsize(**{**RULE, **branch}))) == step


def test_a_number_below_16_over_3_is_not_enough():
    """For 4 the noise branch makes exp(y) smaller than e + mu^2 K^2 B^2/sigma^2."""
    claim = shelf.CLAIMS.get(SHORT)
    changed = Stepsize(**{**RULE, "noise": Rational(14, 3) * LOG / (mu * K)})
    assert broken(symbolic.checked(replace(claim, stepsize=changed), symbolic.proof_of(SHORT))) == "d <= c R1"


@pytest.mark.parametrize(
    ("name", "output", "terms"),
    [
        (PRINTED, "R1", {"noise": 300}),
        pytest.param(PRINTED, "RL", {"noise": 380}, marks=pytest.mark.slow),
        (PRINTED, "R1", {"over": M}),
        (PRINTED, "R1", {"inside": M}),
    ],
)
def test_a_smaller_bound_is_not_what_is_derived(name, output, terms):
    """380, 436 and the M in the exponent are in the last step; nothing less is."""
    rate = Rational(3, 128) if output == "R1" else Rational(1, 64)
    number, least = {"R1": (380, Rational(16, 3)), "RL": (436, Integer(8))}[output]
    here = {"noise": number, "over": 1, "inside": 1, **terms}
    right = {
        "optimisation": (mu / 8 + least * M * L / K) * B**2 * exp(-rate * mu * K * here["inside"] / (M * L)),
        "noise": here["noise"] * sigma**2 / (mu * K * here["over"]) * LOG,
    }
    chain = bounded(name, output, **right)
    assert "away from the claim" in chain.trusted[f"bound {output}"]
    assert list(chain.trusted) == [f"bound {output}"]


@pytest.mark.parametrize(
    ("step", "put"),
    [
        ("bound R1", {Integer(380): Integer(300)}),
        ("one step", {M - 1: Integer(1)}),
        ("one weighted step R1", {w(k - 1): w(k)}),
        ("weights R1", {decay: Integer(1)}),
        ("squares R1", {decay: Integer(0)}),
        ("window", {Rational(1, 32): Rational(1, 33)}),
        ("absorbed", {-Rational(1, 3): -Rational(8, 25)}),
        ("stepsizes RL", {Rational(1, 2): Rational(3, 4)}),
        ("least ghat", {M: 2 * M}),
        ("in c R1", {Rational(17, 32): Rational(1, 2)}),
    ],
)
def test_a_sharper_step_does_not_go_through(step, put, no_search):
    one = next(s for s in symbolic.proof_of(PRINTED).steps if s.name == step)
    sides = (one.says.left, one.says.right)
    assert set(put) <= {x for side in sides for x in preorder_traversal(side)}
    where = replace(derived(PRINTED), done={n: o for n, o in derived(PRINTED).done.items() if n != step})
    assert symbolic._discharged(one, where).fact == one.says
    changed = replace(one, says=Fact(*(side.xreplace(put) for side in sides), one.says.equality))
    with pytest.raises((Undone, Refused)):
        symbolic._discharged(changed, where)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "last"), [(PRINTED, 1), (SHORT, 9), (MINI, 9)])
def test_every_assumption_is_used(name, last, no_search):
    """Of the printed theorem the last one, K >= 3M; the others are those of the short one."""
    all_of = shelf.CLAIMS.get(name).assumptions
    for i, one in list(enumerate(all_of))[-last:]:
        chain = verdict(name, assumptions=all_of[:i] + all_of[i + 1 :])
        assert proved(chain) == (one.name == "M divides K"), one.name


def test_delays_that_depend_on_the_data_break_the_first_expectation():
    assert verdict(PRINTED, policy="data-dependent").false[0] == "unbiased"


@pytest.mark.slow
def test_a_step_that_is_missing_is_missed(no_search):
    steps = symbolic.proof_of(MINI).steps
    for i in range(len(steps)):
        assert not proved(verdict(MINI, steps=steps[:i] + steps[i + 1 :])), steps[i].name


# the setting's weights are the claim's


@pytest.mark.parametrize(
    ("growth", "words"),
    [
        (1 / (1 - mu * weight), "grow by 1/(-mu*ghat(k)/4 + 1), and those of the claim by 1/(-mu*ghat(k) + 1)"),
        (1 + mu * weight / 4, "grow by"),
        (2 / (1 - mu * weight / 4), "grow by"),
        (None, "those of the claim do not"),
        (1 / (1 - mu * weight / 4), ""),
    ],
)
def test_a_proof_is_about_one_growth(growth, words):
    claim, proof = shelf.CLAIMS.get(SHORT), replace(symbolic.proof_of(SHORT), steps=(), proves={})
    chain = symbolic.checked(replace(claim, growth=growth and Formula(growth)), proof)
    assert words in chain.trusted.get("setting", "")
    assert ("setting" in chain.trusted) == bool(words)
    still = symbolic.checked(replace(claim, growth=growth and Formula(growth)), replace(proof, setting=ASYNC))
    assert ("do not grow, and those of the claim do" in still.trusted.get("setting", "")) == bool(growth)


def test_weights_that_grow_by_mu_over_1_do_not_telescope():
    claim, proof = shelf.CLAIMS.get(SHORT), symbolic.proof_of(SHORT)
    faster = replace(claim, growth=Formula(1 / (1 - mu * weight)))
    chain = symbolic.checked(faster, replace(proof, setting=growing(mu * ghat(k))))
    assert broken(chain) == "a step shrinks by less than 1/2" or "one weighted step R1" in chain.trusted
    assert "not said in ratecheck.core" in chain.trusted["setting"]


def test_no_fact_has_a_weight_before_weights_are_positive():
    steps = symbolic.proof_of(SHORT).steps
    late = [s for s in steps if s.name != "positive weights"]
    chain = verdict(SHORT, steps=late)
    assert "nothing says before it that the growing weights are positive" in chain.trusted["growth R1"]
    assert "positive" in chain.trusted["windows"]
