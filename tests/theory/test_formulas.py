"""Every formula on the shelves: units, numbers against 40 digits, LaTeX; and how the final bounds are assembled."""

from __future__ import annotations

import dataclasses
import itertools
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy as sp

from ratecheck.core import symbols
from ratecheck.core.claim import Claim, Inequality, Statement
from ratecheck.core.formula import Formula
from ratecheck.core.schedule import Schedule
from ratecheck.core.shelf import CLAIMS, DELAYS, SCHEDULERS, STEPSIZES
from ratecheck.core.stepsize import UNIT, Stepsize
from ratecheck.engine.orders import arrival_orders
from ratecheck.engine.schedule import from_order, weigh
from ratecheck.errors import FormulaError
from tests.makers import schedule_of

UNIT_ROUNDOFF = 2.0**-53


def rule_of(claim: Claim) -> Stepsize:
    return STEPSIZES.get(claim.stepsize) if isinstance(claim.stepsize, str) else claim.stepsize


#: a claim about a misprint may have wrong dimensions, and is false for that reason
SOUND = [n for n in CLAIMS.names() if CLAIMS.get(n).expect == "holds" or not CLAIMS.get(n).dimension_faults()]


def shelved() -> dict[str, tuple[Formula, symbols.Unit | None]]:
    """Return every formula of every claim and stepsize rule by name, with its unit (None: that of its claim)."""
    found: dict[str, tuple[Formula, symbols.Unit | None]] = {}
    for name in STEPSIZES.names():
        for branch, formula in STEPSIZES.get(name).branches.items():
            found[f"{name}.{branch}"] = (formula, UNIT)
    for name in SOUND:
        claim = CLAIMS.get(name)
        for rule, statement in claim.outputs.items():
            for kind, inequality in statement.inequalities().items():
                found[f"{name}.{rule}.{kind}.lhs"] = (inequality.lhs, None)
                found[f"{name}.{rule}.{kind}.rhs"] = (inequality.rhs, None)
        if claim.trivial is not None:
            found[f"{name}.trivial"] = (claim.trivial, None)
    return found


FORMULAS = shelved()
every_formula = pytest.mark.parametrize("name", FORMULAS)
#: three settings of all symbols, of very different size; counts are whole, and K >= M
POINTS: list[dict[str, Any]] = []
for scale in (1.0, 1e-5, 3e4):
    letters = [n for n in symbols._UNITS if symbols._UNITS[n] != (0, 0)]
    measures = {n: scale ** ((i % 5) - 2) * (1 + i) / 3 for i, n in enumerate(letters)}
    counts = {"M": 7, "K": 12_345, "k": 9, "tau": 13, "tau_max": 40, "tau_closed": 50, "tau_cap": 60, "decay": 0.3}
    counts |= {"beta": 0.75, "damping": 5, "excess": 2}
    POINTS.append({**measures, "mu": measures["L"] / 90, **counts})


def rounding(expr: sp.Expr, at: dict[sp.Symbol, Any]) -> float:
    """Bound the relative error of evaluating ``expr`` in float64, in units of roundoff, to first order.

    A number or symbol is rounded once; + and * round once an operation, a power twice (libm is within an ulp); errors
    of factors add, a power multiplies its base's by the exponent, a sum weighs them by |term| / |sum|; exp, log and
    powers with a variable exponent by their derivatives.
    """
    if not expr.args:
        return 1.0
    if isinstance(expr, sp.Piecewise):
        return max(rounding(value, at) for value, _ in expr.args)
    parts = [rounding(a, at) for a in expr.args]
    if expr.is_Mul:
        return sum(parts) + len(parts) - 1
    if expr.is_Add:
        terms = [abs(float(a.evalf(30, subs=at))) for a in expr.args]
        total = abs(float(expr.evalf(30, subs=at)))
        return (max(parts) + len(parts) - 1) * sum(terms) / total
    if isinstance(expr, sp.exp):
        return abs(float(expr.args[0].evalf(30, subs=at))) * parts[0] + 2
    if isinstance(expr, sp.log):
        return parts[0] / abs(float(expr.evalf(30, subs=at))) + 2
    if isinstance(expr, sp.Max | sp.Min):
        return max(parts)
    if expr.is_Pow and expr.exp.is_number:
        return abs(float(expr.exp)) * parts[0] + 2
    if expr.is_Pow:
        power = abs(float(expr.exp.evalf(30, subs=at)))
        return power * (parts[0] + abs(float(sp.log(expr.base).evalf(30, subs=at))) * parts[1]) + 2
    raise AssertionError(f"no rounding rule for {expr.func}")


@every_formula
@pytest.mark.parametrize("point", range(len(POINTS)))
def test_float_value_is_the_reference_within_its_rounding(name, point):
    formula, _ = FORMULAS[name]
    constants = POINTS[point]
    at = {s: sp.Rational(*Fraction(constants[s.name]).as_integer_ratio()) for s in formula.expr.free_symbols}
    right = formula.reference(constants)
    allowed = 1.01 * rounding(formula.expr, at) * UNIT_ROUNDOFF
    assert abs(sp.Float(formula.value(constants), 40) / right - 1) <= allowed
    variable = any(not p.exp.is_number for p in formula.expr.atoms(sp.Pow))  # a power K magnifies by K: 12,345 here
    assert allowed < (1e-13 * (constants["K"] if variable else 1))


@pytest.mark.parametrize("branch", ["noise", "cap"])
def test_exact_takes_floats_as_the_rationals_they_are(branch):
    """0.7 is no 7/10: an approximation by a short fraction would hide errors of an ulp."""
    formula = STEPSIZES.get("delay_adaptive_convex").branches[branch]
    constants = {"B": 1, "sigma": 0.7, "K": 100, "M": 1, "L": 0.7}
    factor = {"noise": 10, "cap": 4}[branch]
    assert formula.exact(constants) == sp.Rational(*(1 / (factor * Fraction(0.7))).as_integer_ratio())
    assert formula.exact(constants) != sp.Rational(10, 7 * factor)


@every_formula
def test_latex_has_every_letter(name):
    formula, _ = FORMULAS[name]
    text = formula.latex()
    assert text
    for s in formula.expr.free_symbols:
        assert symbols.LATEX.get(s.name, sp.latex(s)) in text


@pytest.mark.parametrize("name", SOUND)
def test_claims_have_clean_dimensions(name):
    assert CLAIMS.get(name).dimension_faults() == []
    assert rule_of(CLAIMS.get(name)).dimension_faults() == []


@pytest.mark.parametrize("name", STEPSIZES.names())
def test_stepsizes_have_clean_dimensions_and_latex(name):
    assert STEPSIZES.get(name).dimension_faults() == []
    assert all(f.latex() in STEPSIZES.get(name).latex() for f in STEPSIZES.get(name).branches.values())


def with_lie(expr: sp.Expr, letter: sp.Symbol) -> list[sp.Expr]:
    """Return the expression with one letter squared and with its root: sigma for sigma^2, L^2 for L, B for B^2."""
    return [expr.subs(letter, letter**2), expr.subs(letter, sp.sqrt(letter))]


def unit_in_claim(name: str) -> symbols.Unit:
    """Return the unit of a claim's formula: that of the first term of the left side, found term by term."""
    claim, rule, kind = name.rsplit(".", 3)[0:3] if not name.endswith("trivial") else (name[: -len(".trivial")], "", "")
    statements = CLAIMS.get(claim).outputs
    lhs = getattr(statements[rule], kind).lhs if rule else next(iter(statements.values())).bound.lhs
    first = next(iter(lhs.terms.values()))
    powers = first.as_powers_dict()
    units = [(symbols.unit_of(b), p) for b, p in powers.items() if b.is_Symbol]
    return (sum(u[0] * p for u, p in units), sum(u[1] * p for u, p in units))


@every_formula
def test_a_wrong_power_of_a_letter_is_rejected(name):
    formula, unit = FORMULAS[name]
    unit = unit or unit_in_claim(name)
    assert formula.dimension_faults(unit) == []
    lies = 0
    for term_name, term in formula.terms.items():
        for letter in sorted(term.free_symbols, key=str):
            if symbols.unit_of(letter) != (0, 0):
                for lie in with_lie(term, letter):
                    faults = Formula(**{**formula.terms, term_name: lie}).dimension_faults(unit)
                    assert any(repr(term_name) in fault for fault in faults), lie
                    lies += 1
    assert lies > 0


def test_a_lie_in_any_place_of_a_claim_is_rejected():
    """Each inequality of each output rule and the trivial bound are looked at, not only the first."""
    claim = CLAIMS.get("mishchenko2022.theorem3_convex")
    lie = Formula(symbols.sigma)
    for rule, statement in claim.outputs.items():
        for kind, inequality in statement.inequalities().items():
            worse = dataclasses.replace(statement, **{kind: Inequality(inequality.lhs, lie)})
            broken = dataclasses.replace(claim, outputs={**claim.outputs, rule: worse})
            assert any(f"{kind} under {rule}" in fault for fault in broken.dimension_faults())
    with pytest.raises(FormulaError, match="trivial bound"):
        dataclasses.replace(claim, trivial=lie).require_dimensions()
    with pytest.raises(FormulaError, match="branch 'wrong'"):
        dataclasses.replace(claim, stepsize=Stepsize(wrong=1 / (4 * symbols.L**2))).require_dimensions()


def test_undeclared_symbols_and_missing_constants_are_sentences():
    stranger = sp.Symbol("kappa_7", positive=True)
    assert "kappa_7, whose unit is not declared" in Formula(stranger).dimension_faults((1, 0))[0]
    with pytest.raises(FormulaError, match=r"needs sigma \(sigma\^2 bounds"):
        Formula(symbols.sigma * symbols.B).value({"B": 1})
    with pytest.raises(FormulaError, match="is text"):
        Formula("sigma*B")


# stepsizes


def printed_stepsize(name: str, tau: int, c: dict[str, float]) -> float:
    """Return the stepsize rules typed a second time, as printed."""
    root = np.sqrt(c["K"])
    values = {
        "constant": [c["stepsize"]],
        "delay_adaptive_convex": [
            1 / (4 * c["L"] * tau), 1 / (4 * c["M"] * c["L"]), c["B"] / (c["sigma"] * root) if c["sigma"] else np.inf,
        ],
        "delay_adaptive_nonconvex": [
            1 / (4 * c["L"] * tau), 1 / (2 * c["M"] * c["L"]),
            np.sqrt(c["Delta"] / (c["K"] * c["L"])) / c["sigma"] if c["sigma"] else np.inf,
        ],
        "lipschitz_constant": [c["B"] / (c["G"] * np.sqrt(c["K"] * c["M"]))],
        "minibatch_convex": [1 / c["L"], c["B"] * c["M"] / (c["sigma"] * root) if c["sigma"] else np.inf],
    }  # fmt: skip
    return float(min(values[name]))


PRINTED = ["constant", "delay_adaptive_convex", "delay_adaptive_nonconvex", "lipschitz_constant", "minibatch_convex"]


@pytest.mark.parametrize("name", STEPSIZES.names())
@pytest.mark.parametrize("point", range(len(POINTS)))
def test_tables_are_the_least_branch_in_exact_arithmetic(name, point):
    """Within the roundings of the branch with most operations; ``exact`` takes no part of the float path."""
    rule, constants = STEPSIZES.get(name), POINTS[point]
    taus = np.array([1, 2, 7, 8, 59, 10_000], dtype=np.int64)
    for t, gamma in zip(taus.tolist(), rule.table(taus, taus, constants).tolist(), strict=True):
        right = rule.exact(t, t, constants).evalf(40)
        at = {symbols.symbol(n, "", f=u[0], x=u[1]): 1 for n, u in symbols._UNITS.items()}
        at |= {symbols.beta: sp.Rational(1, 2), symbols.tau: 3}  # where 1 - beta and tau - 1 are not 0
        allowed = 1.01 * max(rounding(f.expr, at) for f in rule.branches.values()) * UNIT_ROUNDOFF
        assert abs(sp.Float(gamma, 40) / right - 1) <= allowed


@pytest.mark.parametrize("name", PRINTED)
@pytest.mark.parametrize("sigma", [0, 0.01, 5.0])
def test_tables_are_the_printed_rules(name, sigma):
    """Within 16 roundings: at most eight operations each way of writing it."""
    c = {"stepsize": 0.03, "L": 0.7, "M": 5, "K": 400, "B": 1.3, "sigma": sigma, "G": 2.1, "Delta": 0.4}
    rule, taus = STEPSIZES.get(name), np.arange(1, 60, dtype=np.int64)
    table = rule.table(taus, taus, c)
    right = np.array([printed_stepsize(name, t, c) for t in taus.tolist()])
    assert np.all(np.abs(table - right) <= 16 * UNIT_ROUNDOFF * right)
    for t in (1, 5, 59):
        assert abs(float(rule.exact(t, t, c)) - table[t - 1]) <= 16 * UNIT_ROUNDOFF * right[t - 1]
        present = rule.present(c)
        active = present[rule.active(t, c)].value({**c, "tau": t, "k": t})
        assert active == table[t - 1]
        assert ("noise" in present) == (sigma > 0 and "noise" in rule.branches)


def test_a_stepsize_that_looks_at_k_and_one_that_is_not_finite():
    k, tau = np.array([1, 4, 9]), np.array([1, 2, 1])
    assert Stepsize(shrink=1 / sp.sqrt(symbols.k)).table(k, tau, {}).tolist() == [1.0, 0.5, 1 / 3]
    with pytest.raises(FormulaError, match="not finite"):
        Stepsize(a=1 / (symbols.tau - 1)).table(k, tau, {})
    with pytest.raises(FormulaError, match="no branch of the stepsize exists"):
        Stepsize(a=1 / symbols.sigma).present({"sigma": 0})


# assembly: the final bound dominates the conditional one on every schedule


def dominated(statement: Statement, constants: dict[str, Any]) -> bool:
    """True when bound >= conditional up to the rounding of both (16 operations, equality occurs)."""
    assert statement.conditional is not None
    low, high = (i.rhs.value(constants) for i in (statement.conditional, statement.bound))
    return low <= high * (1 + 32 * UNIT_ROUNDOFF)


def settings(workers: int, steps: int, sigma: float, scale: float = 1.0) -> dict[str, Any]:
    return {"M": workers, "K": steps, "L": 0.7 * scale, "B": 1.3, "sigma": sigma, "G": 2.1 * scale}


def gammas(constants: dict[str, Any]) -> float:
    """Return the cap of Theorem 3's stepsizes that does not depend on the delay."""
    sigma, cap = constants["sigma"], 1 / (4 * constants["M"] * constants["L"])
    return min(cap, constants["B"] / (sigma * np.sqrt(constants["K"]))) if sigma else cap


SIGMAS = (0, 0.03, 1.0, 40.0)
SIZES = [(1, 1), (1, 20), (2, 2), (3, 4), (4, 8), (4, 100), (16, 16), (16, 33), (16, 400)]


def check_theorem3(schedule: Schedule, rules: tuple[str, ...]) -> int:
    """Compare bound and conditional of the convex Theorem 3, and the counting lemma under its sum; count comparisons.

    Under RL the weights may be small; there each iterate has a bound, too, and the smaller one is compared.
    """
    claim, workers, steps = CLAIMS.get("mishchenko2022.theorem3_convex"), schedule.workers, schedule.steps
    made = 0
    for sigma, rule in itertools.product(SIGMAS, rules):
        constants = settings(workers, steps, sigma)
        weighted = weigh(schedule, rule_of(claim), constants, rule)
        known = {**constants, **weighted.constants}
        counted = steps - workers if rule == "RL" else steps
        squares = steps if rule == "R0" else steps + workers
        assert known["W"] >= 3 / 4 * counted * gammas(constants) * (1 - 1e-12)  # K additions round by K 2^-53 < 1e-12
        assert known["Q"] <= squares * gammas(constants) ** 2 * (1 + 1e-12)
        each = known["L"] * (known["B"] ** 2 + sigma**2 * known["Q"])
        low = rule == "RL" and each <= claim.outputs[rule].bound.rhs.value(known) * (1 + 32 * UNIT_ROUNDOFF)
        assert low or dominated(claim.outputs[rule], known), (sigma, rule)
        made += 1
    return made


@pytest.mark.parametrize("delays", DELAYS.names())
def test_theorem3_dominates_its_conditional_form_on_every_delay_model(delays, tmp_path):
    made = 0
    for (workers, steps), seed in itertools.product(SIZES, (1, 2)):
        made += check_theorem3(schedule_of(delays, workers, steps, tmp_path, seed=seed), ("R1", "R0"))
        if DELAYS.get(delays).is_clock:
            made += check_theorem3(schedule_of(delays, workers, steps, tmp_path, seed=seed, close=True), ("RL",))
    assert made >= 2 * 2 * len(SIZES) * len(SIGMAS)


@pytest.mark.parametrize(("workers", "steps"), [(2, 2), (2, 7), (3, 3), (3, 6), (4, 6)])
def test_theorem3_dominates_its_conditional_form_on_all_orders(workers, steps):
    scheduler = SCHEDULERS.get("async")
    for order in arrival_orders(scheduler, workers, steps, labelled=False):
        check_theorem3(from_order(scheduler, workers, np.array(order)), ("R1", "R0"))


def test_literal_weights_may_be_small():
    """Why RL needs a bound of each iterate: all workers return once, then one returns many times."""
    claim, workers = CLAIMS.get("mishchenko2022.theorem3_convex"), 16
    order = [*range(workers), *[0] * 2000, *range(workers)]
    schedule = from_order(SCHEDULERS.get("async"), workers, np.array(order)).prefix(workers)
    constants = settings(workers, workers, 0.0)
    weighted = weigh(schedule, rule_of(claim), constants, "RL")
    assert schedule.closed
    assert not dominated(claim.outputs["RL"], {**constants, **weighted.constants})
    assert weighted.constants["W"] < workers * gammas(constants) / 8


@pytest.mark.parametrize("rule", ["R1", "R0", "RL"])
def test_theorem3_is_assembled_from_the_counting_lemma(rule):
    """In exact arithmetic: the least W and the largest Q that counting allows, put into the conditional form."""
    claim = CLAIMS.get("mishchenko2022.theorem3_convex")
    statement = claim.outputs[rule]
    for workers, factor, sigma in itertools.product((1, 3, 50), (1, 2, 7, 1000), (Fraction(0), Fraction(1, 9), 5, 900)):
        steps = factor * workers
        constants = {"M": workers, "K": steps, "L": Fraction(2, 3), "B": Fraction(5, 4), "sigma": sigma}
        cap = sp.Min(*(f.exact({**constants, "tau": 1}) for f in rule_of(claim).present(constants).values()))
        squares = steps if rule == "R0" else steps + workers
        # under RL the mean gap is at most 11/12 in place of 2/3 of (B^2 + sigma^2 Q)/(K cap)
        share = sp.Rational(6, 11) if rule == "RL" else sp.Rational(3, 4)
        worst = {**constants, "W": share * steps * cap, "Q": squares * cap**2}
        assert statement.conditional is not None
        assert statement.conditional.rhs.exact(worst).evalf(40) <= statement.bound.rhs.exact(worst).evalf(40)


@pytest.mark.parametrize("delays", DELAYS.names())
def test_theorem1_dominates_its_conditional_form(delays, tmp_path):
    claim = CLAIMS.get("mishchenko2022.theorem1")
    for workers, steps in SIZES:
        constants = settings(workers, steps, 0.0)
        weighted = weigh(schedule_of(delays, workers, steps, tmp_path), rule_of(claim), constants, "R1")
        known = {**constants, **weighted.constants}
        assert dominated(claim.outputs["R1"], known)
        sharp = 1.5 + workers / (2 * steps) - 1 / (2 * workers)
        right = sharp * constants["G"] * constants["B"] * np.sqrt(workers / steps)
        conditional = claim.outputs["R1"].conditional
        assert conditional is not None
        assert conditional.rhs.value(known) == pytest.approx(right, rel=1e-12)  # K additions: K 2^-53 < 1e-12


def test_theorem1_needs_at_least_as_many_steps_as_workers():
    """With K < M the constant 3/2 + M/(2K) - 1/(2M) passes 3: the assumption K >= M is used."""
    claim = CLAIMS.get("mishchenko2022.theorem1")
    constants = settings(64, 8, 0.0)
    schedule = from_order(SCHEDULERS.get("async"), 64, np.arange(8))
    weighted = weigh(schedule, rule_of(claim), constants, "R1")
    assert not dominated(claim.outputs["R1"], {**constants, **weighted.constants})


@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.parametrize("rounds", [1, 5, 64])
def test_minibatch_dominates_its_conditional_form(workers, rounds, tmp_path):
    """One schedule stands for all: under the barrier every delay model gives the same delays and weights."""
    claim = CLAIMS.get("mishchenko2022.minibatch_convex")
    schedule = schedule_of("exponential", workers, workers * rounds, tmp_path, scheduler="barrier")
    for sigma in SIGMAS:
        constants = settings(workers, workers * rounds, sigma)
        weighted = weigh(schedule, rule_of(claim), constants, "R0")
        known = {**constants, **weighted.constants}
        assert dominated(claim.outputs["R0"], known)
        if sigma == 0:
            conditional = claim.outputs["R0"].conditional
            assert conditional is not None
            assert conditional.rhs.value(known) == pytest.approx(claim.outputs["R0"].bound.rhs.value(known), rel=1e-12)


@pytest.mark.parametrize("workers", [1, 4, 16])
def test_minibatch_bound_is_attained_in_one_round(workers):
    """R = 1 and no noise: the output is x_0, and F(x_0) - F* = L B^2 / 2 on a sphere, the bound itself."""
    bound = CLAIMS.get("mishchenko2022.minibatch_convex").outputs["R0"].bound.rhs
    constants = {"M": workers, "K": workers, "L": Fraction(3, 7), "B": Fraction(5, 3), "sigma": 0}
    assert bound.exact(constants) == sp.Rational(3, 7) * sp.Rational(5, 3) ** 2 / 2
