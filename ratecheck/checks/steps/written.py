"""What a step, and a claim that is derived, may be written with. Asked of each step before its checker.

Exact real numbers, letters for real numbers, the vectors and functions of the setting, sums over the whole range of an
index (in an induction up to its n as well), and the few functions that the rules of the kernel know. So a sum has no
negative number of terms, nothing is rounded, and no coefficient is imaginary. The letters of the setting are not for a
claim to use: they would be two things at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from ratecheck.checks.steps import OF_ORDER, Context, Undone
from ratecheck.core import shelf, symbols
from ratecheck.core.gram import Ip, Vec, plain
from ratecheck.core.proof import Step, Telescope

#: what an expression may be made of, beside letters and functions
_NODES = (sp.Rational, sp.Add, sp.Mul, sp.Pow, sp.exp, sp.log, sp.Max, sp.Min, sp.Sum, sp.Tuple, type(sp.E))


def require_written(step: Step, context: Context) -> None:
    """Raise Undone when the step is written with what the kernel has no rules for."""
    ends = {symbols.k: step.n} if isinstance(step, Telescope) else {}
    for expr in expressions(step):
        for node in sp.preorder_traversal(expr):
            if isinstance(node, sp.Sum):
                _require_range(node, ends, context)
            elif isinstance(node, Vec | Ip):
                _require_vectors(node)
        if fault := _strange(expr):
            raise Undone(fault)


def expressions(of: Any) -> Iterator[sp.Basic]:
    """Yield every expression of a step, wherever in it, numbers included; names are not looked at.

    Raises Undone for what is no number, such as a rounded one.
    """
    if isinstance(of, sp.Basic):
        yield of
    elif is_dataclass(of):
        yield from (e for one in fields(of) for e in expressions(getattr(of, one.name)))
    elif isinstance(of, Mapping):
        yield from (e for one in of.values() for e in expressions(one))
    elif isinstance(of, tuple | list):
        yield from (e for one in of for e in expressions(one))
    elif isinstance(of, float | complex):
        raise Undone(f"{of} is rounded: write the exact number, Rational(1, 10) for 0.1")
    elif not (of is None or isinstance(of, str | int)):
        raise Undone(f"{of!r} is no expression: write numbers as sympy's Integer and Rational")


def _strange(expr: sp.Basic) -> str:
    """Return what in the expression the kernel has no rules for, in a sentence; '' when there is nothing."""
    held = expr.xreplace({v: sp.Dummy(real=True) for v in expr.atoms(Vec)})  # their names are no numbers
    for node in sp.preorder_traversal(held):
        if isinstance(node, sp.Float):
            return f"{node} is rounded: write the exact number, Rational(1, 10) for 0.1"
        if isinstance(node, sp.Symbol | AppliedUndef):
            if node.is_real is not True:
                return f"{node} is not known to be a real number"
        elif not isinstance(node, (*_NODES, Ip)):
            return f"nothing is known of {node}"
    return ""


def _require_range(total: sp.Sum, ends: Mapping[Any, Any], context: Context) -> None:
    for index, *limits in total.limits:
        low, high = context.setting.ranges.get(index, (None, None))
        if limits != [low, high] and not (index in ends and limits == [low, ends[index]]):
            whole = f": {index} runs from {low} to {high}" if high is not None else ""
            raise Undone(f"{total} is not over the whole range of an index{whole}")


def _require_vectors(node: Any) -> None:
    """An inner product is of two named vectors, whose name is a letter; ``gram.inner`` multiplies out."""
    if isinstance(node, Ip) and not all(isinstance(a, Vec) for a in node.args):
        raise Undone(f"{node} is not the inner product of two named vectors: multiply it out, with inner(a, b)")
    if isinstance(node, Vec) and not isinstance(node.args[0], sp.Symbol):
        raise Undone(f"{node.args[0]} is no name of a vector")


def claim_fault(context: Context) -> str:
    """Return what letter of the claim's formulas is another thing in a derivation; '' when there is none."""
    claim = context.claim
    rule = {name: f.expr for name, f in context.stepsize.branches.items()}
    chosen = [f.expr for f in context.stepsize.chosen.values()]
    said = [side.expr for s in claim.outputs.values() for i in s.inequalities().values() for side in (i.lhs, i.rhs)]
    said += [side for a in claim.assumptions if a.says is not None for side in a.says[:2]]
    said += [claim.growth.expr] if claim.growth is not None else []
    for letter in sorted(set().union(*(e.free_symbols for e in (*said, *rule.values(), *chosen))), key=str):
        if letter != symbols.symbol_of(letter.name) or symbols.unit_of(letter) is None:
            return f"{letter} of the claim is not declared: constants come from ratecheck.core.symbols.symbol"
        if (letter in context.setting.ranges and letter != symbols.k) or letter.name in symbols.RESERVED:
            return f"the claim's {letter} is a letter of the setting: call it otherwise"
    one = symbols.stepsize
    constant = one in context.setting.reads  # then it has a letter of its own
    if not constant and any(e.has(one) for e in (*said, *rule.values())) and any(e != one for e in rule.values()):
        return f"{one} is the least of the branches in a derivation, and a constant of the claim: call it otherwise"
    return ""


def stepsize_fault(context: Context, in_mean: bool) -> str:
    """Return why no step may rest on the claim's stepsize, '' when they may; ``in_mean``: not all is on every run.

    What is chosen with it is a positive number of the method without unit, of which nothing else is assumed.
    """
    for name, branch in context.branches.items():
        top = plain(sp.fraction(sp.together(branch))[0]).xreplace(dict(context.may_vanish))
        if not (plain(branch).is_positive and top.is_positive):
            return f"branch {name!r} is not known to be positive"
    for name, f in context.stepsize.chosen.items():
        value = context.setting.read(f.expr)
        top = plain(sp.fraction(sp.together(value))[0]).xreplace(dict(context.may_vanish))
        own = name in shelf.METHODS.get(context.claim.method).par and symbols.unit_of(symbols.symbol_of(name)) == (0, 0)
        if not own:
            return f"the claim chooses {name}, which is no number of its method"
        if any(name in re.findall(r"\w+", a.name) for a in context.claim.assumptions):  # asked of the cell, not of this
            return f"the claim chooses {name} and assumes something of it"
        if not (plain(value).is_positive and top.is_positive):
            return f"{name} = {value}, which the claim chooses, is not known to be positive"
    varies = [name for name, f in context.stepsize.branches.items() if OF_ORDER & set(f.names)]
    if varies and (context.setting.scheduler == "barrier" or context.setting.one_stepsize):
        return f"in {context.setting.name} it is one number, and branch {varies[0]!r} differs from step to step"
    if varies and context.random_schedule and in_mean:
        return f"branch {varies[0]!r} is random for {context.claim.policy} delays, and no inner product has it"
    return ""
