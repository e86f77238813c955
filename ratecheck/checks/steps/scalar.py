"""Steps of kind scalar: an inequality between numbers, by a certificate, with z3 as a second opinion where it is there.

z3 (the extra ``smt``) is asked whether the negation has a model: whether the certificate adds up or not. It never
decides alone. A model is a counterexample when a run may have its numbers (``values``) and rational arithmetic confirms
it; where the certificate adds up and z3 has a model all the same, one of them is wrong and the step is not discharged.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sympy as sp

from ratecheck.checks.steps import Context, Outcome, Refused, Undone, inequality
from ratecheck.checks.steps.search import breaks, letters_of
from ratecheck.checks.steps.values import is_whole
from ratecheck.core.gram import Ip
from ratecheck.core.proof import Fact, Scalar

#: z3 gives up after so many milliseconds
PATIENCE = 2000
AGREES, AGAINST = "; z3 agrees", "; z3 has a model of the negation"


def discharge(step: Scalar, context: Context) -> Outcome:
    """Check the certificate as any inequality's, and ask z3. Raises as ``inequality`` does, Refused for a model."""
    facts = [context.fact(name) for name in step.uses]
    try:
        outcome = inequality.discharge(step, context)
    except Undone as fault:
        _, model = second_opinion(step.says, facts, context)
        if model:
            raise Refused(f"false by z3, at {_words(model)}") from fault
        raise
    opinion, model = second_opinion(step.says, facts, context)
    if model:
        raise Refused(f"false by z3, at {_words(model)}")
    if opinion == AGAINST:
        raise Undone("the certificate adds up, and z3 has a model of the negation that is not confirmed")
    return replace(outcome, checker=f"{outcome.checker}{opinion}")


def second_opinion(says: Fact, facts: Sequence[Fact], context: Context) -> tuple[str, Mapping[Any, sp.Expr]]:
    """Return AGREES, AGAINST or '' (z3 is not there, cannot read it or gives up), and a confirmed counterexample."""
    involved = [f.expr for f in (says, *facts)]
    if importlib.util.find_spec("z3") is None or any(e.has(sp.Sum, Ip) for e in involved):
        return "", {}
    opinion = ""
    for whole in (False, True):  # of real counts it can tell much; where those of its model are not whole, ask again
        try:
            found, model = _asked(says, facts, context, whole)
        except (TypeError, NotImplementedError):
            return opinion, {}  # roots of letters, which it does not know
        if model and breaks(says, facts, model, context):  # in rational arithmetic
            return AGAINST, model
        if not whole:
            opinion = {"unsat": AGREES, "sat": AGAINST}.get(found, "")
        if found == "unsat":
            return opinion, {}
    return opinion, {}


def _asked(says: Fact, facts: Sequence[Fact], context: Context, whole: bool) -> tuple[str, Mapping[Any, sp.Expr]]:
    """Return whether z3 finds the negation satisfiable, and its model ({} where that is not rational)."""
    z3: Any = importlib.import_module("z3")
    letters = sorted(set().union(*(letters_of(f.expr) for f in (says, *facts))), key=str)
    numbers = [z3.Int(str(x)) if whole and is_whole(x, context) else z3.Real(str(x)) for x in letters]
    solver = z3.Solver()
    solver.set("timeout", PATIENCE)
    for x, number in zip(letters, numbers, strict=True):
        if is_whole(x, context):
            solver.add(number >= 1)
        elif x.is_nonnegative:
            solver.add(number > 0 if x.is_positive else number >= 0)
    named = dict(zip(letters, numbers, strict=True))
    lower = [(named[big], least) for big, least in context.at_least.items()
             if big in named and least.free_symbols <= set(named)]  # fmt: skip
    solver.add(*(big >= _translated(least, letters, numbers) for big, least in lower))
    for fact in facts:
        value = _translated(fact.expr, letters, numbers)
        solver.add(value == 0 if fact.equality else value >= 0)
    value = _translated(says.expr, letters, numbers)
    solver.add(value != 0 if says.equality else value < 0)
    found = str(solver.check())
    if found != "sat":
        return found, {}
    values = [solver.model().evaluate(number, model_completion=True) for number in numbers]
    if not all(z3.is_rational_value(v) or z3.is_int_value(v) for v in values):
        return found, {}
    return found, {x: sp.Rational(str(v)) for x, v in zip(letters, values, strict=True)}


def _words(model: Mapping[Any, sp.Expr]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in model.items())


def _translated(expr: sp.Expr, letters: Sequence[Any], numbers: Sequence[Any]) -> Any:
    """Return the numerator over the (positive) common denominator in z3's numbers."""
    plain = {x: sp.Dummy() for x in letters}
    top, bottom = sp.fraction(sp.together(expr))
    if not bottom.is_positive:
        raise NotImplementedError(f"a denominator of unknown sign: {bottom}")
    if top.has(sp.Max, sp.Min):
        raise NotImplementedError(f"a maximum in {top}")
    if any(not p.exp.is_Integer for p in top.atoms(sp.Pow)):
        raise NotImplementedError(f"a root in {top}")
    return sp.lambdify([plain[x] for x in letters], top.xreplace(plain), "math")(*numbers)
