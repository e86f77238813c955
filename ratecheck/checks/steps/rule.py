"""Steps of kind rule: facts about the claim's stepsize, the minimum of named branches.

Which stepsize a hand-out ends with: ``applied(k)`` is the rule at delay tau(k), always. ``ghat(k)`` is the rule at
the closed delay t(k) under output rule R1; under R0 and RL it is at most that (0, or the rule at a later delay).
``ghat0(m)`` is at most the rule at t0(m), 0 where the worker never returns. sigma = 0 drops branches: a bound by a
branch num/den reads den * gamma <= num, which is void then, and a case needs its branch to exist. Where no branch looks
at the delay or the step, a final stepsize is the one number ``stepsize`` or 0: at most that, and equal to it as above.
"""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from ratecheck.checks.steps import BY_RULE, FREELY, Context, Outcome, Undone, certificate
from ratecheck.core import symbols
from ratecheck.core.gram import Ip, Vec, manifest, plain
from ratecheck.core.proof import Fact, Rule, eq, le
from ratecheck.core.setting import applied, g_0, g_flying, ghat, j, m, t, t_0, t_flying, tau
from ratecheck.core.symbols import K, k, sigma

#: final stepsizes, at which delay they are at most the rule, and the tags under which they are equal to it
AT: dict[Any, tuple[Any, frozenset[str]]] = {
    applied(k): (tau(k), frozenset()),
    applied(K): (tau(K), frozenset()),
    applied(sp.Integer(1)): (tau(1), frozenset()),
    ghat(k): (t(k), frozenset({"R1"})),
    g_0(m): (t_0(m), frozenset({FREELY})),
    g_flying(k, j): (t_flying(k, j), frozenset({"R1", FREELY})),
}

#: letters of the settings
TAKEN = frozenset({"ghat", "ghat0", "ghatf", "gamma", "delta", "delta0", "t", "t0", "tf", "tau", "p", "j", "m", "i",
                   "again", "used", "phi", "w", "r", "gap", "kept", "kept0",
                   "age", "age0", "back", "back0", "aged", "late", "gm", "ahead", "full"})  # fmt: skip

#: in place of a definition: the letter is free, and another is defined by it
HELD = "held"

#: what sympy assumes of a positive number
_POSITIVE = set(sp.Symbol("a", positive=True).assumptions0.items())


def discharge(step: Rule, context: Context) -> Outcome:
    """Derive a bound by one branch, or a fact by cases. Raises Undone for an unknown branch or stepsize."""
    if isinstance(step.of, sp.Symbol) and step.of.name in context.stepsize.chosen:
        return _chosen(step, context)
    branches = _branches(step, context)
    if step.below:
        if step.below not in branches:
            raise Undone(f"the stepsize has no branch {step.below!r}; there are: {', '.join(branches)}")
        top, bottom = sp.fraction(sp.together(branches[step.below]))
        if not (plain(top).is_positive and plain(bottom).is_positive):
            raise Undone(f"branch {step.below!r} is not known to be a positive number over a positive number")
        tags = frozenset({BY_RULE}) if step.of in (g_0(m), g_flying(k, j)) else frozenset()
        return Outcome(le(step.of * bottom, top), f"branch {step.below!r} of the stepsize", tags=tags)
    if step.says is None:
        raise Undone("it says nothing: give it below= or says=")
    if step.of in AT and step.says in (eq(step.of, symbols.stepsize), le(step.of, symbols.stepsize)):
        delay, tags = AT[step.of][0], _tags(step.of, context)
        if any(value.has(delay) for value in branches.values()):
            raise Undone(f"the stepsize is no constant: it looks at {delay}")
        return Outcome(step.says, "the stepsize is one number", tags=tags if step.says.equality else frozenset())
    if any(s.has(step.of) and set(s.variables) & step.of.free_symbols for s in step.says.expr.atoms(sp.Sum)):
        raise Undone(f"in a sum the smallest branch of {step.of} may be another one in each term")
    slack = []
    for name, value in branches.items():
        left, right = (side.xreplace({step.of: value}) for side in (step.says.left, step.says.right))
        case = Fact(left, right, step.says.equality)
        # what is known of one number holds for its value
        put = {step.of: value} if isinstance(step.of, sp.Symbol) else {}
        try:
            slack.append(certificate.check(
                case, step.cases.get(name, ()), context, _infinite(value, {sigma: 0}), put, step.of.free_symbols
            ))  # fmt: skip
        except Undone as fault:
            raise Undone(f"where branch {name!r} is the smallest: {fault}") from fault
    tags = _tags(step.of, context)
    return Outcome(step.says, f"by cases: {', '.join(branches)}", "; ".join(filter(None, slack)), tags)


def _chosen(step: Rule, context: Context) -> Outcome:
    """A number of the method that the claim chooses with its stepsize: it is the formula, and nothing else."""
    formula = context.setting.read(context.stepsize.chosen[step.of.name].expr)
    if step.of != symbols.symbol_of(step.of.name) or step.of in context.setting.reads:
        raise Undone(f"{step.of} has another name in the setting of {context.setting.name}")
    if step.says != eq(step.of, formula):
        raise Undone(f"the claim chooses {step.of} = {formula}, and no more is known of it")
    return Outcome(step.says, "chosen with the stepsize")


def _tags(of: Any, context: Context) -> frozenset[str]:
    """Return the tags under which the stepsize is equal to the rule; ``uniform`` closes as R1 does."""
    tags = AT[of][1] if of in AT else frozenset()
    uniform = "uniform" in context.setting.measured and "R1" not in context.setting.measured
    return frozenset("uniform" if tag == "R1" and uniform else tag for tag in tags)


def _branches(step: Rule, context: Context) -> dict[str, sp.Expr]:
    """Return the branches as expressions: of the whole rule, or of a letter defined as the least of some of them."""
    rule = dict(context.branches)
    if step.of in AT:
        delay = AT[step.of][0]
        for name, expr in rule.items():
            if not falls(expr):
                raise Undone(f"branch {name!r} grows with the delay")
        if symbols.k in set().union(*(e.free_symbols for e in rule.values())):
            raise Undone("the stepsize depends on the step")
        return {name: expr.subs(symbols.tau, delay) for name, expr in rule.items()}
    values = {name: sp.S.Zero + value for name, value in step.values.items()}
    chosen = values or {name: rule[name] for name in step.branches or rule if name in rule}
    if not (step.values or len(chosen) == len(step.branches or rule)):
        raise Undone(f"the stepsize has not all of the branches {', '.join(step.branches)}")
    if not is_free(step.of, context) or (step.of == symbols.stepsize and (step.values or step.branches)):
        raise Undone(f"{step.of} has a meaning already, or is no letter")
    if not step.values and any(e.has(symbols.tau) for e in chosen.values()):
        raise Undone(f"{step.of} is one number, and the branches depend on the delay")
    if not set(step.of.assumptions0.items()) <= _POSITIVE:
        raise Undone(f"{step.of} is declared to be more than a positive number")
    if all(_infinite(value, dict.fromkeys(context.may_vanish, 0)) for value in chosen.values()):
        raise Undone(f"{step.of} lacks a value that is finite where {', '.join(chosen)} divide by 0")
    gone = dict(context.may_vanish)
    for name, value in chosen.items():
        if not plain(value).is_positive or not plain(sp.fraction(sp.together(value))[0]).xreplace(gone).is_positive:
            raise Undone(f"branch {name!r} is not known to be positive")
        if any(value.has(index) and not step.of.has(index) for index in context.setting.ranges):
            raise Undone(f"branch {name!r} has an index that {step.of} has not")
        hold_letters(step.of, value, context)
    known = context.letters.setdefault(step.of, chosen)
    if known == {HELD: step.of}:
        raise Undone(f"{step.of} is free where another letter was defined by it: define it before that")
    if known != chosen:
        raise Undone(f"{step.of} is the least of {', '.join(map(str, known.values()))} elsewhere")
    return chosen


def falls(expr: Any) -> bool:
    """True when the expression does not grow with the delay; a maximum does not fall when what is in it does not."""
    held = {a: sp.Dummy(positive=True) for a in expr.atoms(sp.Max) if a.has(symbols.tau)}
    if not all(a.is_positive and all(manifest(sp.diff(x, symbols.tau)) for x in a.args) for a in held):
        return False
    whole = expr.xreplace(held)
    return all(manifest(-sp.diff(whole, x)) for x in (symbols.tau, *held.values()))


def is_free(of: Any, context: Context) -> bool:
    """True for a letter, or function of different indices, that neither the symbols nor the settings know.

    A function has one definition, at all its indices: c(k) and c(k + 1), or c(1), are not two letters.
    """
    if isinstance(of, sp.Symbol):
        known = symbols.unit_of(of) is not None or of.name in TAKEN or of.name in map(str, context.setting.ranges)
        return of == symbols.stepsize or not known
    if not isinstance(of, AppliedUndef) or isinstance(of, Vec | Ip):
        return False
    if of.func.__name__ in TAKEN or of.func.__name__ in context.setting.letters:
        return False
    others = (x for x in context.letters if isinstance(x, AppliedUndef) and x != of)
    indices = set(of.args) <= set(context.setting.ranges) and len(set(of.args)) == len(of.args)
    return indices and all(x.func.__name__ != of.func.__name__ for x in others)


def hold_letters(of: Any, value: sp.Expr, context: Context) -> None:
    """Keep every letter that the value of ``of`` uses: one that is free there stays free. Raises Undone for ``of``.

    A fact about every number ``of`` is in expectation one about numbers alone: it is none about what ``of`` is then.
    """
    used = {x for x in (*value.free_symbols, *value.atoms(AppliedUndef)) if not isinstance(x, Vec | Ip)}
    if value != of and any(x == of or (isinstance(of, AppliedUndef) and x.func == of.func) for x in used):
        raise Undone(f"{of} is defined by itself")
    before = any(side.has(of) for o in context.done.values() for side in (o.fact.left, o.fact.right))
    if before and of not in context.letters and of != symbols.stepsize:
        raise Undone(f"{of} was any number before: define it before it is used")
    for letter in used - {symbols.stepsize}:  # which is defined by the claim alone
        if letter not in context.setting.ranges and is_free(letter, context):
            context.letters.setdefault(letter, {HELD: letter})


def _infinite(value: sp.Expr, at: dict[sp.Symbol, int]) -> bool:
    """True when the value is a division by 0 there: a branch of a stepsize is absent then."""
    return bool(value.subs(at).has(sp.oo, sp.zoo, sp.nan))
