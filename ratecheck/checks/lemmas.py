"""Whether the facts of a lemma, Python functions that look at schedules, say what the steps of its proof say.

Three things are asked of a fact and the step that it is said to be proved by. The function holds on all arrival orders
of small cases and on some long ones. Where every letter of the step can be counted on a schedule, the slack of the step
is worked out on all orders, the least one over indices, powers of momentum and parameters (M, 2M, 3M), and the function
must give that slack, but for a number >= 0 that M and K decide. Where a letter cannot be counted (stepsizes, vectors),
the fact names a counting lemma, and the step must rest on it; that both say the same is for the reader to see.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef

from ratecheck.checks import exact
from ratecheck.checks.steps import Context
from ratecheck.checks.steps.tables import BETAS, power_of
from ratecheck.core import shelf
from ratecheck.core.claim import Claim
from ratecheck.core.gram import Ip, Vec
from ratecheck.core.identity import Counting, Identity
from ratecheck.core.proof import Class, Fact, Proof
from ratecheck.core.schedule import Schedule
from ratecheck.core.setting import again, applied, g_0, ghat, i, j, m, p, t, t_0, tau
from ratecheck.core.setting_ormo import age, age_0, aged, kept, kept_0, late, r
from ratecheck.core.symbols import MEASURED, OF_SCHEDULE, K, L, M, k, sigma, tau_max
from ratecheck.core.symbols import tau as tau_
from ratecheck.engine.orders import arrival_orders
from ratecheck.engine.schedule import from_order

#: small cases (M, K) in which the words of a lemma are compared with the engine, all orders of them
CASES = ((1, 4), (2, 5), (3, 5))
#: more for counting facts: in turn; one worker that is away for 39 steps; all sorts
FURTHER = ((2, 8), (4, 6))
LONG = (
    (3, tuple(n % 3 for n in range(24))),
    (2, (0, *(1,) * 38, 0)),
    (4, tuple(n * n % 7 % 4 for n in range(24))),
)
#: cases in which slacks are compared
COMPARED = ((1, 3), (2, 4), (3, 4))


class Uncounted(Exception):
    """A letter that is no number of a schedule."""


def fault(claim: Claim, proof: Proof, what: str, name: str, context: Context) -> str:
    """Return why step ``name`` does not prove fact ``what`` of the claim, '' when it does."""
    named: dict[str, Identity | Counting] = {one.name: one for one in claim.identities}
    named |= {one.name: one for one in claim.counting}
    if what not in named:
        return f"the claim has no identity or counting fact {what!r}"
    thing = named[what]
    if wrong := _fails(claim, thing):
        return wrong
    if isinstance(thing, Counting):
        try:
            return _apart(thing, context.done[name].fact, context, claim)
        except Uncounted as letter:
            why = f"{letter} cannot be counted on a schedule"
    else:
        why = "it is about vectors"
    return "" if thing.lemma in _lemmas(proof, name) else f"not compared with the function of {what!r}: {why}"


def _fails(claim: Claim, thing: Identity | Counting) -> str:
    """Return an arrival order on which the fact does not hold, in words, '' when there is none."""
    method, desk = shelf.METHODS.get(claim.method), shelf.SCHEDULERS.get(claim.scheduler)
    if isinstance(thing, Identity):
        alone = bool(claim.cases) and all(workers == 1 for workers, _ in claim.cases)  # about one worker
        whole = [(workers, desk.period(workers) * -(-steps // desk.period(workers))) for workers, steps in CASES]
        cases, given = claim.cases if alone else whole, tuple(sorted(claim.fixed.items()))
        found = [exact.sweep_identity(thing, method, desk, case, given) for case in cases]
    else:
        found = [exact.sweep_counting(thing, desk, case) for case in (*CASES, *FURTHER)]
        found += [{**exact.counting_fault(thing, desk, workers, order), "M": workers, "order": list(order)}
                  for workers, order in LONG]  # fmt: skip
    wrong = next((one for one in found if "fault" in one), None)
    return f"with M = {wrong['M']} and arrivals {wrong['order']}: {wrong['fault']}" if wrong else ""


def _lemmas(proof: Proof, name: str) -> set[str]:
    """Return the counting lemmas that a step rests on."""
    needed, found = {name}, set()
    for step in reversed(proof.steps):
        if step.name in needed:
            needed |= set(step.uses)
            found |= {getattr(step, "lemma", "")} - {""}
            found |= {step.of} if isinstance(step, Class) else set()  # an inequality of the class of functions
            by = getattr(step, "by", ())  # equations of the setting, too, may be lemmas
            found |= {of for one in ((by,) if isinstance(by, str) else by) if isinstance(one, str)
                      and (of := proof.setting.lemmas.get(one))}  # fmt: skip
            summed = (e for e, (atom, _) in proof.setting.equations.items() if atom == getattr(step, "of", None))
            found |= {proof.setting.lemmas[e] for e in summed if e in proof.setting.lemmas}  # and what a sum is
    return found


def _apart(thing: Counting, fact: Fact, context: Context, claim: Claim) -> str:
    """Return how the function's slack differs from the step's, '' when it is the same but for a number of M and K."""
    desk = shelf.SCHEDULERS.get(claim.scheduler)
    cases = [(case, list(arrival_orders(desk, *case, labelled=False))) for case in COMPARED]
    for case, orders in (*cases, *(((workers, len(order)), [order]) for workers, order in thing.orders)):
        over: list[set[Any]] = [set(), set(), set()]  # the parameter is M; M or 2M; M, 2M or 3M
        for order in orders:
            schedule = from_order(desk, case[0], np.array(order, dtype=np.int64))
            slack = sp.Rational(exact.slack_of(thing, desk, case[0], order))
            least = _Slacks(schedule, thing, context).least(fact)
            for n in range(3) if least else ():
                over[n].add(slack - min(least[: n + 1]))
        if not any(len(one) == 0 or (len(one) == 1 and min(one) >= 0) for one in over):
            return f"the function of {thing.name!r} is about another number than its step: {fact}"
    return ""


@lru_cache(maxsize=1024)
def _smallest(branches: tuple[sp.Expr, ...], letters: tuple[tuple[sp.Symbol, Any], ...]) -> Any:
    """Return the smallest branch at these numbers. Raises Uncounted where it has other letters."""
    values = [expr.subs(dict(letters)) for expr in branches]
    if not all(value.is_number for value in values):
        raise Uncounted("the stepsize")
    return min(values)


class _Slacks:
    """The letters of one schedule, as numbers."""

    def __init__(self, schedule: Schedule, thing: Counting, context: Context) -> None:
        self.schedule = schedule
        #: those that are the least of other things
        self.letters = {x: v for x, v in context.letters.items() if "root" not in v and x not in v.values()}
        steps, workers = schedule.horizon, schedule.workers
        arrived, delays = schedule.worker[:steps].tolist(), schedule.delay[:steps].tolist()
        back = {int(h): n for n, h in enumerate(schedule.source[:steps], 1)}
        made = schedule.made_at[: schedule.handouts].tolist()
        closed = [back.get(h, steps + 1) - version for h, version in enumerate(made)]
        self.symbols = {L: 1, K: steps, M: workers, p: len(set(arrived)), tau_max: max(delays)}
        self.ranges = {k: range(1, steps + 1), m: range(1, workers + 1)}
        #: constants that the claim says are at most a number, and that number: they are it, or a seventh of it
        read = context.setting.read
        self.bounds = {read(a.says[0]): read(a.says[1]) for a in context.claim.assumptions
                       if a.says is not None and not a.says[2] and read(a.says[0]) != a.says[0]}  # fmt: skip
        last = {worker: n for n, worker in enumerate(arrived, 1)}
        self.functions: dict[Any, Any] = {
            tau: lambda n: delays[n - 1],
            t: lambda n: closed[workers + n - 1],
            t_0: lambda n: closed[n - 1],
            again: lambda n: int(arrived[n - 1] in arrived[: n - 1]),
            aged: lambda n: steps - last.get(n - 1, 0),
            applied: lambda n: self._rule(delays[n - 1], context),
            ghat: lambda n: self._rule(closed[workers + n - 1], context),
            g_0: lambda n: self._rule(closed[n - 1], context),
            late: lambda n, least: int(delays[n - 1] - 1 >= least),
            kept: lambda n, one: self._kept(n, workers + one - 1),
            kept_0: lambda n, one: self._kept(n, one - 1),
            age: lambda n, one: self._age(n, workers + one - 1),
            age_0: lambda n, one: self._age(n, one - 1),
        }
        self.own = {name: of(arrived, delays, workers) for name, of in thing.letters.items()}

    def _rule(self, delay: int, context: Context) -> Any:
        """Return the stepsize without noise, in units of 1/L; Uncounted where it has other constants."""
        branches = tuple(expr for expr in context.branches.values() if not expr.has(sigma))
        used = set().union(*(expr.free_symbols for expr in branches))
        return _smallest(branches, tuple((s, v) for s, v in {**self.symbols, tau_: delay}.items() if s in used))

    def _kept(self, step: int, hand_out: int) -> Any:
        power = power_of(self.schedule, step, hand_out, True)
        return 1 if power is None else (1 - self.symbols[r]) ** power

    def _age(self, step: int, hand_out: int) -> Any:
        version, workers = int(self.schedule.made_at[hand_out]), self.schedule.workers
        return (1 - self.symbols[r]) ** (-(-(step - 1) // workers) - -(-version // workers))

    def least(self, fact: Fact) -> list[Any]:
        """Return the least slack at the parameters M, 2M and 3M; [] where the fact divides by 0 and says nothing."""
        slacks: list[Any] = []
        before: list[Any] = []
        for n in (1, 2, 3):
            values = list(self._frees(fact.expr, n))
            if values == before:  # it has no parameter
                return slacks * 3
            before = values
            found = [fact.expr if not free else self.at(fact.expr, free) for free in values]
            if any(value.has(sp.zoo, sp.nan) for value in found):
                return []
            slacks.append(min(-abs(value) if fact.equality else value for value in found))
        return slacks

    def _frees(self, expr: sp.Expr, times: int) -> Iterator[dict[Any, Any]]:
        """Yield values of what is free in it: indices, r = 1 - beta, parameters."""
        known = {*self.symbols, *self.letters} | {s for s in expr.free_symbols if s.name in self.own}
        inside = [v for one in self.letters.values() for v in one.values()]
        free = set().union(expr.free_symbols, *((sp.S.Zero + v).free_symbols for v in inside)) - known - {i, j}
        if measured := {s.name for s in free} & {*MEASURED, *OF_SCHEDULE}:  # W under RL: of returns after K
            raise Uncounted(min(measured))
        shares = dict.fromkeys(self.bounds, (1, sp.Rational(1, 7)))
        lefts = [sp.Rational(1 - b) for b in BETAS]
        ranges = shares | {s: self.ranges.get(s, lefts if s == r else [times * self.schedule.workers])
                           for s in free - {r, *shares} | {r}}  # fmt: skip
        for values in product(*ranges.values()):
            yield dict(zip(ranges, values, strict=True))

    def at(self, expr: Any, free: Mapping[Any, Any]) -> Any:
        """Return the value of an expression. Raises Uncounted for a letter that no schedule has."""
        self.symbols[r] = free[r]
        for letter, bound in self.bounds.items():
            self.symbols[letter] = free[letter] * self._value(bound, {})
        free = {s: value for s, value in free.items() if s not in self.bounds}
        return self._value(sp.S.Zero + expr, dict(free))

    def _value(self, expr: Any, here: dict[Any, Any]) -> Any:
        if isinstance(expr, Vec | Ip):
            raise Uncounted(str(expr))
        if isinstance(expr, sp.Sum):
            ((index, low, high),) = expr.limits
            ends = (int(self._value(low, here)), int(self._value(high, here)))
            return sp.Add(*(self._value(expr.function, {**here, index: n}) for n in range(ends[0], ends[1] + 1)))
        name = expr.func.__name__ if isinstance(expr, AppliedUndef) else getattr(expr, "name", "")
        arguments = [self._value(a, here) for a in expr.args]
        if name in self.own:
            found = self.own[name]
            return sp.Rational(found[int(arguments[0]) - 1] if arguments else found)
        if expr in here or expr in self.symbols:
            return sp.Rational({**self.symbols, **here}[expr])
        for letter, values in self.letters.items():
            same = letter == expr or (letter.args and isinstance(expr, AppliedUndef) and letter.func.__name__ == name)
            if same:
                return min(self._value(v, {**here, **dict(zip(letter.args, arguments, strict=True))})
                           for v in values.values())  # fmt: skip
        if isinstance(expr, AppliedUndef):
            if expr.func not in self.functions:
                raise Uncounted(name)
            return sp.Rational(self.functions[expr.func](*(a if a.is_Integer is False else int(a) for a in arguments)))
        if expr.is_Symbol:
            raise Uncounted(name)
        return expr if not expr.args else expr.func(*arguments)
