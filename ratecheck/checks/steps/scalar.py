"""Steps of kind scalar: an inequality between numbers, by a certificate, with z3 as a second opinion where it is there.

z3 (the extra ``smt``) never decides alone: it is asked whether the negation has a model. A model is a counterexample.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sympy as sp

from ratecheck.checks.steps import Context, Outcome, Refused, inequality
from ratecheck.checks.steps.search import letters_of
from ratecheck.core.proof import Fact, Scalar
from ratecheck.core.symbols import K, M

#: z3 gives up after so many milliseconds
PATIENCE = 2000


def discharge(step: Scalar, context: Context) -> Outcome:
    """Check the certificate as any inequality's; then ask z3. Raises as ``inequality`` does, Refused for a model."""
    outcome = inequality.discharge(step, context)
    opinion = second_opinion(step.says, [context.fact(name) for name in step.uses], context)
    if opinion.startswith("model"):
        raise Refused(f"false by z3, {opinion}")
    return replace(outcome, checker=f"{outcome.checker}{opinion}")


def second_opinion(says: Fact, facts: Sequence[Fact], context: Context) -> str:
    """Return '; z3 agrees', 'model ...' with numbers, or '' when z3 is not there, cannot read it or gives up."""
    involved = [f.expr for f in (says, *facts)]
    if importlib.util.find_spec("z3") is None or any(e.has(sp.Sum) for e in involved):
        return ""
    z3: Any = importlib.import_module("z3")
    letters = sorted(set().union(*map(letters_of, involved)), key=str)
    numbers = [z3.Real(str(x)) for x in letters]
    solver = z3.Solver()
    solver.set("timeout", PATIENCE)
    for x, number in zip(letters, numbers, strict=True):
        solver.add(number >= 1 if x in (K, M) else number > 0 if x.is_positive else number >= 0)
    named = dict(zip(letters, numbers, strict=True))
    lower = [(named[big], least) for big, least in context.at_least.items()
             if big in named and least.free_symbols <= set(named)]  # fmt: skip
    try:
        solver.add(*(big >= _translated(least, letters, numbers) for big, least in lower))
        for fact in facts:
            value = _translated(fact.expr, letters, numbers)
            solver.add(value == 0 if fact.equality else value >= 0)
        value = _translated(says.expr, letters, numbers)
        solver.add(value != 0 if says.equality else value < 0)
    except (TypeError, NotImplementedError):
        return ""  # roots of letters, which it does not know
    found = solver.check()
    if found == z3.sat:
        return f"model {solver.model()}"
    return "; z3 agrees" if found == z3.unsat else ""


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
