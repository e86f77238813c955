"""Steps of kind rule: facts about the claim's stepsize, the minimum of named branches.

Which stepsize a hand-out ends with: ``applied(k)`` is the rule at delay tau(k), always. ``ghat(k)`` is the rule at
the closed delay t(k) under output rule R1; under R0 and RL it is at most that (0, or the rule at a later delay).
``ghat0(m)`` is at most the rule at t0(m), 0 where the worker never returns. sigma = 0 drops branches: a bound by a
branch num/den reads den * gamma <= num, which is void then, and a case needs its branch to exist. Where no branch looks
at the delay or the step, a stepsize that is equal to the rule is the one number ``stepsize``.
"""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from ratecheck.checks.steps import BY_RULE, FREELY, Context, Outcome, Undone, certificate
from ratecheck.core import symbols
from ratecheck.core.gram import Ip, Vec, manifest
from ratecheck.core.proof import Fact, Rule, eq, le
from ratecheck.core.setting import applied, g_0, g_flying, ghat, j, m, t, t_0, t_flying, tau
from ratecheck.core.symbols import k, sigma

#: final stepsizes, at which delay they are at most the rule, and the tags under which they are equal to it
AT: dict[Any, tuple[Any, frozenset[str]]] = {
    applied(k): (tau(k), frozenset()),
    ghat(k): (t(k), frozenset({"R1"})),
    g_0(m): (t_0(m), frozenset({FREELY})),
    g_flying(k, j): (t_flying(k, j), frozenset({"R1", FREELY})),
}

#: letters of the settings
TAKEN = frozenset({"ghat", "ghat0", "ghatf", "gamma", "delta", "delta0", "t", "t0", "tf", "tau", "p", "j", "m", "i", "again",
                   "used", "phi"})  # fmt: skip


def discharge(step: Rule, context: Context) -> Outcome:
    """Derive a bound by one branch, or a fact by cases. Raises Undone for an unknown branch or stepsize."""
    branches = _branches(step, context)
    if step.below:
        if step.below not in branches:
            raise Undone(f"the stepsize has no branch {step.below!r}; there are: {', '.join(branches)}")
        top, bottom = sp.fraction(sp.together(branches[step.below]))
        tags = frozenset({BY_RULE}) if step.of in (g_0(m), g_flying(k, j)) else frozenset()
        return Outcome(le(step.of * bottom, top), f"branch {step.below!r} of the stepsize", tags=tags)
    if step.says is None:
        raise Undone("it says nothing: give it below= or says=")
    if step.of in AT and step.says == eq(step.of, symbols.stepsize):
        delay, tags = AT[step.of]
        if any(value.has(delay) for value in branches.values()):
            raise Undone(f"the stepsize is no constant: it looks at {delay}")
        return Outcome(step.says, "the stepsize is one number", tags=tags)
    slack = []
    for name, value in branches.items():
        left, right = (side.xreplace({step.of: value}) for side in (step.says.left, step.says.right))
        case = Fact(left, right, step.says.equality)
        try:
            slack.append(certificate.check(case, step.cases.get(name, ()), context, at_case=value.has(sigma)))
        except Undone as fault:
            raise Undone(f"where branch {name!r} is the smallest: {fault}") from fault
    tags = AT[step.of][1] if step.of in AT else frozenset()
    return Outcome(step.says, f"by cases: {', '.join(branches)}", "; ".join(filter(None, slack)), tags)


def _branches(step: Rule, context: Context) -> dict[str, sp.Expr]:
    """Return the branches as expressions: of the whole rule, or of a letter defined as the least of some of them."""
    rule = {name: f.expr for name, f in context.stepsize.branches.items()}
    if step.of in AT:
        delay = AT[step.of][0]
        for name, expr in rule.items():
            if not manifest(-sp.diff(expr, symbols.tau)):
                raise Undone(f"branch {name!r} grows with the delay")
        if symbols.k in set().union(*(e.free_symbols for e in rule.values())):
            raise Undone("the stepsize depends on the step")
        return {name: expr.subs(symbols.tau, delay) for name, expr in rule.items()}
    chosen = dict(step.values) or {name: rule[name] for name in step.branches or rule if name in rule}
    if not (step.values or len(chosen) == len(step.branches or rule)):
        raise Undone(f"the stepsize has not all of the branches {', '.join(step.branches)}")
    if not _fresh(step.of) or (step.of == symbols.stepsize and (step.values or step.branches)):
        raise Undone(f"{step.of} has a meaning already, or is no letter")
    if not step.values and any(e.has(symbols.tau) for e in chosen.values()):
        raise Undone(f"{step.of} is one number, and the branches depend on the delay")
    known = context.letters.setdefault(step.of, chosen)
    if known != chosen:
        raise Undone(f"{step.of} is the least of {', '.join(map(str, known.values()))} elsewhere")
    return chosen


def _fresh(of: Any) -> bool:
    """True for a letter, or function of indices, that neither the symbols nor the settings know."""
    if isinstance(of, sp.Symbol):
        return of == symbols.stepsize or not (symbols.meaning_of(of.name) or of.name in TAKEN)
    return isinstance(of, AppliedUndef) and not isinstance(of, Vec | Ip) and of.func.__name__ not in TAKEN
